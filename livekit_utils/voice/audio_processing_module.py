"""AudioProcessingModule."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

from livekit_utils._runtime.arguments import check_int, check_number
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame, make_writable
from livekit_utils.voice.reblocker import Reblocker
from livekit_utils.voice.stages import AudioProcessingModuleStats, Stages
from livekit_utils.voice.voice_processor import VoiceProcessor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["AudioProcessingModule"]

# The library ends the process where a block of 10 ms has more than 7680 samples: 8 channels at 96000 Hz.
_MIN_RATE, _MAX_RATE = 8000, 96000
_MAX_CHANNELS = 8
_MAX_DELAY_MS = 2000


class AudioProcessingModule:
    """Takes echo, noise and hum from the sound of a microphone, and evens out its level.

    In this order: a high-pass filter (Butterworth, order 4, 100 Hz: -24 dB at 50 Hz, -0.2 dB at 150 Hz), WebRTC's echo
    canceller (AEC3), its noise suppressor, and its gain control (AGC2). The last three need
    `pip install "livekit-utils[devices]"`. The canceller has a weak high-pass of its own (-1.6 dB at 50 Hz).

    Frames may have any rate of 8000 to 96000 Hz and 1 to 8 channels, each processed for itself, and any length. Whole
    multiples of 10 ms (rounded down to samples) are done at once; what comes out lies behind what goes in only by
    what the stages need (`latency`). From the first frame that is none, one block of 10 ms is carried over, so that
    everything is 10 ms later, for good. A frame of another format begins a new stream, for which everything is learnt
    anew.

    The canceller needs what the loudspeaker is given (`process_reverse_stream`), and finds an echo up to 500 ms later
    by itself. Give it all of it, silence too. Other rates are converted, other channel counts become mono. Where the
    clocks of both devices drift it follows, a sample at a time.

    Args:
        echo_cancellation: Takes away what comes from the loudspeaker.
        noise_suppression: Takes away steady noise.
        high_pass_filter: Takes away hum, rumble and offset.
        auto_gain_control: Brings speech to an even level.
        noise_suppression_level: 0 to 3: noise is lowered by 6, 12, 18 or 21 dB at 8000, 11025, 16000, 32000 and
            48000 Hz; at other rates the library does not come beyond 6 to 10 dB.
        max_gain_db: What gain control adds at most, 0 to 90.

    All six can be changed at run time, as attributes. Noise suppression and gain control begin anew when one of them
    changes; the canceller keeps what it has learnt unless it is switched off itself.

    Raises:
        ImportError: A stage is wanted whose package is missing.
        ValueError: A number out of range.

    Threads: both streams may be fed from different threads; one waits while the other is processed. The GIL is
    released during the heavy part. Nothing has to be closed; `close` only frees memory early.

    Example:
        >>> apm = AudioProcessingModule(high_pass_filter=True)
        >>> frame = AudioFrame(b"\\xe8\\x03" * 4800, 48000, 1, 4800)  # 0.1 s of an offset
        >>> apm.process_stream(frame)
        >>> frame.data[0], frame.data[4799]
        (983, 0)
        >>> apm.latency
        0.0
    """

    # LiveKit's own tests print it.
    _ffi_handle = None

    def __init__(
        self,
        *,
        echo_cancellation: bool = False,
        noise_suppression: bool = False,
        high_pass_filter: bool = False,
        auto_gain_control: bool = False,
        noise_suppression_level: int = 1,
        max_gain_db: float = 50.0,
    ) -> None:
        import numpy  # noqa: F401 - now, not in the first frame

        self._lock = threading.Lock()
        self._delay_ms = 0
        self._reserve_ms = 0.0
        self._processor: VoiceProcessor | None = None
        self._reblocker: Reblocker | None = None
        self._is_closed = False
        self._stages = _check_stages(
            Stages(
                bool(echo_cancellation),
                bool(noise_suppression),
                bool(high_pass_filter),
                bool(auto_gain_control),
                noise_suppression_level,
                max_gain_db,
            )
        )

    def process_stream(self, frame: AudioFrame) -> None:
        """Processes sound of the microphone, in place.

        Args:
            frame: Ours or the LiveKit SDK's, or any object with its `data`, `sample_rate`, `num_channels` and
                `samples_per_channel`. A frame over read-only memory gets a copy of its own for its `data`; a view of
                it that was taken before keeps the old samples.

        Raises:
            ValueError: A rate or channel count out of range, or read-only data of an object that is no AudioFrame.
            TypeError: No frame.
            RuntimeError: After `close`.
        """
        samples = _writable_samples(frame)
        rate = check_int("sample_rate", frame.sample_rate, _MIN_RATE, _MAX_RATE)
        num_channels = check_int("num_channels", frame.num_channels, 1, _MAX_CHANNELS)
        with self._lock:
            self._check_open()
            processor = self._processor
            if processor is None or processor.sample_rate != rate or processor.num_channels != num_channels:
                processor = VoiceProcessor(rate, num_channels, self._stages, self._delay_ms, self._reserve_ms)
                self._processor = processor
                self._reblocker = Reblocker(processor.block_samples, processor.process)
            assert self._reblocker is not None
            self._reblocker.apply(samples)

    def process_reverse_stream(self, frame: AudioFrame) -> None:
        """Takes note of sound for the loudspeaker, before it is played. The frame is left as it is.

        Without echo cancellation, and before the first frame of the microphone, there is nothing to do.

        Args:
            frame: Like that of `process_stream`, of any rate, channel count and length.

        Raises:
            ValueError: A rate out of range.
            TypeError: No frame.
            RuntimeError: After `close`.
        """
        frame = as_audio_frame(frame)
        check_int("sample_rate", frame.sample_rate, _MIN_RATE, _MAX_RATE)
        with self._lock:
            self._check_open()
            if self._processor is not None and frame.samples_per_channel:
                self._processor.push_reference(frame)

    def set_stream_delay_ms(self, delay_ms: float) -> None:
        """Tells how long after its `process_reverse_stream` a sound is in a frame for `process_stream`.

        That is what waits to be played and the latency of both devices. The canceller finds up to 500 ms by itself;
        beyond that it needs to be told, to 100 ms or so. Told before the first frame it begins to cancel a little
        sooner.

        Args:
            delay_ms: Clamped to 0 to 2000.

        Raises:
            TypeError: No number.
        """
        number = check_number("delay_ms", delay_ms)
        self._delay_ms = 0 if math.isnan(number) else round(max(0.0, min(number, float(_MAX_DELAY_MS))))
        with self._lock:
            if self._processor is not None:
                self._processor.set_delay_ms(self._delay_ms)

    def _set_reserve_ms(self, reserve_ms: float) -> None:
        """For whoever knows that the echo comes later than this: the reference is held back by so much from its next
        start, so that it is there in time although its blocks come now before and now after the microphone's."""
        with self._lock:
            self._reserve_ms = reserve_ms
            if self._processor is not None:
                self._processor.set_reserve_ms(reserve_ms)

    @property
    def latency(self) -> float:
        """Seconds by which what comes out lies behind what went in; 0 before the first frame."""
        with self._lock:
            return self._latency_ms() / 1000

    def stats(self) -> AudioProcessingModuleStats:
        """What processing does; takes some milliseconds with echo cancellation, because the delay is computed then."""
        with self._lock:
            if self._processor is None:
                return AudioProcessingModuleStats(
                    -100.0, -100.0, -100.0, None, None, None, 0.0, 0.0, 0.0, 0.0, self._latency_ms()
                )
            return self._processor.stats()._replace(latency_ms=self._latency_ms())

    def close(self) -> None:
        """Frees what the stages hold. Processing is a `RuntimeError` from then on; a second time does nothing."""
        with self._lock:
            self._is_closed = True
            self._processor = self._reblocker = None

    async def aclose(self) -> None:
        """The same for those who close everything by `aclose`."""
        self.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise RuntimeError("this AudioProcessingModule is closed")

    def _latency_ms(self) -> float:
        if self._processor is None or self._reblocker is None:
            return 0.0
        delay = self._reblocker.delay_samples / self._processor.num_channels
        return self._processor.latency_ms + 1000 * delay / self._processor.sample_rate

    def _set_stage(self, **change: Any) -> None:
        with self._lock:
            stages = _check_stages(self._stages._replace(**change))
            if self._processor is not None:
                self._processor.set_stages(stages, self._delay_ms)
            self._stages = stages

    @property
    def echo_cancellation(self) -> bool:
        return self._stages.echo_cancellation

    @echo_cancellation.setter
    def echo_cancellation(self, value: bool) -> None:
        self._set_stage(echo_cancellation=bool(value))

    @property
    def noise_suppression(self) -> bool:
        return self._stages.noise_suppression

    @noise_suppression.setter
    def noise_suppression(self, value: bool) -> None:
        self._set_stage(noise_suppression=bool(value))

    @property
    def high_pass_filter(self) -> bool:
        return self._stages.high_pass_filter

    @high_pass_filter.setter
    def high_pass_filter(self, value: bool) -> None:
        self._set_stage(high_pass_filter=bool(value))

    @property
    def auto_gain_control(self) -> bool:
        return self._stages.auto_gain_control

    @auto_gain_control.setter
    def auto_gain_control(self, value: bool) -> None:
        self._set_stage(auto_gain_control=bool(value))

    @property
    def noise_suppression_level(self) -> int:
        return self._stages.noise_suppression_level

    @noise_suppression_level.setter
    def noise_suppression_level(self, value: int) -> None:
        self._set_stage(noise_suppression_level=value)

    @property
    def max_gain_db(self) -> float:
        return self._stages.max_gain_db

    @max_gain_db.setter
    def max_gain_db(self, value: float) -> None:
        self._set_stage(max_gain_db=value)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self._stages._asdict().items())
        return f"AudioProcessingModule({options})"


