"""MediaPlayer plays a file of pictures and sound as tracks, both in time.

A thread decodes ahead (MediaAhead). Two tasks push what it has decoded into an AVSynchronizer, whose clock is the audio
source. Where a file has no sound, silence is played, so that there is always one clock, which can be paused.
"""

from __future__ import annotations

import asyncio
import logging
import warnings
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

from livekit_utils._runtime.arguments import check_finite
from livekit_utils._runtime.lifecycle import AsyncClosing, LoopBound, Waiters
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.tasks import start_task
from livekit_utils._runtime.trouble import ENDS_PROGRAM
from livekit_utils.playback.media_ahead import MediaAhead
from livekit_utils.sync.av_synchronizer import AVSynchronizer
from livekit_utils.tracks.audio_source import AudioSource
from livekit_utils.tracks.track import LocalAudioTrack, LocalVideoTrack
from livekit_utils.tracks.video_source import VideoSource

if TYPE_CHECKING:
    import os

    from livekit_utils.playback.media_ahead import Stretch
    from livekit_utils.playback.pixels import DecodedPicture
    from livekit_utils.playback.stream_decoder import Kind

__all__ = ["MediaPlayer", "MediaPlayerStats"]

logger = logging.getLogger("livekit_utils")

# Sound in the audio source, in milliseconds: it goes on for so long when the event loop is held up.
_QUEUE_MS = 500

# Sums of durations are compared with this tolerance, in seconds.
_ROUNDING_S = 1e-6

# Pictures in the synchronizer: it puts timestamps in order that are wrong by this many.
_NUM_PICTURES = 3

# Seconds that a close waits for a read of the file that is under way, which may hang.
_CLOSE_S = 5.0


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class MediaPlayerStats:
    """Tells what a `MediaPlayer` has played."""

    num_pictures: int
    """Pictures that were shown."""
    num_dropped: int
    """Pictures that were not shown, because they were late."""
    num_damaged: int
    """Packets of the file that could not be decoded, and were left out."""
    num_errors: int
    """Errors that ended playing; `wait_for_playout` raises the last one."""
    offset_p99_ms: float
    """99 of 100 of the last 1000 pictures were so far from their sound at most, early or late; NaN before the first."""
    ahead_audio_ms: float
    """Sound that is decoded, and not given to the audio source yet."""
    ahead_video_ms: float
    """Pictures that are decoded, and not given to the synchronizer yet."""
    ahead_bytes: int
    """Bytes of both."""


class _Screen:
    """Hands the pictures of a synchronizer to a video source, each with its rotation."""

    def __init__(self, source: VideoSource | None) -> None:
        self._source = source

    def capture_frame(self, frame: DecodedPicture) -> None:
        if self._source is not None:
            self._source.capture_frame(frame.frame, rotation=frame.rotation)


