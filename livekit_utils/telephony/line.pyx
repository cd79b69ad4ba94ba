"""LineDecoder and LineEncoder are the two directions of a telephone line: packets to frames, and samples to packets."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from libc.stdint cimport int16_t, uint8_t
from libc.string cimport memcpy, memset

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBuffer_Release, borrow_s16
from livekit_utils._kernels.encoding cimport NUM_ENCODINGS, borrow_encoded, decode, encode, num_bytes_of
from livekit_utils._kernels.polyphase cimport PolyphaseConverter, PolyphaseFilter
from livekit_utils.frames.audio_frame cimport AudioFrame, frame_over

from livekit_utils._kernels import simd as _simd

MIN_RATE = csrc.LKU_CONCEAL_MIN_RATE
MAX_RATE = csrc.LKU_CONCEAL_MAX_RATE

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL


cdef PolyphaseConverter primed(PolyphaseFilter filter):
    """A converter that has taken the inputs after an output's position in advance, as silence.

    From then on it gives the output of each block with the block; the signal is so much later.
    """
    converter = PolyphaseConverter(filter, 1)
    prime(converter)
    return converter


cdef int prime(PolyphaseConverter converter) except -1:
    converter.reset()
    return len(converter.process(bytes(2 * converter._filter.look_ahead)))


cdef class LineDecoder:
    """Turns packets of one size into frames of one size.

    Args:
        encoding: The encoding's place in `pcm.ENCODINGS`.
        line_rate, sample_rate: Hz, of the packets and of the frames.
        packet_samples, frame_samples: How many of them a packet and a frame have; the ratio is that of the rates.
        filter: From the line's rate to the frames'; None for equal rates.
    """

    cdef csrc.lku_conceal _conceal
    cdef PolyphaseConverter _converter
    cdef Py_ssize_t _line_rate, _sample_rate, _packet_samples, _frame_samples, _packet_bytes
    cdef int _encoding
    cdef int16_t *_memory  # what the concealment remembers
    cdef int16_t *_line    # one packet
    cdef readonly size_t num_clipped
    cdef readonly size_t num_lost

    def __cinit__(self, int encoding, Py_ssize_t line_rate, Py_ssize_t sample_rate, Py_ssize_t packet_samples,
                  Py_ssize_t frame_samples, PolyphaseFilter filter):
        if not 0 <= encoding < NUM_ENCODINGS or not MIN_RATE <= line_rate <= MAX_RATE or packet_samples < 1:
            raise ValueError("expected an encoding, a rate and a packet that there can be")
        if filter is None and (line_rate, packet_samples) != (sample_rate, frame_samples):
            raise ValueError("expected a filter for different rates")
        self._encoding = encoding
        self._line_rate = line_rate
        self._sample_rate = sample_rate
        self._packet_samples = packet_samples
        self._frame_samples = frame_samples
        self._packet_bytes = packet_samples * num_bytes_of(encoding)
        self._memory = <int16_t *>PyMem_Malloc(csrc.lku_conceal_memory(line_rate) * sizeof(int16_t))
        self._line = <int16_t *>PyMem_Calloc(packet_samples, sizeof(int16_t))
        if self._memory is NULL or self._line is NULL:
            raise MemoryError()
        csrc.lku_conceal_init(&self._conceal, line_rate, self._memory)
        if filter is not None:
            self._converter = primed(filter)
            if self._converter.num_outputs(packet_samples) != frame_samples:
                raise ValueError("expected packets and frames of one length")

    def __dealloc__(self):
        PyMem_Free(self._memory)
        PyMem_Free(self._line)

    def decode(self, payload):
        """Returns the frame of a packet, or of one that was lost."""
        cdef Py_buffer view
        cdef bytearray data = PyByteArray_FromStringAndSize(NULL, 2 * self._frame_samples)
        if payload is None:
            csrc.lku_conceal_lost(&self._conceal, self._line, self._packet_samples)
            self.num_lost += 1
        else:
            borrow_encoded(payload, &view, self._encoding, "payload")
            try:
                if view.len != self._packet_bytes:
                    raise ValueError(f"payload: expected {self._packet_bytes} bytes for "
                                     f"{self._packet_samples} samples, got {view.len}")
                self.num_clipped += decode(SIMD, self._encoding, <const uint8_t *>view.buf, self._packet_samples,
                                           <csrc.lku_s16 *>self._line)
            finally:
                PyBuffer_Release(&view)
            csrc.lku_conceal_received(&self._conceal, self._line, self._packet_samples)
        if self._converter is None:
            memcpy(PyByteArray_AS_STRING(data), self._line, 2 * self._packet_samples)
        else:
            self._converter.convert(<const csrc.lku_s16 *>self._line, self._packet_samples,
                                    <csrc.lku_s16 *>PyByteArray_AS_STRING(data))
        return frame_over(data, self._sample_rate, 1, self._frame_samples)

    def reset(self):
        csrc.lku_conceal_init(&self._conceal, self._line_rate, self._memory)
        if self._converter is not None:
            prime(self._converter)


cdef class LineEncoder:
    """Turns samples into packets of one size; a rest waits for more."""

    cdef PolyphaseConverter _converter
    cdef Py_ssize_t _packet_samples, _packet_bytes, _num_held
    cdef int _encoding
    cdef int16_t *_held
    cdef bint _is_used

    def __cinit__(self, int encoding, Py_ssize_t packet_samples, PolyphaseFilter filter):
        if not 0 <= encoding < NUM_ENCODINGS or packet_samples < 1:
            raise ValueError("expected an encoding and a packet that there can be")
        self._encoding = encoding
        self._packet_samples = packet_samples
        self._packet_bytes = packet_samples * num_bytes_of(encoding)
        self._held = <int16_t *>PyMem_Calloc(packet_samples, sizeof(int16_t))
        if self._held is NULL:
            raise MemoryError()
        if filter is not None:
            self._converter = primed(filter)

    def __dealloc__(self):
        PyMem_Free(self._held)

    def encode(self, samples):
        """Returns the packets that are complete."""
        cdef Py_buffer view
        cdef list packets
        if self._converter is not None:
            samples = self._converter.process(samples)
        borrow_s16(samples, &view)
        try:
            packets = self._packets(<const int16_t *>view.buf, view.len // 2)
        finally:
            PyBuffer_Release(&view)
        self._is_used = True
        return packets

    def flush(self):
        """Returns the rest, filled up with silence, as one packet or none; the next samples begin a new stream.

        The rest has less than a packet, and less than a packet's time is held back in the converter: where the two need
        more than one packet there are two.
        """
        cdef list packets = []
        if self._is_used:
            if self._converter is not None:
                packets = self.encode(bytes(2 * self._converter._filter.look_ahead))
            if self._num_held:
                memset(self._held + self._num_held, 0, 2 * (self._packet_samples - self._num_held))
                packets.append(self._packet(self._held))
        self.reset()
        return packets

    def reset(self):
        self._num_held = 0
        self._is_used = False
        if self._converter is not None:
            prime(self._converter)

    cdef bytes _packet(self, const int16_t *samples):
        cdef bytes packet = PyBytes_FromStringAndSize(NULL, self._packet_bytes)
        encode(SIMD, self._encoding, <const csrc.lku_s16 *>samples, self._packet_samples,
               <uint8_t *>PyBytes_AS_STRING(packet))
        return packet

    cdef list _packets(self, const int16_t *samples, Py_ssize_t num_samples):
        cdef list packets = []
        cdef const char *start = <const char *>samples  # may be an odd address
        cdef Py_ssize_t position = 0, taken
        if self._num_held:
            position = min(num_samples, self._packet_samples - self._num_held)
            memcpy(self._held + self._num_held, start, 2 * position)
            self._num_held += position
            if self._num_held < self._packet_samples:
                return packets
            packets.append(self._packet(self._held))
            self._num_held = 0
        while num_samples - position >= self._packet_samples:
            packets.append(self._packet(<const int16_t *>(start + 2 * position)))
            position += self._packet_samples
        self._num_held = num_samples - position
        memcpy(self._held, start + 2 * position, 2 * self._num_held)
        return packets
