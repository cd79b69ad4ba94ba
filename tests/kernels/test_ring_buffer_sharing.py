"""A ring between two threads, between two processes, and with a peer that has gone mad."""

import mmap
import os
import threading
import time
from array import array
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import pytest

from livekit_utils._kernels.ring_buffer import RingBuffer

TOTAL = 4_000_000

# Values 0, 1, ... 32767, 0, ...: any sample lost, doubled or torn breaks the row.
RAMP = array("h", range(32768)).tobytes() * 2

WRITER = """if True:
    import random, sys, time
    from array import array
    from multiprocessing import resource_tracker
    from multiprocessing.shared_memory import SharedMemory
    from livekit_utils._kernels.ring_buffer import RingBuffer

    name, total, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if sys.version_info >= (3, 13):
        memory = SharedMemory(name, track=False)
    else:
        memory = SharedMemory(name)
        resource_tracker.unregister(memory._name, "shared_memory")
    ring = RingBuffer.attach(memory.buf)
    ramp = memoryview(array("h", range(32768)).tobytes() * 2).cast("h")
    rand = random.Random(seed)
    position = 0
    while position < total:
        n = min(rand.choice((1, 7, 64, 480, 1000, 4097)), total - position)
        start = position & 32767
        if rand.random() < 0.5:
            moved = ring.write(ramp[start : start + n])
        else:
            first, second = ring.acquire_write(n)
            moved = len(first) + len(second)
            first[:] = ramp[start : start + len(first)]
            second[:] = ramp[start + len(first) : start + moved]
            ring.commit_write(moved)
            first.release(), second.release()
        position += moved
        if moved == 0:
            time.sleep(0)
    print(ring.overruns >= 0)
    ring.release()
    memory.close()
"""


def read_ramp(ring: RingBuffer, total: int, rand: Any, is_over: Any) -> None:
    """Takes `total` samples of the ramp, by either way, and checks each of them."""
    position = 0
    while position < total:
        n = rand.choice((1, 5, 100, 480, 1024, 4096, 5000))
        start = 2 * (position & 32767)
        if rand.random() < 0.5:
            data = ring.read(n)
            assert data == RAMP[start : start + len(data)], f"at sample {position}"
            moved = len(data) // 2
        else:
            first, second = ring.acquire_read(n)
            moved = len(first) + len(second)
            assert first.tobytes() + second.tobytes() == RAMP[start : start + 2 * moved], f"at sample {position}"
            ring.commit_read(moved)
        position += moved
        if moved == 0:
            time.sleep(0)
        assert moved or not is_over() or ring.readable, f"the writer stopped at sample {position}"
    assert ring.readable == 0


@pytest.mark.parametrize("capacity", [256, 8192])
def test_two_processes(interpreter: Any, rand: Any, capacity: int) -> None:
    memory = SharedMemory(create=True, size=RingBuffer.num_bytes(capacity))
    try:
        ring = RingBuffer.create_in(memory.buf, capacity)
        with interpreter("-c", WRITER, memory.name, str(TOTAL // 2), str(rand.randrange(2**32))) as process:
            try:
                read_ramp(ring, TOTAL // 2, rand, lambda: process.poll() is not None)
            except BaseException:
                process.kill()
                raise
            _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")
        ring.release()
    finally:
        memory.close()
        memory.unlink()


def test_two_threads(rand: Any) -> None:
    total = TOTAL // 4
    ring = RingBuffer(2048)
    stopped = threading.Event()
    sizes = [rand.choice((1, 3, 480, 1024, 3000)) for _ in range(997)]

    def write() -> None:
        position = turn = 0
        while position < total and not stopped.is_set():
            n = min(sizes[turn % len(sizes)], total - position)
            turn += 1
            start = 2 * (position & 32767)
            moved = ring.write(RAMP[start : start + 2 * n])
            position += moved
            if moved == 0:
                time.sleep(0)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        read_ramp(ring, total, rand, lambda: not writer.is_alive())
    finally:
        stopped.set()
        writer.join()
    assert ring.overrun_samples >= ring.overruns
    assert ring.underrun_samples >= ring.underruns


SCRIBBLER = """if True:
    import mmap, random, sys
    from livekit_utils._kernels.ring_buffer import RingBuffer

    rand = random.Random(int(sys.argv[1]))
    capacity = 64
    size = RingBuffer.num_bytes(capacity)
    memory = mmap.mmap(-1, size)
    header = size - 2 * capacity
    RingBuffer.create_in(memory, capacity)
    ring = RingBuffer.attach(memory)
    for _ in range(20_000):
        if rand.random() < 0.5:
            offset = rand.randrange(0, header, 8)
            value = rand.choice((0, 1, 63, 64, 65, 2**32, 2**63 - 1, 2**63, 2**64 - 1, rand.getrandbits(64)))
            memory[offset : offset + 8] = value.to_bytes(8, "little")
        else:
            memory[:header] = rand.randbytes(header)
        assert ring.capacity == capacity
        assert 0 <= ring.readable <= capacity
        assert ring.readable + ring.writable == capacity
        n = rand.choice((0, 1, 64, 65, 1000))
        assert 0 <= ring.write(bytes(2 * n)) <= min(n, capacity)
        assert len(ring.read(n)) <= 2 * min(n, capacity)
        assert 0 <= ring.read_into(bytearray(2 * n)) <= min(n, capacity)
        for views in (ring.acquire_write(n), ring.acquire_read(n)):
            assert sum(map(len, views)) <= min(n, capacity)
            for view in views:
                view.tobytes()
                if not view.readonly:
                    view[:] = memoryview(bytes(2 * len(view))).cast("h")
        for commit in (ring.commit_write, ring.commit_read):
            try:
                commit(n)
            except ValueError:
                pass
        assert 0 <= ring.clear() <= capacity
        ring.overruns, ring.overrun_samples, ring.underruns, ring.underrun_samples, repr(ring)
    print("unharmed")
"""


def test_a_scribbled_header_harms_nobody(run_python: Any, rand: Any) -> None:
    process = run_python("-c", SCRIBBLER, str(rand.randrange(2**32)))
    assert (process.returncode, process.stdout) == (0, "unharmed\n"), process.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_inherited_memory_after_fork(run_python: Any) -> None:
    script = """if True:
        import mmap, os
        from livekit_utils._kernels.ring_buffer import RingBuffer

        memory = mmap.mmap(-1, RingBuffer.num_bytes(1024))
        ring = RingBuffer.create_in(memory, 1024)
        child = os.fork()
        if child == 0:
            ring.write(b"\\x07\\x00" * 1000)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert ring.read(1024) == b"\\x07\\x00" * 1000
        print("same ring")
    """
    process = run_python("-c", script)
    assert (process.returncode, process.stdout) == (0, "same ring\n"), process.stderr


def test_a_region_outlives_its_memory_harmlessly() -> None:
    memory = mmap.mmap(-1, RingBuffer.num_bytes(1024))
    ring = RingBuffer.create_in(memory, 1024)
    first, second = ring.acquire_write(10)
    region = first.obj
    del first, second
    ring.release()
    memory.close()
    with pytest.raises(BufferError, match="released"):
        memoryview(region)
    with pytest.raises(BufferError):
        memoryview(type(region)())


@pytest.mark.parametrize("capacity", [0, -1, 2**41, 2**63, 2**100])
def test_capacities_out_of_range(capacity: int) -> None:
    for make in (RingBuffer, RingBuffer.num_bytes):
        with pytest.raises(ValueError, match="capacity: expected 1 to"):
            make(capacity)
