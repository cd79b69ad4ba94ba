# The check of an integer argument for compiled code, with the form of message of _runtime/arguments.py:
# "num_channels: expected 1 to 128, got 0". A wrong type is a TypeError, a value out of range a ValueError.
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.number cimport PyIndex_Check, PyNumber_Index


cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX


cdef inline Py_ssize_t check_int(str name, object value, Py_ssize_t least, Py_ssize_t most) except -1:
    """An integer from `least`, which is 0 or more, to `most`; integers of numpy are welcome, floats are not."""
    cdef int overflow = 0
    cdef long long number
    if not isinstance(value, int):
        if not PyIndex_Check(value):
            raise TypeError(f"{name}: expected an int from {least} to {most}, got {described(value)}")
        value = PyNumber_Index(value)
    number = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow or not least <= number <= most:
        raise ValueError(f"{name}: expected {least} to {most}, got {shortened(value)}")
    return number


cdef inline object described(object value):
    """A value and its type."""
    return "None" if value is None else f"{shortened(value)} ({type(value).__name__})"


cdef inline object shortened(object value):
    try:
        text = repr(value)
    except Exception:  # the value's own code, or an int with too many digits to print
        return f"an object of type {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."
