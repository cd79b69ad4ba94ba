"""VoiceProcessor: takes noise out of the voice of a stream, as its `noise_cancellation`."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from livekit_utils._runtime.lifecycle import Closing
from livekit_utils._runtime.public_path import public
from livekit_utils.filters.frame_processor import FrameProcessor
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.voice.stage_chain import writable
from livekit_utils.voice.stages import VoiceStages
from livekit_utils.voice.stream_voice import StreamVoice

__all__ = ["VoiceProcessor", "VoiceProcessorStats"]

# Each model is a way to suppress noise. Others were measured; docs/decisions says why there is one.
_MODELS = ("webrtc",)


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class VoiceProcessorStats:
    """What a `VoiceProcessor` has measured, in the stream that it processed last.

    Levels are the RMS of the last second in dBFS, where a full-scale square wave has 0; silence is -inf.
    """

    input_level_dbfs: float
    """Level before processing."""
    output_level_dbfs: float
    """Level after processing."""
    reduction_db: float
    """How much the noise suppression has lowered the sound of the last second, voices too; 0 without it, and in
    silence."""
    gain_db: float
    """Gain of the gain control now; 0 without it."""
    speech_probability: float | None
    """Probability of speech in the last 10 ms, 0 to 1. None before them, and if only the high-pass filter is on."""
    latency_ms: float
    """Time by which the output lags the input."""


@public
class VoiceProcessor(Closing, FrameProcessor[AudioFrame]):
    """Takes noise out of the voice of a stream: `AudioStream(track, noise_cancellation=VoiceProcessor())`.

    It is also a processor for the `AudioStream` of the LiveKit SDK and for the room input of livekit-agents. No cloud
    and no download is needed. The stages are those of `AudioProcessingModule`, without its echo canceller: a high-pass
    filter, and WebRTC's noise suppression and gain control, which need `pip install ".[devices]"`.

    Frames are changed in place, and keep their length, timestamp and `userdata`. They may have any rate from 1000 to
    384000 Hz, 1 to 16 channels, which are processed separately, and any length. The output lags the input by
    `latency_ms`; at the end of a stream, as much of it is left out. A frame of another format starts all stages over.
    The noise suppression knows a new noise after about 1 s. While somebody speaks, it lets most of the sound pass, so
    that little of the voice is lost; that of `AudioProcessingModule` is as strong as in the pauses.

    Each stream has a state of its own, so one processor may be given to many streams. A stream is one of our
    `AudioStream`s, or the asyncio task that reads any other: each `AudioStream` of the SDK has one. A stream that
    closes its processor frees its own state only.

    Args:
        noise_suppression: Removes steady noise.
        noise_suppression_level: 0 to 3: noise is lowered by 6, 12, 18 or 21 dB in the pauses.
        auto_gain_control: Brings speech to an even level, with a gain of 50 dB at most.
        high_pass_filter: Removes hum, rumble and offset.
        model: How noise is suppressed: "webrtc".

    Raises:
        ImportError: The package for a stage is not installed.
        ValueError: The level is out of range, or there is no such model.
        TypeError: An argument is of the wrong type.

    Threads: streams may be processed in different threads at the same time. The GIL is released during the heavy part.
    It need not be closed; `close` frees memory early.

    Example:
        >>> import asyncio
        >>> from livekit_utils import AudioSource, AudioStream, LocalAudioTrack, noise_generator
        >>> async def main() -> None:
        ...     source = AudioSource(48000, 1)
        ...     track = LocalAudioTrack.create_audio_track("voice", source)
        ...     processor = VoiceProcessor()
        ...     async with AudioStream(track, noise_cancellation=processor) as stream:
        ...         async for frame in noise_generator(1, amplitude=0.05, seed=1):
        ...             await source.capture_frame(frame)
        ...         await source.wait_for_playout()
        ...         print(f"less noise: {processor.stats().reduction_db > 6}, {processor.latency_ms:.1f} ms later")
        ...     await source.aclose()
        >>> asyncio.run(main())
        less noise: True, 7.0 ms later
    """

    def __init__(
        self,
        *,
        noise_suppression: bool = True,
        noise_suppression_level: int = 1,
        auto_gain_control: bool = False,
        high_pass_filter: bool = True,
        model: str = "webrtc",
    ) -> None:
        if not isinstance(model, str):
            raise TypeError(f"model: expected a str, got {model!r} ({type(model).__name__})")
        if model not in _MODELS:
            raise ValueError(f"model: expected {' or '.join(map(repr, _MODELS))}, got {model!r}")
        self._model = model
        self._stages = VoiceStages(
            noise_suppression=noise_suppression,
            noise_suppression_level=noise_suppression_level,
            auto_gain_control=auto_gain_control,
            high_pass_filter=high_pass_filter,
            keep_speech=True,
        )
        self._enabled = True
        # How often it was switched: a state of another number is stale.
        self._switched = 0
        self._lock = threading.Lock()
        self._states: WeakSet[StreamVoice] = WeakSet()
        self._by_task: WeakKeyDictionary[asyncio.Task[Any], StreamVoice] = WeakKeyDictionary()
        self._elsewhere = self._new_state()  # for callers without a task
        self._last = self._elsewhere

    @property
    def enabled(self) -> bool:
        """Whether frames are processed; otherwise they pass as they are, and without a delay. When it is switched on
        again, all stages start over."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        with self._lock:
            if bool(value) != self._enabled:
                self._enabled = bool(value)
                self._switched += 1

    @property
    def model(self) -> str:
        """How noise is suppressed."""
        return self._model

    @property
    def latency_ms(self) -> float:
        """Time by which the output lags the input, in the stream that was processed last; before the first frame, for
        frames of 10 ms at 48000 Hz.

        It is 0 with the high-pass filter alone, and 6 to 13 ms at 8000 Hz and above with noise suppression: 7 ms at
        48000 Hz. Lower rates take longer to convert: 54 ms at 1000 Hz. From the first frame on that is no whole
        multiple of 10 ms (rounded down to samples), it is 10 ms more.
        """
        return self._last.latency_ms

    def stats(self) -> VoiceProcessorStats:
        """Returns levels, reduction and gain in the stream that was processed last."""
        last = self._last
        levels = last.levels()
        return VoiceProcessorStats(
            input_level_dbfs=levels.input_dbfs,
            output_level_dbfs=levels.output_dbfs,
            reduction_db=levels.reduction_db,
            gain_db=levels.gain_db,
            speech_probability=levels.speech_probability,
            latency_ms=last.latency_ms,
        )

    def close(self) -> None:
        """Frees the states of all streams. Streams that still have this processor get their frames as they are, count
        them as failures, and log that once. A second call does nothing."""
        with self._lock:
            self._closed = True
            self._by_task.clear()
            for state in self._states:
                state.close()

    async def aclose(self) -> None:
        """Closes as `close` does, for callers that close everything with `aclose`."""
        self.close()

    def _process(self, frame: AudioFrame) -> AudioFrame:
        """Processes a frame of the stream that the running task reads, in place."""
        return self._process_for(self._state(), frame)

    def _close(self) -> None:
        """A stream is closed. Its state goes with its task; other streams may still use the processor."""

    def _for_stream(self) -> VoiceProcessor | _OfStream:
        """Returns a processor with a state of its own, for one stream."""
        if type(self)._process is not VoiceProcessor._process:
            return self  # a subclass has one of its own, which is to be called
        with self._lock:
            return _OfStream(self, self._new_state())

    def _new_state(self) -> StreamVoice:
        state = StreamVoice(self._stages)
        self._states.add(state)
        return state

    def _process_for(self, state: StreamVoice, frame: AudioFrame) -> AudioFrame:
        if not self._enabled:  # livekit-agents does not ask
            return frame
        self._check_open()
        view, samples = writable("frame", frame)
        state.process(view.sample_rate, view.num_channels, samples, self._switched)
        self._last = state
        return frame

    def _state(self) -> StreamVoice:
        try:
            task = asyncio.current_task()
        except RuntimeError:  # no event loop runs in this thread
            task = None
        if task is None:
            return self._elsewhere
        with self._lock:
            state = self._by_task.get(task)
            if state is None:
                self._check_open()
                state = self._by_task[task] = self._new_state()
            return state

    def __repr__(self) -> str:
        stages = self._stages
        return (
            f"VoiceProcessor(noise_suppression={stages.noise_suppression}, "
            f"noise_suppression_level={stages.noise_suppression_level}, "
            f"auto_gain_control={stages.auto_gain_control}, high_pass_filter={stages.high_pass_filter}, "
            f"model={self._model!r}{', closed' if self._closed else ''})"
        )


class _OfStream:
    """A `VoiceProcessor` as one stream calls it."""

    def __init__(self, processor: VoiceProcessor, state: StreamVoice) -> None:
        self._processor = processor
        self._state = state

    @property
    def enabled(self) -> bool:
        return self._processor.enabled

    def _process(self, frame: AudioFrame) -> AudioFrame:
        return self._processor._process_for(self._state, frame)

    def _close(self) -> None:
        self._state.close()
