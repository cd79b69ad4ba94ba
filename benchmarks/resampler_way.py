"""ResamplerWay: one way to convert a stream of 10 ms blocks to another sample rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import samplerate

from benchmarks import optional
from benchmarks.agreement import joined
from benchmarks.contender import OURS
from livekit_utils import AudioFrame, AudioResampler, AudioResamplerQuality
from livekit_utils.conversion.engines import AudioResamplerEngine

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


@dataclass(frozen=True)
class ResamplerWay:
    name: str
    make: Callable[[], Push]
    """A new stream: a function that takes a block and returns what is ready."""
    as_input: Callable[[Samples], Any]
    """A block of int16 as that function takes it."""
    as_samples: Callable[[Any], Samples]
    """What it returns, as int16."""

    def blocks(self, samples: Samples, input_rate: int) -> list[Any]:
        size = input_rate // 100
        return [self.as_input(samples[at : at + size]) for at in range(0, samples.size, size)]

    @classmethod
    def ours(
        cls, input_rate: int, output_rate: int, quality: AudioResamplerQuality, engine: AudioResamplerEngine
    ) -> ResamplerWay:
        return cls(
            OURS,
            lambda: AudioResampler(input_rate, output_rate, quality=quality, engine=engine).push,
            lambda block: AudioFrame(block.tobytes(), input_rate, 1, block.size),
            joined,
        )

    @classmethod
    def adjusted(
        cls, input_rate: int, output_rate: int, quality: AudioResamplerQuality, ppm: float
    ) -> list[ResamplerWay]:
        """Ours and libsamplerate alone, with a ratio that is off by so many millionths."""

        def make_ours() -> Push:
            resampler = AudioResampler(input_rate, output_rate, quality=quality)
            resampler.adjust_ppm(ppm)
            return resampler.push

        def make_samplerate() -> Push:
            resampler = samplerate.Resampler(_CONVERTERS[quality], 1)
            ratio = output_rate / input_rate * (1 + ppm / 1e6)
            return lambda block: resampler.process(block, ratio, False)

        return [
            cls(OURS, make_ours, lambda block: AudioFrame(block.tobytes(), input_rate, 1, block.size), joined),
            cls("samplerate", make_samplerate, lambda block: (block / 32768).astype(np.float32), _rounded),
        ]

    @classmethod
    def others(cls, input_rate: int, output_rate: int, quality: AudioResamplerQuality) -> list[ResamplerWay]:
        """libsamplerate alone, and those that are installed of the SDK and soxr."""

        def make_samplerate() -> Push:
            resampler, ratio = samplerate.Resampler(_CONVERTERS[quality], 1), output_rate / input_rate
            return lambda block: resampler.process(block, ratio, False)

        ways = [cls("samplerate", make_samplerate, lambda block: (block / 32768).astype(np.float32), _rounded)]
        rtc = optional.sdk()
        if rtc is not None:
            their_quality = rtc.AudioResamplerQuality(quality.value)

            def make_sdk() -> Push:
                push: Push = rtc.AudioResampler(input_rate, output_rate, quality=their_quality).push
                return push

            def as_frame(block: Samples) -> Any:
                return rtc.AudioFrame(block.tobytes(), input_rate, 1, block.size)

            ways.append(cls("sdk", make_sdk, as_frame, joined))
        soxr = optional.load("soxr", "soxr")
        if soxr is not None:
            setting = _SOXR[quality]

            def make_soxr() -> Push:
                stream = soxr.ResampleStream(input_rate, output_rate, 1, dtype="int16", quality=setting)
                push: Push = stream.resample_chunk
                return push

            ways.append(cls("soxr", make_soxr, lambda block: block, lambda output: output))
        return ways


def _rounded(output: Samples) -> Samples:
    rounded: Samples = np.clip(np.rint(output * 32768), -32768, 32767).astype(np.int16)
    return rounded
