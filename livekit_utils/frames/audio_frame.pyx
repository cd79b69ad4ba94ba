"""AudioFrame is a stretch of sound over memory of the caller; combine_audio_frames joins many."""
from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBUF_SIMPLE, PyBUF_STRIDES, PyBUF_WRITABLE, PyObject_GetBuffer
from cpython.bytearray cimport (
    PyByteArray_AS_STRING,
    PyByteArray_CheckExact,
    PyByteArray_FromStringAndSize,
    PyByteArray_GET_SIZE,
)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.memoryview cimport PyMemoryView_FromObject
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.math cimport INFINITY, log10
from libc.stdint cimport int16_t, uintptr_t
from libc.string cimport memset, strcmp

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.arguments cimport check_int, described
from livekit_utils._kernels.borrow cimport NOGIL_SAMPLES, PyBuffer_Release, borrow_s16, release_gil_if, restore_gil

import cython

from livekit_utils._runtime.public_path import public
from livekit_utils.frames.sdk_class import class_beside_sdk

cdef extern from "Python.h":
    Py_ssize_t references_to "Py_REFCNT"(PyObject *)
    Py_ssize_t size_or_error "PyObject_Size"(PyObject *)
    void PyErr_Clear()

    ctypedef struct PyGetSetDef:
        const char *name
        const char *doc

cdef extern from *:
    "#define attributes_of(type) (((PyTypeObject *)(type))->tp_getset)"
    PyGetSetDef *attributes_of(type)

cdef int16_t NOTHING[1]
cdef char *FORMAT = b"h"

cdef enum:
    MAX_COUNT = 0x7FFFFFFF


# no_gc_clear: views of the samples may outlive the collector's clearing, and need the frame's memory for as long.
@cython.no_gc_clear
@cython.freelist(8)
cdef class _Samples:
    """The samples of a frame in one row, as `AudioFrame.data` shows them."""

    cdef AudioFrame frame         # whose samples these are, or
    cdef borrowed_buffer memory   # what holds them without the frame, which keeps the view
    cdef Py_ssize_t num_samples
    cdef Py_ssize_t stride

    def __len__(self):
        # In bytes, as of a bytearray: the SDK compares it to see whether a memoryview is a part of something longer.
        return 2 * self.num_samples

    def __getbuffer__(self, Py_buffer *view, int flags):
        if self.frame is not None:
            self.frame._fill_view(view, flags)
        elif <void *>self.memory.view.obj is not NULL:
            fill(view, flags, self.memory.view.buf, self.num_samples, False)
        else:
            raise BufferError("there are no samples without an AudioFrame")
        view.obj = self
        view.ndim = 1
        view.shape = &self.num_samples if flags & PyBUF_ND else NULL
        view.strides = &self.stride if (flags & PyBUF_STRIDES) == PyBUF_STRIDES else NULL

    def __releasebuffer__(self, Py_buffer *view):
        if self.frame is not None:
            self.frame.unpin()

    def __dealloc__(self):
        PyBuffer_Release(&self.memory.view)


