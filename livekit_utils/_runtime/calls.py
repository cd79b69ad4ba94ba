"""Calls: counts the calls into foreign code that are under way, and runs tasks when there are none."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Calls:
    """The calls that are under way into an object that must not be used by a task and a call at once.

    A call is made in a `with` block. A task runs when no call and no other task is under way: at once in the thread
    that brings it, or in the thread whose call ends last. No thread waits for another, and no lock is held while a call
    or a task runs.

    Example:
        >>> calls = Calls()
        >>> with calls:
        ...     calls.when_none(lambda: print("closed"))
        ...     print("in use")
        in use
        closed
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # reentrant: a finalizer or a signal handler may come here from within
        self._num_under_way = 0
        self._tasks: deque[Callable[[], object]] = deque()

    def __enter__(self) -> None:
        with self._lock:
            self._num_under_way += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._num_under_way -= 1
        if self._tasks:
            self._run_tasks()

    def when_none(self, task: Callable[[], object]) -> None:
        """Runs a task when no call is under way. Tasks run in the order in which they came."""
        self._tasks.append(task)
        self._run_tasks()

    def _run_tasks(self) -> None:
        while True:
            with self._lock:
                if self._num_under_way or not self._tasks:
                    return
                task = self._tasks.popleft()
                self._num_under_way += 1
            try:
                task()
            finally:
                with self._lock:
                    self._num_under_way -= 1
