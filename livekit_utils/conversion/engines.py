"""The engines of AudioResampler convert one stream from one sample rate to another."""

from __future__ import annotations

import os
from enum import StrEnum
from math import gcd
from typing import TYPE_CHECKING, Literal, Protocol, cast

from livekit_utils._kernels.convert import f32_to_s16, s16_to_f32
from livekit_utils._kernels.linear import LinearInterpolator
from livekit_utils._kernels.polyphase import MAX_RATIO, PolyphaseConverter
from livekit_utils._kernels.variable_ratio import VariableConverter
from livekit_utils._runtime.public_path import public
from livekit_utils.conversion.polyphase_design import filter_of, is_covered, look_ahead_of, variable_filter_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

AudioResamplerEngine = Literal["samplerate", "polyphase"]
EngineChoice = Literal["samplerate", "polyphase", "auto"]
_CHOICES = ("samplerate", "polyphase", "auto")

VARIABLE = "LIVEKIT_UTILS_RESAMPLER"
"""The environment variable that sets the default engine of a process."""


@public
class AudioResamplerQuality(StrEnum):
    """Sets the bandwidth of a conversion and its cost.

    With the engine `samplerate`, `QUICK` interpolates linearly: nearly free, but it aliases. The others are
    libsamplerate's band-limited sinc converters, which do not alias: its fastest for `LOW` and `MEDIUM`, its medium for
    `HIGH`, its best for `VERY_HIGH`. libsamplerate states a bandwidth and signal-to-noise ratio of 80 % and 97 dB,
    90 % and 121 dB, 96 % and 144 dB for them.

    With the engine `polyphase`, all are band-limited. Of the lower rate's Nyquist frequency, `QUICK` passes 60 %
    within 0.1 dB, `LOW` 80 %, `MEDIUM` 90 %, `HIGH` 95 % and `VERY_HIGH` 97 %. They reject 63, 93, 99, 104 and 120 dB
    from 115 % on, `VERY_HIGH` 110 dB from 104 % on. Between passband and stopband, the signal is weakened and aliases.
    """

    QUICK = "quick"
    """For levels and wake words."""
    LOW = "low"
    """For telephone lines."""
    MEDIUM = "medium"
    """For speech."""
    HIGH = "high"
    """For speech recognition, and music at a distance."""
    VERY_HIGH = "very_high"
    """For music and recordings."""


# libsamplerate's converter for each quality, and half the width of its filter in samples of the lower rate: the number
# of coefficients over the increment, from the heads of fastest_coeffs.h, mid_qual_coeffs.h and high_qual_coeffs.h.
_SINC = {
    AudioResamplerQuality.LOW: ("sinc_fastest", 2464 / 128),
    AudioResamplerQuality.MEDIUM: ("sinc_fastest", 2464 / 128),
    AudioResamplerQuality.HIGH: ("sinc_medium", 22438 / 491),
    AudioResamplerQuality.VERY_HIGH: ("sinc_best", 340239 / 2381),
}


MAX_CHANGE = 0.5
"""A ratio that is set lies within this part of the nominal one."""


class Engine(Protocol):
    """Converts whole samples of all channels, and keeps the input that it still needs."""

    samples_held: int
    """At most this many samples per channel of input come in before the output at their start can go out."""

    def process(self, samples: Buffer, /) -> bytearray:
        """Returns the output that is ready after these int16 samples."""
        ...

    def padding(self, samples_per_channel: int, /) -> bytes:
        """Returns the samples to process after the end of a stream, so that all its output gets ready."""
        ...

    def recent(self) -> Buffer:
        """Returns the last samples that came in: the start of what a `VariableEngine` needs for the next output."""
        ...

    def reset(self) -> None:
        """Forgets all input."""
        ...


def make_engine(
    input_rate: int,
    output_rate: int,
    num_channels: int,
    quality: AudioResamplerQuality,
    engine: AudioResamplerEngine,
) -> Engine:
    """Makes the engine for a conversion; equal rates are copied."""
    if input_rate == output_rate:
        return CopyEngine(num_channels, look_ahead_of(1, 1, quality))
    if engine == "polyphase":
        return PolyphaseEngine(input_rate, output_rate, num_channels, quality)
    if quality is AudioResamplerQuality.QUICK:
        return LinearEngine(input_rate, output_rate, num_channels, look_ahead_of(input_rate, output_rate, quality))
    return SincEngine(input_rate, output_rate, num_channels, quality)