# no_gc_clear: a cycle can only lead through the userdata, a dictionary that the garbage collector clears by itself; the
# frame stays whole for whoever still sees it.
@cython.no_gc_clear
@cython.freelist(32)
cdef class AudioFrame:
    # Up to the dashes it is what `inspect.signature` shows; Python takes it out of `__doc__`.
    """AudioFrame(data, sample_rate, num_channels, samples_per_channel, *, userdata=None)
--

A stretch of sound: 16-bit samples, interleaved by channel.

    The frame shares memory with its data: it copies nothing, and a change of one shows in both. It borrows the data
    until it is deallocated. From a `bytearray` it borrows only while something looks at the samples (`data`, an array
    over the frame), so the owner may resize it between; a frame whose `bytearray` became too short raises BufferError
    when its samples are asked for. A frame is read-only if its data is (`bytes`), until
    `AudioProcessingModule.process_stream` gives it a copy.

    `isinstance(frame, rtc.AudioFrame)` is true for the LiveKit SDK's class as well, wherever the SDK is imported, and
    the SDK's classes take the frame as one of their own; `to_livekit` says where they copy. It may be the type of a
    field of a pydantic model. It has no attributes but these; `userdata` is for yours.

    It has the buffer protocol: `numpy.asarray(frame)` is an int16 array of shape
    `(samples_per_channel, num_channels)` over the same memory. `frame[100:200]` is a part of it,
    likewise. It can be pickled, with protocol 5 and a `buffer_callback` without a copy.

    The garbage collector sees from a frame to its `userdata`, but not to its data. Frames in reference cycles are
    collected, except where the data itself refers back to the frame: an object that exports the buffer and holds the
    frame in an attribute, or a frame whose `userdata` holds another frame over its samples (the first frame of
    `AudioSource.clear_queue` shares both with the frame whose rest it is). Such a cycle stays until you take the frame
    out of that attribute or `userdata`.

    Args:
        data: Any C-contiguous buffer of bytes or int16 samples, at least `num_channels * samples_per_channel`
            samples long; the frame leaves out the rest. An array of two dimensions must have the frame's shape,
            `(samples_per_channel, num_channels)`, or be one row of all interleaved samples.
        sample_rate: Samples per second and channel, from 1.
        num_channels: From 1.
        samples_per_channel: From 0.
        userdata: A dictionary to carry along; the frame keeps this very object.

    Raises:
        ValueError: The data is too short, strided, of an odd number of bytes or of another shape, or a number is out
            of range.
        TypeError: The data is no buffer of bytes or int16, or another argument is of a wrong type.

    Threads: a frame may be handed from one to another. Nothing guards the samples against two threads that write.

    Example:
        >>> frame = AudioFrame(b"\\x01\\x00\\x02\\x00\\x03\\x00\\x04\\x00", 48000, 2, 2)
        >>> frame.data.tolist()
        [1, 2, 3, 4]
        >>> frame
        AudioFrame(sample_rate=48000, num_channels=2, samples_per_channel=2, duration=0.000)
        >>> import numpy as np
        >>> np.asarray(frame)
        array([[1, 2],
               [3, 4]], dtype=int16)
        >>> AudioFrame(b"\\x01\\x00", 48000, 1, 480)
        Traceback (most recent call last):
          ...
        ValueError: data: expected at least 960 bytes for 480 samples of 1 channel, got 2
    """

    def __cinit__(self):
        # Without __init__ the object is an empty frame, so that no method can crash.
        self._samples = NOTHING
        self.sample_rate = 1
        self.num_channels = 1

    def __init__(self, data, sample_rate, num_channels, samples_per_channel, *, userdata=None):
        cdef Py_ssize_t rate = check_int("sample_rate", sample_rate, 1, MAX_COUNT)
        cdef Py_ssize_t channels = check_int("num_channels", num_channels, 1, MAX_COUNT)
        cdef Py_ssize_t frames = check_int("samples_per_channel", samples_per_channel, 0, MAX_COUNT)
        if userdata is not None and not isinstance(userdata, dict):
            raise TypeError(f"userdata: expected a dict or None, got {described(userdata)}")
        cdef Py_ssize_t needed = frames * channels
        cdef Py_buffer view
        if PyByteArray_CheckExact(data):
            self._check_not_initialised()
            if PyByteArray_GET_SIZE(data) & 1:
                raise ValueError(f"data: expected whole int16 samples, got {len(data)} bytes")
            if PyByteArray_GET_SIZE(data) < 2 * needed:
                raise too_short(len(data), channels, frames)
            if needed:
                self._resizable = <bytearray>data
        else:
            borrow_s16(data, &view)
            try:
                self._check_not_initialised()  # by now: the data may be an object that called back
                if view.len < 2 * needed:
                    raise too_short(view.len, channels, frames)
                if view.ndim > 1 and not has_shape(&view, channels, frames):
                    raise ValueError(f"data: expected the shape ({frames}, {channels}), samples by channels, got "
                                     f"{tuple([view.shape[i] for i in range(view.ndim)])}")
            except:
                PyBuffer_Release(&view)
                raise
            self._memory.view = view
            self._borrowed = True
            if needed:
                self._samples = <int16_t *>view.buf
        self._initialised = True
        self.sample_rate = rate
        self.num_channels = channels
        self.samples_per_channel = frames
        self._userdata = userdata

    cdef int _check_not_initialised(self) except -1:
        if self._initialised:
            raise RuntimeError("this AudioFrame is initialised already")
        return 0

    def __dealloc__(self):
        Py_XDECREF(self._view)
        if self._borrowed or self._num_pins:
            PyBuffer_Release(&self._memory.view)

    @property
    def __class__(self):
        """This class; beside the LiveKit SDK one that is a class of the SDK as well, for `isinstance`."""
        return class_beside_sdk(type(self), "livekit.rtc.audio_frame", "AudioFrame")

    @classmethod
    def __get_pydantic_core_schema__(cls, source, handler):
        from livekit_utils.frames.pydantic_schema import audio_frame_schema

        return audio_frame_schema(cls, as_audio_frame)

    @classmethod
    def create(cls, sample_rate, num_channels, samples_per_channel):
        """Returns a writable frame of silence.

        Args and errors are those of the constructor.

        Example:
            >>> AudioFrame.create(48000, 1, 480).duration
            0.01
        """
        cdef Py_ssize_t frames = check_int("samples_per_channel", samples_per_channel, 0, MAX_COUNT)
        cdef Py_ssize_t channels = check_int("num_channels", num_channels, 1, MAX_COUNT)
        cdef Py_ssize_t num_bytes = frames * channels * 2  # less than 2 ** 63
        if cls is not AudioFrame:
            return cls(bytearray(num_bytes), sample_rate, channels, frames)
        cdef Py_ssize_t rate = check_int("sample_rate", sample_rate, 1, MAX_COUNT)
        data = PyByteArray_FromStringAndSize(NULL, num_bytes)
        memset(PyByteArray_AS_STRING(data), 0, num_bytes)
        return frame_over(data, rate, channels, frames)

    @classmethod
    def from_ndarray(cls, array, sample_rate, num_channels=None, *, planar=False):
        """Returns a frame of an array of numpy.

        Args:
            array: int16, float32 or float64 (full scale 1.0), of shape `(samples_per_channel,)`, which is mono or, with
                `num_channels`, interleaved, or `(samples_per_channel, num_channels)`, of up to 128 channels.
            sample_rate: Hz, from 1.
            num_channels: From 1. None: what the shape says.
            planar: The shape is `(num_channels, samples_per_channel)`.

        Returns:
            A frame over the memory of an int16 array that is C-contiguous; otherwise a frame with a copy. Floats are
            rounded to the nearest, ties to even; those beyond full scale are saturated, and NaN is 0. If there were
            such, `userdata["num_clipped"]` is how many.

        Raises:
            ValueError: The shape does not fit, or a number is out of range.
            TypeError: It is an array of other numbers, or an argument is of a wrong type.

        Example:
            >>> import numpy as np
            >>> AudioFrame.from_ndarray(np.zeros((480, 2), np.float32), 48000)
            AudioFrame(sample_rate=48000, num_channels=2, samples_per_channel=480, duration=0.010)
            >>> AudioFrame.from_ndarray(np.array([[0.5, 1.0]]), 48000, planar=True).data.tolist()
            [16384, 32767]
        """
        from livekit_utils.frames.arrays import frame_of

        return frame_of(cls, array, sample_rate, num_channels, planar)

    @classmethod
    def from_wav_bytes(cls, data):
        """Returns a frame of the sound of a WAV file.

        Args:
            data: The bytes of the file: PCM of 8, 16, 24 or 32 bits, float, A-law or mu-law.

        Returns:
            A new, writable frame. Where the file is cut off, or its length was not known when it was written, it has
            the whole samples that are there. If floats were saturated, `userdata["num_clipped"]` is how many.

        Raises:
            ValueError: It is no WAV file, or of another codec.
            TypeError: It is no buffer of bytes.

        Example:
            >>> AudioFrame.from_wav_bytes(AudioFrame.create(48000, 2, 480).to_wav_bytes())
            AudioFrame(sample_rate=48000, num_channels=2, samples_per_channel=480, duration=0.010)
        """
        from livekit_utils.frames.wav_bytes import frame_of_wav

        return frame_of_wav(cls, data)

    @classmethod
    def from_av(cls, frame):
        """Returns a frame of the sound of a frame of PyAV.

        Args:
            frame: An `av.AudioFrame` of any format, layout and sample rate, packed or planar.

        Returns:
            A new, writable frame of the same rate and channels. Samples of other formats than 16 bits are rounded to
            the nearest, ties to even; those beyond full scale are saturated, and NaN is 0. If there were such,
            `userdata["num_clipped"]` is how many. The frame has no place for `pts`.

        Raises:
            TypeError: It is no frame of PyAV.
            ValueError: It has no sample rate.
            ImportError: PyAV is not installed.

        Example:
            >>> AudioFrame.from_av(AudioFrame.create(48000, 2, 480).to_av())
            AudioFrame(sample_rate=48000, num_channels=2, samples_per_channel=480, duration=0.010)
        """
        from livekit_utils.frames.av_sounds import frame_of_av_sound

        return frame_of_av_sound(cls, frame)

    @property
    def data(self):
        """The samples: a memoryview of format `h`, interleaved, `num_channels * samples_per_channel` long. It keeps
        their memory alive."""
        # Nobody has the view that was given before, so that nobody can release it.
        if self._view is not NULL and references_to(self._view) == 1:
            if size_or_error(self._view) >= 0:
                return <object>self._view
            PyErr_Clear()  # it was released
        return self._look()

    cdef object _look(self):
        """Returns a new view of the samples. The frame keeps it where that keeps nobody from resizing the memory."""
        cdef _Samples samples
        # The SDK's resampler can take read-only memory only from `bytes`.
        cdef bytes plain = self._plain()
        if plain is not None:
            num_bytes = self.num_channels * self.samples_per_channel * 2
            view = PyMemoryView_FromObject(plain)
            view = (view if len(plain) == num_bytes else view[:num_bytes]).cast("h")
        else:
            samples = _Samples.__new__(_Samples)
            samples.num_samples = self.num_channels * self.samples_per_channel
            samples.stride = 2
            if self._resizable is None or references_to(<PyObject *>self._resizable) != 1:
                samples.frame = self
                return PyMemoryView_FromObject(samples)
            samples_of(self)  # refuses a bytearray that was cut
            PyObject_GetBuffer(self._resizable, &samples.memory.view, PyBUF_SIMPLE)
            view = PyMemoryView_FromObject(samples)
        self._drop_view()
        Py_INCREF(view)
        self._view = <PyObject *>view
        return view

    cdef void _drop_view(self) noexcept:
        view, self._view = self._view, NULL
        Py_XDECREF(view)

    @property
    def duration(self):
        """Length in seconds."""
        return self.samples_per_channel / <double>self.sample_rate

    @property
    def userdata(self):
        """A dictionary that travels with the frame."""
        if self._userdata is None:
            self._userdata = {}
        return self._userdata

    @property
    def peak_dbfs(self):
        """The largest sample, in dB of full scale; -inf for silence."""
        from livekit_utils._kernels.level import level_s16

        peak, _ = level_s16(self)
        return 20 * log10(peak / 32768.0) if peak else -INFINITY

    @property
    def rms_dbfs(self):
        """The root mean square of all samples of all channels, in dB of full scale; -inf for silence.

        A sine wave of full scale has -3 dBFS.
        """
        from livekit_utils._kernels.level import level_s16

        _, sum_squares = level_s16(self)
        if not sum_squares:
            return -INFINITY
        return 10 * log10(<double>sum_squares / (self.num_channels * self.samples_per_channel) / 1073741824.0)

    def with_gain(self, gain):
        """Returns a new frame, with every sample multiplied by `gain`, rounded and saturated.

        Args:
            gain: A factor, above -128 and below 128 (+42 dB); it is rounded to 24 bits behind the point.

        Returns:
            A frame with the same entries in its `userdata`.

        Raises:
            ValueError: The gain is out of range, or NaN.
            TypeError: It is no number.

        Example:
            >>> AudioFrame(b"\\x00\\x01\\x00\\x70", 48000, 1, 2).with_gain(2).data.tolist()
            [512, 32767]
        """
        from livekit_utils._kernels.gain_queue import Ramp
        from livekit_utils._runtime.arguments import check_number

        most = 128 - 2**-24
        ramp = Ramp(1)
        ramp.start(check_number("gain", gain, -most, most), 0)
        return AudioFrame(ramp.apply(self), self.sample_rate, self.num_channels, self.samples_per_channel,
                          userdata=dict(self._userdata) if self._userdata else None)

    def to_ndarray(self, dtype="int16"):
        """Returns the samples as an array of numpy, of shape `(samples_per_channel, num_channels)`.

        Args:
            dtype: `int16`, `float32` or `float64`, as numpy takes them. The full scale of floats is 1.0.

        Returns:
            int16: an array over the memory of the frame, as `numpy.asarray(frame)`. Floats: a new array.

        Raises:
            TypeError: It is another type.

        Example:
            >>> AudioFrame(b"\\x00\\x40\\x00\\x80", 48000, 1, 2).to_ndarray("float32")
            array([[ 0.5],
                   [-1. ]], dtype=float32)
        """
        from livekit_utils.frames.arrays import array_of

        return array_of(self, dtype)

    def to_av(self, *, pts=None):
        """Returns the frame as one of PyAV: of format `s16`, with a copy of the samples.

        Args:
            pts: Where it begins, in samples per channel; its `time_base` is 1 / `sample_rate`. None: it has no time.

        Returns:
            An `av.AudioFrame`, of FFmpeg's usual layout for so many channels where it has one.

        Raises:
            TypeError: `pts` is no int.
            ValueError: It is beyond 2**62.
            ImportError: PyAV is not installed.

        Example:
            >>> AudioFrame.create(48000, 2, 480).to_av(pts=960).time
            0.02
        """
        from livekit_utils.frames.av_sounds import av_sound_of

        return av_sound_of(self, pts)

    def _repr_html_(self):
        """Shows the frame in a notebook: its waveform, and a player for its sound."""
        from livekit_utils.frames.notebook import html_of_sound

        return html_of_sound(self)

    def __getitem__(self, index):
        """Returns a part of the frame, by samples per channel, over the same memory: `frame[100:200]`.

        The part borrows the memory for as long as it lives: a `bytearray` cannot be resized until then. It has the same
        entries in its `userdata`.
        """
        if not isinstance(index, slice):
            raise TypeError(f"expected a slice of samples per channel, such as frame[100:200], got {described(index)}")
        start, stop, step = index.indices(self.samples_per_channel)
        if step != 1:
            raise ValueError(f"expected a slice of neighbouring samples, got a step of {step}")
        stop = max(start, stop)
        return AudioFrame(self.data[start * self.num_channels:stop * self.num_channels], self.sample_rate,
                          self.num_channels, stop - start, userdata=dict(self._userdata) if self._userdata else None)

    def to_wav_bytes(self):
        """Returns the frame as a complete WAV file.

        Raises:
            ValueError: The rate, channel count or length does not fit the header of a WAV file.

        Example:
            >>> AudioFrame.create(48000, 1, 480).to_wav_bytes()[:4]
            b'RIFF'
        """
        import struct

        cdef long long num_bytes = 2 * self.num_channels * self.samples_per_channel
        try:
            # RIFF, the format (16 bytes: PCM, channels, rate, bytes per second, bytes per frame, bits), the data.
            header = struct.pack(
                "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + num_bytes, b"WAVE", b"fmt ", 16, 1, self.num_channels,
                self.sample_rate, 2 * self.num_channels * self.sample_rate, 2 * self.num_channels, 16, b"data",
                num_bytes)
        except struct.error:
            raise ValueError(f"expected a frame that fits the header of a WAV file, got {self!r}") from None
        return header + bytes(self.data)

    def __repr__(self):
        return (f"{type(self).__name__}(sample_rate={self.sample_rate}, num_channels={self.num_channels}, "
                f"samples_per_channel={self.samples_per_channel}, duration={self.duration:.3f})")

    # These are the attributes that the LiveKit SDK reads.

    @property
    def _data(self):
        """The samples as writable bytes; a read-only frame gets a copy of its samples first."""
        make_writable(self)
        return self.data.cast("B")

    @_data.setter
    def _data(self, data):
        make_writable(self)
        self.data.cast("B")[:] = data

    def _proto_info(self):
        """Returns the address of the samples as the message that the SDK sends to its library."""
        from livekit_utils.frames.sdk import load

        message = load()._proto.audio_frame_pb2.AudioFrameBufferInfo
        return message(data_ptr=<uintptr_t>samples_of(self), sample_rate=self.sample_rate,
                       num_channels=self.num_channels, samples_per_channel=self.samples_per_channel)

    cdef int _refuse(self) except -1:
        raise BufferError(f"the bytearray of this AudioFrame was cut to {len(self._resizable)} bytes: expected at "
                          f"least {2 * self.num_channels * self.samples_per_channel}")

    cdef int pin(self) except -1:
        """Keeps the samples where they are until `unpin`."""
        if self._resizable is not None:
            samples_of(self)
            if not self._num_pins:
                PyObject_GetBuffer(self._resizable, &self._memory.view, PyBUF_SIMPLE)
            self._num_pins += 1
        return 0

    cdef int unpin(self) except -1:
        if self._resizable is not None:
            self._num_pins -= 1
            if not self._num_pins:
                PyBuffer_Release(&self._memory.view)
        return 0

    cdef bytes _plain(self):
        """Returns the bytes at whose start the samples lie, or None if they lie elsewhere."""
        if not self._is_readonly() or <void *>self._memory.view.obj is NULL:
            return None
        owner = self._memory.view.obj
        if isinstance(owner, memoryview):
            owner = owner.obj
        if isinstance(owner, AudioFrame):
            owner = (<AudioFrame>owner)._plain()
        if not PyBytes_CheckExact(owner) or PyBytes_AS_STRING(owner) != <char *>self._samples:
            return None
        return <bytes>owner

    cdef bint _is_readonly(self) noexcept:
        return self._borrowed and self._memory.view.readonly and self._own is None

    cdef int _fill_view(self, Py_buffer *view, int flags) except -1:
        """Pins the samples, and fills in everything but the shape."""
        cdef bint readonly = self._is_readonly()
        if readonly and flags & PyBUF_WRITABLE:
            view.obj = None
            raise BufferError("this AudioFrame is read-only, because its data is")
        self.pin()
        fill(view, flags, samples_of(self), self.num_channels * self.samples_per_channel, readonly)
        return 0

    def __getbuffer__(self, Py_buffer *view, int flags):
        self._fill_view(view, flags)
        self._shape[0] = self.samples_per_channel
        self._shape[1] = self.num_channels
        self._strides[0] = 2 * self.num_channels
        self._strides[1] = 2
        view.obj = self
        view.ndim = 2 if flags & PyBUF_ND else 1
        view.shape = self._shape if flags & PyBUF_ND else NULL
        view.strides = self._strides if (flags & PyBUF_STRIDES) == PyBUF_STRIDES else NULL

    def __releasebuffer__(self, Py_buffer *view):
        self.unpin()

    def __reduce_ex__(self, int protocol):
        if protocol >= 5:
            from pickle import PickleBuffer
            data = PickleBuffer(self.data)
        elif self._is_readonly():
            data = bytes(self.data)
        else:
            data = bytearray(self.data)
        attributes = getattr(self, "__dict__", None) or None  # of a subclass
        # A pickle names the class and no function of this module. A subclass is made without its __init__, which may
        # take other arguments. (copyreg.__newobj__ does the same, but pickle then asks for `__class__`.)
        return AudioFrame.__new__, (type(self),), (data, self.sample_rate, self.num_channels, self.samples_per_channel,
                                           self._userdata or None, attributes)

    def __setstate__(self, tuple state):
        data, sample_rate, num_channels, samples_per_channel, userdata, attributes = state
        AudioFrame.__init__(self, data, sample_rate, num_channels, samples_per_channel, userdata=userdata)
        if attributes:
            self.__dict__.update(attributes)


