"""AudioProcessingModule: removes echo, noise and hum from the sound of a microphone, and controls its level."""

from __future__ import annotations

import math
import threading
from dataclasses import asdict
from typing import Any

from livekit_utils._runtime.arguments import check_finite, check_int, check_number
from livekit_utils._runtime.lifecycle import Closing
from livekit_utils._runtime.public_path import public
from livekit_utils.filters.frame_processor import FrameProcessor
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame
from livekit_utils.voice.stage_chain import StageChain, writable
from livekit_utils.voice.stages import AudioProcessingModuleStats, VoiceStages

__all__ = ["AudioProcessingModule"]

# Rates in Hz, and channels. The library ends the process if a block of 10 ms has more than 7680 values: 8 channels at
# 96000 Hz.
_MIN_RATE, _MAX_RATE = 8000, 96000
_MAX_CHANNELS = 8

# Longer delays than 2 s are clamped: the reference is queued for that long.
_MAX_DELAY_MS = 2000

# The reference is held back by a third of a delay that is known, at most 60 ms. The latency of the devices is two to
# four of their blocks: a third bridges one block, and leaves the echo behind its reference.
_RESERVE, _MAX_RESERVE_MS = 1 / 3, 60.0

_NOTHING_YET = AudioProcessingModuleStats(
    input_level_dbfs=-math.inf,
    output_level_dbfs=-math.inf,
    reference_level_dbfs=-math.inf,
    erle_db=None,
    echo_delay_ms=None,
    speech_probability=None,
    gain_db=0.0,
    reference_queued_ms=0.0,
    reference_missing_ms=0.0,
    reference_dropped_ms=0.0,
    latency_ms=0.0,
)


