"""Tasks that belong to an object of this package, and whether one is being cancelled."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def start_task(coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
    """Starts a task in the running loop. It begins when the loop comes to it, not within this call.

    A program that ends without closing its loop is not told about it: the user knows the object, not its tasks.
    """
    loop = asyncio.get_running_loop()
    if loop.get_task_factory() is None:
        task = loop.create_task(coroutine, name=name)
    else:
        # A factory may run the task at once, as asyncio.eager_task_factory does: before its owner has noted it, and
        # has done what comes next.
        task = asyncio.Task(coroutine, loop=loop, name=name)
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    return task


def is_being_cancelled() -> bool:
    """Returns whether somebody has cancelled the task that runs."""
    task = running_task()
    return task is not None and task.cancelling() > 0


def running_task() -> asyncio.Task[Any] | None:
    """Returns the task that runs. None does where the garbage collector closes a coroutine that it collects together
    with its loop."""
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs
        return None


class OwnTask:
    """The task that runs a coroutine, for that coroutine to ask whether it still does.

    A coroutine that is collected together with its loop gets a GeneratorExit. But where it waits for an iterator that
    waits in a `finally`, Python 3.13 and newer give it the RuntimeError of that instead, which is no fault of a stream.
    """

    def __init__(self) -> None:
        task = running_task()
        assert task is not None
        self._task = weakref.ref(task)  # it holds the coroutine, which holds this

    @property
    def runs(self) -> bool:
        """Whether the task runs the coroutine. Where it does not, the coroutine is being collected: its end is that of
        no stream."""
        task = self._task()
        return task is not None and task is running_task()

    def leave_if_gone(self) -> None:
        """Ends the coroutine quietly where its task does not run it any more.

        Raises:
            GeneratorExit: It does not.
        """
        if not self.runs:
            raise GeneratorExit from None
