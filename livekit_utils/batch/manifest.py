"""Manifest: what became of each file, a line each. It is what a run that was ended goes on from."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from livekit_utils.batch.errors import BatchError
from livekit_utils.files.stale_files import lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from livekit_utils.batch.job import Job
    from livekit_utils.batch.result import Result

# Read at a time.
_CHUNK = 1 << 20

_opened: weakref.WeakSet[Manifest] = weakref.WeakSet()


class Manifest:
    """Holds the manifest of a folder, and the lock on it, which ends with this process.

    A line is written at once, with one call. A last line that is not whole is cut off: it is that of a machine that was
    switched off, and its file is done again.

    Args:
        path: The file, which is made where there is none. What lies beside it is named from its folder, so that the
            whole can be moved.
        read_only: Whether to read what there is, and change nothing, nor lock it.

    Raises:
        BatchError: Another run has it.
        OSError: It cannot be read or written.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._inside = os.path.join(os.path.abspath(path.parent), "")
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDONLY if read_only else os.O_RDWR | os.O_CREAT | os.O_APPEND
        self._descriptor = os.open(path, flags, 0o666)
        try:
            if not read_only and not lock(self._descriptor):
                raise BatchError(f"{path}: another run is at this folder")
            self.num_bad_lines = 0
            # By a hash of the output's name, of which 10 million take 1.5 GB: see _identity.
            self._done: dict[int, int] = {}
            self._failures: dict[str, tuple[str, str]] = {}
            self._size = self._load()
            if not read_only:
                os.ftruncate(self._descriptor, self._size)
        except BaseException:
            os.close(self._descriptor)
            raise
        _opened.add(self)

    def _load(self) -> int:
        """Reads what there is, and returns how many bytes are whole lines."""
        size = 0
        for line in self._lines():
            size += len(line)
            try:
                fields = json.loads(line)
                self._note(fields["output"], fields["input"], fields["key"], fields["output_bytes"], fields["error"])
            except (ValueError, KeyError, TypeError):
                self.num_bad_lines += 1
        return size

    def _lines(self) -> Iterator[bytes]:
        rest = b""
        while chunk := os.read(self._descriptor, _CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line + b"\n"

    def _note(
        self, output: str | None, input: str | list[str], key: str | None, num_bytes: int | None, error: str | None
    ) -> None:
        """Remembers the last that is known of an output."""
        name = f"o{output}" if output is not None else f"i{input}"
        if error is None:
            self._done[hash_of(name)] = _identity(key, num_bytes)
            self._failures.pop(name, None)
        else:
            self._done.pop(hash_of(name), None)
            self._failures[name] = (key or "", error)

    def name_of(self, output: str) -> str:
        """Returns what an output is called here: its path from the folder, where it lies in it."""
        path = os.path.abspath(output)
        return path[len(self._inside) :] if path.startswith(self._inside) else path

    def is_done(self, job: Job, key: str) -> bool:
        """Returns whether the output is there, made of the same inputs with the same parameters."""
        known = self._done.get(hash_of(f"o{self.name_of(str(job.output))}"))
        if known is None:
            return False
        try:
            return known == _identity(key, os.stat(job.output).st_size)
        except OSError:
            return False

    def failure(self, job: Job, key: str) -> str | None:
        """Returns the error with which the same has failed before, or None."""
        failure = self._failures.get(f"o{self.name_of(str(job.output))}")
        return failure[1] if failure is not None and failure[0] == key else None

    def append(self, result: Result) -> None:
        """Writes the line of a result. One without an output is not written a second time.

        Raises:
            OSError: It cannot be written; what was there is whole.
        """
        output = None if result.output is None else self.name_of(result.output)
        if output is None and self._failures.get(f"i{result.input}") == (result.key or "", result.error):
            return
        line = result.line(output)
        try:
            num_written = os.write(self._descriptor, line)
            if num_written < len(line):
                os.write(self._descriptor, line[num_written:])
        except OSError as error:
            os.ftruncate(self._descriptor, self._size)
            error.filename = str(self.path)
            raise
        self._size += len(line)
        self._note(output, result.input, result.key, result.output_bytes, result.error)

    def close(self) -> None:
        """Closes the file, and gives up the lock."""
        if self in _opened:
            _opened.discard(self)
            os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def hash_of(text: str) -> int:
    """Returns 64 bits: that two of 10 million outputs have the same is as likely as 1 in 400 000."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _identity(key: str | None, num_bytes: int | None) -> int:
    """Returns what an output is: of which inputs and parameters, and how long."""
    return hash_of(f"{key} {num_bytes}")


def _leave_to_parent() -> None:
    # A lock is that of all who have the open file: a child that outlives its parent would keep it.
    for manifest in list(_opened):
        with contextlib.suppress(OSError):
            os.close(manifest._descriptor)
    _opened.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
