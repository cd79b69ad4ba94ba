"""AudioWriter: a stream of frames as a sound file."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.cli.files.pending_file import PendingFile
from livekit_utils.cli.files.sound_file import SoundFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from livekit_utils.frames.audio_frame import AudioFrame

# The sizes in a WAV have 32 bits; the frames in a FLAC are counted in 36, which is enough for all.
_MAX_WAV_BYTES = 0xFFFFFFFF - 1024
_MAX_FRAMES = 2**36 - 1

_FORMATS = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG"}


class AudioWriter:
    """Writes 16-bit WAV or FLAC, or Ogg Vorbis, by the suffix of the name.

    Nothing shows under the name before `commit` has closed the file, read it back and renamed it; without `commit`
    nothing is left.

    Args:
        path: The file to write; its directory must exist.
        sample_rate: Hz.
        num_channels: From 1.
        num_frames: How long the file is going to be; 0 if nobody knows.
        replace, inputs: As in `PendingFile`.

    Raises:
        CliError: A suffix that is none of the three, a format that the file type cannot hold, a target in the way.
        OSError: The directory cannot be written to.
    """

    def __init__(
        self,
        path: Path,
        sample_rate: int,
        num_channels: int,
        num_frames: int,
        *,
        replace: bool,
        inputs: Iterable[Path] = (),
    ) -> None:
        format = _FORMATS.get(path.suffix.lower())
        if format is None:
            raise CliError(f"{path}: expected a name that ends in {', '.join(_FORMATS)}, got {path.suffix or 'none'}")
        if num_frames > _MAX_FRAMES:
            raise CliError(f"{path}: expected at most {_MAX_FRAMES} frames, got {num_frames}")
        if format == "WAV" and num_frames * num_channels * 2 > _MAX_WAV_BYTES:
            got = f"got {num_frames} frames of {num_channels} channels"
            raise CliError(f"{path}: expected at most 4 GiB for a WAV file, {got}; FLAC has no such limit")
        self.path = path
        self.num_frames = 0
        self.max_frames = _MAX_WAV_BYTES // (2 * num_channels) if format == "WAV" else _MAX_FRAMES
        with ExitStack() as stack:
            self._pending = stack.enter_context(PendingFile(path, replace=replace, inputs=inputs))
            self._file = SoundFile.open_output(self._pending.path, str(path), sample_rate, num_channels, format)
            stack.callback(self._file.close)
            self.format, self.subtype = self._file.format, self._file.subtype
            self._stack = stack.pop_all()

    def write(self, frame: AudioFrame) -> None:
        """Appends a frame, which must have the rate and channels of the file."""
        self._file.write(frame)
        self.num_frames += frame.samples_per_channel

    def commit(self) -> None:
        """Closes the file and gives it its name.

        Raises:
            CliError: What can be read back is not what was written: the disk is full, or the format cannot hold it.
            OSError: The disk is gone.
        """
        if self.num_frames == 0 and self._file.format == "FLAC":
            raise CliError(f"{self.path}: expected at least one frame, without which there is no FLAC file, got none")
        self._file.close()
        self._verify()
        self._pending.commit()

    def _verify(self) -> None:
        # What fails while the file is closed, libsndfile does not report.
        expected = f"{self.path}: writing failed; is the disk full? Expected {self.num_frames} frames in the file"
        try:
            with AudioReader(self._pending.path) as reader:
                is_whole = reader.holds(self.num_frames)
        except CliError as error:
            raise CliError(f"{expected}, which cannot be read back") from error
        if not is_whole:
            raise CliError(f"{expected}, got {reader.num_frames}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, traceback)
