"""AudioResampler and AudioResamplerQuality."""

from __future__ import annotations

import operator
from enum import StrEnum
from math import gcd
from typing import TYPE_CHECKING, Literal, Protocol, cast

from livekit_utils._kernels.convert import f32_to_s16, s16_to_f32
from livekit_utils._kernels.linear import LinearInterpolator
from livekit_utils._kernels.polyphase import MAX_RATIO, PolyphaseConverter
from livekit_utils.conversion.polyphase_design import filter_of, is_covered
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["AudioResampler", "AudioResamplerQuality"]

# Limits of libsamplerate (SRC_MAX_RATIO in its common.h, MAX_CHANNELS in its src_sinc.c).
_MAX_RATIO = 256
_MAX_CHANNELS = 128

# Up to here the linear interpolation computes within 64 bits.
_MAX_RATE = 2**30 - 1


AudioResamplerEngine = Literal["samplerate", "polyphase"]
_ENGINES: tuple[AudioResamplerEngine, ...] = ("samplerate", "polyphase")


class AudioResamplerQuality(StrEnum):
    """How much a conversion may cost, and what is left of the treble.

    With the engine `samplerate`, `QUICK` interpolates linearly: nearly free, and it aliases. The others are
    libsamplerate's band-limited sinc converters, which do not: `LOW` and `MEDIUM` its fastest, `HIGH` its medium,
    `VERY_HIGH` its best. Bandwidth and signal-to-noise ratio as libsamplerate states them: 80 % and 97 dB, 90 % and
    121 dB, 96 % and 144 dB.

    With the engine `polyphase`, all are band-limited. Of the lower rate's Nyquist frequency, `QUICK` passes 60 %
    within 0.1 dB, `LOW` 80 %, `MEDIUM` 90 %, `HIGH` 95 % and `VERY_HIGH` 97 %. They reject 63, 93, 99, 104 and 120 dB
    from 115 % on, `VERY_HIGH` 110 dB from 104 % on; what lies between is weakened, and aliases.
    """

    QUICK = "quick"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    VERY_HIGH = "very_high"


# Converter of libsamplerate, and half the width of its filter in samples of the lower rate: the number of
# coefficients over the increment, from the heads of fastest_coeffs.h, mid_qual_coeffs.h and high_qual_coeffs.h.
_SINC = {
    AudioResamplerQuality.LOW: ("sinc_fastest", 2464 / 128),
    AudioResamplerQuality.MEDIUM: ("sinc_fastest", 2464 / 128),
    AudioResamplerQuality.HIGH: ("sinc_medium", 22438 / 491),
    AudioResamplerQuality.VERY_HIGH: ("sinc_best", 340239 / 2381),
}


class _Engine(Protocol):
    """What turns whole input frames into output, and remembers what it still needs."""

    frames_held: int
    """Input frames that have come in when an output at their start can go out; at most."""

    def process(self, frame: AudioFrame, /) -> bytearray: ...
    def padding(self, num_frames: int) -> AudioFrame:
        """What follows the end of a stream."""
        ...

    def reset(self) -> None: ...


class _SincEngine:
    """libsamplerate's sinc converters. They work in float32, and hold the GIL."""

    def __init__(self, input_rate: int, output_rate: int, num_channels: int, quality: AudioResamplerQuality) -> None:
        import numpy as np
        import samplerate

        converter, half_width = _SINC[quality]
        self._ratio = output_rate / input_rate
        self._empty = np.empty
        self._float32 = np.float32
        self._resampler = samplerate.Resampler(converter, num_channels)
        # As src_sinc.c computes it: so many frames must be there on either side of the current one.
        self.frames_held = round(half_width * max(1.0, input_rate / output_rate)) + 1

    def process(self, frame: AudioFrame) -> bytearray:
        samples = self._empty((frame.samples_per_channel, frame.num_channels), self._float32)
        s16_to_f32(frame, samples.data)
        return f32_to_s16(self._resampler.process(samples, self._ratio, False))

    def padding(self, num_frames: int) -> AudioFrame:
        return AudioFrame.create(1, self._resampler.channels, num_frames)

    def reset(self) -> None:
        self._resampler.reset()


class _LinearEngine:
    """Linear interpolation in integers.

    libsamplerate has a linear converter too, but its Python binding drops the input that a call did not use, so that
    the result would depend on how the stream was cut, and drift.
    """

    def __init__(self, input_rate: int, output_rate: int, num_channels: int) -> None:
        divisor = gcd(input_rate, output_rate)
        input_rate, output_rate = input_rate // divisor, output_rate // divisor
        # An output stands for the input around it, half a step to either side. Without waiting for the right half
        # there could be one output more than the rounded total, should the stream end there.
        look_ahead = input_rate // (2 * output_rate)
        self.frames_held = 1 + look_ahead
        self._num_channels = num_channels
        self._interpolator = LinearInterpolator(input_rate, output_rate, num_channels, look_ahead)
        self._last = bytes(2 * num_channels)

    def process(self, frame: AudioFrame) -> bytearray:
        self._last = bytes(frame.data[-self._num_channels :])
        return self._interpolator.process(frame)

    def padding(self, num_frames: int) -> AudioFrame:
        return AudioFrame(self._last * num_frames, 1, self._num_channels, num_frames)

    def reset(self) -> None:
        self._interpolator.reset()


