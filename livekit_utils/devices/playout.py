"""Playout: reads the streams that a speaker plays, and fills the ring before it with their mix."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from typing import Any

from livekit_utils._kernels.gain_queue import GainQueue, mix
from livekit_utils._runtime.finished_streams import FinishedStreams
from livekit_utils._runtime.lifecycle import Closing, Waiters
from livekit_utils._runtime.streams import close_iterator
from livekit_utils._runtime.tasks import start_task
from livekit_utils._runtime.trouble import ENDS_PROGRAM, Trouble
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.devices.device_stream import DeviceLink
from livekit_utils.devices.playout_depth import DelayMeter, PlayoutDepth
from livekit_utils.devices.speaker_feed import SpeakerFeed
from livekit_utils.frames.audio_frame import as_audio_frame

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
        for source in list(self._mixer.inputs):
            self._remove(source)
        self._waiters.release()


class PlayoutMixer:
    """Mixes the inputs into the ring before a device.

    Whatever every input that is being played has is mixed, 10 ms at most at a time. An input that has nothing is waited
    for until the device needs the sound, but no longer than it could have come late unnoticed. Then the mix is made
    without it, and it stops until it is ready again. So no input holds up the others for longer.

    Args:
        sample_rate, num_channels: Of the mix.
        depth: How much sound is to be queued before the device.
    """

    def __init__(self, sample_rate: int, num_channels: int, depth: PlayoutDepth) -> None:
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._most = max(1, sample_rate // 100)
        self._depth = depth
        self._due: float | None = None  # when the next mix is made at the latest, while it waits for an input
        self._waiting_since: float | None = None
        self._num_short = 0  # of the device, when it was looked at last
        self._looked_at = -math.inf
        self._gaps = RepeatedGaps()
        self.target = depth.depth(0.0)
        self._filled: int | None = None  # samples in the ring, when there was sound for it and it was filled last
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
        """The time by which the next mix is made at the latest, if it waits for an input."""
        return self._due

    def remove(self, source: PlayoutInput) -> None:
        """Forgets an input, but not its figures."""
        self.inputs.remove(source)
        self._num_dropped += source.num_dropped
        self._num_stalls += source.num_stalls

    def stop(self) -> None:
        """Has all inputs start again, because the device changes."""
        self._num_short, self._filled, self._looked_at = 0, None, -math.inf
        self._gaps.restart()
        for source in self.inputs:
            source.stop()

    def look(self, feed: SpeakerFeed | None, now: float) -> None:
        """Finds out what the device has done since the last look. Call it before a frame is queued."""
        if feed is None or now == self._looked_at:
            return
        self._looked_at = now
        ring_fill = feed.fill
        feed.show(self._depth)
        num_short, self._num_short = feed.num_short - self._num_short, feed.num_short
        if self._filled is not None:
            # There was more sound, so all that the device has taken beyond a burst was taken before the loop got to it.
            late = self._filled - ring_fill + num_short - self._depth.burst
            self._filled = None
            if late > 0:
                self._depth.see_delay(late / self._sample_rate, now)
        if num_short:
            for source in self.inputs:
                if source.playing and not source.fill:
                    source.note_underrun(now - num_short / self._sample_rate)
        self._gaps.look(feed.num_gaps, feed.device, now)

    def fill(self, feed: SpeakerFeed, now: float) -> int:
        """Writes into the ring until it is filled up to its depth, or the inputs have nothing more to give.

        Returns:
            The fill of the ring below which to call again, though no input has delivered anything.
        """
        self.look(feed, now)
        target = self.target = self._depth.depth(now)
        most = target
        if all(source.live for source in self.inputs):
            # What is live need not be held back, and what waited here would need wakes.
            most += round(_SLACK_S * self._sample_rate)
        ring_fill = feed.fill
        while goes_on := any(source.can_go_on for source in self.inputs):
            block = self._next_block(ring_fill, most - ring_fill, now) if ring_fill < most else None
            if block is None:
                break
            feed.write(block)
            ring_fill = feed.fill
        if goes_on:
            self._filled = min(ring_fill, target)  # below which the device wakes the loop
        return target if goes_on else 0

    def _next_block(self, ring_fill: int, wanted: int, now: float) -> bytearray | None:
        """The next sound for a ring that holds `ring_fill` samples and wants `wanted` more; None if none is due."""
        playing, late, over = [], [], []
        size, longest = min(wanted, self._most), 0
        for source in self.inputs:
            if source.ended:
                over.append(source)
            if not source.playing and not source.starts(ring_fill, now):
                continue
            playing.append(source)
            fill = source.queue.samples_per_channel
            if source.ended:
                longest = max(longest, fill)
            elif fill:
                size, longest = min(size, fill), max(longest, fill)
            else:
                late.append(source)
        if late and (len(late) == len(playing) or not self._is_due(ring_fill, now)):
            return None
        self._waiting_since = self._due = None
        for source in late:
            source.note_underrun(now)
        size = min(size, longest)
        mixed = self._mix(playing, size) if size else None
        for source in playing:
            source.make_room(ring_fill + size, now)
        for source in over:
            if not source.fill:
                self.remove(source)
        return mixed

    def _is_due(self, ring_fill: int, now: float) -> bool:
        """Whether the next mix is made without the inputs that have nothing."""
        if self._waiting_since is None:
            self._waiting_since = now
        patience_s = min(
            max((self._depth.depth(now) - self._depth.burst) / self._sample_rate, _PATIENCE_S), _MAX_PATIENCE_S
        )
        self._due = min(self._waiting_since + patience_s, self._depth.needed_at(ring_fill) - _MIX_S)
        return now >= self._due

    def _mix(self, playing: list[PlayoutInput], size: int) -> bytearray:
        parts = [source.queue for source in playing]
        parts += [source.tail for source in playing if source.tail.samples_per_channel]
        return mix(parts, size, self._num_channels)


# So many gaps within so many seconds are said.
_MANY_GAPS = 3
_GAPS_S = 10.0


class RepeatedGaps:
    """Says that the sound of a device has gaps again and again. A few are how the depth is found."""

    def __init__(self) -> None:
        self._trouble = Trouble(
            "the sound of speaker %r has gaps again and again: it comes too late, or the device takes it unevenly; "
            "a greater buffer_ms bridges more",
            logging.WARNING,
        )
        self._num_seen = 0
        self._times: deque[float] = deque(maxlen=_MANY_GAPS)

    def restart(self) -> None:
        """The device changes, and its count begins at 0."""
        self._num_seen = 0

    def look(self, num_gaps: int, device: str, now: float) -> None:
        """Looks at the gaps that the device has counted."""
        if num_gaps > self._num_seen:
            self._times.extend([now] * min(num_gaps - self._num_seen, _MANY_GAPS))
            self._num_seen = num_gaps
            if len(self._times) == _MANY_GAPS and now - self._times[0] < _GAPS_S:
                self._trouble.failed(device)
        elif self._trouble.failing and now - self._times[-1] > _GAPS_S:
            self._trouble.good()


# An input that has nothing holds up the others for as long as it may come late unnoticed, within these limits.
_PATIENCE_S = 0.02
_MAX_PATIENCE_S = 0.1

# Time for the mix before the device needs it.
_MIX_S = 0.001

# Length of the crossfade where sound is left out: short, but without a click.
_CROSSFADE_S = 0.005

# Interval between two looks at whether a live input holds more than it needs. A surplus that was not needed for so long
# is left out.
_REVIEW_S = 5.0

# A greater surplus is left out at once, so that it does not become a lasting delay.
_SLACK_S = 0.03

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

    def is_full(self, ring_fill: int, now: float) -> bool:
        """Whether a stream that is not live need not be read further, with `ring_fill` samples before the device."""
        return self.fill + ring_fill >= self._depth.depth(now) + 2 * self._block

    def push(self, item: Any, ring_fill: int, now: float) -> None:
        """Queues a frame of any format, or an event with one, while `ring_fill` samples are before the device."""
        frames = self._converter.push(as_audio_frame(getattr(item, "frame", item)))
        size = sum(frame.samples_per_channel for frame in frames)
        if not size:
            return
        surplus = self._note_arrival(self.fill + ring_fill, size, now) if self.live else 0
        for frame in frames:
            self.queue.push(frame)
        if self.live:
            self._review(surplus, now)
        if not self.playing and self._waiting_since is None:
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

    def _note_arrival(self, num_queued: int, size: int, now: float) -> int:
        """Notes that `size` samples have come that are to be queued behind `num_queued` others.

        Returns:
            The surplus of those others. If some are missing at the start, they are replaced by silence.
        """
        delay_s = self._delays.come(self._num_pushed / self._sample_rate, now)
        self._num_pushed += size
        if delay_s > 0:
            self._depth.see_delay(delay_s, now)
        starts = not self.playing and not self.fill
        if starts and self._underrun_at is not None and now - self._underrun_at < _STALL_S:
            if self._delays.late_s > _LATE_FRAME_S:
                self._in_time = self._depth.surplus(num_queued, size, now) >= 0
                return 0
            now -= self._delays.late_s  # the frames that follow come that much sooner
        surplus = self._depth.surplus(num_queued, size, now)
        if starts and surplus < 0:
            self.queue.push_silence(-surplus)
            surplus = 0
        self._in_time = surplus >= 0
        return surplus

    def _review(self, surplus: int, now: float) -> None:
        """Leaves out a surplus that is not needed, of what is queued."""
        if surplus > _SLACK_S * self._sample_rate:
            self._leave_out(surplus)
        elif self._reviewed_at == -math.inf:
            self._reviewed_at = now
        elif now - self._reviewed_at < _REVIEW_S:
            self._least = min(self._least, surplus)
        else:
            least = min(self._least, surplus)
            if least >= self._depth.least_surplus:
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
