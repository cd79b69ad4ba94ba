"""Calls other libraries without denormal numbers; see csrc/denormals.h."""
from libc.stdint cimport uint64_t

from livekit_utils._kernels cimport csrc


def call_flushed(function, *args):
    """Calls a function while the arithmetic of this thread takes denormal numbers for 0; returns its result.

    Threads: any. The mode is the calling thread's; a function that releases the GIL stays in it.
    """
    cdef uint64_t mode = csrc.lku_denormals_flush()
    try:
        return function(*args)
    finally:
        csrc.lku_denormals_restore(mode)