cdef void fill(Py_buffer *view, int flags, void *samples, Py_ssize_t num_samples, bint readonly) noexcept:
    """Fills in everything but the shape, which the two views of the samples do not share."""
    view.buf = samples
    view.len = 2 * num_samples
    view.readonly = readonly
    view.itemsize = 2
    view.format = FORMAT if flags & PyBUF_FORMAT else NULL
    view.suboffsets = NULL
    view.internal = NULL


cdef object too_short(Py_ssize_t num_bytes, Py_ssize_t channels, Py_ssize_t frames):
    return ValueError(f"data: expected at least {frames * channels * 2} bytes for {frames} samples of "
                      f"{channels} channel{'s' if channels > 1 else ''}, got {num_bytes}")


cdef bint has_shape(const Py_buffer *view, Py_ssize_t channels, Py_ssize_t frames) noexcept:
    """Whether an array of some dimensions holds a row for each time (there may be more), or one row of everything."""
    cdef Py_ssize_t row = channels * 2 // view.itemsize
    return view.ndim == 2 and (view.shape[1] == row and view.shape[0] >= frames
                               or view.shape[0] == 1 and view.shape[1] >= row * frames)


# Its path in messages, help and pickles. Python takes `__module__` of a class in C from this name.
(<PyTypeObject *>AudioFrame).tp_name = "livekit_utils.AudioFrame"


