"""Scratch: a folder for the files of one run that are not complete yet."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

SCRATCH_NAME = ".livekit-utils-batch"


class Scratch:
    """Makes a folder for one run, and removes those of runs before, which were killed.

    A worker of such a run may still be at a file, on another machine too. Its temporary file is gone then, and so it
    can give no output its name any more. For this, the caller has to hold the lock of the manifest.

    Args:
        folder: The folder in which it is made.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._parent = folder / SCRATCH_NAME
        shutil.rmtree(self._parent, ignore_errors=True)
        made = self._parent / secrets.token_hex(8)
        made.mkdir(parents=True)
        self.path = str(made.absolute())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._parent.rmdir()
