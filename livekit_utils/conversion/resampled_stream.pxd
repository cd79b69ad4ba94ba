cimport cython

from livekit_utils._kernels.polyphase cimport PolyphaseConverter


@cython.final
cdef class ResampledStream:
    cdef readonly Py_ssize_t samples_in, samples_out
    cdef PolyphaseConverter _bank
    cdef Py_ssize_t _input_rate, _output_rate, _num_channels

    cpdef list emit(self, bytearray samples, Py_ssize_t samples_per_channel)