@public
class AudioProcessingModule(Closing, FrameProcessor[AudioFrame]):
    """Removes echo, noise and hum from the sound of a microphone, and controls its level.

    The stages are, in this order: a high-pass filter (Butterworth, order 4, 100 Hz: -24 dB at 50 Hz, -0.2 dB at
    150 Hz), WebRTC's echo canceller (AEC3), its noise suppressor, and its gain control (AGC2). The last three need
    `pip install ".[devices]"`. The last two work at 16000, 32000 or 48000 Hz; sound of another rate is converted to the
    next higher one and back, which takes 1 to 6 ms more (`latency`) and takes away what lies above 24000 Hz. The
    canceller has a weak high-pass of its own (-1.6 dB at 50 Hz). It works below 8000 Hz; what lies above is lowered as
    an echo there asks for, and passes unchanged where there is none.

    Frames may have any rate from 8000 to 96000 Hz, 1 to 8 channels, which are processed separately, and any length. If
    every frame is a whole multiple of 10 ms (rounded down to samples), the output lags the input only by the latency of
    the stages (`latency`). From the first frame on that is not, everything is 10 ms later. A frame of another format
    begins a new stream, and all stages start over.

    The room stays as loud as it is while the far end talks: its noise is measured, and filled in where the canceller
    removes it with an echo. That takes 1 to 3 s after the noise begins. A far end that never pauses, with an echo that
    is louder than the room from the first frame on, hides the room; its noise is then lowered with the echo.

    It is a `FrameProcessor` too: `AudioStream(track, noise_cancellation=AudioProcessingModule(noise_suppression=True))`
    calls `process_stream` for each frame. It has the state of one stream; `VoiceProcessor` serves many.

    The canceller needs the sound that the speaker is given (`process_reverse_stream`), all of it, silence too. It finds
    an echo up to 500 ms later by itself. Other rates are converted, other channel counts become mono. It follows the
    drift between the clocks of two devices, a sample at a time. Where both streams are called in step, as from files,
    there is none, and the result is the same every time, however fast.

    Args:
        echo_cancellation: Removes the sound that comes from the speaker.
        noise_suppression: Removes steady noise; less of it while somebody speaks, to keep more of the voice.
        high_pass_filter: Removes hum, rumble and offset.
        auto_gain_control: Brings speech to an even level.
        noise_suppression_level: 0 to 3: noise is lowered by 6, 12, 18 or 21 dB, at any rate. Lower levels than the
            default keep hardly more of a voice.
        max_gain_db: Largest gain of the gain control, 0 to 90 dB.

    All six are also attributes, and can be changed at run time. Noise suppression and gain control start over when one
    of them changes; the canceller keeps its state unless it is switched off itself.

    Raises:
        ImportError: The package for a stage is not installed.
        ValueError: A number is out of range.
        TypeError: An argument is of the wrong type.

    Threads: the two streams may be fed from different threads; one waits while the other is processed. The GIL is
    released during the heavy part. It need not be closed; `close` only frees memory early.

    Example:
        >>> apm = AudioProcessingModule(high_pass_filter=True)
        >>> frame = AudioFrame(b"\\xe8\\x03" * 4800, 48000, 1, 4800)  # 0.1 s of an offset
        >>> apm.process_stream(frame)
        >>> frame.data[0], frame.data[4799]
        (983, 0)
        >>> apm.latency
        0.0
    """

    # The tests of LiveKit's own SDK read this attribute of its class; here it has no meaning.
    _ffi_handle = None

    def __init__(
        self,
        *,
        echo_cancellation: bool = False,
        noise_suppression: bool = False,
        high_pass_filter: bool = False,
        auto_gain_control: bool = False,
        noise_suppression_level: int = 2,
        max_gain_db: float = 50.0,
    ) -> None:
        import numpy  # noqa: F401 - now, not in the first frame

        self._lock = threading.Lock()
        self._enabled = True
        self._delay_ms = 0
        self._reserve_ms = 0.0
        self._chain: StageChain | None = None  # None before the first frame, and after the close
        self._stages = VoiceStages(
            echo_cancellation=echo_cancellation,
            noise_suppression=noise_suppression,
            high_pass_filter=high_pass_filter,
            auto_gain_control=auto_gain_control,
            noise_suppression_level=noise_suppression_level,
            max_gain_db=max_gain_db,
        )

    def process_stream(self, data: AudioFrame) -> None:
        """Processes sound of the microphone, in place.

        Args:
            data: A frame, ours or the LiveKit SDK's, or any object with its `data`, `sample_rate`, `num_channels` and
                `samples_per_channel`. A frame over read-only memory gets a copy of its own for its `data`; a view of
                it that was taken before keeps the old samples.

        Raises:
            ValueError: A rate or channel count is out of range, or the data of an object that is no AudioFrame is
                read-only.
            TypeError: It is not a frame.
            RuntimeError: After `close`.
        """
        view, samples = writable("data", data)
        with self._lock:
            self._chain_for(view).process(samples)

    def process_reverse_stream(self, data: AudioFrame) -> None:
        """Takes note of sound for the speaker, before it is played. The frame is not changed.

        Without echo cancellation, and before the first frame of the microphone, nothing happens.

        Args:
            data: A frame like that of `process_stream`, of any rate from 8000 to 96000 Hz, channel count and length.

        Raises:
            ValueError: The rate is out of range.
            TypeError: It is not a frame.
            RuntimeError: After `close`.
        """
        frame = as_audio_frame(data)
        check_int("sample_rate", frame.sample_rate, _MIN_RATE, _MAX_RATE)
        with self._lock:
            self._check_open()
            if self._chain is not None and frame.samples_per_channel:
                self._chain.push_reference(frame)

    def set_stream_delay_ms(self, delay_ms: float) -> None:
        """Tells the delay from a sound in `process_reverse_stream` to its echo in a frame for `process_stream`.

        That is the sound that waits to be played, and the latency of both devices. The canceller finds up to 500 ms by
        itself; a longer delay must be told, to within 100 ms. If any delay is told before the first frame, cancelling
        begins a little sooner.

        Args:
            delay_ms: Clamped to 0 to 2000.

        Raises:
            TypeError: It is not a number.
            ValueError: It is NaN.
        """
        number = check_number("delay_ms", delay_ms)
        with self._lock:
            self._set_delay_ms(number, self._reserve_ms)

    def process(self, frame: AudioFrame, reference: AudioFrame | None, delay_s: float) -> None:
        """Processes sound of the microphone, in place, together with the sound that was played meanwhile.

        It does the work of `set_stream_delay_ms`, `process_reverse_stream` and `process_stream` at once, for a caller
        that reads both devices and knows their latency.

        Args:
            frame: Sound of the microphone.
            reference: Sound that the speaker was given since the last call; None or empty if there was none.
            delay_s: Seconds, from 0, from the reference to its echo, which must not come sooner: the reference is held
                back by a third of it, at most 60 ms, so that it is there in time whether its blocks come before or
                after the microphone's. Changes of less than 1 ms are ignored.

        Raises:
            ValueError: The delay is negative, infinite or NaN; or as `process_stream`.
            TypeError: As `process_stream`.
            RuntimeError: After `close`.
        """
        if delay_s.__class__ is not float:
            delay_s = check_finite("delay_s", delay_s, 0)
        if reference is not None and type(reference) is not AudioFrame:
            reference = as_audio_frame(reference)
        view, samples = writable("frame", frame)
        with self._lock:
            if reference is not None and reference.samples_per_channel:
                if not abs(1000 * delay_s - self._delay_ms) < 1:
                    delay_ms = 1000 * check_finite("delay_s", delay_s, 0)
                    self._set_delay_ms(delay_ms, min(delay_ms * _RESERVE, _MAX_RESERVE_MS))
                if self._chain is not None:
                    self._chain.push_reference(reference)
            self._chain_for(view).process(samples)

    @property
    def enabled(self) -> bool:
        """Whether a stream that has it as its processor has its frames processed. `process_stream` always does."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._enabled = bool(value)

    def _process(self, frame: AudioFrame) -> AudioFrame:
        """Processes a frame of a stream in place."""
        if self._enabled:
            self.process_stream(frame)
        return frame

    def _close(self) -> None:
        """The stream is closed, and has this processor closed too."""
        self.close()

    @property
    def latency(self) -> float:
        """Seconds by which the output lags the input; 0 before the first frame."""
        with self._lock:
            return 0.0 if self._chain is None else self._chain.latency_ms / 1000

    def stats(self) -> AudioProcessingModuleStats:
        """Returns the levels, delays and gaps. It takes some milliseconds with echo cancellation, because the delay of
        the echo is computed for it."""
        with self._lock:
            if self._chain is not None:
                return self._chain.stats()
        return _NOTHING_YET

    def close(self) -> None:
        """Frees the stages. From then on processing raises RuntimeError. A second call does nothing."""
        with self._lock:
            self._closed = True
            self._chain = None

    async def aclose(self) -> None:
        """Closes as `close` does, for callers that close everything with `aclose`."""
        self.close()

    def _chain_for(self, frame: AudioFrame) -> StageChain:
        """Returns the chain for the format of a frame: a new one if the format has changed."""
        chain, rate, num_channels = self._chain, frame.sample_rate, frame.num_channels
        if chain is None or chain.sample_rate != rate or chain.num_channels != num_channels:
            self._check_open()
            check_int("sample_rate", rate, _MIN_RATE, _MAX_RATE)
            check_int("num_channels", num_channels, 1, _MAX_CHANNELS)
            chain = StageChain(rate, num_channels, self._stages, self._delay_ms, self._reserve_ms)
            self._chain = chain
        return chain

    def _set_delay_ms(self, delay_ms: float, reserve_ms: float) -> None:
        self._delay_ms = round(max(0.0, min(delay_ms, float(_MAX_DELAY_MS))))
        self._reserve_ms = reserve_ms
        if self._chain is not None:
            self._chain.set_delay_ms(self._delay_ms, reserve_ms)

    def _set_stage(self, **change: Any) -> None:
        with self._lock:
            stages = self._stages.changed(**change)
            if self._chain is not None:
                self._chain.set_stages(stages, self._delay_ms)
            self._stages = stages

    @property
    def echo_cancellation(self) -> bool:
        """Whether the echo of what is played is removed."""
        return self._stages.echo_cancellation

    @echo_cancellation.setter
    def echo_cancellation(self, value: bool) -> None:
        self._set_stage(echo_cancellation=value)

    @property
    def noise_suppression(self) -> bool:
        """Whether steady noise is removed."""
        return self._stages.noise_suppression

    @noise_suppression.setter
    def noise_suppression(self, value: bool) -> None:
        self._set_stage(noise_suppression=value)

    @property
    def high_pass_filter(self) -> bool:
        """Whether hum, rumble and offset are removed."""
        return self._stages.high_pass_filter

    @high_pass_filter.setter
    def high_pass_filter(self, value: bool) -> None:
        self._set_stage(high_pass_filter=value)

    @property
    def auto_gain_control(self) -> bool:
        """Whether speech is brought to an even level."""
        return self._stages.auto_gain_control

    @auto_gain_control.setter
    def auto_gain_control(self, value: bool) -> None:
        self._set_stage(auto_gain_control=value)

    @property
    def noise_suppression_level(self) -> int:
        """0 to 3: noise is lowered by 6, 12, 18 or 21 dB."""
        return self._stages.noise_suppression_level

    @noise_suppression_level.setter
    def noise_suppression_level(self, value: int) -> None:
        self._set_stage(noise_suppression_level=value)

    @property
    def max_gain_db(self) -> float:
        """The most that the gain control amplifies by, 0 to 90 dB."""
        return self._stages.max_gain_db

    @max_gain_db.setter
    def max_gain_db(self, value: float) -> None:
        self._set_stage(max_gain_db=value)

    def __repr__(self) -> str:
        stages = asdict(self._stages)
        del stages["keep_speech"]
        options = ", ".join(f"{name}={value!r}" for name, value in stages.items())
        return f"AudioProcessingModule({options})"
