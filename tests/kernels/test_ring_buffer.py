import gc
import mmap
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from livekit_utils._kernels.ring_buffer import RingBuffer
from tests.support import reference
from tests.support.buffers import RefusesWrongData, assert_not_borrowed, at_odd_address, blocks, blocks_of, placements

counts = st.one_of(st.integers(0, 40), st.sampled_from((255, 256, 257, 5000, 2**62)))


def aligned(num_bytes: int) -> mmap.mmap:
    """Anonymous memory at the start of a page."""
    return mmap.mmap(-1, num_bytes)


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        ring = RingBuffer(4096)
        try:
            return ring.write(data)
        finally:
            assert ring.readable == ring.overruns == 0


class TestReadIntoRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        ring = RingBuffer(4)
        ring.write(bytes(8))
        try:
            return ring.read_into(data)
        finally:
            assert (ring.readable, ring.underruns) == (4, 0)


class AgainstDeque(RuleBasedStateMachine):
    @initialize(capacity=st.integers(1, 300), own=st.booleans())
    def start(self, capacity: int, own: bool) -> None:
        self.model = reference.Ring(capacity)
        if own:
            self.writer = self.reader = RingBuffer(capacity)
        else:
            memory = aligned(RingBuffer.num_bytes(capacity))
            self.writer, self.reader = RingBuffer.create_in(memory, capacity), RingBuffer.attach(memory)

    @rule(block=blocks, place=placements)
    def write(self, block: bytes, place: Any) -> None:
        assert self.writer.write(place(block)) == self.model.write(reference.ints(block))

    @rule(num_samples=counts)
    def read(self, num_samples: int) -> None:
        result = self.reader.read(num_samples)
        assert type(result) is bytearray
        assert reference.ints(result) == self.model.read(min(num_samples, self.model.capacity))
        assert_not_borrowed(result)

    @rule(num_samples=st.integers(0, 400), odd=st.booleans())
    def read_into(self, num_samples: int, odd: bool) -> None:
        out = bytearray(b"\x77" * (2 * num_samples + odd))
        expected = self.model.read(num_samples)
        assert self.reader.read_into(memoryview(out)[odd:]) == len(expected)
        assert out == b"\x77" * odd + reference.pcm(expected) + b"\x77" * 2 * (num_samples - len(expected))
        assert_not_borrowed(out)

    @rule(num_samples=counts, share=st.floats(0, 1), data=st.data())
    def acquire_and_commit_write(self, num_samples: int, share: float, data: Any) -> None:
        first, second = self.writer.acquire_write(num_samples)
        room = min(num_samples, self.model.room)
        assert (first.format, second.format, first.readonly, second.readonly) == ("h", "h", False, False)
        assert len(first) + len(second) == room
        block = data.draw(blocks_of(room))
        first[:] = memoryview(block).cast("h")[: len(first)]
        second[:] = memoryview(block).cast("h")[len(first) :]
        assert self.reader.readable == len(self.model.samples)
        committed = int(room * share)
        self.writer.commit_write(committed)
        self.model.samples.extend(reference.ints(block)[:committed])

    @rule(num_samples=counts, share=st.floats(0, 1))
    def acquire_and_commit_read(self, num_samples: int, share: float) -> None:
        first, second = self.reader.acquire_read(num_samples)
        assert (first.format, second.format, first.readonly, second.readonly) == ("h", "h", True, True)
        expected = list(self.model.samples)[:num_samples]
        assert first.tolist() + second.tolist() == expected
        committed = int(len(expected) * share)
        self.reader.commit_read(committed)
        self.model.drop(committed)

    @rule()
    def clear(self) -> None:
        assert self.reader.clear() == len(self.model.drop(len(self.model.samples)))

    @rule(beyond=st.sampled_from((1, 2, 2**62)))
    def commit_too_much(self, beyond: int) -> None:
        with pytest.raises(ValueError, match=f"num_samples: expected 0 to {self.model.room}, got"):
            self.writer.commit_write(self.model.room + beyond)
        with pytest.raises(ValueError, match=f"num_samples: expected 0 to {len(self.model.samples)}, got"):
            self.reader.commit_read(len(self.model.samples) + beyond)
        for function in (
            self.writer.commit_write,
            self.writer.acquire_write,
            self.reader.commit_read,
            self.reader.acquire_read,
            self.reader.read,
        ):
            with pytest.raises(ValueError, match=f"-{beyond}"):
                function(-beyond)

    @precondition(lambda self: self.model.room == 0)
    @rule()
    def full(self) -> None:
        assert [len(view) for view in self.writer.acquire_write(9)] == [0, 0]

    @invariant()
    def same_state(self) -> None:
        if not hasattr(self, "model"):
            return
        for ring in (self.writer, self.reader):
            assert ring.capacity == self.model.capacity
            assert len(ring) == ring.readable == len(self.model.samples)
            assert ring.writable == self.model.room
            assert bool(ring)
            for name in ("overruns", "overrun_samples", "underruns", "underrun_samples"):
                assert getattr(ring, name) == getattr(self.model, name)


