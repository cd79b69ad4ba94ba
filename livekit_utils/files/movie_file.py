"""MovieFile: a file of sound and pictures that is written while it is recorded, and can be read whatever ends it."""

from __future__ import annotations

import functools
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from livekit_utils.files.growing_file import GrowingFile
from livekit_utils.files.recording_file import SOUND_FORMATS, RecordingFile, choose_format
from livekit_utils.frames.video_frame import VideoFrame, VideoRotation

if TYPE_CHECKING:
    from livekit_utils.files.movie_writer import MovieWriter

MOVIE_FORMATS = {"mp4": "MP4", "mkv": "MKV"}

# Pictures that may wait for the encoder, in bytes: 0.7 s of 1080p at 30 per second. A few may wait however large they
# are. When a quarter is there, the thread encodes at once.
_MAX_WAITING_BYTES = 1 << 26
_LEAST_WAITING = 4


class MovieFile(RecordingFile):
    """Records sound, as RecordingFile does, and pictures with it: MP4 with AAC, or Matroska with Opus, both with H.264.

    The thread that writes also encodes. If it does not keep up, pictures are refused, but no sound is. A process that
    is killed leaves a file that can be read, but for the last second. So does a full disk.

    Args:
        file, sample_rate, num_channels, overwrite: As for RecordingFile; one channel or two.
        format: "mp4" or "mkv"; by the suffix of the path if None.

    Raises:
        ImportError: PyAV is not installed.
        FileExistsError, ValueError, OSError: As RecordingFile.

    Threads: as RecordingFile; `picture` for that thread as well.
    """

    _writer: MovieWriter

    def __init__(
        self,
        file: str | os.PathLike[str],
        sample_rate: int,
        num_channels: int,
        *,
        format: str | None = None,
        overwrite: bool = False,
    ) -> None:
        self._lock = threading.Lock()
        self._num_waiting = self._num_waiting_bytes = 0
        self.has_ended = False
        """Whether no more may be written."""
        super().__init__(file, sample_rate, num_channels, format=format, overwrite=overwrite)

    def _kind(self, format: str | None) -> str:
        return choose_format(self.path, format, MOVIE_FORMATS)

    def _make_writer(self, file: GrowingFile, kind: str) -> MovieWriter:
        from livekit_utils.files.movie_writer import MovieWriter  # it needs numpy

        self._writer = MovieWriter(file, self.sample_rate, self.num_channels, kind)
        return self._writer

    @property
    def num_refused(self) -> int:
        """Pictures that could not be converted."""
        return self._writer.refusal.count

    def begin_pictures(self, width: int, height: int) -> None:
        """Says how large the pictures of the file are, in even numbers. Until then, sound is held in memory."""
        self._check_open()
        if self.error is None:
            self._behind.then(functools.partial(self._writer.begin, width, height))

    def picture(self, frame: VideoFrame, rotation: VideoRotation, at_s: float) -> bool:
        """Adds a picture, which is seen until the next one; after `begin_pictures`. Other sizes than that of the file
        are scaled and get black borders.

        Args:
            frame: Of any format. Its pixels may not change any more.
            rotation: How to turn it for display.
            at_s: Seconds from the beginning of the file, not before the last picture.

        Returns:
            Whether it was taken: not if too many wait for the encoder.

        Raises:
            RuntimeError: The file is closed.
        """
        self._check_open()
        if self.error is not None:
            return True
        num_bytes = frame.data.nbytes
        with self._lock:
            is_full = self._num_waiting_bytes + num_bytes > _MAX_WAITING_BYTES
            if is_full and self._num_waiting >= _LEAST_WAITING:
                return False
            self._num_waiting += 1
            self._num_waiting_bytes += num_bytes
            hurries = self._num_waiting_bytes > _MAX_WAITING_BYTES // 4
        self._behind.then(functools.partial(self._encode, frame, rotation, at_s), hurries=hurries)
        return True

    def _encode(self, frame: VideoFrame, rotation: VideoRotation, at_s: float) -> None:
        try:
            self._writer.picture(frame, rotation, at_s)
        finally:
            with self._lock:
                self._num_waiting -= 1
                self._num_waiting_bytes -= frame.data.nbytes

    def end(self) -> None:
        self.has_ended = True
        super().end()

    def __repr__(self) -> str:
        return f"MovieFile({str(self.path)!r}, {self.sample_rate}, {self.num_channels})"


def is_movie(path: str | os.PathLike[str], format: str | None) -> bool:
    """Whether a recording of this name or format has pictures.

    Raises:
        ValueError: The format is unknown.
    """
    return choose_format(Path(path), format, {**SOUND_FORMATS, **MOVIE_FORMATS}) in MOVIE_FORMATS.values()