cdef int document(const char *name, const char *text) except -1:
    """Gives an attribute of AudioFrame that Cython makes of a C variable the docstring that `help` shows."""
    cdef PyGetSetDef *attribute = attributes_of(AudioFrame)
    while attribute.name is not NULL:
        if not strcmp(attribute.name, name):
            attribute.doc = text
            return 0
        attribute += 1
    raise AttributeError(name)


document("sample_rate", "Samples per second and channel.")
document("num_channels", "Channels: 1 is mono, 2 is stereo.")
document("samples_per_channel", "Points in time, each with a sample of every channel.")


cpdef AudioFrame as_audio_frame(object frame):
    """Returns a frame as an AudioFrame over the same memory: ours unchanged, another one (such as the LiveKit SDK's) by
    its `data`, `sample_rate`, `num_channels` and `samples_per_channel`, and its `userdata` if it has one."""
    if isinstance(frame, AudioFrame):
        return <AudioFrame>frame
    try:
        return AudioFrame(frame.data, frame.sample_rate, frame.num_channels, frame.samples_per_channel,
                          userdata=getattr(frame, "userdata", None))
    except AttributeError:
        raise TypeError(f"expected an AudioFrame, got {type(frame).__name__}") from None


cpdef AudioFrame copy_audio_frame(AudioFrame frame):
    """Returns a writable frame with a copy of the samples, and the same `userdata`."""
    return copy_of(frame)