def _check_stages(stages: Stages) -> Stages:
    level = check_int("noise_suppression_level", stages.noise_suppression_level, 0, 3)
    gain = check_number("max_gain_db", stages.max_gain_db)
    if not 0 <= gain <= 90:  # NaN fails the comparison
        raise ValueError(f"expected a max_gain_db of 0 to 90, got {stages.max_gain_db}")
    if stages.echo_cancellation or stages.noise_suppression or stages.auto_gain_control:
        try:
            import pywebrtc_audio  # noqa: F401
        except ImportError as error:
            raise ImportError(
                "echo cancellation, noise suppression and gain control need the package pywebrtc-audio: "
                'pip install "livekit-utils[devices]"',
                name="pywebrtc_audio",
            ) from error
    return stages._replace(noise_suppression_level=level, max_gain_db=gain)


def _writable_samples(frame: Any) -> NDArray[np.int16]:
    import numpy as np

    if isinstance(frame, AudioFrame):
        make_writable(frame)
        return np.frombuffer(frame.data, np.int16) if frame.samples_per_channel else np.empty(0, np.int16)
    view = as_audio_frame(frame)
    if view.data.readonly:
        if not hasattr(frame, "_data"):
            raise ValueError(f"expected a frame with writable data, got a {type(frame).__name__} with read-only data")
        # The SDK's frame keeps its samples there, and does the same for itself.
        frame._data = bytearray(view.data)
        view = as_audio_frame(frame)
    return np.frombuffer(view.data, np.int16) if view.samples_per_channel else np.empty(0, np.int16)
