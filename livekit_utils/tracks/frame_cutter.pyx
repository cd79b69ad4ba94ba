"""FrameCutter cuts the audio of a stream into the frames of its reader. It is compiled, because it does so for each
stream and frame.
"""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from libc.string cimport memcpy

from livekit_utils._kernels.sample_queue cimport SampleQueue
from livekit_utils.frames.audio_frame cimport AudioFrame, frame_over, samples_of


cdef class FrameCutter:
    """Cuts audio of one format into frames of one size, each over memory of its own.

    Args:
        sample_rate: In Hz, of audio and frames.
        num_channels: 1 to 128, likewise.
        frame_size: Samples per channel of each frame, from 1.
        pads: Whether the last frame before a break is filled up with silence; else it is shorter.
    """

    cdef SampleQueue _samples
    cdef Py_ssize_t _sample_rate, _num_channels, _frame_size
    cdef bint _pads

    def __init__(self, Py_ssize_t sample_rate, Py_ssize_t num_channels, Py_ssize_t frame_size, bint pads):
        if frame_size < 1:
            raise ValueError(f"frame_size: expected 1 or more, got {frame_size}")
        self._samples = SampleQueue(num_channels)
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._frame_size = frame_size
        self._pads = pads

    def cut(self, AudioFrame frame not None):
        """Takes audio, and returns the frames that are whole."""
        if frame.sample_rate != self._sample_rate or frame.num_channels != self._num_channels:
            raise ValueError(f"frame: expected {self._sample_rate} Hz and {self._num_channels} channels, "
                             f"got {frame.sample_rate} Hz and {frame.num_channels}")
        cdef Py_ssize_t num_bytes
        cdef bytearray copy
        if not self._samples._size and frame.samples_per_channel == self._frame_size:
            num_bytes = 2 * self._num_channels * self._frame_size
            copy = PyByteArray_FromStringAndSize(NULL, num_bytes)
            memcpy(PyByteArray_AS_STRING(copy), samples_of(frame), num_bytes)
            return [frame_over(copy, self._sample_rate, self._num_channels, self._frame_size)]
        self._samples.push(frame)
        frames = []
        while self._samples._size >= self._num_channels * self._frame_size:
            frames.append(self._taken(self._frame_size))
        return frames

    def rest(self):
        """Returns what is left at a break, in one frame or none."""
        cdef Py_ssize_t size = self._samples._size // self._num_channels
        return [self._taken(size)] if size else []

    cdef AudioFrame _taken(self, Py_ssize_t size):
        cdef bytearray samples = self._samples.pop(size)
        if self._pads and size < self._frame_size:
            samples += bytes(2 * self._num_channels * (self._frame_size - size))
            size = self._frame_size
        return frame_over(samples, self._sample_rate, self._num_channels, size)