cpdef void make_writable(AudioFrame frame):
    """Gives a read-only frame a copy of its samples. Views made before keep the old samples, whose memory stays
    borrowed until the frame is deallocated."""
    if frame._is_readonly():
        num_bytes = 2 * frame.num_channels * frame.samples_per_channel
        frame._drop_view()
        frame._own = PyByteArray_FromStringAndSize(<char *>frame._samples, num_bytes)
        frame._samples = <int16_t *>PyByteArray_AS_STRING(frame._own)


@public
def combine_audio_frames(buffer):
    """Joins frames into one.

    Args:
        buffer: One frame, or any iterable of frames. All must have one sample rate and one channel count. Frames of
            the LiveKit SDK are taken too.

    Returns:
        A new, writable frame with a copy of all samples in order.

    Raises:
        ValueError: The iterable is empty, or sample rates or channel counts differ.
        TypeError: An item is not a frame.

    Threads: for long audio the copy runs without the GIL.

    Example:
        >>> frames = [AudioFrame.create(48000, 1, 480) for _ in range(3)]
        >>> combine_audio_frames(frames).duration
        0.03
        >>> combine_audio_frames([frames[0], AudioFrame.create(16000, 1, 160)])
        Traceback (most recent call last):
          ...
        ValueError: expected frames of one sample rate, got 48000 and 16000 Hz
    """
    if isinstance(buffer, AudioFrame):
        frames = (buffer,)
    elif type(buffer) is list:
        frames = tuple(buffer)  # a copy: other threads may change the list while the GIL is released
    elif hasattr(buffer, "samples_per_channel"):
        frames = (buffer,)
    else:
        frames = tuple(buffer)
    cdef Py_ssize_t num_frames = len(frames), total = 0, i
    if num_frames == 0:
        raise ValueError("buffer is empty")
    for i in range(num_frames):
        if not isinstance(frames[i], AudioFrame):
            frames = tuple([as_audio_frame(item) for item in frames])
            break

    cdef AudioFrame first = <AudioFrame>frames[0], frame
    cdef csrc.lku_block *blocks = <csrc.lku_block *>PyMem_Malloc(num_frames * sizeof(csrc.lku_block))
    if blocks is NULL:
        raise MemoryError()
    cdef csrc.lku_s16 *out
    cdef bint pins = False, pinned = False
    try:
        for i in range(num_frames):
            frame = <AudioFrame>(<tuple>frames)[i]
            if frame.sample_rate != first.sample_rate:
                raise ValueError(f"expected frames of one sample rate, got {first.sample_rate} and "
                                 f"{frame.sample_rate} Hz")
            if frame.num_channels != first.num_channels:
                raise ValueError(f"expected frames of one channel count, got {first.num_channels} and "
                                 f"{frame.num_channels}")
            blocks[i].samples = samples_of(frame)
            pins |= frame._resizable is not None
            blocks[i].num_samples = frame.samples_per_channel * frame.num_channels
            total += blocks[i].num_samples
        data = PyByteArray_FromStringAndSize(NULL, total * 2)
        out = <csrc.lku_s16 *>PyByteArray_AS_STRING(data)
        # Another thread could resize a bytearray meanwhile. To pin one takes as long as to copy a few hundred samples.
        if pins and total >= 8 * NOGIL_SAMPLES:
            for i in range(num_frames):
                (<AudioFrame>(<tuple>frames)[i]).pin()
            pinned = True
        released = release_gil_if(total >= NOGIL_SAMPLES and pins == pinned)
        csrc.lku_concat_s16(blocks, num_frames, out)
        restore_gil(released)
    finally:
        if pinned:
            for i in range(num_frames):
                (<AudioFrame>(<tuple>frames)[i]).unpin()
        PyMem_Free(blocks)
    return AudioFrame(data, first.sample_rate, first.num_channels, total // first.num_channels)
