"""Done: what a call that has done its work already returns where it is documented as a coroutine."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any


class Done(Coroutine[Any, Any, None]):
    """May be awaited, made a task, or ignored: a coroutine that is ignored would not have run, and would warn."""

    def __await__(self) -> Generator[Any, Any, None]:
        return
        yield

    def send(self, value: Any) -> Any:
        raise StopIteration

    def throw(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
    ) -> Any:
        raise typ

    def close(self) -> None:
        """There is nothing to close."""
