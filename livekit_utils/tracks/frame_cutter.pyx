"""FrameCutter cuts the audio of a stream into the frames of its reader. It is compiled, because it does so for each
stream and frame.
"""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize, PyByteArray_Resize
from libc.string cimport memcpy, memset

from livekit_utils.frames.audio_frame cimport AudioFrame, frame_over, samples_of


cdef class FrameCutter:
    """Cuts audio of one format into frames of one size, each over memory of its own.

    Args:
        sample_rate: In Hz, of audio and frames.
        num_channels: 1 to 128, likewise.
        frame_size: Samples per channel of each frame, from 1.
        pads: Whether the last frame before a break is filled up with silence; else it is shorter.
    """

    cdef bytearray _begun      # the samples of the next frame, as far as they are there
    cdef Py_ssize_t _num_begun  # per channel
    cdef Py_ssize_t _sample_rate, _num_channels, _frame_size
    cdef bint _pads

    def __init__(self, Py_ssize_t sample_rate, Py_ssize_t num_channels, Py_ssize_t frame_size, bint pads):
        if not 1 <= num_channels <= 128:
            raise ValueError(f"num_channels: expected 1 to 128, got {num_channels}")
        if frame_size < 1:
            raise ValueError(f"frame_size: expected 1 or more, got {frame_size}")
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._frame_size = frame_size
        self._pads = pads

    def cut(self, AudioFrame frame not None):
        """Takes audio, and returns the frames that are whole."""
        if frame.sample_rate != self._sample_rate or frame.num_channels != self._num_channels:
            raise ValueError(f"frame: expected {self._sample_rate} Hz and {self._num_channels} channels, "
                             f"got {frame.sample_rate} Hz and {frame.num_channels}")
        cdef Py_ssize_t width = 2 * self._num_channels, start = 0, size
        cdef list frames = []
        while start < frame.samples_per_channel:
            if self._begun is None:
                self._begun = PyByteArray_FromStringAndSize(NULL, width * self._frame_size)
            size = min(frame.samples_per_channel - start, self._frame_size - self._num_begun)
            memcpy(PyByteArray_AS_STRING(self._begun) + width * self._num_begun,
                   <const char *>samples_of(frame) + width * start, width * size)
            start += size
            self._num_begun += size
            if self._num_begun == self._frame_size:
                frames.append(self._taken())
        return frames

    def rest(self):
        """Returns what is left at a break, in one frame or none."""
        cdef Py_ssize_t width = 2 * self._num_channels, size = self._num_begun
        if not size:
            return []
        if self._pads:
            memset(PyByteArray_AS_STRING(self._begun) + width * size, 0, width * (self._frame_size - size))
            self._num_begun = self._frame_size
        else:
            PyByteArray_Resize(self._begun, width * size)
        return [self._taken()]

    cdef AudioFrame _taken(self):
        cdef bytearray samples = self._begun
        cdef Py_ssize_t size = self._num_begun
        self._begun, self._num_begun = None, 0
        return frame_over(samples, self._sample_rate, self._num_channels, size)
