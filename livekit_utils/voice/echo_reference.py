"""EchoReference: queues the sound of the speaker until the microphone needs it."""

from __future__ import annotations

from time import perf_counter

from livekit_utils._kernels.channels import downmix_s16
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.voice.drift import Drift

# WebRTC's canceller finds an echo up to about 500 ms after its reference. If the echo is known to come later, the
# reference is held back so that 300 ms remain. Each change is a jump, so it is made only if less than 100 or more than
# 450 ms would remain.
_LONGEST_MS, _AIM_MS, _SHORTEST_MS = 450, 300, 100

# If the queue never fell below 40 ms (beyond the part held back) in 500 ms, that surplus is dropped: it would come too
# late for its echo.
_EXCESS_MS = 40
_WATCH_MS = 500

# A shortage of up to 20 ms is jitter: the queue is held longer by as much from then on. A longer one is an event loop
# that was held up: the missing part is dropped when it comes, and the queue is held longer only if this happens again
# within 5 s. A reference that is more than 3 s late is given up, and the queue aligned again.
_JITTER_MS = 20
_SHORTS_MS = 5000
_MAX_LATE_MS = 3000

# The queue holds 1 s, besides the part held back: more waits only while the microphone pauses.
_MAX_QUEUE_MS = 1000

# A fill that no queue reaches, as the start of a minimum.
_NOTHING_YET = 1 << 62