TestAgainstDeque = AgainstDeque.TestCase
TestAgainstDeque.settings = settings(max_examples=60, stateful_step_count=40)


@pytest.mark.parametrize(
    ("asked", "capacity"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (1000, 1024), (1024, 1024), (1025, 2048)]
)
def test_capacity_is_rounded_up(asked: int, capacity: int) -> None:
    ring = RingBuffer(asked)
    assert ring.capacity == capacity
    assert ring.write(bytes(2 * capacity + 2)) == capacity
    assert (ring.overruns, ring.overrun_samples) == (1, 1)
    assert RingBuffer.num_bytes(asked) == RingBuffer.num_bytes(capacity) >= 2 * capacity


@pytest.mark.parametrize("capacity", [0, -1, 2**40 + 1, 2**62])
def test_capacity_out_of_range(capacity: int) -> None:
    memory = bytearray(1000)
    for function in (RingBuffer, RingBuffer.num_bytes, lambda n: RingBuffer.create_in(memory, n)):
        with pytest.raises(ValueError, match=f"capacity: expected 1 to {2**40}, got {capacity}"):
            function(capacity)
    assert_not_borrowed(memory)


def test_more_than_there_is_memory() -> None:
    try:
        ring = RingBuffer(2**40)
    except MemoryError:
        return
    ring.release()
    pytest.skip("this machine promises two tebibytes")


@pytest.mark.parametrize("num_samples", [0, 1, 40_000])
def test_written_data_is_given_back(num_samples: int) -> None:
    data = bytearray(2 * num_samples)
    RingBuffer(64).write(data)
    assert_not_borrowed(data)


def test_read_into_needs_writable_memory() -> None:
    ring = RingBuffer(4)
    ring.write(bytes(8))
    array = np.zeros(4, np.int16)
    array.flags.writeable = False
    for out in (bytes(8), memoryview(bytearray(8)).toreadonly(), array):
        with pytest.raises(TypeError, match="writable"):
            ring.read_into(out)
    assert (ring.readable, ring.underruns) == (4, 0)


def test_regions_wrap() -> None:
    ring = RingBuffer(8)
    ring.write(bytes(12))
    ring.read(6)
    first, second = ring.acquire_write(8)
    assert (len(first), len(second)) == (2, 6)
    first[:] = memoryview(reference.pcm([1, 2])).cast("h")
    second[:] = memoryview(reference.pcm([3, 4, 5, 6, 7, 8])).cast("h")
    ring.commit_write(8)
    first, second = ring.acquire_read(8)
    assert (first.tolist(), second.tolist()) == ([1, 2], [3, 4, 5, 6, 7, 8])
    assert reference.ints(ring.read(8)) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_read_regions_are_read_only() -> None:
    ring = RingBuffer(4)
    ring.write(bytes(8))
    view, _ = ring.acquire_read(4)
    with pytest.raises(TypeError):
        view[0] = 1
    assert not np.asarray(view).flags.writeable


