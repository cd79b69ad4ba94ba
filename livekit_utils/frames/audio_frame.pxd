from cpython.bytearray cimport PyByteArray_FromStringAndSize
from cpython.object cimport PyObject
from libc.stdint cimport int16_t

from livekit_utils._kernels.borrow cimport borrowed_buffer


cdef class AudioFrame:
    # What each look at a frame reads comes first, in one cache line.
    cdef int16_t *_samples         # without `_resizable`; may lie at an odd address: only kernels may read it
    cdef bytearray _resizable      # the owner, if it is a bytearray: borrowed only while something looks at it
    cdef readonly Py_ssize_t sample_rate
    cdef readonly Py_ssize_t num_channels
    cdef readonly Py_ssize_t samples_per_channel
    cdef bint _initialised
    cdef bint _borrowed
    cdef borrowed_buffer _memory   # shared with its owner, and borrowed until the frame is deallocated
    cdef Py_ssize_t _num_pins
    cdef Py_ssize_t _shape[2]
    cdef Py_ssize_t _strides[2]
    cdef bytearray _own            # a copy of read-only memory, made before a write
    cdef object _userdata          # made at the first use
    # A view of the samples that was given before, which the garbage collector does not see: it would clear the view of a
    # frame in a cycle while somebody may still see the frame.
    cdef PyObject *_view
    cdef object __weakref__

    cdef int _check_not_initialised(self) except -1
    cdef int _refuse(self) except -1
    cdef int pin(self) except -1
    cdef int unpin(self) except -1
    cdef object _look(self)
    cdef void _drop_view(self) noexcept
    cdef bytes _plain(self)
    cdef bint _is_readonly(self) noexcept
    cdef int _fill_view(self, Py_buffer *view, int flags) except -1


cdef inline AudioFrame frame_over(bytearray data, Py_ssize_t sample_rate, Py_ssize_t num_channels,
                                  Py_ssize_t samples_per_channel):
    """Does what the constructor does, for compiled code that made the bytearray and knows that the numbers fit."""
    cdef AudioFrame frame = <AudioFrame>AudioFrame.__new__(AudioFrame)
    if samples_per_channel:
        frame._resizable = data
    frame._initialised = True
    frame.sample_rate = sample_rate
    frame.num_channels = num_channels
    frame.samples_per_channel = samples_per_channel
    return frame


cdef extern from "Python.h":
    # Of a borrowed reference: counting one would write to each bytearray that is looked at.
    Py_ssize_t size_of_bytearray "PyByteArray_GET_SIZE"(PyObject *)
    char *start_of_bytearray "PyByteArray_AS_STRING"(PyObject *)


cdef inline int16_t *samples_of(AudioFrame frame) except NULL:
    """Returns the address of the samples. It is valid until Python code runs, or until `unpin` after a `pin`."""
    if frame._resizable is None:
        return frame._samples
    cdef PyObject *owner = <PyObject *>frame._resizable
    if size_of_bytearray(owner) < 2 * frame.num_channels * frame.samples_per_channel:
        frame._refuse()
    return <int16_t *>start_of_bytearray(owner)


cdef inline AudioFrame copy_of(AudioFrame frame):
    """Returns a writable frame with a copy of the samples, and the same `userdata`."""
    data = PyByteArray_FromStringAndSize(<char *>samples_of(frame), 2 * frame.num_channels * frame.samples_per_channel)
    cdef AudioFrame copy = frame_over(data, frame.sample_rate, frame.num_channels, frame.samples_per_channel)
    copy._userdata = frame._userdata
    return copy
