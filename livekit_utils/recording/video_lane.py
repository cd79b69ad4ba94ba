"""VideoLane: the pictures of a recording, each in its file; RecorderVideoStats describes it."""

from __future__ import annotations

from dataclasses import dataclass

from livekit_utils._runtime.arguments import check_int
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.trouble import Trouble
from livekit_utils.files.movie_file import MovieFile
from livekit_utils.files.picture_size import even, upright_size
from livekit_utils.files.recording_file import RecordingFile
from livekit_utils.frames.video_frame import VideoBufferType, VideoFrame, VideoRotation

__all__ = ["RecorderVideoStats"]

# The first picture says how large those of the recording are, if it comes within so many seconds; else the source of
# the track does, or this does.
_WAIT_S = 2.0
_DEFAULT_SIZE = (1280, 720)

# Pixels of the longer side, at most: players refuse what is much larger.
_MAX_SIDE = 4096

# Black is seen before the first picture if that comes so many seconds after the beginning, or later.
_BLACK_S = 0.2

# Seconds after which a new file begins with the picture that is seen, if no other one has come.
_FRESH_S = 1.0

# A picture that is seen for longer than this is repeated so far behind the clock, in seconds: players can begin there.
# What the event loop gets late is seldom later than that.
_STILL_S = 8.0
_BEHIND_S = 6.0


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class RecorderVideoStats:
    """The pictures of a Recorder."""

    num_pictures: int
    """Pictures that came, with those that were dropped or refused."""
    num_dropped: int
    """Pictures that were left out because the encoder, or the event loop, did not keep up."""
    num_refused: int
    """Pictures that could not be converted."""
    width: int
    """Of the pictures in the file, in pixels; 0 until it is known."""
    height: int
    """Of the pictures in the file, in rows; 0 until it is known."""


@dataclass(slots=True)
class _Part:
    file: MovieFile
    begin_s: float
    has_picture: bool = False


class VideoLane:
    """Puts pictures into the files of a recording. All times are seconds on the clock of the recording.

    All files have pictures of one size, so that they can be joined. The last picture is seen until the next one comes,
    also in the next file.

    Args:
        size: Width and height of the pictures in the files, in even numbers; by the first picture if None.
    """

    def __init__(self, size: tuple[int, int] | None = None) -> None:
        self._size = size
        self.usual_size: tuple[int, int] | None = None
        """What the source of the track says of its pictures."""
        self._parts: list[_Part] = []
        self._seen: tuple[VideoFrame, VideoRotation] | None = None
        self._seen_from_s = 0.0
        self._owes = False  # the picture that is seen was refused
        self._num_pictures = 0
        self._num_refused = 0  # of files that have ended
        self._late = Trouble("Recorder: the encoder does not keep up; pictures are left out", num_good=10)

    @property
    def has_file(self) -> bool:
        """Whether the recording has pictures at all."""
        return bool(self._parts)

    def begin_file(self, file: RecordingFile, begin_s: float) -> None:
        """Goes on in another file from there on, if that is one with pictures."""
        if not isinstance(file, MovieFile):
            return
        if self._parts:
            self._show_first(self._parts[-1], begin_s)
        self._parts.append(_Part(file, begin_s))
        if self._size is not None:
            file.begin_pictures(*self._size)

    def put(self, frame: VideoFrame, rotation: VideoRotation, at_s: float) -> None:
        """Has a picture seen from there on. Its pixels may not change any more."""
        if self._size is None:
            self._set_size(*upright_size(frame, rotation))
        self._num_pictures += 1
        self._show(frame, rotation, at_s)
        if self._owes:
            self._late.failed()
        else:
            self._late.good()

    def drop(self) -> None:
        """Counts a picture that was left out before it came here."""
        self._num_pictures += 1
        self._late.failed()

    def tick(self, now_s: float) -> None:
        """Repeats pictures where that is due."""
        if not self._parts:
            return
        if self._size is None and now_s >= _WAIT_S:
            self._set_size(*(self.usual_size or _DEFAULT_SIZE))
        newest = self._parts[-1]
        if now_s - newest.begin_s >= _FRESH_S and self._size is not None:
            self._show_first(newest, now_s)
        if self._seen is None:
            return
        if self._owes:
            self._show(*self._seen, now_s)
        elif now_s - self._seen_from_s > _STILL_S:
            self._show(*self._seen, now_s - _BEHIND_S)

    def finish(self, end_s: float) -> None:
        """Gives all files the pictures that they owe, before they end."""
        if not self._parts:
            return
        if self._size is None:
            self._set_size(*(self.usual_size or _DEFAULT_SIZE))
        for part in self._parts:
            self._show_first(part, end_s)
        if self._owes and self._seen is not None:
            self._show(*self._seen, end_s)

    def stats(self) -> RecorderVideoStats | None:
        """Returns what was done so far; None if the recording has no pictures."""
        if not self._parts:
            return None
        width, height = self._size or (0, 0)
        return RecorderVideoStats(
            num_pictures=self._num_pictures,
            num_dropped=self._late.count,
            num_refused=self._num_refused + sum(part.file.num_refused for part in self._parts),
            width=width,
            height=height,
        )

    def _set_size(self, width: int, height: int) -> None:
        scale = min(1.0, _MAX_SIDE / max(width, height))
        self._size = even(round(width * scale)), even(round(height * scale))
        for part in self._parts:
            part.file.begin_pictures(*self._size)

    def _show(self, frame: VideoFrame, rotation: VideoRotation, at_s: float) -> None:
        at_s = max(at_s, self._seen_from_s)
        while len(self._parts) > 1 and self._parts[0].file.has_ended:
            self._num_refused += self._parts.pop(0).file.num_refused
        part = next((part for part in reversed(self._parts) if part.begin_s <= at_s), self._parts[0])
        self._show_first(part, at_s)
        part.has_picture = True
        self._seen, self._seen_from_s = (frame, rotation), at_s
        self._owes = not part.file.picture(frame, rotation, max(0.0, at_s - part.begin_s))

    def _show_first(self, part: _Part, now_s: float) -> None:
        """Begins a file with the picture that is seen, or with black."""
        if part.has_picture or part.file.has_ended:
            return
        if self._seen is None:
            if now_s - part.begin_s < _BLACK_S:
                return
            self._seen = _black(*(self._size or _DEFAULT_SIZE)), VideoRotation.VIDEO_ROTATION_0
        elif now_s <= part.begin_s:
            return
        part.has_picture = True
        self._seen_from_s = max(self._seen_from_s, part.begin_s)
        self._owes = not part.file.picture(*self._seen, 0.0)


def check_video_size(size: tuple[int, int] | None) -> tuple[int, int] | None:
    """Returns the argument `video_size` of a Recorder.

    Raises:
        ValueError, TypeError: It is none.
    """
    if size is None:
        return None
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise TypeError(f"video_size: expected width and height, got {size!r}")
    width, height = (check_int("video_size", side, 2, _MAX_SIDE) for side in size)
    if width % 2 or height % 2:
        raise ValueError(f"video_size: expected even numbers, got {width} x {height}")
    return width, height


def _black(width: int, height: int) -> VideoFrame:
    num_pixels = width * height
    return VideoFrame(width, height, VideoBufferType.I420, bytes([16]) * num_pixels + bytes([128]) * (num_pixels // 2))
