"""Coroutines that are begun without a task."""

from __future__ import annotations

import asyncio

import pytest

from livekit_utils._runtime.begun import begin
from tests.support.virtual_time import run


def test_what_does_not_wait_is_over() -> None:
    done = []

    async def work() -> None:
        done.append(True)

    async def main() -> None:
        assert begin(work()) is None

    run(main())
    assert done


def test_what_waits_goes_on_when_it_is_awaited() -> None:
    steps = []

    async def work(event: asyncio.Event) -> str:
        steps.append("begun")
        await event.wait()
        await asyncio.sleep(0)
        await asyncio.sleep(1)
        steps.append("over")
        return "result"

    async def main() -> None:
        event = asyncio.Event()
        rest = begin(work(event))
        assert rest is not None
        assert steps == ["begun"]
        asyncio.get_running_loop().call_later(1, event.set)
        assert await rest == "result"

    run(main())
    assert steps == ["begun", "over"]


def test_an_error_comes_where_it_is_raised() -> None:
    async def at_once() -> None:
        raise OSError("at once")

    async def later() -> None:
        await asyncio.sleep(0)
        raise OSError("later")

    async def main() -> None:
        with pytest.raises(OSError, match="at once"):
            begin(at_once())
        rest = begin(later())
        assert rest is not None
        with pytest.raises(OSError, match="later"):
            await rest

    run(main())


def test_a_cancellation_reaches_what_was_begun() -> None:
    """It may wait for something more before it ends."""
    seen = []

    async def work() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            seen.append("cancelled")
            await asyncio.sleep(1)
            seen.append("cleaned up")
            raise

    async def main() -> None:
        async def wait() -> None:
            rest = begin(work())
            assert rest is not None
            await rest

        task = asyncio.create_task(wait())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    assert seen == ["cancelled", "cleaned up"]


def test_what_is_given_up_is_closed() -> None:
    closed = []

    async def work() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            closed.append(True)

    async def main() -> None:
        rest = begin(work())
        assert rest is not None
        steps = rest.__await__()
        next(steps)
        steps.close()

    run(main())
    assert closed
