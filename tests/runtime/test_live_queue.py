"""LiveQueue: the oldest goes where it is full, and that is counted and said."""

from __future__ import annotations

import asyncio
import threading

import pytest

from livekit_utils._runtime.queues import LiveQueue
from tests.support.virtual_time import run


async def drain(queue: LiveQueue[int]) -> list[int]:
    items = []
    while True:
        try:
            items.append(await queue.get())
        except StopAsyncIteration:
            return items


def test_live_queue_keeps_the_newest(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        queue: LiveQueue[int] = LiveQueue(3, "the reader")
        for item in range(10):
            queue.put(item)
        assert (len(queue), queue.num_put, queue.num_dropped) == (3, 10, 7)
        queue.end()
        assert await drain(queue) == [7, 8, 9]

    run(main())
    assert len(caplog.records) == 1
    message = caplog.records[0].getMessage()
    assert "the reader" in message
    assert "3" in message


def test_live_queue_says_each_run_of_drops_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        queue: LiveQueue[int] = LiveQueue(2, "reader")
        for turn in range(1, 4):
            for item in range(100):
                queue.put(item)
            assert len(caplog.records) == turn
            assert [await queue.get(), await queue.get()] == [98, 99]
            for _ in range(600):  # it has been quick for a while
                queue.put(1)
                await queue.get()


def test_live_queue_of_one_that_is_always_full_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """The newest only, which is what one takes of video: it is emptied each time, and drops each time."""

    async def main() -> None:
        queue: LiveQueue[int] = LiveQueue(1, "reader")
        for item in range(1000):
            queue.put(item)
            if item % 2:
                assert await queue.get() == item
        assert queue.num_dropped == 500

    run(main())
    assert len(caplog.records) == 1


def test_live_queue_of_a_steadily_slow_reader_is_one_run(caplog: pytest.LogCaptureFixture) -> None:
    """One that reads every other frame drops for minutes on end, but it is one thing to say, not 3000."""

    async def main() -> int:
        queue: LiveQueue[int] = LiveQueue(10, "reader")
        for item in range(6000):
            queue.put(item)
            if item % 2:
                await queue.get()
        return queue.num_dropped

    assert run(main()) > 2900
    assert 1 <= len(caplog.records) <= 3


def test_live_queue_without_a_bound(caplog: pytest.LogCaptureFixture) -> None:
    queue: LiveQueue[int] = LiveQueue(0, "reader")
    for item in range(5000):
        queue.put(item)
    assert (len(queue), queue.num_dropped) == (5000, 0)
    assert not caplog.records


def test_live_queue_from_a_thread_counts_all() -> None:
    async def main() -> None:
        queue: LiveQueue[int] = LiveQueue(5, "reader")
        reader = asyncio.create_task(drain(queue))
        await asyncio.sleep(0)

        def produce() -> None:
            for item in range(5000):
                queue.put(item)
            queue.end()

        thread = threading.Thread(target=produce)
        thread.start()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)
        got = await reader
        assert got == sorted(set(got))
        assert got[-1] == 4999
        assert len(got) + queue.num_dropped == queue.num_put == 5000

    asyncio.run(asyncio.wait_for(main(), 60))
