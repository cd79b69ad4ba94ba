"""G.711, byte streams and the packets of a telephone line: 20 ms of 8 kHz, and longer."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks import optional
from benchmarks.agreement import int16, same
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.signals import noise, sine
from benchmarks.target import Target
from livekit_utils import AudioByteStream, AudioFrame, TelephonyCodec
from livekit_utils._kernels.g711 import s16_to_ulaw, ulaw_to_s16

_CODES = bytes(range(256))
_SAMPLES = np.arange(-32768, 32768, dtype=np.int16).tobytes()


def g711_experiments(effort: Effort) -> Iterator[Experiment]:
    """Mu-law: the copy is one of the samples that were decoded."""
    for num_samples in (160, 4800, 480_000):
        yield _decode(effort, num_samples)
    for num_samples in (160, 4800):
        yield _encode(effort, num_samples)


def byte_stream_experiments(effort: Effort) -> Iterator[Experiment]:
    """An AudioByteStream, a packet at a time; the copy is one of the frame's samples."""
    for encoding, num_bytes in (("s16le", 320), ("ulaw", 160)):
        yield _byte_stream(effort, encoding, num_bytes)


def codec_experiments(effort: Effort) -> Iterator[Experiment]:
    """A TelephonyCodec: packets of 160 bytes of mu-law to frames of 20 ms of 16 kHz, and back."""
    tone = sine(440, 8000, 1, 10000)
    packets = [s16_to_ulaw(tone[at : at + 160].tobytes()) for at in range(0, tone.size, 160)]
    yield _codec_decode(effort, packets)
    yield _codec_encode(effort)


def _audioop() -> ModuleType | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return optional.load("audioop", "audioop-lts")


def _decode(effort: Effort, num_samples: int) -> Experiment:
    data = noise(num_samples).astype(np.uint8).tobytes()
    table = int16(ulaw_to_s16(_CODES)).copy()
    decoded = bytes(ulaw_to_s16(data))
    name = f"g711/decode/{num_samples}"
    others: dict[str, Callable[[], Any]] = {
        "copy": lambda: bytearray(decoded),
        "numpy": lambda: table[np.frombuffer(data, np.uint8)],
    }
    audioop = _audioop()
    if audioop is not None:
        others["audioop"] = lambda: audioop.ulaw2lin(data, 2)
    av = optional.load("av", "av")
    if av is not None:
        codec = av.CodecContext.create("pcm_mulaw", "r")
        codec.sample_rate, codec.layout = 8000, "mono"
        others["pyav"] = lambda: codec.decode(av.Packet(data))[0].to_ndarray()

    def check() -> None:
        for other in others.values():
            same(name, int16(ulaw_to_s16(data)), int16(other()))

    return Experiment(
        name,
        (
            Contender.timed(OURS, lambda: ulaw_to_s16(data)),
            *(Contender.timed(other, function) for other, function in others.items()),
        ),
        check,
        effort.rounds,
        (Quantity(targets=(Target.ratio(1.5, "copy"),)),),
    )


def _encode(effort: Effort, num_samples: int) -> Experiment:
    samples = noise(num_samples)
    data = samples.tobytes()
    table = np.roll(np.frombuffer(s16_to_ulaw(_SAMPLES), np.uint8), 32768)
    name = f"g711/encode/{num_samples}"
    others: dict[str, Callable[[], bytes]] = {"numpy": lambda: table[samples.view(np.uint16)].tobytes()}
    audioop = _audioop()
    if audioop is not None:
        others["audioop"] = lambda: bytes(audioop.lin2ulaw(data, 2))

    def check() -> None:
        for other in others.values():
            same(name, np.frombuffer(s16_to_ulaw(data), np.uint8), np.frombuffer(other(), np.uint8))

    return Experiment(
        name,
        (
            Contender.timed(OURS, lambda: s16_to_ulaw(data)),
            *(Contender.timed(other, function) for other, function in others.items()),
        ),
        check,
        effort.rounds,
    )


