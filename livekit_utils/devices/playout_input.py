"""PlayoutInput: one stream on its way to the speaker."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from livekit_utils._kernels.gain_queue import GainQueue
from livekit_utils._runtime.lifecycle import Waiters
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.devices.playout_depth import DelayMeter, PlayoutDepth
from livekit_utils.frames.audio_frame import as_audio_frame

# Length of the crossfade where sound is left out: short, but without a click.
_CROSSFADE_S = 0.005

# Interval between two looks at whether a live input holds more than it needs. A surplus that was not needed for so long
# is left out.
_REVIEW_S = 5.0

# A surplus below this is not worth a crossfade.
_LEAST_SURPLUS_S = 0.006

# A greater surplus is left out at once, so that it does not become a lasting delay.
SLACK_S = 0.03

# An underrun that lasts this long was not a stall: the sender was silent.
_STALL_S = 0.5

# A frame that came later than this, with an underrun, is taken for the first of several that were held up.
_LATE_FRAME_S = 0.015


class PlayoutInput:
    """The samples of one stream on their way to the speaker.

    A live stream starts to be played with its first frame, after as much silence as it takes for the others to come in
    time. So it does again after an underrun, if that came from one late frame. After a stall it waits for the others
    instead: they come at once. Any other starts when as much is there as the ring is to hold, or that much time has
    passed since its first sample, or it has ended. After an underrun it starts again.

    A live stream delivers whether its samples are played or not, so those that cannot be played in time are left out: a
    surplus that was not needed for five seconds, and a surplus of more than 30 ms at once. The gap
    is crossfaded and counted. Any other stream is not read faster than it is played.

    Args:
        key: What stands for the stream.
        live: Whether the stream goes on if it is not read.
        sample_rate, num_channels: Of the mix.
        depth: How much sound is to be queued before the device.
    """

    def __init__(self, key: Any, live: bool, sample_rate: int, num_channels: int, depth: PlayoutDepth) -> None:
        self.key = key
        self.live = live
        self.playing = False
        self.ended = False
        self.num_dropped = 0
        self.num_stalls = 0
        self._in_time = True  # what follows comes in time, if it is played from now on
        self.task: asyncio.Task[None] | None = None
        self.room = Waiters()  # its task waits here while enough is queued
        self.queue = GainQueue(num_channels)
        self.tail = GainQueue(num_channels)  # the part of what was left out that fades out
        self._converter = FrameConverter(sample_rate, num_channels)
        self._sample_rate = sample_rate
        self._depth = depth
        self._block = max(1, sample_rate // 100)
        self._crossfade = max(1, round(_CROSSFADE_S * sample_rate))
        self._delays = DelayMeter()
        self._num_pushed = 0
        self._waiting_since: float | None = None
        self._underrun_at: float | None = None
        self._least = math.inf  # least surplus since the last review
        self._reviewed_at = -math.inf

    @property
    def fill(self) -> int:
        """Samples per channel in the queue."""
        return self.queue.samples_per_channel

    @property
    def can_go_on(self) -> bool:
        """Whether more of it can be mixed as the device goes on, though nothing more comes."""
        return self.ended or self.fill > 0

    @property
    def has_rest(self) -> bool:
        """Whether the converter holds back the end of what was played, and nothing else is left."""
        return self.playing and not self.fill and self._converter.holds_back

    def take_rest(self) -> None:
        """Takes the end out of the converter, because nothing follows in time: at the earliest, it would be heard after
        the pause, as the head of the next sound."""
        for converted in self._converter.flush():
            self.queue.push(converted)

    def is_full(self, ring_fill: int, now: float) -> bool:
        """Whether a stream that is not live need not be read further, with `ring_fill` samples before the device."""
        return self.fill + ring_fill >= self._depth.depth(now) + 2 * self._block

    def push(self, item: Any, ring_fill: int, now: float) -> None:
        """Queues a frame of any format, or an event with one, while `ring_fill` samples are before the device."""
        frame = as_audio_frame(getattr(item, "frame", item))
        frames = self._converter.push(frame)
        # What the first frame lacks is held back by the converter; all further ones are as long as they came.
        size = round(frame.samples_per_channel * self._sample_rate / frame.sample_rate)
        made = sum(converted.samples_per_channel for converted in frames)
        if not made:
            self._num_pushed += size
            return
        num_queued = self.fill + ring_fill - (size - made)
        if self.live:
            self._note_arrival(num_queued, size, now)
        for converted in frames:
            self.queue.push(converted)
        if self.live:
            # The reserve as it may be at another time: else sound would be left out for what was measured a little
            # differently.
            self._review(self._depth.surplus(num_queued, size, now, with_margin=True), now)
        if not self.playing and self._waiting_since is None:
            self._waiting_since = now

    def end(self) -> None:
        """The stream has ended: takes the rest out of the converter."""
        if not self.ended:
            self.ended = True
            for converted in self._converter.flush():
                self.queue.push(converted)

    def clear(self) -> None:
        """Drops everything that is queued."""
        self.queue.clear()
        self._converter.reset()
        self.stop()

    def starts(self, ring_fill: int, now: float) -> bool:
        """Starts to be played if it is ready, with `ring_fill` samples before the device; returns whether it is."""
        self.make_room(ring_fill, now)
        if not self.fill:
            return False
        if self._waiting_since is None:
            self._waiting_since = now  # it was stopped with samples in its queue
        if not (self.ended or (self.live and self._in_time)):
            depth = self._depth.depth(now)
            waited = (now - self._waiting_since) * self._sample_rate
            if self.fill + ring_fill < depth and waited < depth:
                return False
        self.playing = True
        if self._underrun_at is not None:
            self.num_stalls += self._waiting_since - self._underrun_at < _STALL_S
        self._waiting_since = self._underrun_at = None
        self._least, self._reviewed_at = math.inf, -math.inf
        return True

    def note_underrun(self, at: float) -> None:
        """Stops, because sound was played without its part."""
        self.stop()
        self._in_time = False
        if not self.ended:
            self._underrun_at = at

    def stop(self) -> None:
        """Stops until it is ready again."""
        self.playing = False
        self._in_time = True
        self._waiting_since = None

    def _note_arrival(self, num_queued: int, size: int, now: float) -> None:
        """Notes that `size` samples have come that are to be queued behind `num_queued` others. If some of those are
        missing at the start, they are replaced by silence."""
        delay_s = self._delays.come(self._num_pushed / self._sample_rate, now)
        self._num_pushed += size
        if delay_s > 0:
            self._depth.see_delay(delay_s, now)
        if self.playing:
            return
        starts, waits = not self.fill, False
        if starts and self._underrun_at is not None and now - self._underrun_at < _STALL_S:
            waits = self._delays.late_s > _LATE_FRAME_S
            if not waits:
                now -= self._delays.late_s  # the frames that follow come that much sooner
        surplus = self._depth.surplus(num_queued, size, now)
        if starts and not waits and surplus < 0:
            self.queue.push_silence(-surplus)
            surplus = 0
        self._in_time = surplus >= 0

    def _review(self, surplus: int, now: float) -> None:
        """Leaves out a surplus that is not needed, of what is queued."""
        if surplus > SLACK_S * self._sample_rate:
            self._leave_out(surplus)
        elif self._reviewed_at == -math.inf:
            self._reviewed_at = now
        elif now - self._reviewed_at < _REVIEW_S:
            self._least = min(self._least, surplus)
        else:
            least = min(self._least, surplus)
            if least >= _LEAST_SURPLUS_S * self._sample_rate:
                self._leave_out(int(least))
            self._least, self._reviewed_at = math.inf, now

    def _leave_out(self, size: int) -> None:
        size = min(size, self.fill)
        dropped = self.queue.pop(size)
        self.num_dropped += size
        self._least = math.inf
        if not self.playing:
            return
        fade = min(size, self._crossfade)
        self.tail.clear()
        self.tail.push(memoryview(dropped)[: fade * self.queue.num_channels * 2])
        self.tail.set_gain(1, 0)
        self.tail.set_gain(0, fade)
        self.queue.set_gain(0, 0)
        self.queue.set_gain(1, fade)

    def make_room(self, ring_fill: int, now: float) -> None:
        """Lets its task read on, if there is room."""
        if len(self.room) and not self.is_full(ring_fill, now):
            self.room.release()
