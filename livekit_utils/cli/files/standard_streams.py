"""Standard input as a sound file, under the name "-", which is that of standard output, too."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from livekit_utils.cli.errors import CliError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack
    from types import TracebackType

    from livekit_utils.files.piped_samples import PipedSound
    from livekit_utils.files.raw_format import RawFormat


def is_standard(path: Path) -> bool:
    """Returns whether a path means standard input or standard output."""
    return str(path) == "-"


def check_inputs(paths: Sequence[Path]) -> None:
    """Raises CliError if standard input is named twice: it can be read once."""
    if sum(map(is_standard, paths)) > 1:
        raise CliError("-: expected standard input once, got it twice")


def standard_input(stack: ExitStack, *, whole: bool, raw: RawFormat | None = None) -> PipedSound | BinaryIO:
    """Returns what is on standard input. A WAV, or samples without a header, that come through a pipe are decoded as
    they come; a file is read where it lies; all else is read to its end first.

    Args:
        stack: Gets what is to be closed.
        whole: Whether these are read to their end first, too, because they are read twice, or their length has to be
            known.
        raw: What the samples are, where there is no header.

    Raises:
        CliError: Standard input is a terminal.
        SoundFileError: It is a WAV that is damaged, or cut off in its header.
        OSError: It cannot be read, or the temporary file cannot be written.
    """
    if sys.stdin.isatty():
        raise CliError("-: expected a sound file on standard input, got a terminal")
    file = cast("BinaryIO", sys.stdin.buffer)
    if file.seekable() and file.tell() == 0:
        return file
    from livekit_utils.files.piped_sound import open_pipe

    return open_pipe(file, stack, whole=whole, raw=raw)


class StandardOutput:
    """Makes a temporary file, and copies it to standard output when it is complete. Stands where a PendingFile does.

    Raises:
        CliError: Standard output is a terminal.
        OSError: The temporary directory cannot be written to.
    """

    def __init__(self) -> None:
        if sys.stdout.isatty():
            raise CliError("-: expected standard output to be a pipe or a file, got a terminal")
        self._directory = tempfile.TemporaryDirectory(prefix="livekit-utils-")
        self.path = Path(self._directory.name, "sound.wav")

    def commit(self) -> None:
        """Writes the file to standard output.

        Raises:
            OSError: Nobody reads it, or the disk is full.
        """
        with self.path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._directory.cleanup()
