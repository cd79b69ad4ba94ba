"""PendingFile makes a file that appears under its name only when it is complete."""

from __future__ import annotations

import os
import stat
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from livekit_utils._runtime.deferred_signals import deferred_signals
from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.new_name import rename_new
from livekit_utils.files.stale_files import lock, new_name, sweep

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self


class PendingFile:
    """Makes a temporary file in the directory of the target. `commit` renames it; if the with block ends without
    `commit`, the file is removed.

    A target that is a symbolic link stays one: the file it points to is replaced. The new file keeps the permissions of
    the replaced one, but not its set-uid and set-gid bits. Temporary files of commands that were killed are removed.

    Args:
        target: The final path.
        replace: Whether an existing file may be replaced.
        inputs: Files that are never replaced, to save the user from overwriting a recording by mistake.

    Raises:
        CliError: The target exists, is an input or no regular file, or its directory does not exist.
        OSError: The directory cannot be written to.
    """

    def __init__(self, target: Path, *, replace: bool, inputs: Iterable[Path] = ()) -> None:
        self.target = target
        self._replace = replace
        self._resolved = Path(os.path.realpath(target))
        mode = self._check(inputs)
        sweep(self._resolved.parent)
        with deferred_signals():
            self.path, self._lock = self._make()
            # Removes it also if Ctrl-C comes before the with block has begun, or while it is ended.
            self._remove = weakref.finalize(self, _remove, self.path, self._lock)
        if mode is not None:
            # Without the bits that let a program run as its owner.
            self.path.chmod(mode & 0o777)

    def _make(self) -> tuple[Path, BinaryIO]:
        """Makes the temporary file, and returns it open, which holds its lock."""
        while True:
            path = self._resolved.with_name(new_name(self.target.suffix))
            try:
                # mkstemp ignores the umask: its files are for the owner only.
                descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
            except OSError as error:
                error.filename = str(self.target)
                raise
            # Another command may have swept the file before it was locked.
            if lock(descriptor) and path.exists():
                return path, os.fdopen(descriptor, "rb+")
            os.close(descriptor)

    def _check(self, inputs: Iterable[Path]) -> int | None:
        directory = self._resolved.parent
        if not directory.is_dir():
            raise CliError(f"{self.target}: expected an existing directory to write to, got {directory}")
        try:
            mode = self._resolved.stat().st_mode
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(mode):
            raise CliError(f"{self.target}: expected the name of a file to write, got a directory or a device")
        for path in inputs:
            if path.samefile(self._resolved):
                raise CliError(f"{self.target}: expected another file than the input {path}; inputs are never replaced")
        if not self._replace:
            raise CliError(f"{self.target}: expected a new file, but it exists; --force replaces it")
        return mode

    def commit(self) -> None:
        """Writes the file to the disk and gives it its name.

        Raises:
            CliError: Another file has taken the name in the meantime.
            OSError: The disk is full or gone.
        """
        os.fsync(self._lock.fileno())
        with deferred_signals():
            if os.name == "nt":
                self._lock.close()  # an open file cannot be renamed there
            self._rename()
            self._remove.detach()
            self._lock.close()

    def _rename(self) -> None:
        if self._replace:
            os.replace(self.path, self._resolved)
            return
        try:
            rename_new(self.path, self._resolved)
        except FileExistsError:
            text = f"{self.target}: expected a new file, but it has come to exist; --force replaces it"
            raise CliError(text) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._remove()


def _remove(path: Path, lock: BinaryIO) -> None:
    lock.close()
    path.unlink(missing_ok=True)
