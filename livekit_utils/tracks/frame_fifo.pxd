from livekit_utils.frames.audio_frame cimport AudioFrame


cdef class FrameFifo:
    cdef object _frames                           # a deque of frames with their `rise`
    cdef Py_ssize_t _taken                        # samples per channel of the first frame that were taken
    cdef readonly Py_ssize_t samples_per_channel
    cdef readonly list rises

    cpdef push(self, AudioFrame frame, Py_ssize_t rise=*)
    cdef AudioFrame _pop_piece(self, Py_ssize_t wanted, Py_ssize_t offset)
