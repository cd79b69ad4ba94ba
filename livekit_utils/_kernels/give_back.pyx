"""GiveBack gives a voice back what a noise suppressor takes from it; see csrc/give_back.h."""
from cpython.mem cimport PyMem_Calloc, PyMem_Free

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBuffer_Release, borrow_s16


cdef class GiveBack:
    """Adds a part of what a suppressor has taken from a block, where it has let most of it pass.

    Args:
        sample_rate: Hz, from 8000 to 384000.
        num_channels: 1 to 1024.
        samples_per_channel: Of a block, 1 to 65536.
        delay: Samples per channel by which what was given is late when it is compared with what came out, 0 to 65536.
    """

    cdef csrc.lku_give_back _state
    cdef csrc.lku_s16 *_recent
    cdef csrc.lku_give_back_channel *_channels

    def __cinit__(self, Py_ssize_t sample_rate, Py_ssize_t num_channels, Py_ssize_t samples_per_channel,
                  Py_ssize_t delay):
        if not 8000 <= sample_rate <= 384000:
            raise ValueError(f"sample_rate: expected 8000 to 384000, got {sample_rate}")
        if not 1 <= num_channels <= 1024:
            raise ValueError(f"num_channels: expected 1 to 1024, got {num_channels}")
        if not 1 <= samples_per_channel <= 65536:
            raise ValueError(f"samples_per_channel: expected 1 to 65536, got {samples_per_channel}")
        if not 0 <= delay <= 65536:
            raise ValueError(f"delay: expected 0 to 65536, got {delay}")
        self._recent = <csrc.lku_s16 *>PyMem_Calloc((delay + samples_per_channel) * num_channels, sizeof(csrc.lku_s16))
        self._channels = <csrc.lku_give_back_channel *>PyMem_Calloc(num_channels, sizeof(csrc.lku_give_back_channel))
        if self._recent is NULL or self._channels is NULL:
            raise MemoryError()
        self._state.num_channels, self._state.samples_per_channel = num_channels, samples_per_channel
        self._state.delay = delay
        csrc.lku_give_back_init(&self._state, sample_rate, self._recent, self._channels)

    def __dealloc__(self):
        PyMem_Free(self._recent)
        PyMem_Free(self._channels)

    def process(self, before, after):
        """Gives back to a block, in place.

        Args:
            before: A buffer of interleaved int16 samples: what the suppressor was given.
            after: A writable buffer of as many, which may not overlap them: what it has made of them.
        """
        cdef Py_buffer before_view, after_view
        cdef Py_ssize_t expected = self._state.num_channels * self._state.samples_per_channel
        cdef Py_ssize_t num_before = borrow_s16(before, &before_view), num_after
        try:
            num_after = borrow_s16(after, &after_view)
            try:
                if num_before != expected or num_after != expected:
                    raise ValueError(f"expected {expected} samples, got {num_before} and {num_after}")
                if after_view.readonly:
                    raise ValueError("expected a writable buffer, got a read-only one")
                csrc.lku_give_back_push(&self._state, <const csrc.lku_s16 *>before_view.buf,
                                        <csrc.lku_s16 *>after_view.buf)
            finally:
                PyBuffer_Release(&after_view)
        finally:
            PyBuffer_Release(&before_view)
