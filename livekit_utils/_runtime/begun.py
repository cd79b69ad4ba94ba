"""Coroutines that are begun without a task: most end without waiting for anything."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Begun(Awaitable[T], Generic[T]):
    """The rest of a coroutine that was begun, and waits. It is to be awaited by the task that began it."""

    def __init__(self, waits_for: Any, steps: Generator[Any, Any, T]) -> None:
        self._waits_for = waits_for
        self._steps = steps

    def __await__(self) -> Generator[Any, Any, T]:
        waits_for, steps = self._waits_for, self._steps
        try:
            while True:
                try:
                    yield waits_for
                except GeneratorExit:
                    steps.close()
                    raise
                except BaseException as error:
                    waits_for = steps.throw(error)
                else:
                    waits_for = next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def begin(waiting: Awaitable[T]) -> Begun[T] | None:
    """Runs a coroutine up to where it first waits. Returns None if it has ended before, else what is to be awaited.

    Raises:
        Whatever the coroutine raises before it waits.
    """
    steps = waiting.__await__()
    try:
        waits_for = next(steps)
    except StopIteration:
        return None
    return Begun(waits_for, steps)
