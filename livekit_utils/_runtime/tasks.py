"""Tasks that belong to an object of this package, and whether one is being cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def start_task(coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
    """Starts a task in the running loop.

    A program that ends without closing its loop is not told about it: the user knows the object, not its tasks.
    """
    task = asyncio.get_running_loop().create_task(coroutine, name=name)
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    return task


def is_being_cancelled() -> bool:
    """Returns whether somebody has cancelled the task that runs."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
