"""in_thread, and Done: awaiting what blocks, and what is done already."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
import weakref

import pytest

from livekit_utils._runtime.lifecycle import Done
from livekit_utils._runtime.threads import in_thread


def test_it_returns_and_raises() -> None:
    async def main() -> None:
        assert await in_thread("test", lambda: threading.current_thread().name) == "livekit_utils test"
        with pytest.raises(ZeroDivisionError):
            await in_thread("test", lambda: 1 / 0)

    asyncio.run(main())


class Held:
    """Stands for what a caller holds, such as the memory of a device."""


def test_an_error_keeps_nothing_of_its_callers_alive() -> None:
    async def call_again() -> Held:
        for function in (lambda: 1 / 0, lambda: [][0], Held):
            try:
                held = await in_thread("test", function)
            except Exception:
                held = None
            if held is not None:
                return held
        raise AssertionError

    async def main() -> None:
        held = await call_again()
        reference = weakref.ref(held)
        del held
        for _ in range(1000):
            if reference() is None:
                return
            await asyncio.sleep(0.01)  # the threads are still ending
        raise AssertionError("it is kept")

    gc.collect()
    gc.disable()
    try:
        asyncio.run(main())
    finally:
        gc.enable()


def test_the_loop_goes_on() -> None:
    async def main() -> None:
        release = threading.Event()
        waiting = asyncio.create_task(in_thread("test", lambda: release.wait(10)))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        release.set()
        assert await waiting

    asyncio.run(main())


@pytest.mark.parametrize("fails", [False, True])
def test_a_result_that_nobody_waits_for_is_thrown_away(fails: bool) -> None:
    release, discarded = threading.Event(), threading.Event()
    got = []

    def work() -> str:
        release.wait(10)
        if fails:
            raise OSError("late")
        return "result"

    def discard(result: str) -> None:
        got.append(result)
        discarded.set()

    async def main() -> None:
        task = asyncio.create_task(in_thread("test", work, discard))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        release.set()
        if not fails:
            assert await asyncio.to_thread(discarded.wait, 10)

    asyncio.run(main())
    assert got == ([] if fails else ["result"])


def test_a_result_that_comes_together_with_the_cancellation_is_thrown_away() -> None:
    discarded = threading.Event()

    async def main() -> None:
        came = threading.Event()
        task = asyncio.create_task(in_thread("test", came.set, lambda _: discarded.set()))
        await asyncio.sleep(0)
        came.wait(10)
        # Its result is on its way to the loop: it is set in the same turn in which the task is cancelled.
        asyncio.get_running_loop().call_later(0.01, task.cancel)
        await asyncio.sleep(0)
        threading.Event().wait(0.05)
        await asyncio.wait([task])
        if task.cancelled():
            assert await asyncio.to_thread(discarded.wait, 10)

    asyncio.run(main())


def test_a_loop_that_is_gone() -> None:
    release, discarded = threading.Event(), threading.Event()

    async def main() -> None:
        task = asyncio.create_task(in_thread("test", lambda: release.wait(10), lambda _: discarded.set()))
        await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(main())
    release.set()
    assert discarded.wait(10)


def test_done_may_be_awaited_made_a_task_or_ignored() -> None:
    async def main() -> None:
        assert await Done() is None
        assert await asyncio.create_task(Done()) is None
        assert await asyncio.gather(Done(), Done()) == [None, None]
        Done().close()
        with pytest.raises(ValueError, match="thrown"):
            Done().throw(ValueError("thrown"))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(main(), debug=True)
