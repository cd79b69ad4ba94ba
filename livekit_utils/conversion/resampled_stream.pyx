"""ResampledStream counts the samples of a stream that is resampled. It is compiled because frames of 10 ms through a filter
bank, which are most of what is resampled, take longer in Python than in the filter."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.polyphase cimport NOGIL_PRODUCTS, PolyphaseConverter
from livekit_utils.frames.audio_frame cimport AudioFrame, frame_over, samples_of


cdef class ResampledStream:
    """What has come in and gone out since a stream began, and the shortest way of a frame through a filter bank.

    - `samples_in`, `samples_out`: per channel.

    Args:
        input_rate, output_rate, num_channels: Of the stream; checked.
        bank: Takes the frames. None where something else converts.
    """

    def __init__(self, Py_ssize_t input_rate, Py_ssize_t output_rate, Py_ssize_t num_channels,
                 PolyphaseConverter bank):
        self._input_rate, self._output_rate, self._num_channels = input_rate, output_rate, num_channels
        self._bank = bank

    def push(self, data):
        """Sends a short frame through the bank, and returns what is ready; None for anything else, which is not taken."""
        cdef AudioFrame frame
        cdef Py_ssize_t samples_per_channel, num_outputs, num_values
        if self._bank is None or type(data) is not AudioFrame:
            return None
        frame = <AudioFrame>data
        samples_per_channel = frame.samples_per_channel
        if (frame.sample_rate != self._input_rate or frame.num_channels != self._num_channels
                or samples_per_channel == 0):
            return None
        num_outputs = self._bank.num_outputs(samples_per_channel)
        num_values = num_outputs * self._num_channels
        if num_values * <Py_ssize_t>self._bank._filter._filter.num_taps >= NOGIL_PRODUCTS:
            return None
        cdef bytearray samples = PyByteArray_FromStringAndSize(NULL, 2 * num_values)
        self._bank.convert(<const csrc.lku_s16 *>samples_of(frame), samples_per_channel,
                           <csrc.lku_s16 *>PyByteArray_AS_STRING(samples))
        self.samples_in += samples_per_channel
        return self.emit(samples, num_outputs)

    cpdef list emit(self, bytearray samples, Py_ssize_t samples_per_channel):
        """Counts output, and returns it as a frame; none where there is nothing."""
        if samples_per_channel == 0:
            return []
        self.samples_out += samples_per_channel
        return [frame_over(samples, self._output_rate, self._num_channels, samples_per_channel)]

    def note_input(self, Py_ssize_t samples_per_channel):
        """Counts input that something else converted."""
        self.samples_in += samples_per_channel

    def leave_bank(self):
        """Takes no more frames."""
        self._bank = None

    def begin(self):
        """Begins a new stream."""
        self.samples_in = self.samples_out = 0
