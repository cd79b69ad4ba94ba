from libc.stdint cimport int16_t

from livekit_utils._kernels.borrow cimport borrowed_buffer


cdef class AudioFrame:
    cdef borrowed_buffer _memory   # shared with its owner, and borrowed until the frame is deallocated
    cdef bint _initialised
    cdef bint _borrowed
    cdef int16_t *_samples         # without `_resizable`; may lie at an odd address: only kernels may read it
    cdef bytearray _resizable      # the owner, if it is a bytearray: borrowed only while something looks at it
    cdef Py_ssize_t _num_pins
    cdef readonly Py_ssize_t sample_rate
    cdef readonly Py_ssize_t num_channels
    cdef readonly Py_ssize_t samples_per_channel
    cdef Py_ssize_t _shape[2]
    cdef Py_ssize_t _strides[2]
    cdef bytearray _own            # a copy of read-only memory, made before a write
    cdef object _userdata          # made at the first use
    cdef object __weakref__

    cdef int _check_not_initialised(self) except -1
    cdef int16_t *samples(self) except NULL
    cdef int pin(self) except -1
    cdef int unpin(self) except -1
    cdef bytes _plain(self)
    cdef bint _is_readonly(self) noexcept
    cdef int _fill_view(self, Py_buffer *view, int flags) except -1
