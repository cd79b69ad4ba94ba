"""RingBuffer carries int16 samples from one writer to one reader."""
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_FillInfo, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize, PyByteArray_Resize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.memoryview cimport PyMemoryView_FromObject
from cpython.object cimport PyTypeObject
from libc.stdint cimport uint64_t, uintptr_t
from libc.string cimport memset

import cython

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.arguments cimport PY_SSIZE_T_MAX, check_int
from livekit_utils._kernels.borrow cimport borrow_s16, borrowed_buffer


# no_gc_clear: views of the region may outlive the collector's clearing, and need the ring's memory for as long.
@cython.no_gc_clear
cdef class _Region:
    """A stretch of a ring's memory, which it keeps alive."""

    cdef RingBuffer ring
    cdef csrc.lku_s16 *samples
    cdef Py_ssize_t num_samples
    cdef bint readonly

    def __getbuffer__(self, Py_buffer *view, int flags):
        # A view has its owner as an attribute, so another view may be asked for after the memory was released.
        if self.ring is None or self.ring._ring.header is NULL:
            raise BufferError("this region has no memory: its RingBuffer was released")
        PyBuffer_FillInfo(view, self, self.samples, self.num_samples * 2, self.readonly, flags)
        self.ring._num_views += 1

    def __releasebuffer__(self, Py_buffer *view):
        self.ring._num_views -= 1