def engine_for(input_rate: int, output_rate: int) -> AudioResamplerEngine:
    """Returns the engine that "auto" takes: `polyphase`, which is faster, where it covers the ratio."""
    return "polyphase" if is_covered(input_rate, output_rate) else "samplerate"


def choose_engine(engine: EngineChoice | None, input_rate: int, output_rate: int) -> AudioResamplerEngine:
    """Returns the engine that is asked for by an argument, or else by the environment; checked.

    Raises:
        ValueError: There is no such engine, or it does not cover the rates. One that the environment asks for is no
            exception: "auto" is for programs that convert between any two rates.
        TypeError: The engine is no str.
    """
    name, choice = "engine", engine
    if engine is None:
        name, choice = VARIABLE, cast("EngineChoice", os.environ.get(VARIABLE) or "samplerate")
    if choice not in _CHOICES:
        error = ValueError if isinstance(choice, (int, str)) else TypeError
        raise error(f"{name}: expected one of {', '.join(_CHOICES)}, got {choice!r}")
    if choice == "auto":
        return engine_for(input_rate, output_rate)
    if choice == "polyphase" and not is_covered(input_rate, output_rate):
        other = 'engine="samplerate"' if engine is not None else f"{VARIABLE}=auto"
        raise ValueError(
            f"output_rate: expected a ratio of whole numbers up to {MAX_RATIO} to {input_rate} Hz, "
            f"got {output_rate} Hz; {other} converts them"
        )
    return choice


class _Recent:
    """The last samples that came in."""

    def __init__(self, samples_per_channel: int, num_channels: int) -> None:
        self._num_bytes = 2 * num_channels * samples_per_channel
        self.samples = b""

    def add(self, samples: Buffer) -> None:
        view = memoryview(samples).cast("B")
        if len(view) >= self._num_bytes:
            self.samples = bytes(view[len(view) - self._num_bytes :])
        else:
            self.samples = (self.samples + view)[-self._num_bytes :]

    def clear(self) -> None:
        self.samples = b""


class SincEngine:
    """Converts with libsamplerate's sinc converters, which work in float32 and hold the GIL."""

    def __init__(self, input_rate: int, output_rate: int, num_channels: int, quality: AudioResamplerQuality) -> None:
        import numpy as np
        import samplerate

        converter, half_width = _SINC[quality]
        self._ratio = output_rate / input_rate
        self._num_channels = num_channels
        self._empty = np.empty
        self._float32 = np.float32
        self._resampler = samplerate.Resampler(converter, num_channels)
        # src_sinc.c needs this many samples on either side of the current one.
        self.samples_held = round(half_width * max(1.0, input_rate / output_rate)) + 1
        self._recent = _Recent(self.samples_held + look_ahead_of(input_rate, output_rate, quality) + 2, num_channels)

    def process(self, samples: Buffer) -> bytearray:
        self._recent.add(samples)
        samples_per_channel = memoryview(samples).nbytes // (2 * self._num_channels)
        values = self._empty((samples_per_channel, self._num_channels), self._float32)
        s16_to_f32(samples, values.data)
        return f32_to_s16(self._resampler.process(values, self._ratio, False))

    def padding(self, samples_per_channel: int) -> bytes:
        return bytes(2 * self._num_channels * samples_per_channel)

    def recent(self) -> bytes:
        return self._recent.samples

    def reset(self) -> None:
        self._resampler.reset()
        self._recent.clear()


