"""Playout: reads the streams that a speaker plays, and fills the ring before it with their mix."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from livekit_utils._runtime.due_timer import DueTimer
from livekit_utils._runtime.finished_streams import FinishedStreams
from livekit_utils._runtime.lifecycle import Closing, Waiters
from livekit_utils._runtime.loop_timers import LoopTimers
from livekit_utils._runtime.streams import close_iterator
from livekit_utils._runtime.tasks import OwnTask, start_task
from livekit_utils._runtime.trouble import ENDS_PROGRAM
from livekit_utils.devices.device_stream import DeviceLink
from livekit_utils.devices.playout_depth import PlayoutDepth
from livekit_utils.devices.playout_input import PlayoutInput
from livekit_utils.devices.playout_mixer import PlayoutMixer
from livekit_utils.devices.speaker_feed import SpeakerFeed

logger = logging.getLogger("livekit_utils")

# After this many frames in a row, a stream that always has one ready lets other tasks run.
_READS_IN_A_ROW = 16

# Above any fill: the device wakes the loop after each block.
_ALWAYS = 1 << 32


class Playout(Closing):
    """Reads streams, mixes them, and keeps the ring before a device as full as it has to be.

    A task per stream reads frames into a PlayoutInput. After each, and when the device wakes the loop, `pump` fills the
    ring up to its depth, as far as the inputs go. So the device is the clock. Without a device nothing is mixed.

    Args:
        sample_rate, num_channels: Of the mix.
        depth: How much sound is to be ready.
        every_block: Have the device wake the loop after each block, even if there is nothing to do.

    Threads: for one event loop.
    """

    def __init__(self, sample_rate: int, num_channels: int, depth: PlayoutDepth, every_block: bool) -> None:
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._depth = depth
        self._least_wake = _ALWAYS if every_block else 0
        self._mixer = PlayoutMixer(sample_rate, num_channels, depth)
        self._feed: SpeakerFeed | None = None
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._rest_timer = DueTimer()
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
        source = PlayoutInput(key, live, self._sample_rate, self._num_channels, self._depth)
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
        own_task = OwnTask()
        try:
            num_read = 0
            async for item in iterator:
                now = loop.time()
                self._mixer.look(self._feed, now)
                source.push(item, self.fill, now)
                self.pump(now)
                if not source.live and source.is_full(self.fill, now):
                    await source.room.wait()
                num_read += 1
                if num_read % _READS_IN_A_ROW == 0:
                    await asyncio.sleep(0)
        except (*ENDS_PROGRAM, GeneratorExit, asyncio.CancelledError):
            raise
        except BaseException as error:
            own_task.leave_if_gone()
            logger.error("OutputPlayer: %r failed and is removed: %s", source.key, error, exc_info=error)
        finally:
            source.task = None
            if own_task.runs:
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
        self._depth.forget_device()
        self._mixer.stop()

    def on_wake(self) -> None:
        """The device has taken a block, and fewer samples are left than it was told to wake for."""
        self.pump()
        if self._num_waiting and self.is_done:
            self._waiters.release()

    def pump(self, now: float | None = None) -> None:
        """Fills the ring up to its depth, as far as the inputs go, and has the device wake the loop when there is more
        to do. Call it after anything that may let more be mixed. `now` is the loop's time, if the caller has it."""
        feed = self._feed
        if self._closed or feed is None:
            return
        if now is None:
            now = asyncio.get_running_loop().time()
        least_wake = max(self._least_wake, 1 if self._num_waiting else 0)
        while feed.wake_below(max(self._mixer.fill(feed, now), least_wake)):
            pass
        due = self._mixer.waits_until
        if due is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(due, self._on_timer)
        rest_due = self._mixer.rest_due
        if rest_due is None:
            self._rest_timer.cancel()
        else:
            self._rest_timer.set(LoopTimers.of(asyncio.get_running_loop()), rest_due, rest_due, now, self.pump)

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
        now = asyncio.get_running_loop().time()
        for source in self._mixer.inputs:
            source.make_room(0, now)

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
    def depth(self) -> int:
        """Samples per channel that the ring was to hold when it was filled last."""
        return self._mixer.target

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
        self._rest_timer.cancel()
        for source in list(self._mixer.inputs):
            self._remove(source)
        self._waiters.release()
