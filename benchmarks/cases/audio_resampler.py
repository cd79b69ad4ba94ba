"""10 ms of audio at a time to another sample rate: time per push."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import samplerate

from benchmarks import optional
from benchmarks.agreement import joined, same, same_sine
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.signals import frames, sine
from benchmarks.target import Target
from livekit_utils import AudioFrame, AudioResampler, AudioResamplerQuality

_RATES = ((48000, 16000), (16000, 48000), (44100, 48000))
_FREQ, _PEAK, _PUSHES = 1000.0, 0.5 * 32767, 100

_CONVERTERS = {
    "quick": "linear",
    "low": "sinc_fastest",
    "medium": "sinc_fastest",
    "high": "sinc_medium",
    "very_high": "sinc_best",
}
_SOXR = {"quick": "QQ", "low": "LQ", "medium": "MQ", "high": "HQ", "very_high": "VHQ"}

Push = Callable[[Any], Any]
Samples = npt.NDArray[Any]


def experiments(effort: Effort) -> Iterator[Experiment]:
    for input_rate, output_rate in _RATES:
        for quality in AudioResamplerQuality:
            yield _experiment(effort, input_rate, output_rate, quality)


def output_experiments(effort: Effort) -> Iterator[Experiment]:
    """Of 100 pushes into a new resampler, how many are answered with samples."""
    for input_rate, output_rate in _RATES:
        for quality in (AudioResamplerQuality.MEDIUM, AudioResamplerQuality.VERY_HIGH):
            ways = {way.name: way for way in _ways(input_rate, output_rate, quality) if way.name != "samplerate"}
            contenders = tuple(Contender.once(name, _answered(way)) for name, way in ways.items())
            quantity = Quantity(unit="integer")
            check = _check(input_rate, output_rate, quality)
            name = f"audio_resampler_outputs/{input_rate}-{output_rate}/{quality}"
            yield Experiment(name, contenders, check, 1, (quantity,))


class _Way:
    """One way to convert: what is pushed, and into what."""

    def __init__(self, name: str, make: Callable[[], Push], blocks: list[Any], samples: Callable[[Any], Samples]):
        self.name = name
        self.make = make
        self.blocks = blocks
        self.samples = samples
        """Of what a push returns, as int16."""


def _ways(input_rate: int, output_rate: int, quality: AudioResamplerQuality) -> list[_Way]:
    signal = sine(_FREQ, input_rate, _PUSHES / 100, _PEAK)
    size = input_rate // 100
    blocks = [signal[at : at + size] for at in range(0, signal.size, size)]
    floats = [(block / 32768).astype(np.float32) for block in blocks]

    def make_raw() -> Push:
        resampler, ratio = samplerate.Resampler(_CONVERTERS[quality], 1), output_rate / input_rate
        return lambda block: resampler.process(block, ratio, False)

    ways = [
        _Way(
            OURS,
            lambda: AudioResampler(input_rate, output_rate, quality=quality).push,
            frames(AudioFrame, signal, input_rate),
            joined,
        ),
        _Way("samplerate", make_raw, floats, _as_int16),
    ]
    rtc = optional.sdk()
    if rtc is not None:
        their_quality = rtc.AudioResamplerQuality(quality.value)
        ways.append(
            _Way(
                "sdk",
                lambda: _sdk_push(rtc, input_rate, output_rate, their_quality),
                frames(rtc.AudioFrame, signal, input_rate),
                joined,
            )
        )
    soxr = optional.load("soxr", "soxr")
    if soxr is not None:
        setting = _SOXR[quality]
        ways.append(
            _Way(
                "soxr",
                lambda: soxr.ResampleStream(input_rate, output_rate, 1, dtype="int16", quality=setting).resample_chunk,
                blocks,
                lambda output: output,
            )
        )
    return ways


def _sdk_push(rtc: Any, input_rate: int, output_rate: int, quality: Any) -> Push:
    push: Push = rtc.AudioResampler(input_rate, output_rate, quality=quality).push
    return push


def _as_int16(output: Samples) -> Samples:
    rounded: Samples = np.clip(np.rint(output * 32768), -32768, 32767).astype(np.int16)
    return rounded


def _experiment(effort: Effort, input_rate: int, output_rate: int, quality: AudioResamplerQuality) -> Experiment:
    contenders = tuple(
        Contender.timed(way.name, _pusher(way), inner_loops=_PUSHES) for way in _ways(input_rate, output_rate, quality)
    )
    # For the quick one ours is not libsamplerate's.
    targets = () if quality is AudioResamplerQuality.QUICK else (Target.ratio(1.1, "samplerate"),)
    return Experiment(
        f"audio_resampler/{input_rate}-{output_rate}/{quality}",
        contenders,
        _check(input_rate, output_rate, quality),
        effort.rounds,
        (Quantity(targets=targets),),
    )


def _pusher(way: _Way) -> Callable[[], None]:
    push, blocks = way.make(), way.blocks

    def push_all() -> None:
        for block in blocks:
            push(block)

    return push_all


def _check(input_rate: int, output_rate: int, quality: AudioResamplerQuality) -> Callable[[], None]:
    """All give the same sine; what ours and libsamplerate give is the same to the bit."""

    def check() -> None:
        is_quick = quality is AudioResamplerQuality.QUICK
        outputs = {}
        for way in _ways(input_rate, output_rate, quality):
            push = way.make()
            output = np.concatenate([way.samples(push(block)) for block in way.blocks])
            name = f"audio_resampler/{input_rate}-{output_rate}/{quality}/{way.name}"
            same_sine(name, output, _FREQ, output_rate, _PEAK, noise_db=-40 if is_quick else -80)
            outputs[way.name] = output
        if not is_quick:
            same("audio_resampler", outputs["samplerate"], outputs[OURS])

    return check


def _answered(way: _Way) -> Callable[[], dict[str, float]]:
    def count() -> dict[str, float]:
        push = way.make()
        return {"": sum(way.samples(push(block)).size > 0 for block in way.blocks)}

    return count