def test_a_region_keeps_the_ring_alive() -> None:
    ring = RingBuffer(1024)
    ring.write(b"\x07\x00" * 1024)
    first, _ = ring.acquire_read(1024)
    alive = weakref.ref(ring)
    del ring
    gc.collect()
    assert alive() is not None
    assert first.tolist() == [7] * 1024
    del first, _
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("own", [True, False])
def test_release_waits_for_regions(own: bool) -> None:
    memory = aligned(RingBuffer.num_bytes(16))
    ring = RingBuffer(16) if own else RingBuffer.create_in(memory, 16)
    views = ring.acquire_write(4)
    for view in (*views, np.asarray(views[0])):
        with pytest.raises(BufferError, match="still in use"):
            ring.release()
        if isinstance(view, memoryview):
            view.release()
    del view, views
    ring.release()
    memory.close()


@pytest.mark.parametrize("unusable", ["released", "never initialised"])
def test_without_memory_everything_raises(unusable: str) -> None:
    ring = RingBuffer(4) if unusable == "released" else RingBuffer.__new__(RingBuffer)
    ring.release()
    ring.release()
    for name in ("capacity", "readable", "writable", "overruns", "overrun_samples", "underruns", "underrun_samples"):
        with pytest.raises(ValueError, match="no memory"):
            getattr(ring, name)
    for name in ("read", "acquire_write", "commit_write", "acquire_read", "commit_read"):
        with pytest.raises(ValueError, match="no memory"):
            getattr(ring, name)(0)
    for function in (lambda: len(ring), ring.clear, lambda: ring.write(b""), lambda: ring.read_into(bytearray())):
        with pytest.raises(ValueError, match="no memory"):
            function()
    assert "released" in repr(ring)


def test_second_init_is_refused() -> None:
    ring = RingBuffer(4)
    ring.write(bytes(4))
    with pytest.raises(RuntimeError, match="initialised already"):
        ring.__init__(8)  # type: ignore[misc]
    assert (ring.capacity, ring.readable) == (4, 2)
    ring.release()
    with pytest.raises(RuntimeError, match="initialised already"):
        ring.__init__(8)  # type: ignore[misc]


def test_repr_says_what_is_inside() -> None:
    ring = RingBuffer(5)
    ring.write(bytes(6))
    assert repr(ring) == "RingBuffer(capacity=8, readable=3)"


def test_create_in_and_attach_share_one_ring() -> None:
    memory = aligned(RingBuffer.num_bytes(100))
    writer = RingBuffer.create_in(memory, 100)
    reader = RingBuffer.attach(memory)
    writer.write(reference.pcm(range(200)))
    assert reader.capacity == 128
    assert reader.overrun_samples == 72
    assert reference.ints(reader.read(128)) == list(range(128))
    reader.read(1)
    assert writer.underruns == 1
    with pytest.raises(BufferError):
        memory.close()
    writer.release()
    with pytest.raises(BufferError):
        memory.close()
    reader.release()
    memory.close()


def test_create_in_starts_empty_whatever_was_there() -> None:
    memory = aligned(RingBuffer.num_bytes(64))
    memory.write(b"\xff" * len(memory))
    ring = RingBuffer.create_in(memory, 64)
    assert (ring.readable, ring.overruns, ring.overrun_samples, ring.underruns, ring.underrun_samples) == (0,) * 5
    ring.write(bytes(20))
    again = RingBuffer.create_in(memory, 64)
    assert ring.readable == again.readable == 0


