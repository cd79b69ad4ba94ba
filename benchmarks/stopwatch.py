"""Stopwatch: what several stretches of work took together."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self


class Stopwatch:
    """Counts while it is entered: wall-clock time, and CPU time of the process, all threads."""

    def __init__(self) -> None:
        self._wall_ns = self._cpu_ns = 0

    def __enter__(self) -> Self:
        self._cpu_ns -= time.process_time_ns()
        self._wall_ns -= time.perf_counter_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._wall_ns += time.perf_counter_ns()
        self._cpu_ns += time.process_time_ns()

    @property
    def cpu_share(self) -> float:
        """CPU time per second."""
        return self._cpu_ns / self._wall_ns

    def each(self, num_operations: int) -> Mapping[str, float]:
        """Seconds for one of so many operations: `wall` and `cpu`."""
        return {"wall": self._wall_ns / 1e9 / num_operations, "cpu": self._cpu_ns / 1e9 / num_operations}