# It refers to no object that the garbage collector could see.
cdef class RingBuffer:
    # Up to the dashes it is what `inspect.signature` shows; Python takes it out of `__doc__`.
    """RingBuffer(capacity)
--

A queue of int16 samples between one writer and one reader, without locks, of fixed size.

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

    cdef csrc.lku_ring _ring
    cdef void *_own               # memory allocated here, or
    cdef borrowed_buffer _memory  # memory of another
    cdef bint _borrowed
    cdef Py_ssize_t _num_views
    cdef object __weakref__

    def __init__(self, capacity):
        cdef size_t rounded = _round_up(capacity)  # may run code of the caller
        if self._own is not NULL or self._borrowed:
            raise RuntimeError("this RingBuffer is initialised already")
        cdef size_t num_bytes = csrc.lku_ring_num_bytes(rounded)
        cdef uintptr_t start
        # Zeroed by the system, which maps the pages of a large ring only as they are used.
        self._own = PyMem_Calloc(1, num_bytes + csrc.LKU_RING_ALIGNMENT)
        if self._own is NULL:
            raise MemoryError()
        start = <uintptr_t>self._own
        start += (-start) % csrc.LKU_RING_ALIGNMENT
        csrc.lku_ring_init(&self._ring, <void *>start, num_bytes, rounded)

    def __dealloc__(self):
        PyMem_Free(self._own)
        if self._borrowed:
            PyBuffer_Release(&self._memory.view)

    @staticmethod
    def num_bytes(capacity):
        """Bytes of memory that `create_in` needs for a ring of this capacity."""
        return csrc.lku_ring_num_bytes(_round_up(capacity))

    @staticmethod
    def create_in(memory, capacity):
        """Lays a new, empty ring into writable memory of yours (aligned to 64 bytes), which it keeps borrowed.

        Raises:
            ValueError: The memory is too small or not aligned, or the capacity out of range.
            BufferError: The memory is read-only.
        """
        cdef RingBuffer self = _borrow(memory)
        cdef size_t rounded = _round_up(capacity)
        if not csrc.lku_ring_init(&self._ring, self._memory.view.buf, self._memory.view.len, rounded):
            raise ValueError(f"expected {csrc.lku_ring_num_bytes(rounded)} bytes aligned to "
                             f"{csrc.LKU_RING_ALIGNMENT}, got {self._memory.view.len} at offset "
                             f"{<uintptr_t>self._memory.view.buf % csrc.LKU_RING_ALIGNMENT}")
        return self

    @staticmethod
    def attach(memory):
        """Opens the ring that `create_in` laid into the same memory, perhaps in another process.

        Raises:
            ValueError: There is no ring in this memory.
            BufferError: The memory is read-only.
        """
        cdef RingBuffer self = _borrow(memory)
        if not csrc.lku_ring_attach(&self._ring, self._memory.view.buf, self._memory.view.len):
            raise ValueError(f"expected memory that holds a ring buffer, got {self._memory.view.len} bytes without one")
        return self

    def release(self):
        """Gives borrowed memory back, so that its owner can close it; the ring cannot be used any more.

        Raises:
            BufferError: A region from `acquire_read` or `acquire_write` is still in use.
        """
        if self._num_views:
            raise BufferError(f"{self._num_views} views of this RingBuffer are still in use")
        self._ring.header = NULL
        if self._borrowed:
            PyBuffer_Release(&self._memory.view)  # releasing once more does nothing

    cdef int _check(self) except -1:
        if self._ring.header is NULL:
            raise ValueError("this RingBuffer has no memory: it was released or never initialised")
        return 0

    @property
    def capacity(self):
        """Samples that it can hold: a power of two."""
        self._check()
        return self._ring.capacity

    @property
    def readable(self):
        """Samples to read now."""
        self._check()
        return csrc.lku_ring_readable(&self._ring)

    @property
    def writable(self):
        """Samples for which there is room now."""
        self._check()
        return csrc.lku_ring_writable(&self._ring)

    @property
    def num_written(self):
        """Samples written since the start: the position of the writer."""
        self._check()
        return self._ring.header.written

    @property
    def num_read(self):
        """Samples read or dropped since the start: the position of the reader."""
        self._check()
        return self._ring.header.read

    def __len__(self):
        self._check()
        return csrc.lku_ring_readable(&self._ring)

    def __bool__(self):
        return True  # an empty ring is still a ring

    @property
    def overruns(self):
        """Calls of `write` that did not fit."""
        self._check()
        return self._ring.header.overruns

    @property
    def overrun_samples(self):
        """Samples that `write` left out."""
        self._check()
        return self._ring.header.overrun_samples

    @property
    def underruns(self):
        """Calls of `read` and `read_into` that found too little."""
        self._check()
        return self._ring.header.underruns

    @property
    def underrun_samples(self):
        """Samples that `read` and `read_into` were short of."""
        self._check()
        return self._ring.header.underrun_samples

    def write(self, data):
        """Writer: copies int16 samples (bytes, an int16 buffer, a frame) in; returns how many fitted."""
        cdef Py_buffer view
        cdef Py_ssize_t n = borrow_s16(data, &view)  # an exporter in Python may release the ring
        try:
            self._check()
            return csrc.lku_ring_write(&self._ring, <const csrc.lku_s16 *>view.buf, n)
        finally:
            PyBuffer_Release(&view)

    def read(self, num_samples):
        """Reader: takes up to `num_samples` samples (at most the capacity) out and returns their bytes."""
        cdef uint64_t wanted = check_int("num_samples", num_samples, 0, PY_SSIZE_T_MAX)
        self._check()
        # Not more memory than there can be samples, however many were asked for.
        cdef Py_ssize_t room = min(wanted, self._ring.capacity)
        result = PyByteArray_FromStringAndSize(NULL, room * 2)
        cdef Py_ssize_t n = csrc.lku_ring_read(&self._ring, <csrc.lku_s16 *>PyByteArray_AS_STRING(result), room)
        if n < room:
            PyByteArray_Resize(result, n * 2)
        return result

    def read_padded(self, num_samples):
        """Reader: exactly `num_samples` samples as `bytes`, with silence behind where there are too few, which is not
        counted. It is what a sound card asks for."""
        cdef Py_ssize_t wanted = check_int("num_samples", num_samples, 0, csrc.LKU_RING_MAX_CAPACITY)
        self._check()
        result = PyBytes_FromStringAndSize(NULL, wanted * 2)
        cdef csrc.lku_s16 *samples = <csrc.lku_s16 *>PyBytes_AS_STRING(result)
        cdef Py_ssize_t n = min(<size_t>wanted, csrc.lku_ring_readable(&self._ring))
        csrc.lku_ring_read(&self._ring, samples, n)
        memset(samples + n, 0, (wanted - n) * 2)
        return result

    def read_into(self, out):
        """Reader: fills a writable buffer as far as there are samples; returns how many it got."""
        cdef Py_buffer view
        cdef Py_ssize_t n = borrow_s16(out, &view)
        try:
            self._check()
            if view.readonly:
                raise TypeError("expected a writable buffer, got a read-only one")
            return csrc.lku_ring_read(&self._ring, <csrc.lku_s16 *>view.buf, n)
        finally:
            PyBuffer_Release(&view)

    def acquire_write(self, num_samples):
        """Writer: two writable int16 views of room for up to `num_samples`, in order; the second one is empty
        unless the ring wraps. Fill them, then `commit_write`; until then the reader sees nothing of it."""
        cdef size_t wanted = check_int("num_samples", num_samples, 0, PY_SSIZE_T_MAX)
        cdef csrc.lku_ring_regions regions
        self._check()
        csrc.lku_ring_acquire_write(&self._ring, wanted, &regions)
        return (_view(self, regions.first, regions.num_first, False),
                _view(self, regions.second, regions.num_second, False))

    def commit_write(self, num_samples):
        """Writer: hands over the first `num_samples` of the room acquired.

        Raises:
            ValueError: More than there is room for.
        """
        cdef Py_ssize_t wanted = check_int("num_samples", num_samples, 0, PY_SSIZE_T_MAX)
        self._check()
        check_int("num_samples", wanted, 0, csrc.lku_ring_writable(&self._ring))
        csrc.lku_ring_commit_write(&self._ring, wanted)

    def acquire_read(self, num_samples):
        """Reader: two read-only int16 views of up to `num_samples` samples, in order; the second one is empty
        unless the ring wraps. Look at them, then `commit_read`; after that the writer may overwrite them."""
        cdef size_t wanted = check_int("num_samples", num_samples, 0, PY_SSIZE_T_MAX)
        cdef csrc.lku_ring_regions regions
        self._check()
        csrc.lku_ring_acquire_read(&self._ring, wanted, &regions)
        return (_view(self, regions.first, regions.num_first, True),
                _view(self, regions.second, regions.num_second, True))

    def commit_read(self, num_samples):
        """Reader: drops the first `num_samples` samples.

        Raises:
            ValueError: More than there are.
        """
        cdef Py_ssize_t wanted = check_int("num_samples", num_samples, 0, PY_SSIZE_T_MAX)
        self._check()
        check_int("num_samples", wanted, 0, csrc.lku_ring_readable(&self._ring))
        csrc.lku_ring_commit_read(&self._ring, wanted)

    def clear(self):
        """Reader: drops all samples that are there; returns how many."""
        self._check()
        cdef size_t n = csrc.lku_ring_readable(&self._ring)
        csrc.lku_ring_commit_read(&self._ring, n)
        return n

    def sync(self):
        """Either side: the later of two calls by the two sides sees everything that the other side stored before its
        own call, in the ring and in words beside it.

        Call it between a store of one side and a look at what the other side stores. Without it both may look too
        early, because processors let a store wait while later loads go ahead.
        """
        self._check()
        csrc.lku_ring_sync(&self._ring)

    def __repr__(self):
        if self._ring.header is NULL:
            return "RingBuffer(released)"
        return f"RingBuffer(capacity={self.capacity}, readable={self.readable})"


cdef size_t _round_up(object capacity) except 0:
    cdef size_t wanted = check_int("capacity", capacity, 1, csrc.LKU_RING_MAX_CAPACITY), rounded = 1
    while rounded < wanted:
        rounded *= 2
    return rounded


cdef RingBuffer _borrow(object memory):
    cdef RingBuffer ring = RingBuffer.__new__(RingBuffer)
    PyObject_GetBuffer(memory, &ring._memory.view, PyBUF_SIMPLE | PyBUF_WRITABLE)
    ring._borrowed = True
    return ring


cdef object _view(RingBuffer ring, csrc.lku_s16 *samples, size_t num_samples, bint readonly):
    cdef _Region region = _Region.__new__(_Region)
    region.ring = ring
    region.samples = samples
    region.num_samples = num_samples
    region.readonly = readonly
    return PyMemoryView_FromObject(region).cast('h')


# Its path in messages and help. Python takes `__module__` of a class in C from this name.
(<PyTypeObject *>RingBuffer).tp_name = "livekit_utils.RingBuffer"
