"""AVSynchronizer: pictures shown when their sound is heard.

How it works. Audio goes straight to its source. Pictures wait in a queue; a MediaClock tells by what is left in the
audio source when the sound of the first one is heard, and one timer of the event loop shows it then. No task runs.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from livekit_utils._runtime.arguments import check_finite, check_ms, check_number
from livekit_utils._runtime.lifecycle import AsyncClosing
from livekit_utils._runtime.pending_push import PendingPush
from livekit_utils.sync.followed_audio import FollowedAudio, FollowedAudioSource
from livekit_utils.sync.picture_timeline import Picture, PictureTimeline
from livekit_utils.sync.show_record import AVSynchronizerStats, ShowRecord

if TYPE_CHECKING:
    from fractions import Fraction

__all__ = ["AVSynchronizer", "LatePolicy"]

logger = logging.getLogger("livekit_utils")


class LatePolicy(StrEnum):
    """What `AVSynchronizer` does with pictures whose sound has been heard already."""

    DROP = "drop"
    """Shows the latest that is due, and drops those before it: back in time at once."""
    SHOW = "show"
    """Shows every one, at twice the frame rate at most, until it has caught up."""


_MIN_FPS, _MAX_FPS = 0.001, 1000.0

# A picture is shown this much early rather than one more timer later.
_EARLY_S = 0.0005

# The audio may be paused, or cleared by somebody else, without a word to us: how often we look.
_LOOK_S = 0.05


class _VideoSink(Protocol):
    def capture_frame(self, frame: Any) -> None: ...


class AVSynchronizer(AsyncClosing):
    """Keeps pictures and sound together: pushes audio into an audio source, and pictures into a video source when
    their sound is heard.

    With timestamps, seconds on one timeline for both (of a picture when it is shown, of audio where the frame ends),
    the audio that is heard is the clock: a picture goes out when the audio has come to it. Where no audio is heard,
    before the first and when the source has run dry, the wall clock goes on, so a single task that pushes both in turn
    is never stuck; nor does it know better where the audio source has no queue. Timestamps may jump in both directions.
    Where those of the pictures start over, as in a clip that is repeated, they belong to the next audio that has them.

    Without timestamps, pictures are shown `video_fps` times a second, and audio goes its own way.

    A picture that comes too late is dropped if a later one is due as well, or if it is later than the tolerance and
    another was shown within the time of the tolerance.

    Args:
        audio_source: An `AudioSource`, ours or the LiveKit SDK's. It is used through its documented methods only, and
            belongs to whoever made it.
        video_source: A `VideoSource`, likewise.
        video_fps: Pictures per second, 0.001 to 1000. With timestamps, it says how long the queue is.
        video_queue_size_ms: How much video may wait to be shown; at least one picture may.
        late_policy: `LatePolicy.DROP`, or `LatePolicy.SHOW` to show all of them quickly.

    Raises:
        ValueError: Something is out of range.
        TypeError: Not a number.

    Ownership: frames are passed on as they are, and not copied.

    Threads: to be used in one event loop at a time. It may be made outside of one.

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
        ...         print(sync.stats().presented, "pictures, audio until", round(sync.last_audio_time, 2), "s")
        >>> asyncio.run(main())
        5 pictures, audio until 0.2 s
    """

    def __init__(
        self,
        *,
        audio_source: FollowedAudioSource,
        video_source: _VideoSink,
        video_fps: float | Fraction,
        video_queue_size_ms: float = 100,
        _max_delay_tolerance_ms: float = 300,
        late_policy: LatePolicy | str = LatePolicy.DROP,
    ) -> None:
        fps = check_number("video_fps", video_fps)
        if not _MIN_FPS <= fps <= _MAX_FPS:
            raise ValueError(f"expected a video_fps of {_MIN_FPS:g} to {_MAX_FPS:g}, got {fps}")
        self._audio = FollowedAudio(audio_source)
        self._video_source = video_source
        self._interval = 1 / fps
        self._capacity = max(1, int(fps * check_ms("video_queue_size_ms", video_queue_size_ms) / 1000 + 1e-9))
        self._tolerance = check_ms("_max_delay_tolerance_ms", _max_delay_tolerance_ms) / 1000
        self._late_policy = LatePolicy(late_policy)
        self._queue: deque[Picture] = deque()
        self._pushes: deque[PendingPush[Picture]] = deque()
        self._waiters: set[asyncio.Future[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._record = ShowRecord(self._interval)
        self._failing = False  # the video source
        self._last_video_time = 0.0
        self._timeline = PictureTimeline(self._interval, self._tolerance)

    # -- what the user calls ------------------------------------------------------------------------------------------

    @property
    def actual_fps(self) -> float:
        """Pictures shown per second, over the last second; it falls when none are."""
        return self._record.fps(self._now())

    @property
    def last_video_time(self) -> float:
        """The timestamp of the picture shown last; 0 before the first."""
        return self._last_video_time

    @property
    def last_audio_time(self) -> float:
        """The time on the timeline of the audio that is heard now; 0 before the first with a timestamp."""
        self._look(self._now())
        return self._timeline.clock.media_time or 0.0

    def stats(self) -> AVSynchronizerStats:
        """What was shown, and how well it was in time."""
        return self._record.stats(len(self._queue), self._audio.queued_s)

    async def push(self, frame: Any, timestamp: float | None = None) -> None:
        """Pushes a picture or audio.

        Returns as soon as it is queued: of audio when its source has taken it, of a picture when there is room, first
        come first served. A push that is cancelled while it waits for room has pushed nothing, unless its picture was
        shown or dropped before the cancellation came; for audio, see the source.

        Args:
            frame: A video frame or an audio frame, ours or the LiveKit SDK's.
            timestamp: Seconds on the timeline that audio and video share: when a picture is to be shown, or when the
                last sample of the audio is heard. None shows pictures `video_fps` times a second.

        Raises:
            TypeError: Not a frame, or the timestamp is no number.
            ValueError: A timestamp that is not finite; or what the audio source raises.
            RuntimeError: The synchronizer is closed, or was closed before there was room.
        """
        if timestamp is not None:
            timestamp = check_finite("timestamp", timestamp)
        if self._closed:
            raise RuntimeError("this AVSynchronizer is closed")
        self._bind()
        if hasattr(frame, "samples_per_channel"):
            await self._push_audio(frame, timestamp)
        elif hasattr(frame, "width") and hasattr(frame, "height"):
            await self._push_video(frame, timestamp)
        else:
            raise TypeError(f"expected a video or an audio frame, got {type(frame).__name__}")

    async def clear_queue(self) -> None:
        """Discards everything that is queued, in the audio source as well. Pushes of pictures that wait for room
        return, and what they pushed is never shown. The timeline starts anew with what is pushed next."""
        self._discard()
        self._audio.clear()

    def reset(self) -> None:
        """Discards everything that is queued, like `clear_queue`, and forgets all timing: `last_video_time`,
        `last_audio_time` and `actual_fps` are 0 again. What `stats` has counted stays."""
        self._discard()
        self._record.forget_pace()
        self._last_video_time = 0.0
        self._audio.clear()

    async def wait_for_playout(self) -> None:
        """Returns when all pictures have been shown and all audio has been heard, or was cleared; at once when the
        synchronizer is closed."""
        if not self._closed:
            self._bind()
        while not self._closed and await self._audio.wait_for_playout():
            if not self._queue and not self._pushes:
                return
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)

    async def aclose(self) -> None:
        """Stops at once. Pictures that are queued are not shown; pushes that wait raise RuntimeError, and those who
        wait for playout go on. The sources are not closed, and what is in the audio source is heard. A second call does
        nothing."""
        if self._closed:
            return
        self._closed = True
        self._discard(taken=False)
        self._audio.release()

    def __repr__(self) -> str:
        return f"AVSynchronizer(video_fps={1 / self._interval:g}{', closed' if self._closed else ''})"

    # -- pushing ------------------------------------------------------------------------------------------------------

    async def _push_audio(self, frame: Any, timestamp: float | None) -> None:
        # A clock that is replaced meanwhile, when the queues are cleared, no longer concerns us.
        clock = self._timeline.clock
        duration = frame.samples_per_channel / frame.sample_rate
        clock.begin_push(duration)
        try:
            if not await self._audio.capture(frame):
                raise RuntimeError("this AVSynchronizer was closed")
        except BaseException:
            clock.abandon_push(duration)
            raise
        clock.end_push(duration, timestamp, self._now(), self._audio.queued_s)
        self._show()

    async def _push_video(self, frame: Any, timestamp: float | None) -> None:
        picture = Picture(frame, timestamp)
        try:
            await self._queue_up(picture)
        except asyncio.CancelledError:
            if picture in self._queue:  # it was taken before its task could go on
                self._queue.remove(picture)
                self._take_pushes()
                self._show()
            raise

    async def _queue_up(self, picture: Picture) -> None:
        """Returns when the picture is in the queue; the push may still be cancelled then."""
        num_done = self._record.num_done
        if len(self._queue) >= self._capacity:
            self._show()  # stale pictures make room
        if self._pushes or len(self._queue) >= self._capacity:
            if not await PendingPush(picture).wait_in(self._pushes):
                raise RuntimeError("this AVSynchronizer was closed")
            return
        self._enqueue(picture)
        if len(self._queue) == 1:
            self._show()
        if self._record.num_done != num_done:
            # A pusher whose pictures are dropped, or whose video source is slow, never waits for room. Without this,
            # it would never let other tasks run.
            await asyncio.sleep(0)

    def _enqueue(self, picture: Picture) -> None:
        self._timeline.enter(picture)
        self._queue.append(picture)

    def _take_pushes(self) -> None:
        while self._pushes and len(self._queue) < self._capacity:
            push = self._pushes.popleft()
            if push.waiting:
                self._enqueue(push.item)
                push.settle(True)

    def _discard(self, taken: bool = True) -> None:
        self._cancel_timer()
        self._queue.clear()
        while self._pushes:
            self._pushes.popleft().settle(taken)
        self._timeline = PictureTimeline(self._interval, self._tolerance)
        self._release_waiters()

    # -- showing ------------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        """Shows the first picture if it is due, drops what is stale, and sets the timer for the next."""
        now = self._now()
        played = self._look(now)
        while self._queue:
            picture = self._queue[0]
            wait = self._timeline.seconds_until(picture, now, played, stuck=bool(self._pushes))
            if wait > _EARLY_S:
                self._await(picture, now, wait)
                break
            if self._is_stale(now, played, -wait):
                self._queue.popleft()
                self._record.dropped += 1
            elif now < (earliest := self._record.last_shown + self._timeline.least_gap(picture)) - _EARLY_S:
                self._set_timer(earliest)
                break
            else:
                self._queue.popleft()
                self._present(picture, now, played, wait)
            self._take_pushes()
        if not self._queue:
            self._release_waiters()

    def _is_stale(self, now: float, played: float, lateness: float) -> bool:
        """Whether the first picture, which is due, is not to be shown."""
        picture = self._queue[0]
        if self._late_policy is LatePolicy.SHOW or picture.time is None:
            return False
        if len(self._queue) > 1 and self._timeline.is_due_behind(self._queue[1], picture, lateness, now, played):
            return True
        shown_lately = now - self._record.last_shown < self._tolerance
        return shown_lately and lateness > self._tolerance and self._timeline.goes_by_audio(picture, now)

    def _present(self, picture: Picture, now: float, played: float, wait: float) -> None:
        self._record.show(now, wait if self._timeline.goes_by_audio(picture, now) else None)
        self._timeline.show(picture, now, played, wait)
        if picture.time is not None:
            self._last_video_time = picture.time
        try:
            self._video_source.capture_frame(picture.frame)
        except (Exception, asyncio.CancelledError) as error:  # nobody can cancel what does not wait
            self._record.count(presented=False)
            if not self._failing:
                self._failing = True
                logger.error("AVSynchronizer: the video source fails, pictures are lost: %s", error, exc_info=error)
        else:
            self._failing = False
            self._record.count(presented=True)

    def _await(self, picture: Picture, now: float, wait: float) -> None:
        """Sets the timer for the first picture."""
        if picture.expected is None:
            picture.expected = now + wait
        elif now > picture.expected - _EARLY_S and wait > self._interval / 2:
            self._record.held += 1
            picture.expected = math.inf  # counted
        self._set_timer(now + min(wait, _LOOK_S))

    # -- small things -------------------------------------------------------------------------------------------------

    def _look(self, now: float) -> float:
        """The played time."""
        return self._timeline.clock.played(now, self._audio.queued_s)

    def _set_timer(self, when: float) -> None:
        assert self._loop is not None
        if self._timer is not None:
            if when >= self._timer.when():
                return  # it looks again by then
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._show()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _release_waiters(self) -> None:
        for waiter in self._waiters:
            if not waiter.done() and not waiter.get_loop().is_closed():
                waiter.set_result(None)

    def _now(self) -> float:
        return self._loop.time() if self._loop is not None else 0.0

    def _bind(self) -> None:
        """Makes the running loop the one that shows."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if self._loop is not None:
            if self._loop.is_running():
                raise RuntimeError("this AVSynchronizer is used by another event loop, which is running")
            # The timer went with the old loop, and its clock may be another.
            self._cancel_timer()
            self._timeline.restart()
            self._record.forget_pace()
        self._loop = loop
        self._show()