class _PolyphaseEngine:
    """A bank of filters for a fixed ratio, in float32."""

    def __init__(self, input_rate: int, output_rate: int, num_channels: int, quality: AudioResamplerQuality) -> None:
        bank = filter_of(input_rate, output_rate, quality)
        self.frames_held = bank.look_ahead
        self._num_channels = num_channels
        self._converter = PolyphaseConverter(bank, num_channels)
        self.process = self._converter.process
        self.reset = self._converter.reset

    def padding(self, num_frames: int) -> AudioFrame:
        return AudioFrame.create(1, self._num_channels, num_frames)


class _CopyEngine:
    """Equal rates: nothing to convert, bit for bit."""

    frames_held = 0

    def process(self, frame: AudioFrame) -> bytearray:
        return bytearray(frame.data)

    def padding(self, num_frames: int) -> AudioFrame:
        raise AssertionError("a copy holds nothing back")

    def reset(self) -> None:
        pass


class AudioResampler:
    """Converts a stream of audio from one sample rate to another.

    Over a whole stream, pushes and then `flush`, exactly `round(frames_in * output_rate / input_rate)` frames come
    out, aligned in time with what went in: no delay, no lost tail, however the stream was cut. Every push gives the
    output that is ready; what is held back is never more than `latency`. Digital silence stays digital silence,
    equal rates are a bit-exact copy, and values round to nearest and saturate.

    It works on libsamplerate (LiveKit's own class on SoX), which takes any two rates, or on a filter bank of its own,
    which is made for one ratio, several times faster, and holds back less.

    Args:
        input_rate: Hz, 1 to 1073741823.
        output_rate: Hz, likewise, and within a factor of 256 of the input rate.
        num_channels: 1 to 128, interleaved.
        quality: An `AudioResamplerQuality` or its string.
        engine: `samplerate` or `polyphase`. The latter takes rates whose ratio is one of whole numbers up to 2560:
            all pairs of 8, 11.025, 12, 16, 22.05, 24, 32, 44.1, 48, 88.2, 96 and 192 kHz, and many others.

    Raises:
        ValueError: Something is out of range.
        TypeError: Rates or channels that are no integers.

    Threads: one stream, one resampler, one thread at a time. libsamplerate holds the GIL while it works; the filter
    bank releases it on long blocks.

    Example:
        >>> resampler = AudioResampler(48000, 16000)
        >>> frames = [frame for _ in range(100) for frame in resampler.push(AudioFrame.create(48000, 1, 480))]
        >>> frames += resampler.flush()
        >>> sum(frame.samples_per_channel for frame in frames)
        16000
    """

    def __init__(
        self,
        input_rate: int,
        output_rate: int,
        *,
        num_channels: int = 1,
        quality: AudioResamplerQuality | str = AudioResamplerQuality.MEDIUM,
        engine: AudioResamplerEngine = "samplerate",
    ) -> None:
        self._input_rate = operator.index(input_rate)
        self._output_rate = operator.index(output_rate)
        self._num_channels = operator.index(num_channels)
        lower, higher = sorted((self._input_rate, self._output_rate))
        if lower < 1 or higher > _MAX_RATE:
            raise ValueError(f"expected sample rates of 1 to {_MAX_RATE} Hz, got {input_rate} and {output_rate}")
        if higher > _MAX_RATIO * lower:
            raise ValueError(f"expected rates within a factor of {_MAX_RATIO}, got {input_rate} and {output_rate} Hz")
        if not 1 <= self._num_channels <= _MAX_CHANNELS:
            raise ValueError(f"expected 1 to {_MAX_CHANNELS} channels, got {num_channels}")
        try:
            self._quality = AudioResamplerQuality(quality)
        except ValueError:
            names = ", ".join(AudioResamplerQuality)
            raise ValueError(f"expected a quality of {names}, got {quality!r}") from None
        if engine not in _ENGINES:
            raise ValueError(f"expected an engine of {', '.join(_ENGINES)}, got {engine!r}")
        if engine == "polyphase" and not is_covered(self._input_rate, self._output_rate):
            raise ValueError(
                f"expected rates whose ratio is one of whole numbers up to {MAX_RATIO}, got {input_rate} and "
                f'{output_rate} Hz; engine="samplerate" converts them'
            )
        self._engine_name: AudioResamplerEngine = engine
        self._engine = self._make_engine()
        self._frames_in = 0
        self._frames_out = 0

    def _make_engine(self) -> _Engine:
        if self._input_rate == self._output_rate:
            return _CopyEngine()
        if self._engine_name == "polyphase":
            return _PolyphaseEngine(self._input_rate, self._output_rate, self._num_channels, self._quality)
        if self._quality is AudioResamplerQuality.QUICK:
            return _LinearEngine(self._input_rate, self._output_rate, self._num_channels)
        return _SincEngine(self._input_rate, self._output_rate, self._num_channels, self._quality)

    @property
    def input_rate(self) -> int:
        return self._input_rate

    @property
    def output_rate(self) -> int:
        return self._output_rate

    @property
    def num_channels(self) -> int:
        return self._num_channels

    @property
    def quality(self) -> AudioResamplerQuality:
        return self._quality

    @property
    def engine(self) -> AudioResamplerEngine:
        return self._engine_name

    @property
    def latency(self) -> float:
        """Seconds of input that the converter holds back at most, until `flush`."""
        return self._engine.frames_held / self._input_rate

    def push(self, data: Buffer | AudioFrame) -> list[AudioFrame]:
        """Takes audio and returns what is ready.

        Args:
            data: A frame (ours or the LiveKit SDK's), or any buffer of int16 samples or their bytes, interleaved.

        Returns:
            One new frame, or none while the converter has not enough yet. It owns its samples.

        Raises:
            ValueError: A frame of another rate or channel count, or bytes that are not whole samples of all
                channels. The state is then unchanged.
            TypeError: Neither a frame nor a buffer of bytes or int16.
        """
        frame = self._as_frame(data)
        if frame.samples_per_channel == 0:
            return []
        samples = self._engine.process(frame)
        self._frames_in += frame.samples_per_channel
        return self._emit(samples, len(samples) // (2 * self._num_channels))

    def flush(self) -> list[AudioFrame]:
        """Ends the stream: returns what is still inside, and is ready for a new stream.

        Returns:
            One new frame, or none where nothing is left.
        """
        wanted = _round_ratio(self._frames_in * self._output_rate, self._input_rate) - self._frames_out
        samples = bytearray()
        num_bytes = wanted * 2 * self._num_channels
        # One padding is enough by the filter's length; the second covers a rounding.
        for _ in range(2):
            if len(samples) >= num_bytes:
                break
            padding = self._engine.frames_held + self._input_rate // self._output_rate + 2
            samples += self._engine.process(self._engine.padding(padding))
        if len(samples) < num_bytes:
            raise RuntimeError(f"expected {num_bytes} bytes from the converter at the end, got {len(samples)}")
        frames = self._emit(samples, wanted)
        self.reset()
        return frames

    def reset(self) -> None:
        """Drops what is inside and is ready for a new stream."""
        self._engine.reset()
        self._frames_in = 0
        self._frames_out = 0

    def _emit(self, samples: bytearray, num_frames: int) -> list[AudioFrame]:
        if num_frames == 0:
            return []
        self._frames_out += num_frames
        return [AudioFrame(samples, self._output_rate, self._num_channels, num_frames)]

    def _as_frame(self, data: Buffer | AudioFrame) -> AudioFrame:
        """Checks everything before anything is changed."""
        if not isinstance(data, AudioFrame):
            if not hasattr(data, "samples_per_channel"):
                num_bytes = memoryview(data).nbytes
                if num_bytes % (2 * self._num_channels):
                    raise ValueError(
                        f"expected whole 16-bit samples of {self._num_channels} channels, got {num_bytes} bytes"
                    )
                return AudioFrame(data, self._input_rate, self._num_channels, num_bytes // (2 * self._num_channels))
            data = as_audio_frame(cast("AudioFrame", data))
        if data.sample_rate != self._input_rate or data.num_channels != self._num_channels:
            raise ValueError(
                f"expected a frame of {self._input_rate} Hz and {self._num_channels} channels, "
                f"got {data.sample_rate} Hz and {data.num_channels}"
            )
        return data

    def __repr__(self) -> str:
        return (
            f"AudioResampler({self._input_rate}, {self._output_rate}, num_channels={self._num_channels}, "
            f"quality={self._quality.value!r}, engine={self._engine_name!r})"
        )


def engine_for(input_rate: int, output_rate: int) -> AudioResamplerEngine:
    """The engine for conversions that nobody has chosen one for: the faster one, where it takes the ratio."""
    return "polyphase" if is_covered(input_rate, output_rate) else "samplerate"


def _round_ratio(numerator: int, denominator: int) -> int:
    """round(numerator / denominator), ties to even as in Python, in integers."""
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient % 2 == 1))
