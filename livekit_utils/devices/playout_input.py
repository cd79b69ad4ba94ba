"""PlayoutInput: what an OutputPlayer knows of one track or stream that it plays."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.frames.audio_frame import as_audio_frame
from livekit_utils.mixing.mix_input import MixInput

_CROSSFADE_S = 0.005
# So often an input is asked whether it holds more than it needs. What came late once may do so again: a surplus that it
# left goes slowly, a block at a time.
_REVIEW_S = 5.0
# One that goes on after so long a break has not been late: it had nothing to say.
_STALL_S = 0.5


class PlayoutInput:
    """The samples of one stream on their way to the speaker.

    It starts to be heard when enough is there to bridge the jitter of what follows: what is queued, here and before the
    device, comes to `target`; or when that much time has passed since its first sample, or it has ended. When it runs
    dry, it starts over.

    A live stream goes on whatever becomes of its samples, so what cannot be played in time is left out: down to
    `target` where it exceeds `limit`, and where a surplus has not been needed for five seconds, a block of it. The gap
    is crossfaded and counted. Where its frames are longer than a block, both are more by as much. Any other stream is
    not read faster than it is played.

    Args:
        stream: What it comes from.
        live: Whether samples come when they like.
        sample_rate, num_channels: Of the mix.
        target, limit: Frames (samples per channel).
    """

    def __init__(
        self, stream: Any, live: bool, sample_rate: int, num_channels: int, target: int, limit: int, block: int
    ) -> None:
        self.stream = stream
        self.live = live
        self.playing = False
        self.ended = False
        self.num_dropped = 0
        self.num_stalls = 0
        self.task: asyncio.Task[None] | None = None
        self.room: asyncio.Future[None] | None = None  # its task waits for this while enough is queued
        self.queue = MixInput(num_channels)
        self.tail = MixInput(num_channels)  # fades out what was left out
        self._converter = FrameConverter(sample_rate, num_channels)
        self._sample_rate = sample_rate
        self._crossfade = max(1, round(_CROSSFADE_S * sample_rate))
        self._target, self._limit, self._block = target, limit, block
        self._waiting_since: float | None = None
        self._dry_since: float | None = None
        self._least = math.inf
        self._reviewed_at = -math.inf
        self._longest = self._longest_before = block  # frames of the stream, since the last review and before

    @property
    def num_frames(self) -> int:
        return self.queue.num_frames

    def can_go_on(self, block: int) -> bool:
        """Whether there is something to be done with it as the device moves, even if no more comes."""
        return self.ended or self.queue.num_frames >= (block if self.playing else 1)

    def is_full(self, level: int) -> bool:
        """Whether a stream that is not live need not be read on, while `level` frames are queued before the device."""
        return self.queue.num_frames + level >= self._target + 2 * self._block

    def push(self, item: Any, level: int, now: float) -> None:
        """A frame, or an event with one, of any format, while `level` frames are queued before the device."""
        self._least = min(self._least, self.queue.num_frames + level)
        before = self.queue.num_frames
        frame = as_audio_frame(getattr(item, "frame", item))
        for converted in self._converter.push(frame):
            self.queue.push(converted)
        self._longest = max(self._longest, self.queue.num_frames - before)
        if not self.playing and self._waiting_since is None and self.queue.num_frames:
            self._waiting_since = now

    def end(self) -> None:
        """No more will come."""
        if not self.ended:
            self.ended = True
            for frame in self._converter.flush():
                self.queue.push(frame)

    def clear(self) -> int:
        """Forgets what is queued; returns how many frames."""
        num_frames = self.queue.num_frames
        self.queue.clear()
        self.stop()
        return num_frames

    def is_ready(self, level: int, now: float) -> bool:
        """Whether it may start to be heard, while `level` frames are queued before the device."""
        if not self.queue.num_frames:
            return False
        if self._waiting_since is None:
            self._waiting_since = now  # it was stopped with something left
        waited = now - self._waiting_since
        enough = self.queue.num_frames + level >= self._target + self._extra
        return enough or self.ended or waited * self._sample_rate >= self._target

    def start(self, now: float) -> None:
        self.playing = True
        self._waiting_since = None
        self._least, self._reviewed_at = math.inf, now
        if self._dry_since is not None and now - self._dry_since < _STALL_S:
            self.num_stalls += 1
        self._dry_since = None

    def run_dry(self, now: float) -> None:
        self.stop()
        if not self.ended:
            self._dry_since = now

    def stop(self) -> None:
        self.playing = False
        self._waiting_since = None

    def review(self, level: int, now: float) -> None:
        """Whether something is to be left out, asked whenever a frame has come or a block is due."""
        if not self.live:
            return
        total = self.queue.num_frames + level
        if total > self._limit + self._extra:
            self._leave_out(total - self._target - self._extra, level, now)
        elif now - self._reviewed_at >= _REVIEW_S:
            # There is least before a frame that comes behind a block that the device took. A block less than the target
            # is enough then.
            if self._least >= self._target:
                self._leave_out(self._block, level, now)
            self._least, self._reviewed_at = math.inf, now
            self._longest_before, self._longest = self._longest, self._block

    @property
    def _extra(self) -> int:
        """What comes at once beyond a block."""
        return max(self._longest, self._longest_before) - self._block if self.live else 0

    def _leave_out(self, num_frames: int, level: int, now: float) -> None:
        kept = 0 if level >= self._block // 2 else self._block  # what the device needs now
        num_frames = min(num_frames, self.queue.num_frames - kept)
        if num_frames <= 0:
            return
        dropped = self.queue.pop(num_frames)
        self.num_dropped += num_frames
        self._least, self._reviewed_at = math.inf, now
        if not self.playing:
            return
        fade = min(num_frames, self._crossfade)
        self.tail.clear()
        self.tail.push(memoryview(dropped)[: fade * self.queue.num_channels * 2])
        self.tail.set_gain(1, 0)
        self.tail.set_gain(0, fade)
        self.queue.set_gain(0, 0)
        self.queue.set_gain(1, fade)

    def make_room(self, level: int) -> None:
        """Its reader may go on, if there is room."""
        if self.room is not None and not self.is_full(level) and not self.room.done():
            self.room.set_result(None)