@public
class MediaPlayer(LoopBound, AsyncClosing):
    """Plays a file of pictures and sound as two tracks, in time with each other.

    It plays what PyAV decodes, which is the extra `video`: the first pictures and the first sound of MP4, MKV, WebM,
    AVI, MP3 and so on. Covers are no pictures. A file may have only one of both. The tracks may be streamed here, and
    published in a room of the LiveKit SDK (`await room.local_participant.publish_track(player.video)`), as all tracks
    of this package.

    Sound has the rate and the channels of the file, and its samples are those of the file, rounded to int16. Where the
    file has pictures but no sound, the sound is silent. Pictures are I420; with transparency, I420A or RGBA. They are
    not turned: their events carry the rotation that the file asks for. A picture and its sound are within 20 ms.

    With `loop`, each pass takes as long as the longer of pictures and sound. The other waits for it, in silence or with
    its last picture, so that the two are together in every pass.

    Packets that cannot be decoded are left out, logged, and counted in `stats`. What ends playing is logged too, and
    raised by `wait_for_playout`: a file that cannot be read, or whose MP4, MKV or AVI container ends more than 1 s
    earlier than it says. What is there is played before.

    Args:
        file: A path, or a file object open for reading in binary, which can seek. The caller closes the object, after
            the player. Names of other files and hosts in a file are not followed.
        loop: Whether to begin again at `start_s` after the end, for ever.
        start_s: Seconds of the file at which playing begins.

    Raises:
        ValueError: It is no file that PyAV decodes, is damaged, or cannot seek; or `start_s` is not in it.
        OSError: It cannot be opened or read.
        ImportError: PyAV is not installed.
        TypeError: An argument of another type.

    Ownership: readers of the tracks share the pictures, and cannot write to them. Decoded are 1 s of sound and 0.5 s or
    64 MB of pictures ahead of what is played; two pictures at least.

    Threads: used in one event loop at a time. It may be made outside of one, in any thread: opening reads the file, and
    decodes its first picture, which takes milliseconds, or tenths of a second for 4K; so `await
    asyncio.to_thread(MediaPlayer, file)` where that matters. Decoding later runs in a thread of its own. Where it is
    too slow for the pictures, some are left out, and the sound goes on.

    Example:
        >>> import asyncio, io
        >>> from livekit_utils import AudioFrame
        >>> file = io.BytesIO(AudioFrame.create(48000, 1, 4800).to_wav_bytes())  # in place of "clip.mp4"
        >>> async def main() -> None:
        ...     async with MediaPlayer(file) as player:
        ...         await player.play()
        ...         await player.wait_for_playout()
        ...         print(player.position_s, "of", player.duration_s, "s, pictures:", player.video)
        >>> asyncio.run(main())
        0.1 of 0.1 s, pictures: None
    """

    def __init__(self, file: str | os.PathLike[str] | BinaryIO, *, loop: bool = False, start_s: float = 0.0) -> None:
        self._closed = True  # until it is open
        start_s = check_finite("start_s", start_s, 0)
        if not isinstance(loop, bool):
            raise TypeError(f"loop: expected a bool, got {type(loop).__name__}")
        self._start = Fraction(start_s)
        from livekit_utils.playback.media_frames import MediaFrames  # needs numpy, which takes a while to import

        self._frames = frames = MediaFrames(file, self._start, loop)
        try:
            self._check_place("start_s", start_s)
            sound = frames.sound
            self._source = AudioSource(sound.sample_rate, sound.num_channels, _QUEUE_MS)
            self._audio = LocalAudioTrack.create_audio_track("audio", self._source) if frames.has_sound else None
            self._video_source = None if frames.size is None else VideoSource(*frames.size)
            self._video = (
                None if self._video_source is None else LocalVideoTrack.create_video_track("video", self._video_source)
            )
            fps = frames.pictures.frame_rate
            self._sync = AVSynchronizer(
                audio_source=self._source,
                video_source=_Screen(self._video_source),
                video_fps=fps,
                video_queue_size_ms=_NUM_PICTURES * 1000 / fps,
            )
        except BaseException:
            frames.close()
            raise
        self._ahead = MediaAhead(frames)
        self._stretch = self._ahead.stretch
        # Of the timeline: where the stretch begins, the end of the sound that was pushed, and what is heard.
        self._began_s = self._pushed_s = self._position = start_s
        self._is_playing = False  # since `play`, until the end
        self._waiters = Waiters()  # the task that waits for room in the audio source
        self._feeds: set[asyncio.Task[None]] = set()
        self._num_errors = 0
        self._closed = False

    def _check_place(self, name: str, seconds: float) -> None:
        duration = self.duration_s
        if duration is not None and seconds > duration:
            raise ValueError(f"{name}: expected a number from 0 to {duration:g}, got {seconds:g}")

    # -- what the user calls ------------------------------------------------------------------------------------------

    @property
    def audio(self) -> LocalAudioTrack | None:
        """The track of the sound; None if the file has none."""
        return self._audio

    @property
    def video(self) -> LocalVideoTrack | None:
        """The track of the pictures; None if the file has none."""
        return self._video

    @property
    def duration_s(self) -> float | None:
        """Seconds of the file, by the longer of pictures and sound; None if it does not tell.

        Before a first pass it is what the file says, which may be wrong by some milliseconds, or by more for a file
        without an index, such as MP3.
        """
        return self._frames.duration_s

    @property
    def position_s(self) -> float:
        """The seconds of the file that are heard and seen now. It goes on with the sound, and stands still in a
        pause."""
        return float(self._frames.laps.content(Fraction(self._timeline_s())))

    @property
    def paused(self) -> bool:
        """Whether `pause` was called, and `resume` was not."""
        return self._source.paused

    def stats(self) -> MediaPlayerStats:
        """Returns what was played so far."""
        sync = self._sync.stats()
        audio_s, video_s, num_bytes = self._ahead.fill
        return MediaPlayerStats(
            num_pictures=sync.num_presented,
            num_dropped=sync.num_dropped + self._frames.pictures.num_skipped,
            num_damaged=self._frames.num_damaged,
            num_errors=self._num_errors + (self._stretch.error is not None),
            offset_p99_ms=sync.offset_p99_ms,
            ahead_audio_ms=audio_s * 1000,
            ahead_video_ms=video_s * 1000,
            ahead_bytes=num_bytes,
        )

    async def play(self) -> None:
        """Starts, and returns when the first picture and the first sound are there.

        After a pause it goes on, and after the end it begins again at `start_s`. While it plays it does nothing. A
        cancelled call may have started already.

        Raises:
            RuntimeError: The player is closed, or used by another event loop, which is running.
        """
        self._check_open()
        self._bind()
        if not self._is_playing:
            if self._stretch.has_been_played:
                self._go_to(self._start)
            self._is_playing = True
            self._start_feed()
        self.resume()
        await self._stretch.ready.happens()

    def pause(self) -> None:
        """Stops sound and pictures together. At most 10 ms of sound are still heard. In a pause, it does nothing.

        Raises:
            RuntimeError: The player is closed, or used by another event loop, which is running.
        """
        self._check_open()
        self._source.pause()

    def resume(self) -> None:
        """Goes on where `pause` stopped. Without a pause, it does nothing. Raises what `pause` does."""
        self._check_open()
        self._source.resume()
        self._waiters.release()

    async def seek(self, seconds: float) -> None:
        """Goes to another place of the file, and returns when the first picture and the first sound of it are there.

        The place is exact to the sample and the picture: all from the keyframe before it is decoded. A picture of which
        less than 0.5 ms is left there is not shown. The old sound stops at once, and no old picture is shown any more.
        In a pause, the picture of the new place is shown. After the end, playing goes on there; before `play`, it will
        begin there. If several tasks seek, the last one counts, and the others return when it is there.

        Args:
            seconds: Of the file, from 0 to its end.

        Raises:
            ValueError: A number out of this range, or the file cannot be decoded there.
            TypeError: Not a number.
            OSError: The file cannot be read.
            RuntimeError: The player is closed, or was closed meanwhile; or it is used by another event loop, which is
                running.
        """
        seconds = check_finite("seconds", seconds, 0)
        self._check_open()
        self._check_place("seconds", seconds)
        self._bind()
        played = self._is_playing or self._stretch.has_been_played
        self._go_to(Fraction(seconds))
        if played:
            self._is_playing = True
            self._start_feed()
        else:
            self._ahead.begin()
        while not self._stretch.ready.happened:
            await self._stretch.ready.happens()
        self._check_open()
        self._raise_error()

    async def wait_for_playout(self) -> None:
        """Returns when all pictures have been shown and all sound has been heard; with `loop`, not before the close.

        Returns at once if nothing plays, or the player is closed. In a pause it waits.

        Raises:
            ValueError: The file is damaged, or was cut off.
            OSError: The file cannot be read; also whatever else a file object raises.
            RuntimeError: The player is used by another event loop, which is running.
        """
        if not self._closed:
            self._bind()
        while self._is_playing and self._feeds:
            await asyncio.wait(self._feeds)
        if not self._closed:
            self._raise_error()

    async def aclose(self) -> None:
        """Stops at once, ends the streams of the tracks, and closes the file unless the caller opened it.

        Tasks that wait for playout return, and a `seek` under way raises RuntimeError. A read of the file that hangs is
        waited for up to 5 s. A second call waits for the first.
        """
        self._enter()
        if not self._closed:
            self._timeline_s()
            self._closed = True
            self._is_playing = False
            self._ahead.close()
            self._waiters.release()
            await self._sync.aclose()
            await self._source.aclose()
            if self._video_source is not None:
                await self._video_source.aclose()
        if self._feeds:
            await asyncio.wait(self._feeds)
        await self._ahead.released.happens(_CLOSE_S)

    def __del__(self) -> None:
        if not self._closed:
            self._closed = True
            self._ahead.close()
            warnings.warn(f"{self!r} was not closed", ResourceWarning, stacklevel=2, source=self)

    def __repr__(self) -> str:
        state = (
            "closed" if self._closed else "paused" if self.paused else "playing" if self._is_playing else "not playing"
        )
        return f"MediaPlayer({self._frames.name!r}, {state})"

    # -- playing ------------------------------------------------------------------------------------------------------

    def _timeline_s(self) -> float:
        """Returns the time of the timeline that is heard now."""
        if self._is_playing:
            # After a seek, the source still plays up to 10 ms of before.
            self._position = max(self._began_s, self._pushed_s - self._source.queued_duration)
        return self._position

    def _go_to(self, seconds: Fraction) -> None:
        """Drops what was decoded, queued and shown, and goes on with another place."""
        if self._stretch.error is not None:
            self._num_errors += 1
        self._stretch = self._ahead.seek(seconds)
        self._sync.reset()
        self._waiters.release()
        self._began_s = self._pushed_s = self._position = float(seconds)

    def _start_feed(self) -> None:
        self._stretch.has_been_played = True
        self._ahead.begin()
        feed = start_task(self._feed(self._stretch), "livekit_utils plays a file")
        self._feeds.add(feed)
        feed.add_done_callback(self._feeds.discard)

    async def _feed(self, stretch: Stretch) -> None:
        """Plays a stretch to its end, or until another one is played."""
        await stretch.ready.happens()
        # Both begin in the same turn of the loop, the sound first: it tells when the pictures are due.
        pictures = start_task(self._push_all(stretch, "video"), "livekit_utils shows pictures of a file")
        try:
            await self._push_all(stretch, "audio")
            await pictures
            if stretch is self._stretch:
                await self._sync.wait_for_playout()
        finally:
            pictures.cancel()
            await asyncio.wait([pictures])
        if stretch is self._stretch and not self._closed:
            self._timeline_s()
            self._is_playing = False

    async def _push_all(self, stretch: Stretch, kind: Kind) -> None:
        try:
            while True:
                item = await self._ahead.get(stretch, kind)
                if kind == "audio":
                    await self._has_room(stretch, item.end - item.start)
                if stretch is not self._stretch:
                    return
                if kind == "video":
                    self._frames.pictures.needed_s = self._timeline_s()
                await self._sync.push(item.content, item.end if kind == "audio" else item.start)
                if kind == "audio" and stretch is self._stretch:
                    self._pushed_s = item.end
        except StopAsyncIteration:
            return
        except (*ENDS_PROGRAM, GeneratorExit, asyncio.CancelledError):
            raise
        except BaseException as error:
            if not self._closed:
                logger.error("MediaPlayer: %s: %s", self._frames.name, error, exc_info=error)
                stretch.fail(error)

    async def _has_room(self, stretch: Stretch, seconds: float) -> None:
        """Returns when the audio source has room for some sound, or another stretch is played.

        A push that waits for room has sound in flight, of which nobody knows whether the source has it: in a pause, the
        synchronizer would take it for played.
        """
        while stretch is self._stretch and not self._closed:
            missing_s = self._source.queued_duration + seconds - _QUEUE_MS / 1000
            if missing_s <= _ROUNDING_S:
                return
            timer = None
            if not self._source.paused:
                timer = asyncio.get_running_loop().call_later(missing_s, self._waiters.release)
            try:
                await self._waiters.wait()
            finally:
                if timer is not None:
                    timer.cancel()

    def _raise_error(self) -> None:
        if self._stretch.error is not None:
            # Each raise extends the traceback: raise it with the original one.
            raise self._stretch.error.with_traceback(self._stretch.traceback)

    # -- the event loop -----------------------------------------------------------------------------------------------

    def _bind(self) -> None:
        super()._bind()
        if self._is_playing and not self._feeds:
            # The tasks of an old loop are gone, or were cancelled, and with them what they had in their hands.
            self._go_to(self._frames.laps.content(Fraction(self._timeline_s())))
            self._start_feed()

    def _leave_loop(self) -> None:
        self._feeds.clear()