def _byte_stream(effort: Effort, encoding: Any, num_bytes: int) -> Experiment:
    packet = noise(160).tobytes()[:num_bytes]
    stream = AudioByteStream(8000, 1, 160, encoding=encoding)
    samples = bytes(stream.push(packet)[0])
    contenders = [
        Contender.timed(OURS, lambda: stream.push(packet)),
        Contender.timed("copy", lambda: bytearray(samples)),
    ]
    agents = optional.load("livekit.agents.utils.audio", "livekit-agents") if encoding == "s16le" else None
    theirs = None if agents is None else agents.AudioByteStream(8000, 1, 160)
    if theirs is not None:
        contenders.append(Contender.timed("agents", lambda: theirs.push(packet)))

    def check() -> None:
        same("audio_byte_stream", int16(samples), int16(stream.push(packet)[0]))
        if theirs is not None:
            same("audio_byte_stream/agents", int16(samples), int16(theirs.push(packet)[0].data))

    return Experiment(
        f"audio_byte_stream/{encoding}",
        tuple(contenders),
        check,
        effort.rounds,
        (Quantity(targets=(Target.excess(0.5e-6, contender="copy"),)),),
    )


def _codec_decode(effort: Effort, packets: list[bytes]) -> Experiment:
    packet = packets[1]
    codec = TelephonyCodec()
    contenders = [Contender.timed(OURS, lambda: codec.decode(packet))]
    soxr, audioop = optional.load("soxr", "soxr"), _audioop()
    if soxr is not None and audioop is not None:
        stream = soxr.ResampleStream(8000, 16000, 1, dtype="int16", quality="HQ")

        def others() -> Any:
            return stream.resample_chunk(np.frombuffer(audioop.ulaw2lin(packet, 2), np.int16))

        contenders.append(Contender.timed("audioop_soxr", others))
    if soxr is not None:
        table = int16(ulaw_to_s16(_CODES)).copy()
        second = soxr.ResampleStream(8000, 16000, 1, dtype="int16", quality="HQ")
        contenders.append(
            Contender.timed("numpy_soxr", lambda: second.resample_chunk(table[np.frombuffer(packet, np.uint8)]))
        )

    av = optional.load("av", "av")
    if av is not None:
        contenders.append(Contender.timed("pyav", _pyav_decode(av, packet)))

    def check() -> None:
        fresh = TelephonyCodec()
        heard = np.concatenate([int16(fresh.decode(each)) for each in packets]).astype(float)
        delay = round(fresh.latency_ms * 16)
        wanted = sine(440, 16000, 1, 10000).astype(float)[: heard.size - delay]
        error = heard[delay:][800:-800] - wanted[800:-800]
        same("telephony_codec/decode", 0, round(float(np.sqrt(np.mean(error**2)))), 150)  # what mu-law adds

    return Experiment(
        "telephony_codec/decode", tuple(contenders), check, effort.rounds, (Quantity(targets=(Target.value(2.5e-6),)),)
    )


def _pyav_decode(av: ModuleType, packet: bytes) -> Callable[[], Any]:
    codec = av.CodecContext.create("pcm_mulaw", "r")
    codec.sample_rate, codec.layout = 8000, "mono"
    resampler = av.AudioResampler(format="s16", layout="mono", rate=16000)
    pts = 0

    def decode() -> Any:
        nonlocal pts
        frame = codec.decode(av.Packet(packet))[0]
        frame.pts, frame.time_base = pts, Fraction(1, 8000)  # without a place on the timeline it counts from 0 again
        pts += 160
        return [each.to_ndarray() for each in resampler.resample(frame)]

    return decode


def _codec_encode(effort: Effort) -> Experiment:
    samples = sine(440, 16000, 0.02, 10000)
    frame = AudioFrame(samples.tobytes(), 16000, 1, 320)
    codec = TelephonyCodec()
    contenders = [Contender.timed(OURS, lambda: codec.encode(frame))]
    soxr, audioop = optional.load("soxr", "soxr"), _audioop()
    if soxr is not None and audioop is not None:
        stream = soxr.ResampleStream(16000, 8000, 1, dtype="int16", quality="HQ")
        contenders.append(
            Contender.timed(
                "audioop_soxr", lambda: audioop.lin2ulaw(stream.resample_chunk(np.frombuffer(frame.data, np.int16)), 2)
            )
        )

    def check() -> None:
        same("telephony_codec/encode", [160], [len(packet) for packet in TelephonyCodec().encode(frame)])

    return Experiment("telephony_codec/encode", tuple(contenders), check, effort.rounds)
