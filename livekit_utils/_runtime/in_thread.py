"""in_thread: a blocking call awaited, without a pool of threads for which the end of the program would wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from livekit_utils._runtime.background_thread import start_thread

T = TypeVar("T")


async def in_thread(name: str, function: Callable[[], T], discard: Callable[[T], None] | None = None) -> T:
    """Runs a function in a thread of its own and returns what it returns, or raises what it raises.

    Args:
        name: Of the thread.
        function: What blocks.
        discard: What becomes of the result where nobody waits for it any more; called in a thread as well.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Callable[[], T]] = loop.create_future()

    def run() -> None:
        try:
            result = function()
        except BaseException as error:
            raised = error

            def outcome() -> T:
                raise raised
        else:

            def outcome() -> T:
                return result

        def settle() -> None:
            if not future.done():
                future.set_result(outcome)
            else:
                throw_away(outcome)

        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:  # the loop is closed
            throw_away(outcome)

    def throw_away(outcome: Callable[[], T]) -> None:
        if discard is None:
            return
        discard_it = discard

        def run_discard() -> None:
            try:
                result = outcome()
            except BaseException:
                return  # there is nothing to throw away, and nobody to tell
            discard_it(result)

        start_thread(name, run_discard)

    start_thread(name, run)
    try:
        outcome = await future
    except asyncio.CancelledError:
        if future.done() and not future.cancelled():
            throw_away(future.result())  # it has come just now
        raise
    return outcome()
