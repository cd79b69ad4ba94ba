"""FileChain: writes what is settled on a timeline into the files of a recording, one after the other."""

from __future__ import annotations

import math
import os
from collections import deque
from pathlib import Path

from livekit_utils._runtime.arguments import check_type
from livekit_utils.files.movie_file import MovieFile, is_movie
from livekit_utils.files.recording_file import RecordingFile
from livekit_utils.recording.timeline import Timeline
from livekit_utils.recording.video_lane import VideoLane

# What is not written after so many seconds is written for the case that the program is killed, this often.
_TAIL_S = 0.5


class FileChain:
    """The files of one recording. Nothing here waits, but `aclose`.

    Args:
        timeline: The sound of the recording.
        pictures: Its pictures, which are told of each file.
        file: The path of the first file.
        format: Of all files; by the suffix of each if None.
        overwrite: Whether the first file may replace an existing one.

    Raises:
        FileExistsError, ValueError, TypeError, ImportError, OSError: As `RecordingFile`.
    """

    def __init__(
        self,
        timeline: Timeline,
        pictures: VideoLane,
        file: str | os.PathLike[str],
        *,
        format: str | None,
        overwrite: bool,
    ) -> None:
        self._timeline, self._pictures = timeline, pictures
        self._format = format
        self._file = self._open(file, overwrite)
        pictures.begin_file(self._file, 0.0)
        self._newest = self._file  # the one that a split has opened last
        self._newest_from = 0  # the sample of the recording at which it begins
        self._splits: deque[tuple[int, RecordingFile]] = deque()
        self._full: list[RecordingFile] = []  # files that have ended, until they are whole
        self._num_lost = 0  # of the files before the current one
        self._previewed_s = 0.0  # the place up to which a preview was written

    def _open(
        self, file: str | os.PathLike[str], overwrite: bool, expected: type[RecordingFile] | None = None
    ) -> RecordingFile:
        try:
            path = os.fspath(file)
        except TypeError:
            raise TypeError(f"file: expected a path, got {type(file).__name__}") from None
        if not isinstance(path, str):
            raise TypeError(f"file: expected a path, got {type(path).__name__}")
        if self._format is not None:
            check_type("format", self._format, str)
        check_type("overwrite", overwrite, bool)
        lane = self._timeline.format
        kind = MovieFile if is_movie(path, self._format) else RecordingFile
        if expected is not None and kind is not expected:
            what = "a file with pictures" if expected is MovieFile else "a file of sound alone"
            raise ValueError(f"file: expected {what}, as the one before, got {path!r}")
        return kind(path, lane.sample_rate, lane.num_channels, format=self._format, overwrite=overwrite)

    @property
    def path(self) -> Path:
        """Of the newest file."""
        return self._newest.path

    @property
    def newest_from_s(self) -> float:
        """Where the newest file begins, in seconds of the recording."""
        return self._newest_from / self._timeline.format.sample_rate

    @property
    def num_lost(self) -> int:
        """Samples that silence was written for, because the disk was too slow."""
        return self._num_lost + self._file.num_lost

    @property
    def error(self) -> OSError | None:
        """Why not all of the files have what they should; the first of these errors."""
        return next((file.error for file in (*self._full, self._file) if file.error is not None), None)

    def split(self, file: str | os.PathLike[str], *, position: int, overwrite: bool) -> None:
        """Has a new file begin at this sample, or at the first one that is not written yet.

        Raises:
            FileExistsError, ValueError, TypeError, OSError: As `RecordingFile`; the old file goes on.
        """
        new = self._open(file, overwrite, type(self._file))
        position = max(position, self._timeline.position)
        self._splits.append((position, new))
        self._pictures.begin_file(new, position / self._timeline.format.sample_rate)
        self._newest, self._newest_from = new, position

    def mark(self, line: str) -> None:
        """Appends a line to the marks of the newest file."""
        self._newest.mark(line)

    def render(self, end: int) -> None:
        """Writes the timeline up to this sample."""
        while self._splits and self._splits[0][0] <= end:
            position, new = self._splits.popleft()
            self._write(position)
            self._file.end()
            self._num_lost += self._file.num_lost
            self._full = [file for file in (*self._full, self._file) if not file.is_whole]
            self._file = new
        self._write(end)

    def _write(self, end: int) -> None:
        for piece in self._timeline.render(end):
            if isinstance(piece, int):
                self._file.silence(piece)
            else:
                self._file.write(piece)

    def preview(self, now_s: float) -> None:
        """Writes what is not settled, too, if that takes long: it can be replaced in a WAV."""
        begin_s = max(self._previewed_s, self._timeline.position_s)
        if now_s - begin_s > _TAIL_S and self._file.has_tail and not self._splits:
            self._previewed_s = now_s
            self._file.tail(self._timeline.preview(math.floor(now_s * self._timeline.format.sample_rate)))

    def last_position(self, end: int) -> int:
        """Returns the sample up to which a recording of this length is rendered: not less than what is written, nor
        than what a split has promised to the file before it."""
        return max(end, self._timeline.position, *(position for position, _ in self._splits))

    def end(self) -> None:
        """Has all files closed when everything is in them."""
        self._file.end()
        self._full.append(self._file)

    async def aclose(self) -> list[OSError]:
        """Waits until the files that have ended are closed, and returns what went wrong, each error once."""
        errors = []
        for file in self._full:
            try:
                await file.aclose()
            except OSError as error:
                errors.append(error)
        return errors
