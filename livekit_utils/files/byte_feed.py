"""ByteFeed brings bytes as they come to a thread that waits for them, and holds that thread back while nobody reads."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class ByteFeed:
    """Holds bytes between the event loop that gets them and the thread that decodes them.

    Only the thread waits. The other methods may be called in any thread.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()  # reentrant: a finalizer may close the feed from within
        self._chunks: deque[bytes] = deque()
        self._is_ended = False
        self.closed = False
        """Whether the thread is to end as soon as it can."""

    def push(self, data: bytes) -> None:
        """Appends bytes; after the close it does nothing."""
        with self._changed:
            if not self.closed:
                self._chunks.append(data)
            self._changed.notify_all()

    def end(self) -> None:
        """Says that no more bytes will come."""
        with self._changed:
            self._is_ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Drops what is left, and lets the thread go on."""
        with self._changed:
            self.closed = True
            self._chunks.clear()
            self._changed.notify_all()

    def wake(self) -> None:
        """Lets the thread look again at what it waits for."""
        with self._changed:
            self._changed.notify_all()

    def read(self) -> bytes:
        """Waits for bytes, and returns those that came together; none at the end and after the close."""
        with self._changed:
            self._changed.wait_for(lambda: self._chunks or self._is_ended or self.closed)
            return self._chunks.popleft() if self._chunks else b""

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Waits until a condition is true after a `wake`, or the feed is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed or condition())
