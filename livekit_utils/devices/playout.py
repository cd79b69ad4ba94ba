"""PlayoutMixer: what an OutputPlayer gives the device next."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from livekit_utils._kernels.gain_queue import GainQueue, mix
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.frames.audio_frame import as_audio_frame

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
        self.queue = GainQueue(num_channels)
        self.tail = GainQueue(num_channels)  # fades out what was left out
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


class PlayoutMixer:
    """Mixes what is to be heard, block by block, as the device takes it.

    A block is made when every input that is being heard has its part of it. One that lacks its part is waited for a
    little, as long as the device does not run dry; then the block is made of what there is, and that input is not
    waited for until it starts over. So the device is the clock, and nobody holds up anybody.

    Args:
        block: Frames (samples per channel) of a block.
        target: Frames to be queued before the device.
        patience_s: How long one that is late may keep the others waiting.
    """

    def __init__(self, num_channels: int, block: int, target: int, patience_s: float) -> None:
        self._num_channels = num_channels
        self._block = block
        self._target = target
        self._patience_s = patience_s
        self._waiting_since: float | None = None
        self.inputs: list[PlayoutInput] = []

    @property
    def waits_until(self) -> float | None:
        """When the next block is made at the latest, where it waits for an input."""
        return None if self._waiting_since is None else self._waiting_since + self._patience_s

    @property
    def cares_below(self) -> int:
        """With no fewer frames than that before the device, `next_block` does nothing."""
        if any(source.can_go_on(self._block) for source in self.inputs):
            return self._target
        # One that runs dry is to be known as soon as it is.
        return self._block // 2 if any(source.playing for source in self.inputs) else 0

    def next_block(self, level: int, now: float) -> bytearray | None:
        """A block to be queued before the device, where `level` frames are now; None where none is due."""
        if level >= self._target:
            return None
        playing = self._playing(level, now)
        late = [source for source in playing if source.num_frames < self._block and not source.ended]
        if late and len(late) < len(playing) and level >= self._block // 2:
            if self._waiting_since is None:
                self._waiting_since = now
            if now < self._waiting_since + self._patience_s:
                return None
        elif late and level >= self._block // 2:
            return None  # nobody waits for it but the device, which has enough
        self._waiting_since = None
        mixed = self._mix(playing) if any(source.num_frames for source in playing) else None
        for source in late:
            source.run_dry(now)
        for source in playing:
            source.make_room(level + self._block)
        self.inputs = [source for source in self.inputs if source.num_frames or not source.ended]
        return mixed

    def _playing(self, level: int, now: float) -> list[PlayoutInput]:
        for source in self.inputs:
            source.review(level, now)
            if not source.playing:
                source.make_room(level)
                if source.is_ready(level, now):
                    source.start(now)
        return [source for source in self.inputs if source.playing]

    def _mix(self, playing: list[PlayoutInput]) -> bytearray:
        parts = [source.queue for source in playing]
        parts += [source.tail for source in playing if source.tail.num_frames]
        return mix(parts, self._block, self._num_channels)