def test_memory_given_up_after_an_error() -> None:
    memory = aligned(RingBuffer.num_bytes(64))
    with pytest.raises(ValueError, match="aligned to 64"):
        RingBuffer.create_in(memory, 65)
    with pytest.raises(ValueError, match="at offset 2"):
        RingBuffer.create_in(memoryview(memory)[2:], 16)
    with pytest.raises(ValueError, match="holds a ring buffer"):
        RingBuffer.attach(memory)
    memory.close()


def test_memory_of_another_kind() -> None:
    size = RingBuffer.num_bytes(4)
    for memory in (bytes(size), memoryview(bytearray(size)).toreadonly()):
        with pytest.raises(BufferError):
            RingBuffer.create_in(memory, 4)
        with pytest.raises(BufferError):
            RingBuffer.attach(memory)
    for nothing in (None, 5, "text"):
        with pytest.raises(TypeError):
            RingBuffer.create_in(nothing, 4)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            RingBuffer.attach(nothing)  # type: ignore[arg-type]


def test_attach_to_no_ring(rand: Any) -> None:
    memory = aligned(RingBuffer.num_bytes(64))
    RingBuffer.create_in(memory, 64)
    good = memory[:]
    for size in (0, 1, 63, 64, 191, 192, len(good) - 1):
        with pytest.raises(ValueError, match=f"got {size} bytes without one"):
            RingBuffer.attach(memoryview(memory)[:size])
    with pytest.raises(ValueError, match="without one"):
        RingBuffer.attach(memoryview(memory)[1:])
    for capacity in (0, 1 << 63, 3, 65, 128, 1 << 41):
        memory[136:144] = capacity.to_bytes(8, "little")
        with pytest.raises(ValueError, match="without one"):
            RingBuffer.attach(memory)
    memory[:] = good
    RingBuffer.attach(memory)
    for byte in range(128, 136):
        memory[:] = good
        memory[byte] ^= 1 << rand.randrange(8)
        with pytest.raises(ValueError, match="without one"):
            RingBuffer.attach(memory)
    for _ in range(200):
        memory[:] = rand.randbytes(len(good))
        with pytest.raises(ValueError, match="without one"):
            RingBuffer.attach(memory)


def test_odd_addresses(rand: Any) -> None:
    ring, block = RingBuffer(512), rand.pcm(400)
    out = bytearray(801)
    for _ in range(5):
        assert ring.write(at_odd_address(block)) == 400
        assert ring.read_into(memoryview(out)[1:]) == 400
        assert out[1:] == block


def test_references_stay_in_balance(checkref: Any) -> None:
    ring, data, memory = RingBuffer(64), bytearray(64), aligned(RingBuffer.num_bytes(64))
    with checkref(ring, data, memory):
        for _ in range(50):
            ring.write(data)
            ring.read_into(data)
            ring.acquire_write(10)
            ring.acquire_read(10)
            RingBuffer.create_in(memory, 64)
            with pytest.raises(ValueError, match="expected"):
                RingBuffer.create_in(memory, 65)
            with pytest.raises(TypeError):
                ring.write(memoryview(data).cast("f"))


def test_read_padded_fills_up_with_silence_that_is_not_counted() -> None:
    ring = RingBuffer(8)
    ring.write(b"\x01\x00\x02\x00\x03\x00")
    assert ring.read_padded(2) == b"\x01\x00\x02\x00"
    assert ring.read_padded(3) == b"\x03\x00" + bytes(4)
    assert ring.read_padded(0) == b""
    assert (ring.num_written, ring.num_read, ring.underruns) == (3, 3, 0)
    for i in range(100):  # around the end of the memory
        ring.write(bytes([i, 0, i + 1, 0, i + 2, 0]))
        assert ring.read_padded(4) == bytes([i, 0, i + 1, 0, i + 2, 0, 0, 0])
    for wrong in (-1, 2**62):
        with pytest.raises(ValueError, match=f"num_samples: expected 0 to {2**40}, got {wrong}"):
            ring.read_padded(wrong)
