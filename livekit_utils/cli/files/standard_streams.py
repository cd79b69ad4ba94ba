"""Standard input and standard output as sound files, under the name "-"."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from livekit_utils.cli.errors import CliError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self


def is_standard(path: Path) -> bool:
    """Returns whether a path means standard input or standard output."""
    return str(path) == "-"


def check_inputs(paths: Sequence[Path]) -> None:
    """Raises CliError if standard input is named twice: it can be read once."""
    if sum(map(is_standard, paths)) > 1:
        raise CliError("-: expected standard input once, got it twice")


def spooled_input() -> BinaryIO:
    """Returns a temporary file with all that comes on standard input.

    A sound is looked at from both ends before it is read, and its length has to be known for what is written.

    Raises:
        CliError: Standard input is a terminal.
        OSError: The temporary file cannot be written.
    """
    if sys.stdin.isatty():
        raise CliError("-: expected a sound file on standard input, got a terminal")
    file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115
    try:
        shutil.copyfileobj(sys.stdin.buffer, file)
    except BaseException:
        file.close()
        raise
    return file


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