class EchoReference:
    """Gives the canceller as many samples of the speaker as the microphone has, from two streams with their own clocks.

    It keeps the distance between the two streams constant, because the canceller needs about a second to adapt to
    another one. If the clocks of microphone and speaker drift, single samples are dropped or repeated. Sound that comes
    late is replaced by silence, and dropped when it comes; if that happens more than once, the distance is made longer.
    After a pause of the microphone only the latest sound is kept.

    Frames of another rate are converted; those of another channel count become mono, and are copied to all channels.

    Args:
        sample_rate, num_channels: Format of the microphone.

    Attributes:
        reserve_ms: Milliseconds to hold the reference back when the queue is aligned next, so that a block that comes
            after the microphone's is there in time, although the blocks until then came before. It must be less than
            the delay of the echo.
        missing: Samples per channel that were replaced by silence.
        dropped: Samples per channel that were dropped, because they were too many or too late.
        jumps: How often the distance was changed by more than the single samples of drifting clocks.
    """

    def __init__(self, sample_rate: int, num_channels: int) -> None:
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._format = (sample_rate, num_channels)
        self._frame_bytes = 2 * num_channels
        self._converter: FrameConverter | None = None  # from the first frame of another format on
        self._queue = bytearray()
        self._most = _MAX_QUEUE_MS * sample_rate // 1000
        self._drift = Drift(sample_rate)
        self._last_push = 0
        self._held = 0
        self._reserve = 0
        self._is_aligned = False
        self._owed = 0  # samples per channel that were replaced by silence, and are too late now
        self._is_short = False
        self._shorts = self._since_short = 0
        self._least, self._watched = _NOTHING_YET, 0
        self.reserve_ms = 0.0
        self.missing = 0
        self.dropped = 0
        self.jumps = 0

    @property
    def queued(self) -> int:
        """Samples per channel that wait."""
        return len(self._queue) // self._frame_bytes

    @property
    def held_ms(self) -> float:
        """Milliseconds by which the reference is held back on purpose."""
        return 1000 * (self._held + self._reserve) / self._sample_rate

    def set_delay_ms(self, delay_ms: int) -> None:
        """Sets the time from the reference to its echo."""
        rest = delay_ms - 1000 * self._held / self._sample_rate
        if rest <= _LONGEST_MS and not (self._held and rest < _SHORTEST_MS):
            return
        held = max(0, delay_ms - _AIM_MS) * self._sample_rate // 1000
        if self._is_aligned and held > self._held:
            self._queue[:0] = bytes((held - self._held) * self._frame_bytes)
        elif self._is_aligned:
            self._drop(min(self.queued, self._held - held))
        self._held = held
        self._settle()

    def push(self, frame: AudioFrame) -> None:
        """Adds sound that the speaker was given."""
        if frame.num_channels not in (1, self._num_channels):
            mono = downmix_s16(frame, frame.num_channels)
            frame = AudioFrame(mono, frame.sample_rate, 1, frame.samples_per_channel)
        before = len(self._queue)
        if self._converter is None and (frame.sample_rate, frame.num_channels) == self._format:
            self._queue += frame.data
        else:
            if self._converter is None:
                self._converter = FrameConverter(*self._format)
            for converted in self._converter.push(frame):
                self._queue += converted.data
        self._last_push = (len(self._queue) - before) // self._frame_bytes
        self._drift.arrive(self._last_push, perf_counter())
        if self._owed:
            self._make_up()
        queued = self.queued
        room = self._most + 2 * self._last_push + self._held
        if queued > room:
            self._drop(queued - room)
            self._is_aligned = False

    def pop(self, samples_per_channel: int) -> bytearray:
        """Returns the reference of as many samples of the microphone; silence in place of what is missing."""
        size = samples_per_channel * self._frame_bytes
        if not self._is_aligned:
            if not self._queue:
                self.missing += samples_per_channel
                return bytearray(size)
            self._align(samples_per_channel)
        slip = self._drift.take(samples_per_channel, perf_counter())
        taken = self._queue[: size + slip * self._frame_bytes]
        del self._queue[: len(taken)]
        if slip > 0:
            del taken[size:]
        elif slip < 0:
            taken += taken[-self._frame_bytes :]
        if len(taken) < size:
            self._run_short((size - len(taken)) // self._frame_bytes)
            taken += bytes(size - len(taken))
        self._watch(samples_per_channel)
        return taken

    def _run_short(self, samples_per_channel: int) -> None:
        """Notes a shortage."""
        self.missing += samples_per_channel
        self._owed += samples_per_channel
        self._is_short = True
        if 1000 * self._owed > _MAX_LATE_MS * self._sample_rate:
            self._is_aligned = False  # the speaker is idle
            self._settle()

    def _make_up(self) -> None:
        """Drops sound that comes too late, after the queue ran short."""
        if self._is_short:
            self._is_short = False
            self._shorts += 1
            self._since_short = 0
            if self._shorts > 1 or 1000 * self._owed <= _JITTER_MS * self._sample_rate:
                self._settle()
        too_late = min(self._owed, self.queued)
        self._owed -= too_late
        self._drop(too_late)

    def _watch(self, samples_per_channel: int) -> None:
        """Drops a surplus that was never needed, and forgets shortages after a while."""
        self._least = min(self._least, self.queued)
        self._watched += samples_per_channel
        if 1000 * self._watched >= _WATCH_MS * self._sample_rate:
            excess = self._least - self._held - self._reserve
            if 1000 * excess > _EXCESS_MS * self._sample_rate:
                self._drop(excess)
                self._settle()
            self._least, self._watched = _NOTHING_YET, 0
        self._since_short += samples_per_channel
        if 1000 * self._since_short > _SHORTS_MS * self._sample_rate:
            self._shorts = 0

    def _align(self, samples_per_channel: int) -> None:
        """Sets the distance: the queue gets the length of the latest block and of the part held back."""
        self._reserve = 0 if self._held else round(self.reserve_ms * self._sample_rate / 1000)
        held = self._held + self._reserve
        wanted = max(samples_per_channel, self._last_push) + held
        if self.queued > wanted:
            self._drop(self.queued - wanted)
        else:
            missing = min(held, wanted - self.queued)
            self._queue[:0] = bytes(missing * self._frame_bytes)
        self._is_aligned = True
        self._settle()

    def _drop(self, samples_per_channel: int) -> None:
        del self._queue[: samples_per_channel * self._frame_bytes]
        self.dropped += samples_per_channel

    def _settle(self) -> None:
        """Starts over with measuring, after the distance was changed."""
        self.jumps += 1
        self._owed = 0
        self._drift.settle()
        self._least, self._watched = _NOTHING_YET, 0
