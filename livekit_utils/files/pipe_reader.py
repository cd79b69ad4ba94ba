"""PipeReader reads a pipe in one thread, until another thread interrupts it."""

from __future__ import annotations

import io
import os
import select
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from typing import Self

_MAX_BYTES = 1 << 16


class PipeReader:
    """Gives the bytes of a pipe as they come.

    A read that waits for bytes is interrupted at once where the system can wait for the pipe and for a signal together:
    for pipes, sockets and terminals of POSIX, opened by Python. Otherwise it ends with the next bytes.

    Args:
        file: Open for reading in binary; it stays open. It may be non-blocking.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._read = getattr(file, "read1", file.read)
        self._wake: tuple[int, int] | None = None
        self._poll: select.poll | None = None
        # Bytes may lie in the file's own buffer. The first read gives all of them, and then there are none.
        self._is_first = True
        self._interrupted = False
        if hasattr(select, "poll") and isinstance(file, (io.BufferedReader, io.RawIOBase)):
            try:
                number = file.fileno()
            except OSError:  # it is none of the system's
                return
            self._wake = os.pipe()
            self._poll = select.poll()
            self._poll.register(number, select.POLLIN)
            self._poll.register(self._wake[0], select.POLLIN)

    def read(self) -> bytes:
        """Returns the next bytes, as soon as there are any; none at the end, and after an interruption.

        Raises:
            OSError: The pipe cannot be read, or it is non-blocking, and nothing tells when there is something to read.
        """
        while not self._interrupted:
            has_polled = self._poll is not None and not self._is_first
            if has_polled and not self._wait():
                break
            data: bytes | None = self._read(_MAX_BYTES)
            was_first, self._is_first = self._is_first, False
            if data or (data is not None and (has_polled or not was_first)):
                return data
            if self._poll is None:
                if data is None:
                    raise BlockingIOError("expected a pipe that waits for bytes, got one that does not")
                return b""
        return b""

    def _wait(self) -> bool:
        """Returns True when there is something to read, or the end; False after an interruption."""
        assert self._poll is not None
        self._poll.poll()
        return not self._interrupted

    def interrupt(self) -> None:
        """Ends a read that waits, and all later ones. Call it in any thread, before `close`."""
        self._interrupted = True
        if self._wake is not None:
            os.write(self._wake[1], b"\0")

    def close(self) -> None:
        """Releases what was used to wait. No thread may read any more."""
        wake, self._wake, self._poll = self._wake, None, None
        if wake is not None:
            for number in wake:
                os.close(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
