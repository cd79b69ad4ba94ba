"""Tasks: files in groups that take about as long each, whatever the files are like."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livekit_utils.batch.job import Job
    from livekit_utils.batch.result import Result

# Seconds: long beside the millisecond that an executor needs for a task, short beside the wait for the last one.
_TASK_S = 0.5

# Files of a task: what is lost where its process dies, and what is not yet in the manifest.
_MAX_FILES = 256

# Before anything was measured: seconds for a file, and for a byte.
_FILE_S, _BYTE_S = 5e-3, 1e-7


@dataclass(frozen=True)
class Task:
    """Files that are converted together, and how often they have lost their process while they were alone."""

    jobs: tuple[Job, ...]
    num_deaths: int = 0
    is_alone: bool = False
    """Whether nothing else was running that could have ended the process."""


@dataclass
class _Speed:
    """What files of one kind have taken until now."""

    num_bytes: float = 1.0
    seconds: float = _BYTE_S


class Costs:
    """Learns from the results how long a file takes, by its size and its kind."""

    def __init__(self) -> None:
        self._speeds: dict[str, _Speed] = {}
        self.task_s = _TASK_S

    def estimate(self, job: Job, num_bytes: int) -> float:
        """Returns the seconds that a file will take, or about so."""
        speed = self._speeds.get(_kind(job.paths[0]))
        per_byte = _BYTE_S if speed is None else speed.seconds / speed.num_bytes
        return max(num_bytes * per_byte, 1e-6) if speed is not None else _FILE_S + num_bytes * per_byte

    def learn(self, result: Result) -> None:
        """Takes what a file has taken."""
        if result.ok and result.input_bytes:
            path = result.input if isinstance(result.input, str) else result.input[0]
            speed = self._speeds.setdefault(_kind(path), _Speed(0.0, 0.0))
            # Older ones count less, because a folder may be unlike the one before.
            speed.num_bytes = 0.99 * speed.num_bytes + result.input_bytes
            speed.seconds = 0.99 * speed.seconds + result.elapsed_s

    def is_full(self, jobs: Sequence[Job], seconds: float) -> bool:
        """Returns whether a task has enough files."""
        return seconds >= self.task_s or len(jobs) >= _MAX_FILES


def _kind(path: str) -> str:
    return os.path.splitext(path)[1].lower()
