from typing import Any

from numpy.typing import NDArray
from typing_extensions import Buffer

class RingBuffer:
    """A queue of int16 samples between one writer and one reader, without locks, of fixed size.

    One thread writes (`write`, `acquire_write`, `commit_write`) and one reads (`read`, `read_into`, `acquire_read`,
    `commit_read`); they may be the same thread. No call waits: samples that do not fit are left out and counted, and a
    read returns what there is and counts what was missing. With `create_in` and `attach` the ring lies in memory of
    yours, such as `multiprocessing.shared_memory`, and the two sides may be two processes.

    Args:
        capacity: int16 values that it can hold, from 1; rounded up to a power of two (see `capacity`).

    Raises:
        ValueError: The capacity is out of range.

    The garbage collector does not see from a ring to borrowed memory. Where that memory refers back to the ring (an
    object that exports the buffer and holds the ring in an attribute), `release` breaks the cycle.

    Threads: calls hold the GIL for the few microseconds of a copy. The two sides need no other lock.

    Example:
        >>> ring = RingBuffer(1000)
        >>> ring.capacity
        1024
        >>> ring.write(b"\\x01\\x00\\x02\\x00\\x03\\x00")
        3
        >>> ring.read(2)
        bytearray(b'\\x01\\x00\\x02\\x00')
        >>> ring.readable, ring.underruns
        (1, 0)
        >>> len(ring.read(5)) // 2, ring.underruns, ring.underrun_samples
        (1, 1, 4)
    """

    def __init__(self, capacity: int) -> None: ...
    @staticmethod
    def num_bytes(capacity: int) -> int:
        """Bytes of memory that `create_in` needs for a ring of this capacity."""

    @staticmethod
    def create_in(memory: Buffer, capacity: int) -> RingBuffer:
        """Lays a new, empty ring into writable memory of yours (aligned to 64 bytes), which it keeps borrowed.

        Raises:
            ValueError: The memory is too small or not aligned, or the capacity out of range.
            BufferError: The memory is read-only.
        """

    @staticmethod
    def attach(memory: Buffer) -> RingBuffer:
        """Opens the ring that `create_in` laid into the same memory, perhaps in another process.

        Raises:
            ValueError: There is no ring in this memory.
            BufferError: The memory is read-only.
        """

    def release(self) -> None:
        """Gives borrowed memory back, so that its owner can close it; the ring cannot be used any more.

        Raises:
            BufferError: A region from `acquire_read` or `acquire_write` is still in use.
        """

    @property
    def capacity(self) -> int:
        """Samples that it can hold: a power of two."""

    @property
    def readable(self) -> int:
        """Samples to read now."""

    @property
    def writable(self) -> int:
        """Samples for which there is room now."""

    @property
    def overruns(self) -> int:
        """Calls of `write` that did not fit."""

    @property
    def overrun_samples(self) -> int:
        """Samples that `write` left out."""

    @property
    def underruns(self) -> int:
        """Calls of `read` and `read_into` that found too little."""

    @property
    def underrun_samples(self) -> int:
        """Samples that `read` and `read_into` were short of."""

    @property
    def num_written(self) -> int:
        """Samples written since the start: the position of the writer."""

    @property
    def num_read(self) -> int:
        """Samples read or dropped since the start: the position of the reader."""

    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def write(self, data: Buffer | NDArray[Any]) -> int:
        """Writer: copies int16 samples (bytes, an int16 buffer, a frame) in; returns how many fitted."""

    def read(self, num_samples: int) -> bytearray:
        """Reader: takes up to `num_samples` samples (at most the capacity) out and returns their bytes."""

    def read_padded(self, num_samples: int) -> bytes:
        """Reader: exactly `num_samples` samples as `bytes`, with silence behind where there are too few, which is not
        counted. It is what a sound card asks for.
        """

    def read_into(self, out: Buffer | NDArray[Any]) -> int:
        """Reader: fills a writable buffer as far as there are samples; returns how many it got."""

    def acquire_write(self, num_samples: int) -> tuple[memoryview[int], memoryview[int]]:
        """Writer: two writable int16 views of room for up to `num_samples`, in order; the second one is empty
        unless the ring wraps. Fill them, then `commit_write`; until then the reader sees nothing of it.
        """

    def commit_write(self, num_samples: int) -> None:
        """Writer: hands over the first `num_samples` of the room acquired.

        Raises:
            ValueError: More than there is room for.
        """

    def acquire_read(self, num_samples: int) -> tuple[memoryview[int], memoryview[int]]:
        """Reader: two read-only int16 views of up to `num_samples` samples, in order; the second one is empty
        unless the ring wraps. Look at them, then `commit_read`; after that the writer may overwrite them.
        """

    def commit_read(self, num_samples: int) -> None:
        """Reader: drops the first `num_samples` samples.

        Raises:
            ValueError: More than there are.
        """

    def clear(self) -> int:
        """Reader: drops all samples that are there; returns how many."""

    def sync(self) -> None:
        """Either side: the later of two calls by the two sides sees everything that the other side stored before its
        own call, in the ring and in words beside it.

        Call it between a store of one side and a look at what the other side stores. Without it both may look too
        early, because processors let a store wait while later loads go ahead.
        """
