from libc.stdint cimport int16_t

from livekit_utils._kernels.borrow cimport borrowed_buffer


cdef class AudioFrame:
    cdef borrowed_buffer _memory   # shared with whoever made the frame; held until the frame goes
    cdef bint _borrowed
    cdef int16_t *_samples         # may stand at an odd address: hand it to kernels only
    cdef readonly Py_ssize_t sample_rate
    cdef readonly Py_ssize_t num_channels
    cdef readonly Py_ssize_t samples_per_channel
    cdef Py_ssize_t _shape[2]
    cdef Py_ssize_t _strides[2]
    cdef bytearray _own            # a copy of read-only memory that was to be written to
    cdef object _userdata          # made when first asked for
    cdef object __weakref__

    cdef bytes _plain(self)
    cdef bint _is_readonly(self) noexcept
    cdef int _fill_view(self, Py_buffer *view, int flags) except -1
