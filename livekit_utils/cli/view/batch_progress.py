"""BatchProgress shows how far the command `batch` is."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from livekit_utils.cli.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self

    from livekit_utils.batch.result import Result

# Seconds between two lines where no terminal shows a bar: a run on a cluster has a log.
_LOG_EVERY_S = 60.0


class BatchProgress:
    """Shows files per second, how many times real time, failures, and the time that is left, on stderr. Files that fail
    are named at once. Without a terminal, there is a line every minute.

    Args:
        count: Returns what is iterated to count the files, in a thread; None where they cannot be counted before.
    """

    def __init__(self, count: Callable[[], Iterable[object]] | None) -> None:
        self._console = Console(stderr=True)
        self._began = time.monotonic()
        self._log_at = self._began + _LOG_EVERY_S
        self._num_files = self._num_failed = self._num_skipped = 0
        self._seconds = 0.0
        self._total: int | None = None
        self._is_ended = False
        self._progress: Progress | None = None
        # The console's own is_terminal can be forced by an environment variable.
        if sys.stderr.isatty():
            columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._task = self._progress.add_task("", total=None)
            self._progress.start()
            if count is not None:
                threading.Thread(target=self._count, args=(count,), name="livekit_utils count", daemon=True).start()

    def _count(self, count: Callable[[], Iterable[object]]) -> None:
        number = 0
        try:
            for _ in count():
                number += 1
                if self._is_ended:
                    return
        except Exception:
            return  # the run itself reports it
        self._total = number

    def add(self, result: Result) -> None:
        """Takes what has become of a file."""
        self._num_files += 1
        self._num_skipped += result.skipped
        self._seconds += result.seconds
        if not result.ok:
            self._num_failed += 1
            before = " (before)" if result.skipped else ""
            line = printable(f"failed{before}: {result.error}")
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        if self._progress is not None:
            self._progress.update(self._task, completed=self._num_files, total=self._total, description=self._line())
        elif time.monotonic() >= self._log_at:
            self._log_at += _LOG_EVERY_S
            self._console.print(self._line(), markup=False, highlight=False, soft_wrap=True)

    def _line(self) -> str:
        elapsed_s = max(time.monotonic() - self._began, 1e-6)
        total = "" if self._total is None else f"/{self._total}"
        speed = f"{(self._num_files - self._num_skipped) / elapsed_s:.1f} files/s"
        return (
            f"{self._num_files}{total}  {speed}  {self._seconds / elapsed_s:.0f} x real time  {self._num_failed} failed"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_ended = True
        if self._progress is not None:
            self._progress.stop()