class LinearEngine:
    """Interpolates linearly, in integers.

    libsamplerate has a linear converter too, but its Python binding drops the input that a call did not use: the
    result would depend on how the stream was cut, and drift.
    """

    def __init__(self, input_rate: int, output_rate: int, num_channels: int, num_recent: int) -> None:
        divisor = gcd(input_rate, output_rate)
        input_rate, output_rate = input_rate // divisor, output_rate // divisor
        # An output covers the input within half an output step before and after it. An output is held back until the
        # half step after it has come in: otherwise a stream that ended there would have one output too many.
        look_ahead = input_rate // (2 * output_rate)
        self.samples_held = 1 + look_ahead
        self._num_channels = num_channels
        self._interpolator = LinearInterpolator(input_rate, output_rate, num_channels, look_ahead)
        self._last = bytes(2 * num_channels)
        self._recent = _Recent(num_recent + self.samples_held + 2, num_channels)

    def process(self, samples: Buffer) -> bytearray:
        self._recent.add(samples)
        self._last = bytes(memoryview(samples).cast("B")[-2 * self._num_channels :])
        return self._interpolator.process(samples)

    def padding(self, samples_per_channel: int) -> bytes:
        return self._last * samples_per_channel

    def recent(self) -> bytes:
        return self._recent.samples

    def reset(self) -> None:
        self._interpolator.reset()
        self._recent.clear()


class PolyphaseEngine:
    """Converts with a bank of filters for a fixed ratio, in integers."""

    def __init__(self, input_rate: int, output_rate: int, num_channels: int, quality: AudioResamplerQuality) -> None:
        bank = filter_of(input_rate, output_rate, quality)
        self.samples_held = bank.look_ahead
        self._num_channels = num_channels
        self.converter = PolyphaseConverter(bank, num_channels)
        self.process = self.converter.process
        self.recent = self.converter.recent
        self.reset = self.converter.reset

    def goes_on_like(self, other: PolyphaseEngine) -> bool:
        """Returns whether both give the same from now on."""
        return self.converter.goes_on_like(other.converter)

    def padding(self, samples_per_channel: int) -> bytes:
        return bytes(2 * self._num_channels * samples_per_channel)


class CopyEngine:
    """Copies the samples bit for bit, for equal rates."""

    samples_held = 0

    def __init__(self, num_channels: int, num_recent: int) -> None:
        self._recent = _Recent(num_recent, num_channels)

    def process(self, samples: Buffer) -> bytearray:
        self._recent.add(samples)
        return bytearray(samples)

    def padding(self, samples_per_channel: int) -> bytes:
        raise AssertionError("a copy holds nothing back")

    def recent(self) -> bytes:
        return self._recent.samples

    def reset(self) -> None:
        self._recent.clear()


class VariableEngine:
    """Converts by a ratio that may change, with a bank of filters that is interpolated, in float32."""

    def __init__(self, input_rate: int, output_rate: int, num_channels: int, quality: AudioResamplerQuality) -> None:
        bank = variable_filter_of(input_rate, output_rate, quality)
        nominal = output_rate / input_rate
        self.samples_held = bank.look_ahead
        self._num_channels = num_channels
        self._converter = VariableConverter(bank, num_channels, nominal, nominal * (1 + MAX_CHANGE))
        self._ready = bytearray()

    @property
    def ratio(self) -> float:
        """Outputs for the next input."""
        return self._converter.ratio

    def set_ratio(self, ratio: float, ramp_length: int) -> None:
        """Moves the ratio in a straight line over so many inputs."""
        self._converter.set_ratio(ratio, ramp_length)

    def take_over(self, recent: Buffer, distance: float) -> None:
        """Goes on with the stream of another engine, `distance` outputs behind the start of its recent samples."""
        self._converter.reset(distance)
        self._ready = self._converter.process(recent)

    def num_left(self) -> int:
        """Returns how many outputs lie between those that went out and the end of what has come in, to the nearest."""
        return len(self._ready) // (2 * self._num_channels) + max(0, round(self._converter.outputs_left()))

    def process(self, samples: Buffer) -> bytearray:
        made = self._converter.process(samples)
        if self._ready:
            made, self._ready = self._ready + made, bytearray()
        return made

    def padding(self, samples_per_channel: int) -> bytes:
        return bytes(2 * self._num_channels * samples_per_channel)

    def reset(self) -> None:
        self._converter.reset()
        self._ready = bytearray()
