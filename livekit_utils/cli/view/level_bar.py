"""LevelBar shows the level of a stream live."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

from livekit_utils.cli.errors import printable
from livekit_utils.files.level_meter import LevelMeter

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from rich.console import Console
    from rich.progress import Progress

    from livekit_utils.frames.audio_frame import AudioFrame

# The level at which the bar is empty.
_FLOOR_DBFS = -60.0
_UPDATES_PER_S = 10


class LevelBar:
    """Shows peak and RMS of the last 100 ms as a bar on a terminal.

    Args:
        title: The text before the bar.
        console: The console for the bar. Without a terminal there is no bar.
        lines: Whether to print a line per second on stdout instead of the bar, if stdout is no terminal.
    """

    def __init__(self, title: str, console: Console, lines: bool = False) -> None:
        self._meter = LevelMeter()
        self._shown_at = time.monotonic()
        self._lines = lines
        self._progress: Progress | None = None
        if console.file.isatty() and not (lines and not sys.stdout.isatty()):
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            # The name of a device is no markup, even if it looks like it.
            name = TextColumn("{task.description}", markup=False)
            columns = (name, BarColumn(), TextColumn("{task.fields[text]}", markup=False))
            self._progress = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
            self._progress.add_task(printable(title), total=-_FLOOR_DBFS, text="")

    def add(self, frame: AudioFrame) -> None:
        """Measures the next frame."""
        self._meter.add(np.asarray(frame))

    def show(self, note: Callable[[], str]) -> None:
        """Shows the level since the last update and a note, if the next update is due.

        Call it often, also while no frames come.
        """
        now = time.monotonic()
        if now - self._shown_at < (1 / _UPDATES_PER_S if self._progress is not None else 1):
            return
        peak, rms = self._meter.peak_dbfs, self._meter.rms_dbfs
        text = f"peak {_decibels(peak)}  RMS {_decibels(rms)}  {note()}".rstrip()
        if self._progress is not None:
            level = max(0.0, peak - _FLOOR_DBFS)
            self._progress.update(self._progress.task_ids[0], completed=level, text=text)
        elif self._lines:
            print(text, file=sys.stdout, flush=True)
        self._meter, self._shown_at = LevelMeter(), now

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()


def _decibels(dbfs: float) -> str:
    return " -inf dB" if dbfs == -math.inf else f"{dbfs:5.1f} dB"
