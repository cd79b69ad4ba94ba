import mmap

from leaks import check, raises

from livekit_utils._kernels.ring_buffer import RingBuffer

ring = RingBuffer(1024)
data = bytearray(960)
memory = mmap.mmap(-1, RingBuffer.num_bytes(64))


def copy_through() -> None:
    ring.write(data)
    ring.read(240)
    ring.read_into(data)


def by_regions() -> None:
    ring.acquire_write(500)
    ring.commit_write(500)
    ring.acquire_read(500)
    ring.commit_read(500)


def make() -> None:
    RingBuffer(1000)
    RingBuffer(1000).release()
    RingBuffer.create_in(memory, 64)
    RingBuffer.attach(memory).release()


def make_again() -> None:
    again = RingBuffer(4000)
    again.release()
    try:
        again.__init__(4000)  # type: ignore[misc]
    except RuntimeError:
        return


def fail() -> None:
    raises(ValueError, RingBuffer, 0)
    raises(ValueError, RingBuffer.create_in, memory, 65)
    raises(BufferError, RingBuffer.create_in, bytes(4096), 64)
    raises(ValueError, RingBuffer.attach, memoryview(memory)[:100])
    raises(TypeError, ring.write, memoryview(data).cast("f"))
    raises(TypeError, ring.read_into, bytes(8))
    raises(ValueError, ring.commit_write, 2000)
    views = ring.acquire_write(4)
    raises(BufferError, ring.release)
    del views


watched = (ring, data, memory)
check(copy_through, 100_000, *watched)
check(by_regions, 50_000, *watched)
check(make, 50_000, *watched)
check(make_again, 20_000, *watched)
check(fail, 10_000, *watched)
