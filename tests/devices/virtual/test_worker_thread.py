"""WorkerThread: what the sound card's thread says reaches the event loop, whenever that begins to listen."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from livekit_utils.devices.backend.request import DeviceRequest
from livekit_utils.devices.backend.worker_process import end_reason
from livekit_utils.devices.backend.worker_thread import LoopSignal, WorkerThread
from tests.support.fake_pyaudio import FakePyAudio, install

REQUEST = DeviceRequest(
    is_input=True, device=None, identity=None, sample_rate=48000, num_channels=1, min_channels=1, block_size=480,
    ring_ms=1000,
)  # fmt: skip
BLOCK = bytes(960)


@pytest.fixture
def pyaudio(monkeypatch: pytest.MonkeyPatch) -> FakePyAudio:
    return install(monkeypatch)


def stepping(function: Callable[[], object], at: int, then: Callable[[], object]) -> bool:
    """Runs a function, and another one before its opcode number `at` in worker_thread.py; says whether there is such
    an opcode."""
    step = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal step
        if not frame.f_code.co_filename.endswith("worker_thread.py"):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            step += 1
            if step == at:
                sys.settrace(None)
                then()
                sys.settrace(trace)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return step >= at


class HaltingThread:
    """Runs a function in a thread of its own, up to its opcode number `at` in worker_thread.py; the rest when told."""

    def __init__(self, function: Callable[[], object], at: int) -> None:
        self._function, self._at = function, at
        self._halted, self._go = threading.Event(), threading.Event()
        self.reached = False
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()
        assert self._halted.wait(60)

    def go_on(self) -> None:
        self._go.set()
        self._thread.join(60)

    def _run(self) -> None:
        self.reached = stepping(self._function, self._at, self._halt)
        self._halted.set()

    def _halt(self) -> None:
        self._halted.set()
        assert self._go.wait(60)


@pytest.mark.parametrize("first", ["block", "listen"])
def test_no_wake_is_lost_between_any_two_steps(pyaudio: FakePyAudio, first: str) -> None:
    """A block comes while the loop begins to listen. One side goes some steps, then the other one some, then the first
    one the rest, then the other one the rest: all pairs. Of the next block the loop must know."""

    async def main() -> int:
        worker = WorkerThread(REQUEST, 30)
        stream = pyaudio.streams[0]
        wakes: list[None] = []
        num_pairs = 0

        def listen() -> None:
            worker.listen(asyncio.get_running_loop(), lambda: wakes.append(None), pytest.fail)

        for block_at in range(1, 1000):
            halted = False
            for listen_at in range(1, 1000):
                worker.leave()
                block = HaltingThread(lambda: stream.move(BLOCK, 480), block_at)
                if first == "block":
                    block.start()
                    reached = stepping(listen, listen_at, block.go_on)
                else:
                    reached = stepping(listen, listen_at, block.start)
                if not reached:
                    if first == "block":
                        block.go_on()
                    break
                block.go_on()
                halted = halted or block.reached
                for _ in range(3):
                    await asyncio.sleep(0)
                before = len(wakes)
                await asyncio.to_thread(stream.move, BLOCK, 480)
                for _ in range(3):
                    await asyncio.sleep(0)
                assert len(wakes) == before + 1, f"block at {block_at}, listen at {listen_at}"
                worker.memory.ring.clear()
                num_pairs += 1
            if not halted:
                break
        worker.leave()
        worker.close()
        return num_pairs

    assert asyncio.run(main()) > 100


def test_the_sound_that_came_before_anybody_listened_is_told_of(pyaudio: FakePyAudio) -> None:
    async def main() -> None:
        worker = WorkerThread(REQUEST, 30)
        pyaudio.streams[0].move(BLOCK, 480)
        woken = asyncio.Event()
        worker.listen(asyncio.get_running_loop(), woken.set, pytest.fail)
        await asyncio.wait_for(woken.wait(), 30)
        worker.leave()
        worker.close()

    asyncio.run(main())


def test_an_end_before_anybody_listened_is_told_of(pyaudio: FakePyAudio) -> None:
    async def main() -> str:
        worker = WorkerThread(REQUEST, 30)
        pyaudio.streams[0].active = False
        assert await asyncio.to_thread(pyaudio.streams[0].closed.wait, 30)
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        worker.listen(asyncio.get_running_loop(), lambda: None, ended.set_result)
        return await asyncio.wait_for(ended, 30)

    assert asyncio.run(main()) == "the sound system ended the stream"


def test_an_end_is_told_of_once_whenever_it_comes() -> None:
    async def ends(at: int, inner: str) -> list[str] | None:
        signal, told = LoopSignal(), []
        loop = asyncio.get_running_loop()
        calls = {
            "listen": lambda: signal.listen(loop, lambda: None, told.append),
            "end": lambda: signal.end("unplugged"),
        }
        outer = "listen" if inner == "end" else "end"
        if not stepping(calls[outer], at, calls[inner]):
            return None
        for _ in range(4):
            await asyncio.sleep(0)
        signal.wake()
        for _ in range(2):
            await asyncio.sleep(0)
        return told

    async def main() -> None:
        for inner in ("listen", "end"):
            # Python 3.12.3 traces no steps of a function before the second time.
            await ends(1, inner)
            for at in range(1, 1000):
                told = await ends(at, inner)
                if told is None:
                    break
                assert told == ["unplugged"], f"{inner} at {at}"
            assert at > 5

    asyncio.run(main())


def test_an_end_is_told_of_although_the_last_wake_fails() -> None:
    async def main() -> None:
        signal, told, failures = LoopSignal(), [], []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))

        def fail() -> None:
            raise ValueError("of the application")

        signal.listen(loop, fail, told.append)
        signal.end("unplugged")
        for _ in range(3):
            await asyncio.sleep(0)
        assert told == ["unplugged"]
        assert failures

    asyncio.run(main())


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b'{"ended": "the device stopped moving"}', "the device stopped moving"),
        (b"", "the process that looks after it ended"),
        (b'{"ended": "the dev', "the process that looks after it ended"),  # it was cut off while it said so
        (b"\xff\xfe", "the process that looks after it ended"),
        (b"[]", "the process that looks after it ended"),
    ],
)
def test_a_process_that_ends_gives_a_reason_even_with_half_a_message(said: bytes, reason: str) -> None:
    assert end_reason(said) == reason
