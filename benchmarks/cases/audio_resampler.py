"""10 ms of audio at a time to another sample rate: time per push."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.agreement import same, same_sine
from benchmarks.contender import Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.resampler_way import ResamplerWay
from benchmarks.signals import sine
from benchmarks.target import Target
from livekit_utils import AudioResamplerQuality
from livekit_utils.conversion.engines import AudioResamplerEngine

_RATES = ((48000, 16000), (16000, 48000), (44100, 48000))
_FIXED_RATES = (*_RATES, (48000, 44100), (48000, 24000), (24000, 48000), (8000, 48000), (48000, 8000))
_FREQ, _PEAK, _PUSHES = 400.0, 0.5 * 32767, 100
_PPM = 100.0

# Share of the SDK's time that the polyphase engine may take.
_POLYPHASE_SHARES = {"quick": 0.25, "low": 0.25, "medium": 0.25, "high": 0.35}


def experiments(effort: Effort) -> Iterator[Experiment]:
    for input_rate, output_rate in _RATES:
        for quality in AudioResamplerQuality:
            # For the quick one ours is not libsamplerate's.
            targets = () if quality is AudioResamplerQuality.QUICK else (Target.ratio(1.1, "samplerate"),)
            yield _experiment("audio_resampler", effort, input_rate, output_rate, quality, "samplerate", targets)


def polyphase_experiments(effort: Effort) -> Iterator[Experiment]:
    """10 ms of audio at a time to another sample rate, by a filter bank for the ratio: time per push."""
    for input_rate, output_rate in _FIXED_RATES:
        for quality in AudioResamplerQuality:
            targets: tuple[Target, ...] = ()
            if quality in _POLYPHASE_SHARES:
                targets = (Target.ratio(_POLYPHASE_SHARES[quality], "sdk"), Target.ratio(0.6, "soxr"))
            name = "audio_resampler_polyphase"
            yield _experiment(name, effort, input_rate, output_rate, quality, "polyphase", targets)


def adjusted_experiments(effort: Effort) -> Iterator[Experiment]:
    """10 ms of audio at a time by a ratio that is off by 100 ppm, as for a clock that is followed: time per push."""
    for rates in ((48000, 48000), *_RATES):
        for quality in AudioResamplerQuality:
            is_quick = quality is AudioResamplerQuality.QUICK
            ways = ResamplerWay.adjusted(*rates, quality, _PPM)
            yield Experiment(
                f"audio_resampler_adjusted/{rates[0]}-{rates[1]}/{quality}",
                tuple(Contender.timed(way.name, _pusher(way, rates[0]), inner_loops=_PUSHES) for way in ways),
                _check_adjusted(ways, *rates, quality),
                effort.rounds,
                (Quantity(targets=() if is_quick else (Target.ratio(0.4, "samplerate"),)),),
            )


def output_experiments(effort: Effort) -> Iterator[Experiment]:
    """Of 100 pushes into a new resampler, how many are answered with samples."""
    for input_rate, output_rate in _RATES:
        for quality in (AudioResamplerQuality.MEDIUM, AudioResamplerQuality.VERY_HIGH):
            ways = [way for way in _ways(input_rate, output_rate, quality, "samplerate") if way.name != "samplerate"]
            contenders = tuple(Contender.once(way.name, _answered(way, input_rate)) for way in ways)
            quantity = Quantity(unit="integer")
            check = _check(input_rate, output_rate, quality, "samplerate")
            name = f"audio_resampler_outputs/{input_rate}-{output_rate}/{quality}"
            yield Experiment(name, contenders, check, 1, (quantity,))


def _ways(
    input_rate: int, output_rate: int, quality: AudioResamplerQuality, engine: AudioResamplerEngine
) -> list[ResamplerWay]:
    ours = ResamplerWay.ours(input_rate, output_rate, quality, engine)
    return [ours, *ResamplerWay.others(input_rate, output_rate, quality)]


def _experiment(
    group: str,
    effort: Effort,
    input_rate: int,
    output_rate: int,
    quality: AudioResamplerQuality,
    engine: AudioResamplerEngine,
    targets: tuple[Target, ...],
) -> Experiment:
    contenders = tuple(
        Contender.timed(way.name, _pusher(way, input_rate), inner_loops=_PUSHES)
        for way in _ways(input_rate, output_rate, quality, engine)
    )
    return Experiment(
        f"{group}/{input_rate}-{output_rate}/{quality}",
        contenders,
        _check(input_rate, output_rate, quality, engine),
        effort.rounds,
        (Quantity(targets=targets),),
    )


def _blocks(way: ResamplerWay, input_rate: int) -> list[object]:
    return way.blocks(sine(_FREQ, input_rate, _PUSHES / 100, _PEAK), input_rate)


def _pusher(way: ResamplerWay, input_rate: int) -> Callable[[], None]:
    push, blocks = way.make(), _blocks(way, input_rate)

    def push_all() -> None:
        for block in blocks:
            push(block)

    return push_all


def _check(
    input_rate: int, output_rate: int, quality: AudioResamplerQuality, engine: AudioResamplerEngine
) -> Callable[[], None]:
    """All give the same sine; what ours on libsamplerate and libsamplerate give is the same to the bit."""

    def check() -> None:
        is_quick = quality is AudioResamplerQuality.QUICK
        outputs = []
        for way in _ways(input_rate, output_rate, quality, engine):
            push = way.make()
            output = np.concatenate([way.as_samples(push(block)) for block in _blocks(way, input_rate)])
            name = f"audio_resampler/{input_rate}-{output_rate}/{quality}/{way.name}"
            same_sine(name, output, _FREQ, output_rate, _PEAK, noise_db=-40 if is_quick else -80)
            outputs.append(output)
        if engine == "samplerate" and not is_quick:
            same("audio_resampler", outputs[1], outputs[0])

    return check


def _check_adjusted(
    ways: list[ResamplerWay], input_rate: int, output_rate: int, quality: AudioResamplerQuality
) -> Callable[[], None]:
    def check() -> None:
        for way in ways:
            push = way.make()
            output = np.concatenate([way.as_samples(push(block)) for block in _blocks(way, input_rate)])
            name = f"audio_resampler_adjusted/{input_rate}-{output_rate}/{quality}/{way.name}"
            noise_db = -40 if quality is AudioResamplerQuality.QUICK else -80
            same_sine(name, output, _FREQ / (1 + _PPM / 1e6), output_rate, _PEAK, noise_db=noise_db)

    return check


def _answered(way: ResamplerWay, input_rate: int) -> Callable[[], dict[str, float]]:
    def count() -> dict[str, float]:
        push = way.make()
        return {"": sum(way.as_samples(push(block)).size > 0 for block in _blocks(way, input_rate))}

    return count
