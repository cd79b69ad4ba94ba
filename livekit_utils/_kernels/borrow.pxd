# The one way in for samples: borrow a buffer, check that it holds int16 samples or plain bytes, count them.
# The function that borrows releases with PyBuffer_Release; an object that borrows for longer holds a
# `borrowed_buffer` and releases it when it is deallocated.
from cpython.buffer cimport PyBUF_FULL_RO, PyBUF_WRITABLE
from cpython.buffer cimport PyBuffer_IsContiguous, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer


cdef extern from "Python.h" nogil:
    ctypedef struct PyThreadState
    PyThreadState *PyEval_SaveThread()
    void PyEval_RestoreThread(PyThreadState *state)


cdef enum:
    # int16 values. Below this a kernel takes a few microseconds, less than the thread switch that giving the GIL away
    # may cost.
    NOGIL_SAMPLES = 32768


cdef inline PyThreadState *release_gil_if(bint is_long) noexcept nogil:
    """Releases the GIL around a long call into C; hand the result to `restore_gil` behind the call.

    Between the two, only C code may run: no Python object may be touched.
    """
    return PyEval_SaveThread() if is_long else NULL


cdef inline void restore_gil(PyThreadState *released) noexcept nogil:
    if released is not NULL:
        PyEval_RestoreThread(released)


cdef struct borrowed_buffer:
    # A class holds this instead of a Py_buffer, whose owner Cython would show to the garbage collector. The collector
    # would then take a memoryview in a cycle for garbage and clear it under its borrower: an error, and a crash in
    # CPython before 3.12.7. Inside a struct, the owner has a reference that the collector does not see, and stays until
    # it is released.
    Py_buffer view


cdef inline bint is_format(const Py_buffer *view, char code, Py_ssize_t itemsize) noexcept:
    cdef const char *text = <const char *>view.format
    if view.itemsize != itemsize or text is NULL:
        return False
    if text[0] == b'@' or text[0] == b'=' or text[0] == b'<':
        text += 1
    return text[0] == code and text[1] == 0


cdef inline bint is_bytes(const Py_buffer *view) noexcept:
    return (view.format is NULL or is_format(view, b'B', 1) or is_format(view, b'b', 1)
            or is_format(view, b'c', 1))


cdef inline bint is_contiguous(const Py_buffer *view) noexcept:
    # The plain case by itself: asking CPython takes as long as borrowing.
    if view.ndim == 1 and view.strides is not NULL and view.strides[0] == view.itemsize and view.suboffsets is NULL:
        return True
    return PyBuffer_IsContiguous(view, b'C')


cdef inline Py_ssize_t borrow_s16(object data, Py_buffer *view) except -1:
    """Fills `view` and returns the number of int16 samples. After an exception nothing is borrowed."""
    if not PyObject_CheckBuffer(data):
        raise TypeError(f"expected bytes or int16 samples, got {type(data).__name__}")
    PyObject_GetBuffer(data, view, PyBUF_FULL_RO)
    if (is_bytes(view) or is_format(view, b'h', 2)) and is_contiguous(view) and not view.len & 1:
        return view.len >> 1
    error = refusal(view)
    PyBuffer_Release(view)
    raise error


cdef inline object refusal(const Py_buffer *view):
    """Returns the error for a buffer that holds no samples."""
    if not is_bytes(view) and not is_format(view, b'h', 2):
        text = (<bytes>view.format).decode('ascii', 'replace')
        return TypeError(f"expected bytes or int16 samples, got a buffer of format {text!r}")
    if not is_contiguous(view):
        return ValueError("expected a C-contiguous buffer, got a strided one")
    return ValueError(f"expected whole int16 samples, got {view.len} bytes")


cdef inline object uneven(Py_ssize_t num_samples, Py_ssize_t num_channels):
    """Returns the error for samples that are not as many for each channel."""
    return ValueError(f"expected a multiple of {num_channels} samples for {num_channels} channels, got {num_samples}")


cdef inline Py_ssize_t borrow_f32(object data, Py_buffer *view, int flags) except -1:
    """Does the same for float32; `flags` may be PyBUF_WRITABLE."""
    PyObject_GetBuffer(data, view, PyBUF_FULL_RO | flags)
    if is_format(view, b'f', 4) and PyBuffer_IsContiguous(view, b'C'):
        return view.len >> 2
    text = (<bytes>view.format).decode('ascii', 'replace') if view.format is not NULL else 'B'
    is_float = is_format(view, b'f', 4)
    PyBuffer_Release(view)
    if is_float:
        raise ValueError("expected a C-contiguous buffer, got a strided one")
    raise TypeError(f"expected float32 samples, got a buffer of format {text!r}")


cdef inline int borrow_numbers(object data, Py_buffer *view, int flags, Py_ssize_t num_numbers) except -1:
    """Fills `view` with exactly so many float32 numbers; `flags` may be PyBUF_WRITABLE."""
    cdef Py_ssize_t got = borrow_f32(data, view, flags)
    if got != num_numbers:
        PyBuffer_Release(view)
        raise ValueError(f"expected {num_numbers} float32 numbers, got {got}")
    return 0
