"""Standard input as a sound file, under the name "-", which is that of standard output, too."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO, cast

from livekit_utils.cli.errors import CliError
from livekit_utils.files.piped_sound import open_pipe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from livekit_utils.files.piped_wav import PipedWav


def is_standard(path: Path) -> bool:
    """Returns whether a path means standard input or standard output."""
    return str(path) == "-"


def check_inputs(paths: Sequence[Path]) -> None:
    """Raises CliError if standard input is named twice: it can be read once."""
    if sum(map(is_standard, paths)) > 1:
        raise CliError("-: expected standard input once, got it twice")


def standard_input(stack: ExitStack, *, whole: bool) -> PipedWav | BinaryIO:
    """Returns what is on standard input. A WAV that comes through a pipe is decoded as it comes; a file is read where
    it lies; all else is read to its end first.

    Args:
        stack: Gets what is to be closed.
        whole: Whether a WAV is read to its end first, too, because it is read twice, or its length has to be known.

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
    return open_pipe(file, stack, whole=whole)
