"""EndableQueue and LiveQueue: nothing is lost, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from livekit_utils._runtime.queues import EndableQueue
from tests.support.randomness import Rand
from tests.support.virtual_time import JumpingSelector, VirtualTimeLoop, run


async def drain(queue: EndableQueue[int]) -> list[int]:
    items = []
    while True:
        try:
            items.append(await queue.get())
        except StopAsyncIteration:
            return items


def test_in_order_and_to_the_end() -> None:
    async def main() -> None:
        queue: EndableQueue[int] = EndableQueue(0)
        for item in range(5):
            queue.put(item)
        queue.end()
        queue.put(99)
        assert len(queue) == 5
        assert await drain(queue) == [0, 1, 2, 3, 4]
        for _ in range(3):
            with pytest.raises(StopAsyncIteration):
                await queue.get()

    run(main())


@pytest.mark.parametrize("how", ["end", "error", "close"])
def test_the_end_reaches_all_who_wait(how: str) -> None:
    async def main() -> None:
        queue: EndableQueue[int] = EndableQueue(0)
        readers = [asyncio.create_task(drain(queue)) for _ in range(3)]
        await asyncio.sleep(1)
        queue.put(1)
        if how == "close":
            await asyncio.sleep(1)
            queue.close()
        else:
            queue.end(ValueError("on purpose") if how == "error" else None)
        got = await asyncio.wait_for(asyncio.gather(*readers, return_exceptions=True), 1)
        if how == "error":
            assert all(isinstance(item, ValueError) for item in got)
        else:
            assert sorted(map(str, got)) == ["[1]", "[]", "[]"]
        assert not queue._readers

    run(main())


def test_an_error_comes_behind_the_items_and_stays() -> None:
    async def main() -> None:
        queue: EndableQueue[int] = EndableQueue(0)
        queue.put(1)
        queue.end(ValueError("first"))
        queue.end(KeyError("second"))
        queue.end()
        assert await queue.get() == 1
        for _ in range(3):
            with pytest.raises(ValueError, match="first"):
                await queue.get()

    run(main())


def test_an_error_that_is_raised_often_does_not_grow() -> None:
    async def main() -> int:
        queue: EndableQueue[int] = EndableQueue(0)
        error = ValueError("on purpose")
        queue.end(error)
        for _ in range(50):
            with pytest.raises(ValueError, match="on purpose"):
                await queue.get()
        depth, traceback = 0, error.__traceback__
        while traceback is not None:
            depth, traceback = depth + 1, traceback.tb_next
        return depth

    assert run(main()) < 20


def test_close_drops_and_forgets_the_error() -> None:
    async def main() -> None:
        queue: EndableQueue[int] = EndableQueue(0)
        queue.put(1)
        queue.end(ValueError())
        queue.close()
        assert (len(queue), await drain(queue)) == (0, [])

    run(main())


def test_cancelled_readers_lose_nothing_and_are_not_kept(rand: Rand) -> None:
    async def main() -> None:
        queue: EndableQueue[int] = EndableQueue(0)
        got: list[int] = []

        async def reader() -> None:
            while True:
                got.append(await queue.get())

        def start() -> asyncio.Task[None]:
            return asyncio.create_task(reader())

        readers = [start() for _ in range(5)]
        for item in range(2000):
            queue.put(item)
            if rand.random() < 0.5:
                victim = rand.randrange(5)
                readers[victim].cancel()  # it may be on its way to this very item
                readers[victim] = start()
            for _ in range(rand.randrange(3)):
                await asyncio.sleep(0)
        await asyncio.sleep(1)
        assert sorted(got) == list(range(2000))
        assert len(queue._readers) == 5
        for task in readers:
            task.cancel()
        await asyncio.wait(readers)
        assert not queue._readers

    run(main())


def test_all_woken_readers_are_cancelled_but_one() -> None:
    async def main() -> None:
        queue: EndableQueue[int] = EndableQueue(0)
        readers = [asyncio.create_task(queue.get()) for _ in range(4)]
        await asyncio.sleep(0)
        queue.put(7)  # wakes the first
        for task in readers[:3]:
            task.cancel()
        assert await asyncio.wait_for(readers[3], 1) == 7
        assert all(task.cancelled() for task in readers[:3]) or await asyncio.wait(readers[:3])

    run(main())


def test_a_wake_up_from_another_thread_for_a_reader_that_is_cancelled_meanwhile() -> None:
    async def main() -> None:
        queue: EndableQueue[int] = EndableQueue(0)
        first, second = (asyncio.create_task(queue.get()) for _ in range(2))
        await asyncio.sleep(0)
        thread = threading.Thread(target=queue.put, args=(7,))
        thread.start()
        thread.join()  # its wake-up waits in the loop
        first.cancel()
        assert await asyncio.wait_for(second, 1) == 7
        assert first.cancelled()

    run(main())


def test_one_reader_per_item() -> None:
    async def main() -> None:
        queue: EndableQueue[int] = EndableQueue(0)
        readers = [asyncio.create_task(queue.get()) for _ in range(5)]
        await asyncio.sleep(0)
        for item in range(5):
            queue.put(item)
        assert await asyncio.wait_for(asyncio.gather(*readers), 1) == [0, 1, 2, 3, 4]

    run(main())


def test_capacity_and_room() -> None:
    async def main() -> None:
        room: list[int] = []
        queue: EndableQueue[int] = EndableQueue(2, lambda: room.append(len(queue)))
        assert not queue.full
        for item in range(3):
            queue.put(item)
        assert queue.full
        assert [await queue.get() for _ in range(3)] == [0, 1, 2]
        assert room == [2, 1]
        assert queue.drop_oldest() is False
        queue.put(5)
        assert queue.drop_oldest() is True
        assert len(queue) == 0
        assert not EndableQueue(0).full

    run(main())


def test_an_item_dropped_on_its_way_to_a_reader() -> None:
    async def main() -> None:
        queue: EndableQueue[int] = EndableQueue(1)
        reader = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.put(1)
        assert queue.drop_oldest()
        await asyncio.sleep(1)
        assert not reader.done()
        queue.put(2)
        assert await asyncio.wait_for(reader, 1) == 2

    run(main())


def test_a_reader_of_a_loop_that_is_gone_is_passed_over() -> None:
    queue: EndableQueue[int] = EndableQueue(0)
    old = asyncio.new_event_loop()
    left = old.create_task(queue.get())
    old.run_until_complete(asyncio.sleep(0))
    old.close()

    async def main() -> int:
        reader = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.put(1)
        return await asyncio.wait_for(reader, 1)

    assert run(main()) == 1
    left._log_destroy_pending = False  # type: ignore[attr-defined]


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def produce_in_threads(queue: EndableQueue[int], num_threads: int, each: int) -> Callable[[], None]:
    def produce(first: int) -> None:
        for item in range(first, first + each):
            queue.put(item)

    threads = [threading.Thread(target=produce, args=(k * each,)) for k in range(num_threads)]
    for thread in threads:
        thread.start()

    def finish() -> None:
        for thread in threads:
            thread.join()
        queue.end()

    return finish


@pytest.mark.usefixtures("quick_switches")
@pytest.mark.parametrize(("num_threads", "num_readers"), [(1, 1), (1, 4), (3, 4)])
def test_producers_in_other_threads(num_threads: int, num_readers: int) -> None:
    """Thousands of items, one by one: whoever reads is asleep most of the time, and always woken."""
    each = 6000 // num_threads

    async def main() -> None:
        queue: EndableQueue[int] = EndableQueue(0)
        readers = [asyncio.create_task(drain(queue)) for _ in range(num_readers)]
        await asyncio.sleep(0)
        finish = produce_in_threads(queue, num_threads, each)
        ender = asyncio.get_running_loop().run_in_executor(None, finish)
        got = await asyncio.gather(*readers)
        await ender
        assert sorted(item for items in got for item in items) == list(range(num_threads * each))
        for items in got:
            for k in range(num_threads):
                mine = [item for item in items if item // each == k]
                assert mine == sorted(mine)
        assert not queue._readers

    asyncio.run(asyncio.wait_for(main(), 60))


@pytest.mark.usefixtures("quick_switches")
def test_ping_pong_between_threads() -> None:
    """Every item is put while its reader is about to wait: the moment that loses a wake-up, if any does."""
    rounds = 5000
    there: EndableQueue[int] = EndableQueue(0)
    back: EndableQueue[int] = EndableQueue(0)

    async def echo() -> None:
        for item in await_items:
            assert await there.get() == item
            back.put(item)

    async def serve() -> None:
        for item in await_items:
            there.put(item)
            assert await back.get() == item

    await_items = range(rounds)
    errors: list[BaseException] = []

    def other_thread() -> None:
        try:
            asyncio.run(asyncio.wait_for(echo(), 60))
        except BaseException as error:
            errors.append(error)
            back.end(error)

    thread = threading.Thread(target=other_thread)
    thread.start()
    try:
        asyncio.run(asyncio.wait_for(serve(), 60))
    finally:
        thread.join(60)
    assert not errors


class InterruptingLoop(VirtualTimeLoop):
    """Where the queue has it run Python code, as where threads take turns, another thread does something first."""

    def __init__(self, selector: type[JumpingSelector] = JumpingSelector) -> None:
        super().__init__(selector)
        self.others: dict[tuple[str, bool], Callable[[], None]] = {}

    def interrupt(self, where: str, *, after: bool) -> None:
        other = self.others.pop((where, after), None)
        if other is not None:
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()

    def create_future(self) -> asyncio.Future[Any]:
        self.interrupt("create_future", after=False)
        future = super().create_future()
        self.interrupt("create_future", after=True)
        return future

    def call_soon(self, *arguments: Any, **named: Any) -> asyncio.Handle:
        self.interrupt("call_soon", after=False)
        handle = super().call_soon(*arguments, **named)
        self.interrupt("call_soon", after=True)
        return handle


ACTIONS: dict[str, Callable[[EndableQueue[int]], None]] = {
    "put": lambda queue: queue.put(5),
    "end": lambda queue: queue.end(),
    "put and end": lambda queue: (queue.put(5), queue.end()),  # type: ignore[dict-item]
    "put and drop": lambda queue: (queue.put(6), queue.drop_oldest(), queue.put(5)),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("action", ACTIONS)
def test_another_thread_comes_in_while_a_reader_begins_to_wait(action: str, after: bool) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, InterruptingLoop)
        queue: EndableQueue[int] = EndableQueue(0)
        task = asyncio.create_task(drain(queue))
        loop.others["create_future", after] = lambda: ACTIONS[action](queue)
        await asyncio.sleep(0)
        await asyncio.sleep(1)
        assert not loop.others
        queue.end()
        assert await asyncio.wait_for(task, 1) == ([] if action == "end" else [5])
        assert not queue._readers

    with asyncio.Runner(loop_factory=InterruptingLoop) as runner:
        runner.run(main())


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("num_readers", [1, 2])
def test_another_thread_comes_in_while_a_reader_is_woken(action: str, after: bool, num_readers: int) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, InterruptingLoop)
        queue: EndableQueue[int] = EndableQueue(0)
        tasks = [asyncio.create_task(drain(queue)) for _ in range(num_readers)]
        await asyncio.sleep(1)
        loop.others["call_soon", after] = lambda: ACTIONS[action](queue)
        queue.put(1)
        await asyncio.sleep(1)
        assert not loop.others
        queue.end()
        got = [item for items in await asyncio.wait_for(asyncio.gather(*tasks), 1) for item in items]
        wanted = {"put and drop": [5, 6]}.get(action, [1] if action == "end" else [1, 5])  # the oldest is dropped
        assert sorted(got) == wanted
        assert not queue._readers

    with asyncio.Runner(loop_factory=InterruptingLoop) as runner:
        runner.run(main())


def test_what_waits_for_a_reader_is_kept() -> None:
    async def main() -> None:
        queue: EndableQueue[int] = EndableQueue(0)
        keeper: dict[object, object] = {}
        owner = object()
        queue.put(1)
        assert await queue.get(keeper, owner) == 1
        assert not keeper
        task = asyncio.create_task(queue.get(keeper, owner))
        await asyncio.sleep(1)
        assert list(keeper.values()) == [owner]
        queue.put(2)
        assert await task == 2
        assert not keeper
        task = asyncio.create_task(queue.get(keeper, owner))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        assert not keeper

    run(main())


def test_a_read_that_is_closed_is_forgotten() -> None:
    async def main() -> None:
        queue: EndableQueue[int] = EndableQueue(0)
        keeper: dict[object, object] = {}
        read = queue.get(keeper, queue)
        read.send(None)
        read.close()
        assert not keeper
        other = asyncio.create_task(queue.get())
        await asyncio.sleep(1)
        queue.put(7)
        assert await asyncio.wait_for(other, 1) == 7
        assert not queue._readers

    run(main())
