"""AudioSource: plays captured audio in real time to all streams on its tracks.

Captured audio waits in a PlayoutQueue, which tells when the next 10 ms are due. One timer of the event loop hands them
to the streams; if it is late, it hands out everything that is due. No task runs, so none can be left behind.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from livekit_utils._runtime.arguments import check_int, check_ms
from livekit_utils._runtime.deadline import Deadline
from livekit_utils._runtime.due_timer import DueTimer
from livekit_utils._runtime.lifecycle import AsyncClosing, LoopBound, Waiters
from livekit_utils._runtime.pending_push import PendingPush
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.tasks import is_being_cancelled, start_task
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.conversion.stream_frames import stream_frames
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame, copy_audio_frame
from livekit_utils.tracks.fades import Fades
from livekit_utils.tracks.fan_out import FanOut
from livekit_utils.tracks.playout_queue import PlayoutQueue
from livekit_utils.tracks.prebuffer import Prebuffer
from livekit_utils.tracks.rest_timer import RestTimer

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

__all__ = ["AudioSource", "AudioSourceStats"]

_MAX_CHANNELS = 128

# Samples that are due within this time in seconds are handed out now, because another timer would be late.
_EARLY_S = 0.00075

# Time in seconds after which a turn gives way to other tasks, if a processor is slower than the audio.
_TURN_S = 0.005

# Time in seconds without audio after which the source is idle: streams put out what they held back to be joined with
# the next audio. It is longer than the jitter of a task that captures in real time, and shorter than the 100 ms that a
# mixer waits for a stream. Where the last frame was captured further ahead of real time, silence of the task tells it
# before the audio is over: streams put out what they held back without a gap.
_IDLE_S = 0.04


class _Capture(PendingPush[AudioFrame]):
    """A frame that waits for room, and the samples in which it rises from silence."""

    def __init__(self, frame: AudioFrame, rise: int) -> None:
        super().__init__(frame)
        self.rise = rise


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class AudioSourceStats:
    """The state of an AudioSource, and what it has done so far."""

    num_underruns: int
    """How many times it ran dry in the middle of an utterance: audio came again within a second, and nobody had said
    that the utterance was over."""
    prebuffer_ms: float
    """Audio that is held at the head of an utterance, as it is now."""
    queued_ms: float
    """Audio that is still to be heard."""


@public
class AudioSource(AsyncClosing, LoopBound):
    """Plays captured audio in real time, 10 ms at a time, to every stream on its tracks.

    The clock is that of the event loop, counted in samples: it does not drift, and a loop that was held up catches up.
    Audio that is captured without a break is played without one. When there is nothing to play, the source is idle: it
    plays no silence, and the next capture is heard at once. A frame that comes up to 5 ms after the one before is over
    is heard at once too and does not move the clock: those that follow are not delayed by it.

    Args:
        sample_rate: Sample rate in Hz, from 10, of every frame captured.
        num_channels: Number of channels, 1 to 128, of every frame captured.
        queue_size_ms: Length of audio that may wait to be played, from 0. A frame that is longer than that is taken
            when the queue is empty. With 0, frames go straight through to the streams, whole and unpaced.
        loop: Not used; accepted for compatibility. The source belongs to the event loop in which it is used.
        prebuffer_ms: Length of audio, up to `queue_size_ms`, that is held at the head of an utterance until so much is
            there, so that audio that comes unevenly is played without gaps. It is held no longer than for this time,
            nor when the utterance is said to be over (`flush`, `wait_for_playout`) or the queue is full. "auto" holds
            as much as the last utterances needed, 20 to 300 ms: it begins at 250, grows after an underrun, and comes
            back while the sender is steady. With 0, nothing is held. An utterance that begins after
            `flush`, while the one before is still played, is held for the same time, from its first frame on: it
            follows without a gap if that time has passed, or so much of it is there, when the one before is over.

    Raises:
        ValueError: An argument is out of range.
        TypeError: An argument of another type.

    Ownership: samples are copied when they are captured.

    Threads: used in one event loop at a time. Another loop, of a second `asyncio.run`, continues where an earlier one
    stopped. Streams on its tracks may be read in any loop of any thread. It may be made outside of a loop.

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
        *,
        prebuffer_ms: float | Literal["auto"] = 0,
    ) -> None:
        self._sample_rate = check_int("sample_rate", sample_rate, 10)
        self._num_channels = check_int("num_channels", num_channels, 1, _MAX_CHANNELS)
        self._queue_size_s = check_ms("queue_size_ms", queue_size_ms) / 1000
        self._prebuffer = Prebuffer.of(prebuffer_ms, self._queue_size_s)
        self._num_before = 0  # samples per channel in the queue in front of an utterance whose head is held
        self._step = max(self._sample_rate // 100, 1)  # samples per channel handed out at a time
        self._queue = PlayoutQueue(self._sample_rate, self._num_channels, self._queue_size_s)
        self._clock = self._queue.clock
        self._fades = Fades(self._num_channels)
        self._handing_out = False
        self._timer = DueTimer()
        self._pushes: deque[_Capture] = deque()
        self._plays: set[asyncio.Task[None]] = set()
        self._playout_waiters = Waiters()
        self._said_idle = False  # with the last audio that was handed out
        self._fan_out: FanOut[AudioFrame] = FanOut()
        self._idle = Deadline(_IDLE_S, self._fan_out.idle)

    # -- what the user calls ------------------------------------------------------------------------------------------

    @property
    def sample_rate(self) -> int:
        """Samples per second and channel of the frames that it takes."""
        return self._sample_rate

    @property
    def num_channels(self) -> int:
        """Channels of the frames that it takes."""
        return self._num_channels

    @property
    def queued_duration(self) -> float:
        """Seconds of audio that are still to be heard: the queue, and the rest of the 10 ms that the streams were given
        last. It falls with the clock, except in a pause. Frames whose capture still waits for room do not count.
        """
        if self._loop is None or self._loop.is_closed():
            return self._queue.waiting_s
        return self._queue.left_s(self._loop.time())

    @property
    def paused(self) -> bool:
        """Whether `pause` was called, and `resume` was not."""
        return self._clock.paused

    def stats(self) -> AudioSourceStats:
        """Returns the state of the source, and what it has done so far."""
        return AudioSourceStats(
            num_underruns=self._prebuffer.num_underruns,
            prebuffer_ms=self._prebuffer.hold_s * 1000,
            queued_ms=self.queued_duration * 1000,
        )

    async def capture_frame(self, frame: AudioFrame, fade_in_ms: float = 0) -> None:
        """Queues a frame to be played.

        Returns when the queue has room for the whole frame, so a task that captures without a pause is slowed down to
        real time. Several tasks are served in the order in which they came.

        A frame is taken whole or not at all. A capture that is cancelled has taken nothing, unless its frame began to
        play before the cancellation. The `userdata` of a frame is not played; `clear_queue` returns it.

        Args:
            frame: An AudioFrame of this package or of the LiveKit SDK, of the source's sample rate and number of
                channels. Its memory may be used again when this returns.
            fade_in_ms: Time in milliseconds in which the sound rises from silence in a straight line, from the begin of
                this frame on and into the frames that are captured next; from 0. So speech that goes on in the middle
                does not begin with a click, after `clear_queue`.

        Raises:
            ValueError: Another sample rate or number of channels, or a negative time.
            TypeError: Not a frame, or a time that is not a number.
            RuntimeError: The source is closed, or was closed before there was room; or it is used by another event
                loop, which is running.
        """
        loop = asyncio.get_running_loop()
        if loop is self._loop and not (self._pushes or fade_in_ms) and self._queue.follow(frame, now := loop.time()):
            self._note_arrival(frame, now)  # as most frames
            return
        frame = as_audio_frame(frame)
        rise = math.floor(check_ms("fade_in_ms", fade_in_ms) * self._sample_rate / 1000) if fade_in_ms else 0
        if not self._offer(frame, rise):
            await self._wait_for_room(frame, rise)
        elif not self._queue_size_s:
            await asyncio.sleep(0)  # nothing else slows the caller down: the readers must have a turn

    async def play(self, stream: AsyncIterable[Any] | Iterable[Any]) -> None:
        """Captures every frame of a stream, converted to the source's format.

        Returns when all of it is captured; `wait_for_playout` waits until it was heard. The queue slows the stream down
        to real time: an `AudioFile` is decoded as it is played. What was captured before a cancellation is played.

        Args:
            stream: An async or plain iterable of frames, or of events with a `frame`, ours or of the LiveKit SDK. One
                that is both is read as an async one. Several channels become one as their mean, one is copied to
                several.

        Raises:
            ValueError: A frame cannot be converted to the source's number of channels.
            TypeError: Not an iterable, or not one of frames.
            RuntimeError: The source is closed, or was closed before all was captured; or it is used by another event
                loop, which is running.
            Whatever the stream raises.

        Example:
            >>> import asyncio
            >>> async def main() -> None:
            ...     async with AudioSource(48000, 1) as source:
            ...         await source.play([AudioFrame.create(16000, 2, 1600), AudioFrame.create(48000, 1, 4800)])
            ...         print(f"{source.queued_duration:.2f} s to play")
            >>> asyncio.run(main())
            0.20 s to play
        """
        self._check_open()
        self._bind()
        # A task of its own, because a close must release a caller who waits for a stream that gives nothing.
        task = start_task(self._capture_all(stream), "AudioSource.play")
        self._plays.add(task)
        try:
            await task
        except asyncio.CancelledError:
            if self._closed and not is_being_cancelled():
                raise RuntimeError("this AudioSource was closed before all was captured") from None
            raise
        finally:
            self._plays.discard(task)

    async def _capture_all(self, stream: AsyncIterable[Any] | Iterable[Any]) -> None:
        converter = FrameConverter(self._sample_rate, self._num_channels)
        rest = RestTimer(converter, self)
        try:
            async with aclosing(stream_frames(stream, converter, "AudioSource")) as frames:
                async for frame in frames:
                    rest.cancel()
                    await self.capture_frame(frame)
                    rest.start()
        finally:
            rest.cancel()
        self.flush()

    def _take_rest(self, frame: AudioFrame) -> None:
        """Takes what a conversion held back, which is too short to need room."""
        if not self._closed:  # else the task that plays has still to be told
            self._accept(frame, self._now(), 0)

    def _offer(self, frame: AudioFrame, rise: int = 0) -> bool:
        """Takes a frame now; returns False if it has to wait for room."""
        if not self._queue.fits(frame):
            raise ValueError(
                f"frame: expected {self._sample_rate} Hz and {self._num_channels} channels, "
                f"got {frame.sample_rate} Hz and {frame.num_channels}"
            )
        self._check_open()
        loop, queue = asyncio.get_running_loop(), self._queue
        if loop is not self._loop:
            self._bind()
            self._play()
        if not frame.samples_per_channel:
            return True
        now = loop.time()
        if queue.running and not self._pushes and queue.overdue_s(now) > _IDLE_S:
            self._play()  # the loop was held up: the queue was over before this frame came
        if not queue.running and queue.samples_per_channel and not self._has_room(frame, now):
            self._prebuffer.release()  # more cannot be held
            self._play()
        if self._pushes or not self._has_room(frame, now):
            if not queue.samples_per_channel:  # else it is set
                self._set_timer(is_awaited=True)
            return False
        self._accept(frame, now, rise)
        return True

    def _accept(self, frame: AudioFrame, now: float, rise: int) -> None:
        """Takes a frame, and plays it if it is the next."""
        is_next = not (self._queue.running and self._queue.samples_per_channel)
        self._take(frame, now, rise)
        if self._queue_size_s and is_next:
            self._play()

    async def _wait_for_room(self, frame: AudioFrame, rise: int) -> None:
        push = _Capture(frame, rise)
        try:
            taken = await push.wait_in(self._pushes)
        except asyncio.CancelledError:
            # It may have been taken before its task could go on; and there may be room for the next one that waits.
            if push.entry is not None and self._queue.withdraw(push.entry):
                self._prebuffer.release()  # it may have been in front of a head that is held
            self._play()
            raise
        if not taken:
            raise RuntimeError("this AudioSource was closed before there was room")

    def clear_queue(self, fade_ms: float = 0) -> list[AudioFrame]:
        """Stops the audio that is being played, and clears the queue.

        Frames whose capture waits for room are cleared too, and their captures return. Tasks that wait for playout go
        on, at once or when the fade is over.

        Args:
            fade_ms: Time in milliseconds in which the audio that is being played fades out to silence in a straight
                line, instead of breaking off; from 0. In a pause there is nothing to fade.

        Returns:
            The audio that will not be played, in order: whole frames as they were captured, and the rest of one that
            had begun. Played and returned samples together are all that were captured, each once.

        Raises:
            ValueError: A negative time.
            TypeError: A time that is not a number.
            RuntimeError: The source is used by another event loop, which is running.
        """
        self._enter()
        num_fading = math.floor(check_ms("fade_ms", fade_ms) * self._sample_rate / 1000)
        self._prebuffer.end_utterance()
        if not self._queue.running or self.paused:
            num_fading = 0
        elif self._fades.falling:
            num_fading = min(num_fading, self._fades.falling)
        unplayed = self._queue.drain(behind=num_fading)
        pushes, self._pushes = self._pushes, deque()
        for push in pushes:
            if push.waiting:
                unplayed.append(copy_audio_frame(push.item))
                push.settle(True)
        if self._queue.samples_per_channel:
            self._fades.fall(self._queue.samples_per_channel)
        else:
            self._fades.end()
            if self._queue.running:
                self._end_run()
        self._play()
        return unplayed

    def flush(self) -> None:
        """The utterance is over: plays what `prebuffer_ms` holds now, and takes what comes later for another one.

        Raises:
            RuntimeError: The source is used by another event loop, which is running.
        """
        self._enter()
        self._end_utterance()
        self._play()

    async def wait_for_playout(self) -> None:
        """Returns when everything captured was played to its end or cleared; at once if nothing is left. It flushes.

        Raises:
            RuntimeError: The source is used by another event loop, which is running.
        """
        self._bind()
        self._end_utterance()
        self._play()
        if self._closed or not self._has_audio(self._now()):
            return
        self._set_timer(is_awaited=True)
        await self._playout_waiters.wait()

    def pause(self) -> None:
        """Stops playing until `resume`; at most the 10 ms that the streams have already are still heard. Captures go on
        until the queue is full. In a pause, it does nothing.

        Raises:
            RuntimeError: The source is closed, or used by another event loop, which is running.
        """
        self._check_open()
        self._enter()
        if not self.paused:
            self._clock.pause(self._now())
            self._timer.cancel()
            if self._queue.running:
                self._start_idle()

    def resume(self) -> None:
        """Continues where `pause` stopped. Without a pause, it does nothing.

        Raises:
            RuntimeError: The source is closed, or used by another event loop, which is running.
        """
        self._check_open()
        self._enter()
        if self.paused:
            now = self._now()
            self._prebuffer.shift(self._clock.resume(now), now)
            if self._queue.running:
                self._idle.clear()
            self._play()

    async def aclose(self) -> None:
        """Stops at once and ends all streams on this source's tracks. Audio that was not played is lost; await
        `wait_for_playout` before to play it. Captures and plays that wait raise RuntimeError, tasks that wait for
        playout go on. A second call does nothing.
        """
        if self._closed:
            return
        self._enter()
        self._closed = True
        self._queue.drain()
        while self._pushes:
            self._pushes.popleft().settle(False)
        if self._queue.running:
            self._end_run()
        self._idle.close()
        self._playout_waiters.release()
        self._fan_out.end()
        for task in self._plays:
            task.cancel()

    @property
    def _ffi_handle(self) -> NoReturn:
        """Refuses the LiveKit SDK's `create_audio_track`, which asks for this."""
        raise TypeError(
            "source: expected a source of the LiveKit SDK, got one of livekit_utils: "
            "livekit_utils.LocalAudioTrack.create_audio_track makes a track of it, which publish_track takes"
        )

    def __repr__(self) -> str:
        state = "closed" if self._closed else "paused" if self.paused else "playing" if self._queue.running else "idle"
        return f"AudioSource(sample_rate={self._sample_rate}, num_channels={self._num_channels}, {state})"

    # -- playing ------------------------------------------------------------------------------------------------------

    def _play(self) -> None:
        """Takes the frames for which there is room, hands out the audio that is due, and sets the timer."""
        if self._closed or self._handing_out or self._loop is None or self._loop.is_closed():
            return
        # The processor of a stream is called in this loop, and may call `pause`, `resume` or `clear_queue`: the
        # conditions are checked again for every 10 ms.
        self._handing_out = True
        queue, clock, time = self._queue, self._clock, self._loop.time
        try:
            now = time()
            self._take_pushes(now)
            if not queue.running and queue.samples_per_channel and not clock.paused and not self._holds(now):
                queue.running = True
                clock.start_run(now)
                self._idle.clear()
            while queue.running and not clock.paused and queue.is_due(now, _EARLY_S) and time() - now <= _TURN_S:
                if not queue.samples_per_channel:
                    self._take_pushes(now)  # captures that wait go on without a gap, however late the timer was
                if queue.samples_per_channel:
                    if self._prebuffer.is_holding and self._holds(now):
                        self._end_run()  # only the utterance before it is over
                        break
                    self._hand_out(now)
                elif queue.is_over(now):
                    self._prebuffer.run_dry(clock.end)
                    self._end_run()
                else:
                    break
            if queue.running:
                self._take_pushes(now)
        finally:
            self._handing_out = False
            self._set_timer()
        if len(self._playout_waiters) and not self._has_audio(time()):
            self._playout_waiters.release()

    def _end_utterance(self) -> None:
        self._prebuffer.end_utterance()
        self._clock.close_run()

    def _holds(self, now: float) -> bool:
        """Whether the head of an utterance is next to be played, and has to wait for more."""
        if self._prebuffer.is_holding and self._num_before:
            return False
        if self._pushes:
            self._prebuffer.release()  # more cannot be held
        return self._prebuffer.holds(self._queue.waiting_s, now)

    def _has_audio(self, now: float) -> bool:
        """Whether anything is left to play."""
        return bool(self._pushes) or self._queue.has_audio(now)

    def _hand_out(self, now: float) -> None:
        queue, fades, size = self._queue, self._fades, self._step
        if not fades.are_over:
            size = min(size, fades.falling or size)
        if self._prebuffer.is_holding:
            size = min(size, self._num_before)
            self._num_before -= size
        chunk = queue.pop(size)
        if queue.rises or not fades.are_over:
            chunk = fades.apply(chunk, queue.rises)
        self._clock.advance(chunk.samples_per_channel, now)
        if self._prebuffer.is_over:
            self._clock.close_run()
        self._fan_out.receive(chunk)
        self._said_idle = now >= queue.next_at + _IDLE_S and not queue.samples_per_channel and not self._pushes
        if self._said_idle:
            self._fan_out.idle()

    def _begin_of(self, frame: AudioFrame) -> float | None:
        """Returns the time of the loop at which a frame is heard that a sink is given now; None where the frames go
        straight through, without a clock."""
        return self._clock.end - frame.samples_per_channel / self._sample_rate if self._queue_size_s else None

    def _end_run(self) -> None:
        self._timer.cancel()
        self._queue.running = False
        self._start_idle()

    def _start_idle(self) -> None:
        if self._loop is not None and self._loop.is_running() and not self._said_idle:
            self._idle.start(self._clock.end)

    def _set_timer(self, is_awaited: bool = False) -> None:
        """Sets the timer for what is next to be done. Where nothing is queued, that is the end of what is being played
        if somebody waits for it, else the end of the run."""
        queue, clock = self._queue, self._clock
        is_held = not queue.running
        if clock.paused or self._loop is None or (is_held and (not queue.samples_per_channel or self._closed)):
            self._timer.cancel()
            return
        now, timers = self._loop.time(), self._loop_timers()
        if is_held:
            when = due = self._prebuffer.until
        elif queue.samples_per_channel:
            if queue.is_due(now, _EARLY_S):
                self._timer.set_soon(self._loop, self._play)  # the turn was over before all was handed out
                return
            due = clock.end
            when = due - timers.early_s
        elif now < clock.end and (is_awaited or self._pushes or len(self._playout_waiters)):
            when = due = clock.end
        else:
            when = due = clock.over_at
        self._timer.set(timers, when, due, now, self._play)

    # -- the queue ----------------------------------------------------------------------------------------------------

    def _has_room(self, frame: AudioFrame, now: float) -> bool:
        return self._queue.has_room(frame, now) if self._queue_size_s else not self._clock.paused

    def _take(self, frame: AudioFrame, now: float, rise: int) -> AudioFrame | None:
        """Takes a frame; returns what was put into the queue for it."""
        if self._queue_size_s:
            entry = self._queue.take(frame, rise, now)
            self._note_arrival(entry, now)
            return entry
        if rise or not self._fades.are_over:
            frame = self._fades.apply(frame, [(0, rise)] if rise else [])
        self._fan_out.receive(frame)
        self._idle.start(self._now())
        return None

    def _note_arrival(self, frame: AudioFrame, now: float) -> None:
        """Tells the prebuffer of a frame that was put into the queue."""
        if self._prebuffer.come(frame.duration, now):
            self._num_before = self._queue.samples_per_channel - frame.samples_per_channel

    def _take_pushes(self, now: float) -> None:
        """Takes the frames that wait for room, in order, as far as there is room."""
        while self._pushes:
            push = self._pushes[0]
            if push.waiting and not self._has_room(push.item, now):
                return
            self._pushes.popleft()
            if push.waiting:
                push.entry = self._take(push.item, now, push.rise)
                push.settle(True)

    # -- the event loop -----------------------------------------------------------------------------------------------

    def _leave_loop(self) -> None:
        """Leaves the old loop, whose timers are gone. The audio that is left is played from now on, by the new loop's
        clock."""
        self._plays.clear()
        self._prebuffer.end_utterance()
        self._timer.cancel()
        self._idle.close()
        self._queue.next_at = 0.0
        self._clock.restart(asyncio.get_running_loop().time())
