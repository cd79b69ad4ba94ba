"""ProgressBar: how far a job is, for jobs that take a while."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from livekit_utils.cli.errors import printable

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_PATIENCE_S = 1.0


class ProgressBar:
    """A bar on stderr, from the second second on. On no terminal there is none.

    Args:
        title: What is being done.
        total: Seconds of audio in all.
        console: Of stderr; to be shared with whatever else prints there meanwhile.
    """

    def __init__(self, title: str, total: float, console: Console | None = None) -> None:
        self._title = title
        self._total = total
        self._done = 0.0
        self._started = time.monotonic()
        self._progress: Progress | None = None
        self._console = console or Console(stderr=True)
        # Not the console's is_terminal, which an environment variable can force.
        self._can_show = sys.stderr.isatty()

    def advance(self, seconds: float) -> None:
        """So many more seconds of audio are through."""
        self._done += seconds
        if self._progress is None and self._can_show and time.monotonic() - self._started > _PATIENCE_S:
            # A file's name is no markup, whatever it looks like.
            name = TextColumn("{task.description}", markup=False)
            columns = (name, BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._progress.add_task(printable(self._title), total=self._total)
            self._progress.start()
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=self._done)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
