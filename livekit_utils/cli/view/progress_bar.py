"""ProgressBar shows the progress of a command that takes a while."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from livekit_utils.cli.errors import printable

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.console import Console
    from rich.progress import Progress

# The bar appears after 1 s, so that short jobs have none.
_PATIENCE_S = 1.0


class ProgressBar:
    """Shows a bar on stderr if the job takes longer than 1 s. Without a terminal there is no bar.

    Args:
        title: The text before the bar.
        total: Seconds of audio of the whole job; None if they are not known.
        console: The console for stderr, if others print there at the same time.
    """

    def __init__(self, title: str, total: float | None, console: Console | None = None) -> None:
        self._title = title
        self._total = total
        self._done = 0.0
        self._started = time.monotonic()
        self._progress: Progress | None = None
        self._console = console
        # The console's own is_terminal can be forced by an environment variable.
        self._can_show = sys.stderr.isatty()

    def advance(self, seconds: float) -> None:
        """Adds seconds of audio that are done."""
        self._done += seconds
        if self._progress is None and self._can_show and time.monotonic() - self._started > _PATIENCE_S:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

            # The name of a file is no markup, even if it looks like it.
            name = TextColumn("{task.description}", markup=False)
            columns = (name, BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
            self._progress = Progress(*columns, console=self._console or Console(stderr=True), transient=True)
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
