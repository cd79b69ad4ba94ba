"""Playout: reads the streams that a speaker plays, and fills the ring before it with their mix."""

from __future__ import annotations

import asyncio
import logging
import math
from typing import Any

from livekit_utils._kernels.gain_queue import GainQueue, mix
from livekit_utils._runtime.finished_streams import FinishedStreams
from livekit_utils._runtime.lifecycle import Closing, Waiters
from livekit_utils._runtime.streams import close_iterator
from livekit_utils._runtime.tasks import start_task
from livekit_utils._runtime.trouble import ENDS_PROGRAM
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.devices.device_stream import DeviceLink
from livekit_utils.devices.speaker_feed import SpeakerFeed
from livekit_utils.frames.audio_frame import as_audio_frame

logger = logging.getLogger("livekit_utils")

# After this many frames in a row, a stream that always has one ready lets other tasks run.
_READS_IN_A_ROW = 16

# Above any fill: the device wakes the loop after each block.
_ALWAYS = 1 << 32


class Playout(Closing):
    """Reads streams, mixes them, and keeps the ring before a device filled up to a target.

    A task per stream reads frames into a PlayoutInput. After each, and when the device wakes the loop, `pump` fills the
    ring up to the target, as far as the inputs go. So the device is the clock. Without a device nothing is mixed.

    Args:
        sample_rate, num_channels: Of the mix.
        target: Samples per channel to keep in the ring.
        limit: Samples per channel that a live stream may have queued, with those in the ring.
        patience_s: Seconds for which a late stream may hold up the others.
        every_block: Have the device wake the loop after each block, even if there is nothing to do.

    Threads: for one event loop.
    """

    def __init__(
        self, sample_rate: int, num_channels: int, target: int, limit: int, patience_s: float, every_block: bool
    ) -> None:
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._target, self._limit = target, limit
        self._block = max(1, sample_rate // 100)
        self._least_wake = _ALWAYS if every_block else 0
        self._mixer = PlayoutMixer(num_channels, self._block, target, patience_s)
        self._feed: SpeakerFeed | None = None
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._finished = FinishedStreams()
        self._waiters = Waiters()
        self._num_waiting = 0
        self.tasks: set[asyncio.Task[None]] = set()
        """The tasks that read streams, including those that are being cancelled."""

    # -- the inputs ---------------------------------------------------------------------------------------------------

    def add(self, key: Any, stream: Any, live: bool) -> None:
        """Plays a stream from now on, until it ends or fails.

        Args:
            key: What stands for the stream; the stream itself, if it belongs to somebody else and is not to be closed.
            stream: An async iterable of frames, or of events with a `frame`.
            live: Leave out what cannot be played in time, instead of reading more slowly.
        """
        source = PlayoutInput(key, live, self._sample_rate, self._num_channels, self._target, self._limit, self._block)
        task = start_task(self._read(source, stream), f"OutputPlayer {key!r}")
        source.task = task
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        self._mixer.inputs.append(source)

    def has(self, key: Any) -> bool:
        """Whether a stream is played and has not ended."""
        return self._find(key) is not None

    def remove(self, key: Any) -> bool:
        """Stops playing a stream; one that has ended is played to its end. Returns whether it was ever played."""
        source = self._find(key)
        if source is None:
            return key in self._finished
        self._remove(source)
        self.pump()
        return True

    def _find(self, key: Any) -> PlayoutInput | None:
        return next((source for source in self._mixer.inputs if source.key is key and not source.ended), None)

    def _remove(self, source: PlayoutInput) -> None:
        self._mixer.remove(source)
        if source.task is not None:
            source.task.cancel()

    async def _read(self, source: PlayoutInput, stream: Any) -> None:
        loop = asyncio.get_running_loop()
        iterator = aiter(stream)
        try:
            num_read = 0
            async for item in iterator:
                source.push(item, self.fill, loop.time())
                self.pump()
                if source.live:
                    source.review(self.fill, loop.time())
                elif source.is_full(self.fill):
                    await source.room.wait()
                num_read += 1
                if num_read % _READS_IN_A_ROW == 0:
                    await asyncio.sleep(0)
        except (*ENDS_PROGRAM, GeneratorExit, asyncio.CancelledError):
            raise
        except BaseException as error:
            logger.error("OutputPlayer: %r failed and is removed: %s", source.key, error, exc_info=error)
        finally:
            source.task = None
            source.end()
            if source in self._mixer.inputs:  # it was not removed
                self._finished.add(source.key)
            self.pump()
            if stream is not source.key or iterator is not stream:
                await close_iterator(iterator, f"OutputPlayer: {iterator!r}")

    # -- the device ---------------------------------------------------------------------------------------------------

    def open(self, link: DeviceLink) -> None:
        """Plays on a device that was opened. All inputs start again, with what they have queued."""
        self._feed = SpeakerFeed(link, self._sample_rate, self._num_channels)
        self._feed.pause(self._paused)
        self._mixer.stop()
        self.pump()

    def lose(self) -> None:
        """The device was lost or closed; what was in the ring is not played any more."""
        self._feed = None
        self._mixer.stop()

    def on_wake(self) -> None:
        """The device has taken a block, and fewer samples are left than it was told to wake for."""
        self.pump()
        if self._num_waiting and self.is_done:
            self._waiters.release()

    def pump(self) -> None:
        """Fills the ring up to the target, as far as the inputs go, and has the device wake the loop when there is more
        to do. Call it after anything that may let more be mixed."""
        feed = self._feed
        if self._closed or feed is None:
            return
        now = asyncio.get_running_loop().time()
        least_wake = max(self._least_wake, 1 if self._num_waiting else 0)
        while feed.wake_below(max(self._mixer.fill(feed, now), least_wake)):
            pass
        due = self._mixer.waits_until
        if due is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.pump()

    # -- what is played -----------------------------------------------------------------------------------------------

    @property
    def paused(self) -> bool:
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._paused = paused
        if self._feed is not None:
            self._feed.pause(paused)

    def clear(self, fade_s: float) -> None:
        """Drops everything that is queued, after a fade of `fade_s` seconds; the inputs stay."""
        for source in self._mixer.inputs:
            source.clear()
        if self._feed is not None:
            self._feed.clear(fade_s)
        for source in self._mixer.inputs:
            source.make_room(0)

    async def wait_until_done(self) -> None:
        """Returns when everything has been given to the device, or after the close."""
        self._num_waiting += 1
        try:
            while not self._closed and not self.is_done:
                self.pump()
                await self._waiters.wait()
        finally:
            self._num_waiting -= 1

    @property
    def is_done(self) -> bool:
        """Whether all streams that are not live have ended, and nothing is queued, with a device that plays."""
        if any(source.fill or not source.live for source in self._mixer.inputs):
            return False
        return self._feed is not None and not self._feed.fill

    # -- figures ------------------------------------------------------------------------------------------------------

    @property
    def fill(self) -> int:
        """Samples per channel in the ring before the device, at the rate of the mix; 0 without a device."""
        return 0 if self._feed is None else self._feed.fill

    @property
    def num_queued(self) -> int:
        """Samples per channel on their way to the device: in the ring, and in the longest input."""
        return self.fill + max((source.fill for source in self._mixer.inputs), default=0)

    @property
    def num_inputs(self) -> int:
        return len(self._mixer.inputs)

    @property
    def num_dropped(self) -> int:
        """Samples per channel that were left out, summed over the inputs."""
        return self._mixer.num_dropped

    @property
    def num_stalls(self) -> int:
        """How many times an input had an underrun and went on soon after."""
        return self._mixer.num_stalls

    def close(self) -> None:
        """Removes all inputs and lets everybody go on who waits; `tasks` are then those still to be waited for."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for source in list(self._mixer.inputs):
            self._remove(source)
        self._waiters.release()


class PlayoutMixer:
    """Mixes the inputs, block by block, into the ring before a device.

    A block is made when every input that is being played has its part of it. An input that lacks its part is waited for
    up to `patience_s`, as long as the ring holds at least half a block. Then the block is made without it, and it stops
    until it is ready again. So no input holds up the others for longer.

    Args:
        num_channels: Of the mix.
        block: Samples per channel of a block.
        target: Samples per channel to be queued before the device.
        patience_s: Seconds for which a late input may hold up the others.
    """

    def __init__(self, num_channels: int, block: int, target: int, patience_s: float) -> None:
        self._num_channels = num_channels
        self._block = block
        self._target = target
        self._patience_s = patience_s
        self._waiting_since: float | None = None
        self._num_dropped = self._num_stalls = 0  # of the inputs that are gone
        self.inputs: list[PlayoutInput] = []

    @property
    def num_dropped(self) -> int:
        """Samples per channel that the inputs have left out, including those that are gone."""
        return self._num_dropped + sum(source.num_dropped for source in self.inputs)

    @property
    def num_stalls(self) -> int:
        """Stalls of the inputs, including those that are gone."""
        return self._num_stalls + sum(source.num_stalls for source in self.inputs)

    @property
    def waits_until(self) -> float | None:
        """The time by which the next block is made at the latest, if it waits for an input."""
        return None if self._waiting_since is None else self._waiting_since + self._patience_s

    def remove(self, source: PlayoutInput) -> None:
        """Forgets an input, but not its figures."""
        self.inputs.remove(source)
        self._num_dropped += source.num_dropped
        self._num_stalls += source.num_stalls

    def stop(self) -> None:
        """Has all inputs start again, because the device changes."""
        for source in self.inputs:
            source.stop()

    def fill(self, feed: SpeakerFeed, now: float) -> int:
        """Writes blocks until the ring is filled up to the target, or the inputs have nothing more to give.

        Returns:
            The fill of the ring below which to call again, though no input has delivered anything.
        """
        while (ring_fill := feed.fill) < self._target:
            block = self._next_block(ring_fill, now)
            if block is None:
                break
            feed.write(block)
        has_playing = False
        for source in self.inputs:
            if source.can_go_on:
                return self._target
            has_playing = has_playing or source.playing
        return self._block // 2 if has_playing else 0  # an underrun is to be noted when it happens

    def _next_block(self, ring_fill: int, now: float) -> bytearray | None:
        """A block for a ring that holds `ring_fill` samples per channel; None if none is due."""
        playing = self._start_inputs(ring_fill, now)
        late = [source for source in playing if source.fill < self._block and not source.ended]
        if late and ring_fill >= self._block // 2:
            if len(late) == len(playing):
                return None  # the device has enough, and no input holds up another
            if self._waiting_since is None:
                self._waiting_since = now
            if now < self._waiting_since + self._patience_s:
                return None
        self._waiting_since = None
        mixed = self._mix(playing) if any(source.fill for source in playing) else None
        for source in late:
            source.note_underrun(now)
        for source in playing:
            source.make_room(ring_fill + self._block)
        for source in [source for source in self.inputs if source.ended and not source.fill]:
            self.remove(source)
        return mixed

    def _start_inputs(self, ring_fill: int, now: float) -> list[PlayoutInput]:
        """Starts the inputs that are ready; returns all that are being played."""
        for source in self.inputs:
            source.review(ring_fill, now)
            if not source.playing:
                source.make_room(ring_fill)
                if source.is_ready(ring_fill, now):
                    source.start(now)
        return [source for source in self.inputs if source.playing]

    def _mix(self, playing: list[PlayoutInput]) -> bytearray:
        parts = [source.queue for source in playing]
        parts += [source.tail for source in playing if source.tail.samples_per_channel]
        return mix(parts, self._block, self._num_channels)


# Length of the crossfade where sound is left out: short, but without a click.
_CROSSFADE_S = 0.005

# Interval between two looks at whether a live input holds more than it needs. What once came late may come late again,
# so a surplus is dropped slowly: one block per interval.
_REVIEW_S = 5.0

# An underrun that lasts this long was not a stall: the sender was silent.
_STALL_S = 0.5


class PlayoutInput:
    """The samples of one stream on their way to the speaker.

    It starts to be played when enough is there to bridge the jitter of what follows: when `target` samples are queued,
    here and before the device, or that much time has passed since the first one, or the stream has ended. After an
    underrun it starts again.

    A live stream delivers whether its samples are played or not, so those that cannot be played in time are left out:
    down to `target` when more than `limit` are queued, and a block when a surplus was not needed for five seconds. The
    gap is crossfaded and counted. If its frames are longer than a block, both marks are higher by the difference. Any
    other stream is not read faster than it is played.

    Args:
        key: What stands for the stream.
        live: Whether the stream goes on if it is not read.
        sample_rate, num_channels: Of the mix.
        target, limit, block: Samples per channel.
    """

    def __init__(
        self, key: Any, live: bool, sample_rate: int, num_channels: int, target: int, limit: int, block: int
    ) -> None:
        self.key = key
        self.live = live
        self.playing = False
        self.ended = False
        self.num_dropped = 0
        self.num_stalls = 0
        self.task: asyncio.Task[None] | None = None
        self.room = Waiters()  # its task waits here while enough is queued
        self.queue = GainQueue(num_channels)
        self.tail = GainQueue(num_channels)  # the part of what was left out that fades out
        self._converter = FrameConverter(sample_rate, num_channels)
        self._sample_rate = sample_rate
        self._crossfade = max(1, round(_CROSSFADE_S * sample_rate))
        self._target, self._limit, self._block = target, limit, block
        self._waiting_since: float | None = None
        self._underrun_at: float | None = None
        self._least = math.inf  # fewest samples queued before a frame came, since the last review
        self._reviewed_at = -math.inf
        self._longest = self._longest_before = block  # frames of the stream, since the last review and before

    @property
    def fill(self) -> int:
        """Samples per channel in the queue."""
        return self.queue.samples_per_channel

    @property
    def can_go_on(self) -> bool:
        """Whether more of it can be mixed as the device goes on, though nothing more comes."""
        return self.ended or self.fill >= (self._block if self.playing else 1)

    def is_full(self, ring_fill: int) -> bool:
        """Whether a stream that is not live need not be read further, with `ring_fill` samples before the device."""
        return self.fill + ring_fill >= self._target + 2 * self._block

    def push(self, item: Any, ring_fill: int, now: float) -> None:
        """Queues a frame of any format, or an event with one, while `ring_fill` samples are before the device."""
        before = self.fill
        self._least = min(self._least, before + ring_fill)
        frame = as_audio_frame(getattr(item, "frame", item))
        for converted in self._converter.push(frame):
            self.queue.push(converted)
        self._longest = max(self._longest, self.fill - before)
        if not self.playing and self._waiting_since is None and self.fill:
            self._waiting_since = now

    def end(self) -> None:
        """The stream has ended: takes the rest out of the converter."""
        if not self.ended:
            self.ended = True
            for frame in self._converter.flush():
                self.queue.push(frame)

    def clear(self) -> None:
        """Drops everything that is queued."""
        self.queue.clear()
        self.stop()

    def is_ready(self, ring_fill: int, now: float) -> bool:
        """Whether it may start to be played, with `ring_fill` samples before the device."""
        if not self.fill:
            return False
        if self._waiting_since is None:
            self._waiting_since = now  # it was stopped with samples in its queue
        waited = now - self._waiting_since
        enough = self.fill + ring_fill >= self._target + self._extra
        return enough or self.ended or waited * self._sample_rate >= self._target

    def start(self, now: float) -> None:
        """Starts to be played."""
        self.playing = True
        self._waiting_since = None
        self._least, self._reviewed_at = math.inf, now
        if self._underrun_at is not None and now - self._underrun_at < _STALL_S:
            self.num_stalls += 1
        self._underrun_at = None

    def note_underrun(self, now: float) -> None:
        """Stops, because a block was made without its part."""
        self.stop()
        if not self.ended:
            self._underrun_at = now

    def stop(self) -> None:
        """Stops until it is ready again."""
        self.playing = False
        self._waiting_since = None

    def review(self, ring_fill: int, now: float) -> None:
        """Leaves out what cannot be played in time; called when a frame has come or a block is due."""
        if not self.live:
            return
        total = self.fill + ring_fill
        if total > self._limit + self._extra:
            self._leave_out(total - self._target - self._extra, ring_fill, now)
        elif now - self._reviewed_at >= _REVIEW_S:
            # The fewest samples are queued before a frame that comes just after the device took a block. A block less
            # than the target is enough at that moment.
            if self._least >= self._target:
                self._leave_out(self._block, ring_fill, now)
            self._least, self._reviewed_at = math.inf, now
            self._longest_before, self._longest = self._longest, self._block

    @property
    def _extra(self) -> int:
        """Samples by which a live stream's frames are longer than a block."""
        return max(self._longest, self._longest_before) - self._block if self.live else 0

    def _leave_out(self, size: int, ring_fill: int, now: float) -> None:
        kept = 0 if ring_fill >= self._block // 2 else self._block  # what the device needs now
        size = min(size, self.fill - kept)
        if size <= 0:
            return
        dropped = self.queue.pop(size)
        self.num_dropped += size
        self._least, self._reviewed_at = math.inf, now
        if not self.playing:
            return
        fade = min(size, self._crossfade)
        self.tail.clear()
        self.tail.push(memoryview(dropped)[: fade * self.queue.num_channels * 2])
        self.tail.set_gain(1, 0)
        self.tail.set_gain(0, fade)
        self.queue.set_gain(0, 0)
        self.queue.set_gain(1, fade)

    def make_room(self, ring_fill: int) -> None:
        """Lets its task read on, if there is room."""
        if len(self.room) and not self.is_full(ring_fill):
            self.room.release()
