"""AVSynchronizer shows pictures when their sound is heard.

Audio goes straight to its source. Pictures wait in a queue. A MediaClock computes from the audio that is left in the
source when the sound of the first picture is heard, and one timer of the event loop shows the picture then. There is
no task.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from enum import StrEnum
from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING, Any, Protocol

from livekit_utils._runtime.arguments import check_choice, check_finite, check_ms, check_number
from livekit_utils._runtime.lifecycle import AsyncClosing, LoopBound, Waiters
from livekit_utils._runtime.pending_push import PendingPush
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.timer import Timer
from livekit_utils._runtime.trouble import ENDS_PROGRAM, Trouble
from livekit_utils._runtime.turn import Turn
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.sync.followed_audio import FollowedAudio
from livekit_utils.sync.media_clock import MediaClock
from livekit_utils.sync.picture_timeline import Due, Picture, PictureTimeline
from livekit_utils.sync.show_record import AVSynchronizerStats, ShowRecord

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from fractions import Fraction

__all__ = ["AVSynchronizer", "LatePolicy"]


@public
class LatePolicy(StrEnum):
    """Says what `AVSynchronizer` does with pictures whose sound has been heard already."""

    DROP = "drop"
    """Drops late pictures while the next one is due as well: pictures are in time again at once."""
    SHOW = "show"
    """Shows all pictures, at up to twice the frame rate until they are in time again."""


# Pictures per second: from one in 1000 s to one per millisecond, the resolution of timers.
_MIN_FPS, _MAX_FPS = 0.001, 1000.0

# What is due within 0.5 ms is done now, because another timer would be late.
_EARLY_S = 0.0005

# An audio source does not tell when it is paused or cleared by others. So the time is looked up every 50 ms at least.
_LOOK_S = 0.05


# Up to this length, a gap between the timestamps of the audio is silence. A longer one, which may be a jump, is silence
# as long as pictures come that belong to it. One above 600 s is a jump.
_LONG_GAP_S = 10.0
_MAX_GAP_S = 600.0

# Silence is pushed in frames of this length; of the short one where what is in the source cannot be taken back later.
_SILENCE_S = 0.1
_SHORT_SILENCE_S = 0.02


class _AudioSink(Protocol):
    @property
    def queued_duration(self) -> float: ...
    async def capture_frame(self, frame: Any) -> None: ...
    def clear_queue(self) -> object: ...
    async def wait_for_playout(self) -> None: ...


class _VideoSink(Protocol):
    def capture_frame(self, frame: Any) -> None: ...


@public
class AVSynchronizer(LoopBound, AsyncClosing):
    """Keeps pictures and sound together.

    It pushes audio into an audio source, and each picture into a video source when the sound of the picture is heard.

    Timestamps are seconds on one timeline for both: of a picture, when it is shown; of audio, when the end of the frame
    is heard. The audio that is heard is the clock. Where no audio is heard (before the first, after an underrun, or if
    the audio source has no queue), the wall clock continues, so that a single task that pushes both in turn never
    blocks. Where the timestamps of the pictures start over, as in a clip that is repeated, the pictures belong to the
    next audio with these timestamps. If the sound of the clip begins later or ends earlier than its pictures, let the
    timestamps go on instead (add the length of the clip at each repetition): only then is the silence between known.

    A gap between the timestamps of the audio (muted, not sent, a hole in a recording) is silence: the synchronizer
    pushes that much silence into the audio source before the next frame. So the sound after the gap is heard at its
    time, the pictures of the gap are shown, and who reads the source, such as a recorder or a mixer, gets audio without
    a hole. A gap of more than 10 s is silence only while pictures come that belong to it. Otherwise, and above 600 s,
    it is a jump: the next audio is heard at once. Audio that repeats up to 1 s is heard, and the pictures wait for it.

    The first audio waits for pictures before it in the same way. Pictures that are pushed when later audio is heard
    already are late, so push the first picture before the first audio, or in another task at the same time.

    Without timestamps, pictures are shown `video_fps` times a second, and audio is not synchronized.

    Timestamps of pictures that are a little out of order (by up to 0.25 s or 3 pictures, as those of B-frames) change
    nothing about the order of the pictures: each takes the lowest timestamp of its own and those behind it.

    A picture that is late by more than the time between two pictures is dropped if the next one is due as well. It is
    also dropped if it is later than the tolerance and another picture was shown within the tolerance.

    Args:
        audio_source: An `AudioSource`, ours or the LiveKit SDK's. Only its documented methods are used. The caller
            keeps it, and closes it.
        video_source: A `VideoSource`, likewise.
        video_fps: Pictures per second, 0.001 to 1000. With timestamps, it only sets the length of the queue.
        video_queue_size_ms: The queue holds this much video, at least one picture.
        late_policy: `LatePolicy.DROP`, or `LatePolicy.SHOW` to show late pictures quickly.

    Raises:
        ValueError: A number is out of range, or the policy does not exist.
        TypeError: An argument has the wrong type.

    Ownership: the memory of a frame may be used again when its push returns. A picture that is shown at once, or that
    lies in `bytes`, is passed on without a copy; another is copied when it has to wait. The copy is of the same class,
    ours or the LiveKit SDK's. A picture that is of neither class is passed on as it is.

    Threads: use it in one event loop at a time. It may be made outside of one.

    Example:
        >>> import asyncio
        >>> from livekit_utils import AudioFrame, AudioSource, VideoBufferType, VideoFrame, VideoSource
        >>> picture = VideoFrame(4, 2, VideoBufferType.RGBA, bytes(32))
        >>> async def main() -> None:
        ...     async with (
        ...         AudioSource(48000, 1) as audio,
        ...         VideoSource(4, 2) as video,
        ...         AVSynchronizer(audio_source=audio, video_source=video, video_fps=25) as sync,
        ...     ):
        ...         for i in range(5):
        ...             await sync.push(picture, timestamp=i * 0.04)
        ...             await sync.push(AudioFrame.create(48000, 1, 1920), timestamp=(i + 1) * 0.04)
        ...         await sync.wait_for_playout()
        ...         print(sync.stats().num_presented, "pictures, audio until", round(sync.last_audio_time, 2), "s")
        >>> asyncio.run(main())
        5 pictures, audio until 0.2 s
    """

    def __init__(
        self,
        *,
        audio_source: _AudioSink,
        video_source: _VideoSink,
        video_fps: float | Fraction,
        video_queue_size_ms: float = 100,
        _max_delay_tolerance_ms: float = 300,
        late_policy: LatePolicy | str = LatePolicy.DROP,
    ) -> None:
        _check_source(
            "audio_source", audio_source, "an AudioSource", "capture_frame", "clear_queue", "wait_for_playout"
        )
        _check_source("video_source", video_source, "a VideoSource", "capture_frame")
        fps = check_number("video_fps", video_fps, _MIN_FPS, _MAX_FPS)
        queue_size_ms = check_ms("video_queue_size_ms", video_queue_size_ms)
        self._tolerance = check_ms("_max_delay_tolerance_ms", _max_delay_tolerance_ms) / 1000
        self._late_policy = check_choice("late_policy", late_policy, LatePolicy)
        self._audio = FollowedAudio(audio_source)
        self._video_source = video_source
        self._video_trouble = Trouble("AVSynchronizer: the video source fails, pictures are lost: %s")
        self._interval = 1 / fps
        self._capacity = max(1, int(fps * queue_size_ms / 1000 + 1e-9))
        self._queue: deque[Picture] = deque()
        self._pushes: deque[PendingPush[Picture]] = deque()
        self._audio_turn = Turn()  # the task that pushes audio of the current timeline
        self._waiters = Waiters()
        self._timer: Timer | None = None
        self._record = ShowRecord(self._interval)
        self._last_video_time = 0.0
        self._timeline = PictureTimeline(self._interval, self._tolerance)

    # -- public methods -----------------------------------------------------------------------------------------------

    @property
    def actual_fps(self) -> float:
        """Pictures shown per second, over the last second. It falls while no pictures are shown."""
        return self._record.fps(self._now())

    @property
    def last_video_time(self) -> float:
        """The timestamp at which the last picture was shown; 0 before the first."""
        return self._last_video_time

    @property
    def last_audio_time(self) -> float:
        """The timestamp of the audio that is heard now; 0 before the first."""
        self._timeline.clock.played(self._now(), self._audio.queued_s)
        return self._timeline.clock.media_time or 0.0

    def stats(self) -> AVSynchronizerStats:
        """Returns what was shown, and how well it was in time."""
        return self._record.stats(len(self._queue), self._audio.queued_s, self._audio.num_errors)

    async def push(self, frame: Any, timestamp: float | None = None) -> None:
        """Pushes a picture or audio.

        Returns when the frame is queued: for audio, when its source has taken it, and the silence of a gap before it;
        for a picture, when there is room. Both are first come first served. A cancelled push has pushed nothing, unless
        its picture was shown or dropped before the cancellation came; for audio, see the source. The silence of a gap
        stays.

        Args:
            frame: A video frame or an audio frame, ours or the LiveKit SDK's.
            timestamp: Seconds on the timeline that audio and video share: when the picture is shown, or when the last
                sample of the audio is heard. None shows pictures `video_fps` times a second.

        Raises:
            TypeError: Not a frame, or the timestamp is no number.
            ValueError: A timestamp that is not finite; or an error of the audio source.
            RuntimeError: The synchronizer is closed, or was closed before there was room.
        """
        if timestamp is not None and not (type(timestamp) is float and isfinite(timestamp)):
            timestamp = check_finite("timestamp", timestamp)
        loop = asyncio.get_running_loop()
        if self._closed or self._loop is not loop:
            self._check_open()
            self._bind()
        capturing = None
        if not self._audio_turn.is_taken:
            capturing = self._audio.follow(frame, timestamp, self._timeline.clock, loop)
        if capturing is None:
            await self._push_other(frame, timestamp)
        elif type(capturing) is not bool:
            await self._finish_capture(capturing)
        elif capturing or not self._queue:
            self._note_audio(capturing)

    async def clear_queue(self) -> None:
        """Discards all queued pictures, and the audio that is queued in its source.

        Pushes that wait for room return; their pictures are never shown. The next push begins a new timeline.
        """
        self._discard()
        self._audio.clear()

    def reset(self) -> None:
        """Discards all queued pictures and audio like `clear_queue`, and forgets all timing.

        `last_video_time`, `last_audio_time` and `actual_fps` are 0 again. `stats` keeps its counts.
        """
        self._discard()
        self._record.forget_pace()
        self._last_video_time = 0.0
        self._audio.clear()

    async def wait_for_playout(self) -> None:
        """Returns when all pictures have been shown and all audio has been heard, or both were cleared.

        Returns at once when the synchronizer is closed.
        """
        if not self._closed:
            self._bind()
        while not self._closed and await self._audio.wait_for_playout():
            if not self._queue and not self._pushes and not self._audio_turn.is_taken:
                return
            await self._waiters.wait()

    async def aclose(self) -> None:
        """Stops at once.

        Queued pictures are not shown. Pushes that wait for room raise RuntimeError, and tasks that wait for playout
        return. The sources stay open, and the audio that is queued in its source is heard. A second call does nothing.
        """
        if self._closed:
            return
        self._closed = True
        self._discard(taken=False)
        self._audio.release()

    def __repr__(self) -> str:
        return f"AVSynchronizer(video_fps={1 / self._interval:g}{', closed' if self._closed else ''})"

    # -- pushing ------------------------------------------------------------------------------------------------------

    async def _push_other(self, frame: Any, timestamp: float | None) -> None:
        """Pushes a picture, or audio that does not just follow."""
        if hasattr(frame, "samples_per_channel"):
            await self._push_audio(frame, frame.samples_per_channel / frame.sample_rate, timestamp)
        elif hasattr(frame, "width") and hasattr(frame, "height"):
            await self._push_video(frame, timestamp)
        else:
            raise TypeError(f"frame: expected a video or an audio frame, got {type(frame).__name__}")

    async def _push_audio(self, frame: Any, duration: float, timestamp: float | None) -> None:
        if not duration:  # nothing to hear, and no end of anything that is heard
            await asyncio.sleep(0)
            return
        # If the queues are cleared meanwhile, the frame belongs to the timeline before.
        timeline, turn = self._timeline, self._audio_turn
        if not turn.take_at_once():
            await turn.take()
        try:
            if timestamp is not None and not timeline.clock.goes_on(timestamp - duration):
                await self._push_silence(frame, timestamp - duration, timeline)
            if timeline is self._timeline:
                await self._capture(frame, duration, timestamp, timeline.clock)
            elif self._closed:
                raise RuntimeError("this AVSynchronizer was closed")
        finally:
            self._end_turn(turn)

    def _end_turn(self, turn: Turn) -> None:
        turn.give_back()
        if not self._queue:
            self._waiters.release()  # one who waits for playout looks whether this was the last push

    async def _capture(self, frame: Any, duration: float, timestamp: float | None, clock: MediaClock) -> None:
        """Hands audio to its source, and returns when the source has taken it."""
        capturing = self._audio.capture(frame, duration, timestamp, clock, asyncio.get_running_loop())
        moved = capturing if isinstance(capturing, bool) else await capturing
        if moved is None:
            raise RuntimeError("this AVSynchronizer was closed")
        self._note_audio(moved)

    async def _finish_capture(self, capturing: Awaitable[bool | None]) -> None:
        """Returns when the source has taken a frame, behind which the next ones wait."""
        turn = self._audio_turn
        has_turn = turn.take_at_once()  # but where the source has called `push` itself
        try:
            moved = await capturing
            if moved is None:
                raise RuntimeError("this AVSynchronizer was closed")
            self._note_audio(moved)
        finally:
            if has_turn:
                self._end_turn(turn)

    def _note_audio(self, moved: bool) -> None:
        """The source has taken audio. `moved`: pictures may be due at another time than before."""
        if not self._queue:
            self._waiters.release()
        elif moved:
            self._show()

    async def _push_silence(self, frame: Any, start: float, timeline: PictureTimeline) -> None:
        """Pushes the silence that is missing between the audio that was pushed and a frame that starts at a media
        time."""
        if not timeline.has_begun and not self._queue:
            await asyncio.sleep(0)  # the first picture may be pushed by another task at the same time
        if not timeline.has_begun and self._queue and (self._queue[0].time or 0.0) < start:
            self._show()
        if not timeline.is_after_gap(start):
            return
        timeline.clock.played(self._now(), self._audio.queued_s)
        if not timeline.is_after_gap(start):
            return
        rate, num_channels = frame.sample_rate, frame.num_channels
        while timeline is self._timeline and self._audio.is_queue:
            queued_s = self._audio.queued_s
            timeline.clock.played(self._now(), queued_s)
            gap = timeline.gap_before(start)
            if gap > _LONG_GAP_S:
                # The pictures tell whether it is a gap or a jump of both. They are asked as late as possible.
                early_s = queued_s - _SHORT_SILENCE_S
                if early_s > _EARLY_S and gap <= _MAX_GAP_S and timeline.has_pictures:
                    await self._sleep(early_s)
                    continue
                if gap > _MAX_GAP_S or not timeline.runs_through(start - gap, start):
                    return
            is_short = gap > _LONG_GAP_S or not self._audio.has_captured
            num_samples = round(min(gap, _SHORT_SILENCE_S if is_short else _SILENCE_S) * rate)
            if num_samples <= 0:
                return
            silence = AudioFrame.create(rate, num_channels, num_samples)
            end = start - gap + silence.duration
            await self._capture(silence, silence.duration, end, timeline.clock)

    async def _push_video(self, frame: Any, timestamp: float | None) -> None:
        picture = Picture(frame, timestamp)
        num_done = self._record.num_done
        if len(self._queue) >= self._capacity:
            self._show()  # stale pictures make room
        if timestamp is not None and timestamp < self._last_pushed_time():
            waiting = (push.item for push in reversed(self._pushes) if push.waiting)
            if self._timeline.put_in_order(picture, chain(waiting, reversed(self._queue))):
                self._show()
        try:
            if self._pushes or len(self._queue) >= self._capacity:
                if not await PendingPush(picture).wait_in(self._pushes):
                    raise RuntimeError("this AVSynchronizer was closed")
                return
            self._timeline.enter(picture)
            self._queue.append(picture)
            if len(self._queue) > 1:
                picture.keep()
            else:
                if timestamp is not None and not self._timeline.has_begun:
                    await asyncio.sleep(0)  # the first audio may be pushed by another task at the same time
                self._show()
                if picture in self._queue:
                    picture.keep()
            if self._record.num_done != num_done:
                # A pusher whose pictures are dropped, or whose video source is slow, never waits for room. Without
                # this, it would never let other tasks run.
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            if picture in self._queue:  # it was queued before its task could go on
                self._queue.remove(picture)
                self._take_pushes()
                self._show()
            raise

    def _last_pushed_time(self) -> float:
        """Returns the timestamp of the last picture that waits to be shown, or -inf."""
        last = self._pushes[-1].item if self._pushes else self._queue[-1] if self._queue else None
        return -math.inf if last is None or last.time is None else last.time

    def _take_pushes(self) -> None:
        while self._pushes and len(self._queue) < self._capacity:
            push = self._pushes.popleft()
            if push.waiting:
                self._timeline.enter(push.item)
                self._queue.append(push.item)
                push.settle(True)

    def _discard(self, taken: bool = True) -> None:
        self._cancel_timer()
        self._queue.clear()
        while self._pushes:
            self._pushes.popleft().settle(taken)
        self._timeline = PictureTimeline(self._interval, self._tolerance)
        self._audio_turn = Turn()
        self._waiters.release()

    # -- showing ------------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        """Shows the pictures that are due, drops the stale ones, and sets the timer for the next."""
        now = self._now()
        played = self._timeline.clock.played(now, self._audio.queued_s)
        while self._queue:
            picture = self._queue[0]
            due = self._timeline.look(picture, now, played, blocked=bool(self._pushes))
            if due.wait > _EARLY_S:
                self._await(picture, due.wait, now)
                break
            if self._is_stale(picture, due, now, played):
                self._queue.popleft()
                self._take_pushes()
                self._record.num_dropped += 1
            elif now < (earliest := self._record.last_shown + self._timeline.least_gap(picture)) - _EARLY_S:
                self._set_timer(earliest)
                break
            else:
                self._queue.popleft()
                self._take_pushes()
                self._present(picture, due, now, played)
        self._keep_pictures()
        if not self._queue:
            self._waiters.release()

    def _keep_pictures(self) -> None:
        """Makes the pictures that have to wait safe from their makers, whose pushes return."""
        for picture in reversed(self._queue):
            if picture.kept:
                return  # those before it are, or will be by their own push
            picture.keep()

    def _is_stale(self, picture: Picture, due: Due, now: float, played: float) -> bool:
        """Returns whether the first picture, which is due, is dropped."""
        if self._late_policy is LatePolicy.SHOW or picture.time is None:
            return False
        lateness = -due.wait
        # Where timestamps jitter, the next picture may be due before the late one was seen. One interval is caught up.
        if (
            lateness > self._interval
            and len(self._queue) > 1
            and self._timeline.is_due_behind(self._queue[1], picture, lateness, now, played)
        ):
            return True
        return due.piece is not None and lateness > self._tolerance and now - self._record.last_shown < self._tolerance

    def _present(self, picture: Picture, due: Due, now: float, played: float) -> None:
        self._record.show(now, None if due.piece is None else due.wait)
        self._timeline.show(picture, due, now, played)
        if picture.time is not None:
            self._last_video_time = picture.time
        try:
            self._video_source.capture_frame(picture.frame)
        except ENDS_PROGRAM:
            self._record.count(presented=False)
            self._set_timer(now)  # the rest is shown if the loop goes on
            raise
        except BaseException as error:  # a CancelledError, too, is the source's own: nothing waits here
            self._record.count(presented=False)
            self._video_trouble.failed(error, error=error)
        else:
            self._video_trouble.good()
            self._record.count(presented=True)

    def _await(self, picture: Picture, wait: float, now: float) -> None:
        """Sets the timer for the first picture, which is due in `wait` seconds."""
        if picture.expected is None:
            picture.expected = now + wait
        elif now > picture.expected - _EARLY_S and wait > self._interval / 2:
            self._record.num_held += 1
            picture.expected = math.inf  # counted
        self._set_timer(now + min(wait, _LOOK_S))

    async def _sleep(self, seconds: float) -> None:
        """Waits for some time, or until the queues are cleared or the synchronizer is closed."""
        timer = asyncio.get_running_loop().call_later(seconds, self._waiters.release)
        try:
            await self._waiters.wait()
        finally:
            timer.cancel()

    # -- the timer and its loop ---------------------------------------------------------------------------------------

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            if when >= self._timer.when():
                return  # the timer that is set fires first, and looks again
            self._timer.cancel()
        self._timer = self._loop_timers().call_at(when, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._show()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _bind(self) -> None:
        if self._loop is not asyncio.get_running_loop():
            super()._bind()
            self._show()  # pictures may be queued since the loop before

    def _leave_loop(self) -> None:
        self._cancel_timer()
        self._timeline.restart()
        self._audio_turn = Turn()
        self._record.forget_pace()


def _check_source(name: str, source: object, expected: str, *methods: str) -> None:
    if not all(callable(getattr(source, method, None)) for method in methods):
        raise TypeError(f"{name}: expected {expected}, got {type(source).__name__}")
