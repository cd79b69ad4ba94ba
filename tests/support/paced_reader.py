"""What takes sound out of a pipe at a steady rate, as the clock of a device does."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path

# Of a rate: how far it may fall behind and still make up for it. A busy machine holds up a thread for less; what is
# due from before the pipe had anything in it, or from while the server stood still, is more.
_MEMORY_S = 0.25


class PacedReader:
    """Reads from a named pipe, which it makes, until it is closed; whoever writes is held up by it.

    Args:
        path: Of the pipe.
        bytes_per_second: The rate.
        num_bytes: What the pipe holds, rounded up to pages by the system: the writer is never further ahead.
    """

    def __init__(self, path: Path, bytes_per_second: float, num_bytes: int = 8192) -> None:
        os.mkfifo(path, mode=0o600)
        self._path, self._bytes_per_second = path, bytes_per_second
        self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._file, fcntl.F_SETPIPE_SZ, num_bytes)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, name=f"reader of {path.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        os.close(self._file)
        self._path.unlink(missing_ok=True)

    def _read(self) -> None:
        last, due = time.monotonic(), 0.0
        while not self._ended.wait(0.004):
            now = time.monotonic()
            due = min(due + (now - last) * self._bytes_per_second, _MEMORY_S * self._bytes_per_second)
            last = now
            try:
                due -= len(os.read(self._file, int(due)))
            except BlockingIOError:  # nothing in it
                continue
