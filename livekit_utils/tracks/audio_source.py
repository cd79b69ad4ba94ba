"""AudioSource: audio that is played out in real time to whoever listens.

How it works. What is captured waits in a FrameFifo. A PlayoutClock says when its next 10 ms are due; one timer of the
event loop hands them to the streams then, all that are due if it comes late. No task runs, so none can be left behind.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque

from livekit_utils._kernels.gain_queue import Ramp
from livekit_utils._runtime.arguments import check_int, check_ms
from livekit_utils._runtime.deadline import Deadline
from livekit_utils._runtime.lifecycle import AsyncClosing
from livekit_utils._runtime.pending_push import PendingPush
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame, copy_audio_frame
from livekit_utils.tracks.fan_out import FanOut
from livekit_utils.tracks.frame_fifo import FrameFifo
from livekit_utils.tracks.playout_clock import PlayoutClock

__all__ = ["AudioSource"]


_MAX_CHANNELS = 128

# Sums of durations are compared with this much tolerance; a sample at 192 kHz takes five times as long.
_ROUNDING_S = 1e-6

# A timer of asyncio may fire this much early,
_CLOCK_RESOLUTION_S = time.get_clock_info("monotonic").resolution

# and up to 2 ms late: timeouts are rounded up to whole milliseconds twice. Set early by this, the error is halved.
_EARLY_S = 0.00075

# A processor that is slower than the audio must not keep everything else in the event loop from its turn.
_TURN_S = 0.005

# Audio that stops for this long has ended for now: streams give out what they held back for the sake of what follows.
# Longer than the jitter of who captures in real time, and shorter than a mixer waits for a stream: 100 ms.
_REST_S = 0.04


@public
class AudioSource(AsyncClosing):
    """Plays captured audio out in real time, 10 ms at a time, to every stream on its tracks.

    The clock is the event loop's, counted in samples: it does not drift, and a loop that was held up catches up. What
    is captured without a break is played without one. When there is nothing to play, nothing is played: silence is not
    made up, and the next capture is heard at once.

    Args:
        sample_rate: Hz, from 10; of every frame captured.
        num_channels: 1 to 128; of every frame captured.
        queue_size_ms: How much audio may wait to be played, any number from 0. A frame that is longer than that is
            taken when the queue is empty. With 0, frames go straight through to the streams, whole and unpaced.
        loop: Not needed, and not used: the source belongs to the event loop in which it is used.

    Raises:
        ValueError: Something is out of range.

    Ownership: samples are copied when they are captured.

    Threads: to be used in one event loop at a time; a later one, of a second `asyncio.run`, goes on where an earlier
    one stopped. Streams on its tracks may be read in any loop of any thread. It may be made outside of a loop.

    Example:
        >>> import asyncio
        >>> async def main() -> None:
        ...     async with AudioSource(48000, 1) as source:
        ...         await source.capture_frame(AudioFrame.create(48000, 1, 4800))
        ...         print(f"{source.queued_duration:.2f} s to play")
        ...         await source.wait_for_playout()
        ...         print(f"{source.queued_duration:.2f} s to play")
        >>> asyncio.run(main())
        0.10 s to play
        0.00 s to play
    """

    def __init__(
        self,
        sample_rate: int,
        num_channels: int,
        queue_size_ms: float = 1000,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._sample_rate = check_int("sample_rate", sample_rate, 10)
        self._num_channels = check_int("num_channels", num_channels, 1, _MAX_CHANNELS)
        self._queue_size_s = check_ms("queue_size_ms", queue_size_ms) / 1000
        self._step = max(self._sample_rate // 100, 1)
        self._fifo = FrameFifo()  # what has not been handed to the streams
        self._fade = Ramp(self._num_channels)
        self._clock = PlayoutClock(self._sample_rate)
        self._running = False  # audio is being played, or what was played last is not over
        self._handing_out = False
        self._timer: asyncio.Handle | None = None
        self._woken_for = 0.0  # what the timer was set for that fired last
        self._pushes: deque[PendingPush[AudioFrame]] = deque()
        self._playout_waiters: set[asyncio.Future[None]] = set()
        self._fan_out: FanOut[AudioFrame] = FanOut()
        self._rest = Deadline(_REST_S, self._fan_out.rest)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    # -- what the user calls ------------------------------------------------------------------------------------------

    @property
    def sample_rate(self) -> int:
        return self._sample_rate

    @property
    def num_channels(self) -> int:
        return self._num_channels

    @property
    def queued_duration(self) -> float:
        """Seconds of audio that are still to be heard: what waits in the queue, and what is left of the 10 ms that the
        streams were given last. It falls with the clock and stands still in a pause. Frames whose capture still waits
        for room do not count.
        """
        return self._queued_s(self._now())

    @property
    def paused(self) -> bool:
        return self._clock.paused

    async def capture_frame(self, frame: AudioFrame) -> None:
        """Queues a frame to be played.

        Returns at once while the queue has room for the whole frame, and otherwise when it has: a task that captures
        without a pause is slowed down to real time. Several tasks are served in the order in which they came.

        A frame is taken whole or not at all. A capture that is cancelled has taken nothing, unless its frame had begun
        to play before the cancellation came. A frame's `userdata` is not played: `clear_queue` gives it back.

        Args:
            frame: Of the source's sample rate and channel count; ours, or the LiveKit SDK's. It may be used again for
                other samples when this returns.

        Raises:
            ValueError: Another sample rate or channel count.
            TypeError: Not a frame.
            RuntimeError: The source is closed, or was closed before there was room; or another event loop, which is
                running, uses it.
        """
        if frame.__class__ is not AudioFrame:
            frame = as_audio_frame(frame)
        if not self._offer(frame):
            await self._wait_for_room(frame)
        elif not self._queue_size_s:
            await asyncio.sleep(0)  # nothing else slows this down: whoever reads must have a turn

    def _offer(self, frame: AudioFrame) -> bool:
        """Takes a frame now, whole; or not at all, where it has to wait for room."""
        if frame.sample_rate != self._sample_rate or frame.num_channels != self._num_channels:
            raise ValueError(
                f"expected frames of {self._sample_rate} Hz and {self._num_channels} channels, "
                f"got {frame.sample_rate} Hz and {frame.num_channels}"
            )
        self._check_open()
        if asyncio.get_running_loop() is not self._loop:
            self._bind()
            self._play()
        if not frame.samples_per_channel:
            return True
        now = self._now()
        if self._running and not self._pushes and self._overdue_s(now) > _REST_S:
            self._play()  # what was queued was over before the loop, which was held up, came to this frame
        if self._pushes or not self._has_room(frame, now):
            return False
        self._take(frame)
        if self._queue_size_s and not self._running:
            self._play()
        return True

    async def _wait_for_room(self, frame: AudioFrame) -> None:
        push = PendingPush(frame)
        try:
            taken = await push.wait_in(self._pushes)
        except asyncio.CancelledError:
            # It may have been taken before its task could go on; and there may be room for whoever waits behind it.
            if push.entry is not None:
                self._fifo.withdraw(push.entry)
            self._play()
            raise
        if not taken:
            raise RuntimeError("this AudioSource was closed")

    def clear_queue(self, fade_ms: float = 0) -> list[AudioFrame]:
        """Stops what is being played, and forgets what waits to be.

        Frames that wait for room are cleared as well, and their captures return. Those who wait for playout go on, at
        once or when the fade is over.

        Args:
            fade_ms: Milliseconds in which what is being played fades out to silence, in a straight line, instead of
                breaking off. 0 in a pause, when there is nothing to fade.

        Returns:
            What will not be played, in order: whole frames as they were captured, and the rest of one that had begun.
            Played and returned samples together are all that were captured, each once.

        Raises:
            ValueError: A negative time.
            RuntimeError: Another event loop, which is running, uses the source.
        """
        self._enter()
        num_fading = math.floor(check_ms("fade_ms", fade_ms) * self._sample_rate / 1000)
        if self._fade.samples_left:
            num_fading = min(num_fading, self._fade.samples_left)
        fades = self._running and not self.paused and num_fading and self._fifo.num_samples
        tail = self._fifo.pop(num_fading) if fades else None
        unplayed = self._fifo.drain()
        pushes, self._pushes = self._pushes, deque()
        for push in pushes:
            if push.waiting:
                unplayed.append(copy_audio_frame(push.item))
                push.settle(True)
        if tail is not None:
            self._fifo.push(tail)
            if not self._fade.samples_left:
                self._fade.start(1.0, 0)  # else from where an earlier fade has come to, which this one replaces
            self._fade.start(0.0, tail.samples_per_channel)
        else:
            self._fade.start(1.0, 0)
            if self._running:
                self._end_run()
        self._play()
        return unplayed

    async def wait_for_playout(self) -> None:
        """Returns when everything captured has been played to its end, or was cleared; at once if nothing is left.

        Raises:
            RuntimeError: Another event loop, which is running, uses the source.
        """
        self._bind()
        self._play()
        if self._closed or not (self._running or self._fifo.num_samples or self._pushes):
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._playout_waiters.add(waiter)
        try:
            await waiter
        finally:
            self._playout_waiters.discard(waiter)

    def pause(self) -> None:
        """Stops playing until `resume`; at most the 10 ms that the streams have already are still heard. Captures
        go on until the queue is full. In a pause, nothing happens.

        Raises:
            RuntimeError: The source is closed.
        """
        self._check_open()
        self._enter()
        if not self.paused:
            self._clock.pause(self._now())
            self._cancel_timer()
            if self._running:
                self._start_rest()

    def resume(self) -> None:
        """Goes on where `pause` stopped. Without a pause, nothing happens.

        Raises:
            RuntimeError: The source is closed.
        """
        self._check_open()
        self._enter()
        if self.paused:
            self._clock.resume(self._now())
            if self._running:
                self._rest.clear()
            self._play()

    async def aclose(self) -> None:
        """Stops at once and ends all streams on this source's tracks. What has not been played is lost: await
        `wait_for_playout` before. Captures that wait raise RuntimeError, those who wait for playout return. A second
        call does nothing.
        """
        if self._closed:
            return
        self._enter()
        self._closed = True
        self._fifo.drain()
        while self._pushes:
            self._pushes.popleft().settle(False)
        if self._running:
            self._end_run()
        self._rest.close()
        self._release_waiters()
        self._fan_out.end()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "paused" if self.paused else "playing" if self._running else "idle"
        return f"AudioSource(sample_rate={self._sample_rate}, num_channels={self._num_channels}, {state})"

    # -- playing ------------------------------------------------------------------------------------------------------

    def _play(self) -> None:
        """Takes what there is room for, hands out what is due, and sets the timer for what will be."""
        if self._closed or self._handing_out or self._loop is None or self._loop.is_closed():
            return
        # A stream's processor is called from within, and may call `pause`, `resume` or `clear_queue`: the loop below
        # sees what they change.
        self._handing_out = True
        try:
            now = self._now()
            self._take_pushes(now)
            if not self._running and self._fifo.num_samples and not self.paused:
                self._running = True
                self._clock.start_run(now)
                self._rest.clear()
            while self._running and not self.paused and self._is_due(now) and self._now() - now <= _TURN_S:
                if not self._fifo.num_samples:
                    self._take_pushes(now)  # whoever waits for room goes on without a gap, however late the timer was
                if self._fifo.num_samples:
                    self._hand_out()
                else:
                    self._end_run()
            if self._running:
                self._take_pushes(now)
        finally:
            self._handing_out = False
            self._set_timer()
        self._release_waiters()

    def _is_due(self, now: float) -> bool:
        # Samples may be handed out a little early; that the last ones are over is not said before it is so.
        early_s = max(_EARLY_S, _CLOCK_RESOLUTION_S) if self._fifo.num_samples else _CLOCK_RESOLUTION_S
        return self._clock.end <= now + early_s

    def _hand_out(self) -> None:
        chunk = self._fifo.pop(min(self._step, self._fade.samples_left or self._step))
        if self._fade.samples_left:
            faded = self._fade.apply(chunk)
            chunk = AudioFrame(faded, self._sample_rate, self._num_channels, chunk.samples_per_channel)
        self._clock.advance(chunk.samples_per_channel)
        self._fan_out.receive(chunk)

    def _end_run(self) -> None:
        self._cancel_timer()
        self._running = False
        self._start_rest()

    def _start_rest(self) -> None:
        if self._loop is not None and self._loop.is_running():
            self._rest.start(self._clock.end)

    def _release_waiters(self) -> None:
        """Those who wait for playout, if nothing is left to play."""
        if self._running or self._fifo.num_samples or self._pushes:
            return
        for waiter in self._playout_waiters:
            if not waiter.done() and not waiter.get_loop().is_closed():
                waiter.set_result(None)

    def _set_timer(self) -> None:
        self._cancel_timer()
        if self._running and not self.paused and self._loop is not None:
            now = self._now()
            if self._is_due(now):
                self._timer = self._loop.call_soon(self._play)  # the turn was over before all was handed out
                return
            early_s = _EARLY_S if self._fifo.num_samples else 0.0
            when = self._clock.end - early_s
            if self._woken_for == self._clock.end:
                when = max(when, now + 0.001)  # uvloop, which has whole milliseconds, wakes too early, and would again
            self._timer = self._loop.call_at(when, self._on_timer)

    def _on_timer(self) -> None:
        self._woken_for = self._clock.end
        self._play()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- the queue ----------------------------------------------------------------------------------------------------

    def _queued_s(self, now: float) -> float:
        # By the clock, not by what was handed out: a loop that is held up catches up.
        left = -self._overdue_s(now)
        return left if left > 0.0 else 0.0

    def _overdue_s(self, now: float) -> float:
        """How long everything in the queue has been over; below 0 while it is not."""
        waiting = self._fifo.num_samples / self._sample_rate
        if not self._running or self._loop is None or self._loop.is_closed():
            return -waiting
        return -self._clock.seconds_left(now) - waiting

    def _has_room(self, frame: AudioFrame, now: float) -> bool:
        if not self._queue_size_s:
            return not self.paused
        # What is overdue takes up room until it is handed out.
        queued_s = max(self._queued_s(now), self._fifo.num_samples / self._sample_rate)
        return queued_s + frame.duration <= self._queue_size_s + _ROUNDING_S or queued_s <= _ROUNDING_S

    def _take(self, frame: AudioFrame) -> AudioFrame | None:
        """Returns what was put into the queue."""
        if self._queue_size_s:
            entry = copy_audio_frame(frame)
            self._fifo.push(entry)
            return entry
        self._fan_out.receive(frame)
        self._rest.start(self._now())
        return None

    def _take_pushes(self, now: float) -> None:
        """Takes the frames that wait for room, in order, as far as there is room."""
        while self._pushes:
            push = self._pushes[0]
            if push.waiting and not self._has_room(push.item, now):
                return
            self._pushes.popleft()
            if push.waiting:
                push.entry = self._take(push.item)
                push.settle(True)

    # -- small things -------------------------------------------------------------------------------------------------

    def _bind(self) -> None:
        """Makes the running loop the one that plays; what is left of an earlier one is played by the next `_play`."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if self._loop is not None:
            if self._loop.is_running():
                raise RuntimeError("this AudioSource is used by another event loop, which is running")
            # The timers went with the old loop, and its clock may be another: what is left is played from now on.
            self._cancel_timer()
            self._rest.close()
            self._clock.restart(loop.time())
        self._loop = loop

    def _enter(self) -> None:
        """For calls that need no loop, but must not disturb one that is running elsewhere."""
        running = asyncio._get_running_loop()
        if running is not None:
            self._bind()
        elif self._loop is not None and self._loop.is_running():
            raise RuntimeError("this AudioSource is used by an event loop in another thread")

    def _now(self) -> float:
        return self._loop.time() if self._loop is not None else 0.0

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("this AudioSource is closed")
