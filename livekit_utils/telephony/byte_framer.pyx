"""ByteFramer cuts the bytes of one format into frames of one size."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport uint8_t
from libc.string cimport memcpy, memmove

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBuffer_Release
from livekit_utils._kernels.encoding cimport NUM_ENCODINGS, borrow_encoded, decode, num_bytes_of
from livekit_utils.frames.audio_frame cimport AudioFrame, frame_over

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL

cdef enum:
    MAX_FRAME_BYTES = 0x7FFFFFFF


cdef class ByteFramer:
    """Keeps what is too little for a frame, as it came.

    Args:
        encoding: The encoding's place in `pcm.ENCODINGS`.
    """

    cdef readonly Py_ssize_t sample_rate, num_channels, samples_per_channel
    cdef readonly int encoding
    cdef readonly Py_ssize_t num_held    # bytes
    cdef readonly size_t num_clipped     # samples, so far
    cdef Py_ssize_t _sample_bytes, _frame_bytes, _room
    cdef uint8_t *_held

    def __cinit__(self, Py_ssize_t sample_rate, Py_ssize_t num_channels, Py_ssize_t samples_per_channel, int encoding):
        if not 0 <= encoding < NUM_ENCODINGS:
            raise ValueError(f"encoding: expected 0 to {NUM_ENCODINGS - 1}, got {encoding}")
        if min(sample_rate, num_channels, samples_per_channel) < 1:
            raise ValueError("expected numbers from 1")
        self._sample_bytes = num_bytes_of(encoding) * num_channels
        # In int16 a frame may be twice as long as its bytes.
        if samples_per_channel > MAX_FRAME_BYTES // max(self._sample_bytes, 2 * num_channels):
            raise ValueError(f"samples_per_channel: expected frames of up to {MAX_FRAME_BYTES} bytes, got "
                             f"{samples_per_channel} samples of {num_channels} channels")
        self._frame_bytes = self._sample_bytes * samples_per_channel
        self.sample_rate = sample_rate
        self.num_channels = num_channels
        self.samples_per_channel = samples_per_channel
        self.encoding = encoding

    def __dealloc__(self):
        PyMem_Free(self._held)

    @property
    def samples_held(self):
        """Whole samples per channel that wait for the rest of a frame."""
        return self.num_held // self._sample_bytes

    def push(self, data):
        """Takes bytes, and returns the frames that are complete."""
        cdef Py_buffer view
        cdef Py_ssize_t num_bytes = borrow_encoded(data, &view, self.encoding), position = 0
        cdef const uint8_t *start = <const uint8_t *>view.buf
        cdef size_t num_clipped = 0
        cdef list frames = []
        try:
            # Nothing counts as taken before all that can fail is done.
            if num_bytes >= self._frame_bytes - self.num_held:
                if self.num_held:
                    position = self._frame_bytes - self.num_held
                    self._make_room(self._frame_bytes)
                    memcpy(self._held + self.num_held, start, position)
                    frames.append(self._frame(self._held, self.samples_per_channel, &num_clipped))
                while num_bytes - position >= self._frame_bytes:
                    frames.append(self._frame(start + position, self.samples_per_channel, &num_clipped))
                    position += self._frame_bytes
                self._make_room(num_bytes - position)
                self.num_held = 0
            else:
                self._make_room(self.num_held + num_bytes)
            if num_bytes > position:
                memcpy(self._held + self.num_held, start + position, num_bytes - position)
            self.num_held += num_bytes - position
            self.num_clipped += num_clipped
            return frames
        finally:
            PyBuffer_Release(&view)

    def flush(self):
        """Returns the whole samples that are held as a shorter frame, if there are any; a part of a sample stays."""
        cdef Py_ssize_t samples_per_channel = self.num_held // self._sample_bytes
        cdef Py_ssize_t taken = samples_per_channel * self._sample_bytes
        if not samples_per_channel:
            return []
        frame = self._frame(self._held, samples_per_channel, &self.num_clipped)
        self.num_held -= taken
        memmove(self._held, self._held + taken, self.num_held)
        return [frame]

    def drop_part(self):
        """Drops the part of a sample that is held behind the whole ones; returns how many bytes."""
        cdef Py_ssize_t num_dropped = self.num_held % self._sample_bytes
        self.num_held -= num_dropped
        return num_dropped

    def clear(self):
        """Drops what is held."""
        self.num_held = 0

    cdef AudioFrame _frame(self, const uint8_t *start, Py_ssize_t samples_per_channel, size_t *num_clipped):
        cdef Py_ssize_t num_samples = samples_per_channel * self.num_channels
        cdef bytearray data = PyByteArray_FromStringAndSize(NULL, 2 * num_samples)
        num_clipped[0] += decode(SIMD, self.encoding, start, num_samples,
                                 <csrc.lku_s16 *>PyByteArray_AS_STRING(data))
        return frame_over(data, self.sample_rate, self.num_channels, samples_per_channel)

    cdef int _make_room(self, Py_ssize_t num_bytes) except -1:
        cdef uint8_t *grown
        if num_bytes > self._room:
            # Twice as much, but never more than a frame.
            num_bytes = min(2 * num_bytes, self._frame_bytes)
            grown = <uint8_t *>PyMem_Realloc(self._held, num_bytes)
            if grown is NULL:
                raise MemoryError()
            self._held = grown
            self._room = num_bytes
        return 0
