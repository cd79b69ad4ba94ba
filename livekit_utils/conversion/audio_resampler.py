"""AudioResampler converts a stream of audio to another sample rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from livekit_utils._runtime.arguments import check_choice, check_int, check_ms, check_number
from livekit_utils._runtime.public_path import public
from livekit_utils.conversion.engines import (
    MAX_CHANGE,
    AudioResamplerEngine,
    AudioResamplerQuality,
    Engine,
    EngineChoice,
    PolyphaseEngine,
    VariableEngine,
    choose_engine,
    engine_for,
    make_engine,
)
from livekit_utils.conversion.resampled_stream import ResampledStream
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["AudioResampler", "AudioResamplerQuality"]

# Limits of libsamplerate: SRC_MAX_RATIO in its common.h, MAX_CHANNELS in its src_sinc.c.
_MAX_RATIO = 256
_MAX_CHANNELS = 128

# Hz. Up to this rate the linear interpolation computes within 64 bits.
_MAX_RATE = 2**30 - 1

_MAX_RAMP_MS = 3_600_000


@public
class AudioResampler:
    """Converts a stream of audio from one sample rate to another.

    Over a whole stream, pushes and then `flush`, exactly `round(samples_in * output_rate / input_rate)` samples per
    channel come out, aligned in time with the input: no delay, no lost tail, however the stream was cut. Every push
    returns the output that is ready. At most `latency` is held back. Digital silence stays digital silence, equal rates
    give a bit-exact copy, and values are rounded to the nearest and saturated.

    The engine `samplerate` uses libsamplerate (LiveKit's own class uses SoX) and takes any two rates. The engine
    `polyphase` is a filter bank made for one ratio: several times faster, and it holds back less. `auto` takes
    `polyphase` where that covers the ratio, and `samplerate` elsewhere.

    `set_ratio` and `adjust_ppm` change the ratio of a running stream, to follow a clock that is off.

    Args:
        input_rate: Hz, 1 to 1073741823.
        output_rate: Hz, likewise, and within a factor of 256 of the input rate.
        num_channels: 1 to 128, interleaved.
        quality: An `AudioResamplerQuality` or its string.
        engine: `samplerate`, `polyphase` or `auto`. `polyphase` needs rates whose ratio is one of whole numbers up to
            2560: all pairs of 8, 11.025, 12, 16, 22.05, 24, 32, 44.1, 48, 88.2, 96 and 192 kHz, and many others. None
            takes what the environment variable `LIVEKIT_UTILS_RESAMPLER` says now, and `samplerate` without it.

    Raises:
        ValueError: A number is out of range, a quality or engine does not exist, or `polyphase` does not cover the
            ratio. A variable that names no engine is one too.
        TypeError: An argument has the wrong type.

    Threads: one resampler serves one stream, in one thread at a time. libsamplerate holds the GIL while it works; the
    filter bank releases it for long blocks.

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
        engine: EngineChoice | None = None,
    ) -> None:
        self._input_rate = check_int("input_rate", input_rate, 1, _MAX_RATE)
        self._output_rate = check_int("output_rate", output_rate, 1, _MAX_RATE)
        self._num_channels = check_int("num_channels", num_channels, 1, _MAX_CHANNELS)
        self._quality = check_choice("quality", quality, AudioResamplerQuality)
        lower, higher = sorted((self._input_rate, self._output_rate))
        if higher > _MAX_RATIO * lower:
            raise ValueError(
                f"output_rate: expected a rate within a factor of {_MAX_RATIO} of {self._input_rate} Hz, "
                f"got {self._output_rate} Hz"
            )
        self._engine_name: AudioResamplerEngine = choose_engine(engine, self._input_rate, self._output_rate)
        self._engine: Engine | VariableEngine = make_engine(
            self._input_rate, self._output_rate, self._num_channels, self._quality, self._engine_name
        )
        bank = self._engine.converter if isinstance(self._engine, PolyphaseEngine) else None
        self._stream = ResampledStream(self._input_rate, self._output_rate, self._num_channels, bank)

    @property
    def input_rate(self) -> int:
        """Hz."""
        return self._input_rate

    @property
    def output_rate(self) -> int:
        """Hz."""
        return self._output_rate

    @property
    def num_channels(self) -> int:
        """The channels of input and output."""
        return self._num_channels

    @property
    def quality(self) -> AudioResamplerQuality:
        """The quality that was asked for."""
        return self._quality

    @property
    def engine(self) -> AudioResamplerEngine:
        """The engine in use, `samplerate` or `polyphase`; equal rates are copied by either.

        A ratio that was changed is converted by `polyphase`.
        """
        return self._engine_name

    @staticmethod
    def engine_for(input_rate: int, output_rate: int) -> AudioResamplerEngine:
        """Returns the engine that `auto` takes for two rates: `polyphase` where it covers their ratio.

        Example:
            >>> AudioResampler.engine_for(44100, 48000), AudioResampler.engine_for(44100, 44101)
            ('polyphase', 'samplerate')
        """
        input_rate = check_int("input_rate", input_rate, 1, _MAX_RATE)
        return engine_for(input_rate, check_int("output_rate", output_rate, 1, _MAX_RATE))

    @property
    def latency(self) -> float:
        """Seconds of input that the resampler holds back at most, until `flush`."""
        return self._engine.samples_held / self._input_rate

    @property
    def ratio(self) -> float:
        """Output samples per input sample, of the next input: `output_rate / input_rate`, or what was set."""
        if isinstance(self._engine, VariableEngine):
            return self._engine.ratio
        return self._output_rate / self._input_rate

    def set_ratio(self, ratio: float, ramp_ms: float = 0) -> None:
        """Moves the ratio, from the next input on, in a straight line over `ramp_ms` of input.

        The stream goes on without a gap or a click. Over a whole stream, the sum of the ratios of all inputs comes out,
        rounded to whole samples, however the stream was cut. `flush` and `reset` keep the ratio, and end the ramp. The
        frames keep the rate `output_rate`.

        The first call with another ratio than `output_rate / input_rate` changes the engine to a filter bank that takes
        any ratio: it is `polyphase` for all ratios, and `latency` becomes that of the bank. What it adds to a
        full-scale tone of 1 kHz, while the ratio moves by 500 ppm either way, is 69 dB below the tone for `QUICK`, and
        94 dB for all others, most of which is the rounding to int16. The filter stays the one for
        `output_rate / input_rate`: at a lower ratio, what lies above the new Nyquist frequency aliases.

        Args:
            ratio: Output samples per input sample, within 50 % of `output_rate / input_rate`.
            ramp_ms: From 0, which takes effect at once, to an hour.

        Raises:
            ValueError: A number is out of range, or not finite. Nothing is changed then.
            TypeError: Not a number.

        Example:
            >>> resampler = AudioResampler(48000, 48000)
            >>> resampler.set_ratio(1.001)
            >>> frames = resampler.push(AudioFrame.create(48000, 1, 48000)) + resampler.flush()
            >>> sum(frame.samples_per_channel for frame in frames)
            48048
        """
        nominal = self._output_rate / self._input_rate
        ratio = check_number("ratio", ratio, nominal * (1 - MAX_CHANGE), nominal * (1 + MAX_CHANGE))
        ramp_length = round(check_ms("ramp_ms", ramp_ms, _MAX_RAMP_MS) * self._input_rate / 1000)
        engine = self._engine
        if not isinstance(engine, VariableEngine):
            if ratio == nominal:
                return
            self._engine = engine = self._make_variable(engine)
            self._stream.leave_bank()
            self._engine_name = "polyphase"
        engine.set_ratio(ratio, ramp_length)

    def adjust_ppm(self, ppm: float, ramp_ms: float = 0) -> None:
        """Sets the ratio to `output_rate / input_rate`, plus so many millionths of it; as `set_ratio` does.

        Above 0, more comes out: for an input whose clock is slow, or an output whose clock is fast.

        Args:
            ppm: -500000 to 500000; not added to what was set before.
            ramp_ms: As for `set_ratio`.

        Raises:
            ValueError: A number is out of range, or not finite.
            TypeError: Not a number.

        Example:
            >>> resampler = AudioResampler(16000, 48000)
            >>> resampler.adjust_ppm(-100)
            >>> round(resampler.ratio, 6)
            2.9997
        """
        ppm = check_number("ppm", ppm, -MAX_CHANGE * 1e6, MAX_CHANGE * 1e6)
        nominal = self._output_rate / self._input_rate
        # Within the range whatever the rounding.
        ratio = min(max(nominal * (1 + ppm / 1e6), nominal * (1 - MAX_CHANGE)), nominal * (1 + MAX_CHANGE))
        self.set_ratio(ratio, ramp_ms)

    def push(self, data: Buffer | AudioFrame) -> list[AudioFrame]:
        """Takes audio, and returns the output that is ready.

        Args:
            data: A frame (ours or the LiveKit SDK's), or a buffer of interleaved int16 samples or their bytes.

        Returns:
            One new frame, or none while the engine needs more input. The frame owns its samples.

        Raises:
            ValueError: A frame of another rate or channel count, or bytes that are not whole samples of all
                channels. The state is then unchanged.
            TypeError: Neither a frame nor a buffer of bytes or int16.
        """
        frames = self._stream.push(data)
        if frames is not None:
            return frames
        frame = self._as_frame(data)
        if frame.samples_per_channel == 0:
            return []
        samples = self._engine.process(frame)
        self._stream.note_input(frame.samples_per_channel)
        return self._stream.emit(samples, len(samples) // (2 * self._num_channels))

    def push_bytes(self, data: Buffer | AudioFrame) -> bytes:
        """Takes audio as `push` does, and returns the output that is ready as bytes; `b""` if there is none.

        Example:
            >>> resampler = AudioResampler(8000, 16000)
            >>> len(resampler.push_bytes(bytes(160)) + resampler.flush_bytes())
            320
        """
        return b"".join([frame.data for frame in self.push(data)])

    def flush_bytes(self) -> bytes:
        """Ends the stream as `flush` does, and returns the output that is left as bytes."""
        return b"".join([frame.data for frame in self.flush()])

    def flush(self) -> list[AudioFrame]:
        """Ends the stream: returns the output that is left. The next push begins a new stream.

        Returns:
            One new frame, or none if nothing is left.
        """
        wanted = self._num_left()
        samples = bytearray()
        num_bytes = wanted * 2 * self._num_channels
        # One padding is enough for the length of the filter. The second covers rounding.
        for _ in range(2):
            if len(samples) >= num_bytes:
                break
            padding = self._engine.samples_held + self._input_rate // self._output_rate + 2
            samples += self._engine.process(self._engine.padding(padding))
        if len(samples) < num_bytes:
            raise RuntimeError(f"expected {num_bytes} bytes from the converter at the end, got {len(samples)}")
        frames = self._stream.emit(samples, wanted)
        self.reset()
        return frames

    @property
    def _has_begun(self) -> bool:
        return self._stream.samples_in > 0

    def reset(self) -> None:
        """Drops the input that is held back. The next push begins a new stream."""
        self._engine.reset()
        self._stream.begin()

    def _goes_on_like(self, other: AudioResampler) -> bool:
        """Returns whether both give the same from now on, to the bit; False also where that is not known."""
        if (self._input_rate, self._output_rate) != (other._input_rate, other._output_rate):
            return False
        if not isinstance(self._engine, PolyphaseEngine) or not isinstance(other._engine, PolyphaseEngine):
            return self._is_unused and other._is_unused
        more_in = self._stream.samples_in - other._stream.samples_in
        more_out = self._stream.samples_out - other._stream.samples_out
        # Ties are rounded to even where a stream ends.
        is_in_step = more_in * self._output_rate == more_out * self._input_rate and more_out % 2 == 0
        return is_in_step and self._engine.goes_on_like(other._engine)

    @property
    def _is_unused(self) -> bool:
        """Whether it is as a new one: nothing has come in since the start, and the ratio was never set."""
        return not self._stream.samples_in and not isinstance(self._engine, VariableEngine)

    def _num_left(self) -> int:
        if isinstance(self._engine, VariableEngine):
            return self._engine.num_left()
        return _round_ratio(self._stream.samples_in * self._output_rate, self._input_rate) - self._stream.samples_out

    def _make_variable(self, engine: Engine) -> VariableEngine:
        """Returns an engine that goes on where another one is."""
        made = VariableEngine(self._input_rate, self._output_rate, self._num_channels, self._quality)
        recent = memoryview(engine.recent())
        begin = self._stream.samples_in - recent.nbytes // (2 * self._num_channels)
        # From the first of the recent samples to the next output; in integers, so that hours do not matter.
        made.take_over(
            recent, (self._stream.samples_out * self._input_rate - begin * self._output_rate) / self._input_rate
        )
        return made

    def _as_frame(self, data: Buffer | AudioFrame) -> AudioFrame:
        """Checks the input before anything is changed."""
        if not isinstance(data, AudioFrame):
            if not hasattr(data, "samples_per_channel"):
                return self._framed(data)
            data = as_audio_frame(cast("AudioFrame", data))
        if data.sample_rate != self._input_rate or data.num_channels != self._num_channels:
            raise ValueError(
                f"data: expected a frame of {self._input_rate} Hz and {self._num_channels} channels, "
                f"got {data.sample_rate} Hz and {data.num_channels}"
            )
        return data

    def _framed(self, data: Buffer) -> AudioFrame:
        try:
            num_bytes = memoryview(data).nbytes
        except TypeError:
            raise TypeError(f"data: expected a frame or a buffer of int16, got {type(data).__name__}") from None
        if num_bytes % (2 * self._num_channels):
            raise ValueError(
                f"data: expected whole 16-bit samples of {self._num_channels} channels, got {num_bytes} bytes"
            )
        return AudioFrame(data, self._input_rate, self._num_channels, num_bytes // (2 * self._num_channels))

    def __repr__(self) -> str:
        return (
            f"AudioResampler({self._input_rate}, {self._output_rate}, num_channels={self._num_channels}, "
            f"quality={self._quality.value!r}, engine={self._engine_name!r})"
        )


def _round_ratio(numerator: int, denominator: int) -> int:
    """Returns round(numerator / denominator), ties to even as in Python, in integers."""
    quotient, remainder = divmod(numerator, denominator)
    return quotient + (2 * remainder > denominator or (2 * remainder == denominator and quotient % 2 == 1))
