from collections.abc import Iterable
from typing import Any, Protocol, Self, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray
from typing_extensions import Buffer

class _Frame(Protocol):
    """The attributes that are read of a frame, ours or another's."""

    @property
    def data(self) -> Buffer: ...
    @property
    def sample_rate(self) -> int: ...
    @property
    def num_channels(self) -> int: ...
    @property
    def samples_per_channel(self) -> int: ...

class AudioFrame:
    """A stretch of sound: 16-bit samples, interleaved by channel.

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

    def __init__(
        self,
        data: Buffer | NDArray[Any],
        sample_rate: int,
        num_channels: int,
        samples_per_channel: int,
        *,
        userdata: dict[str, Any] | None = None,
    ) -> None: ...
    @classmethod
    def create(cls, sample_rate: int, num_channels: int, samples_per_channel: int) -> Self:
        """Returns a writable frame of silence.

        Args and errors are those of the constructor.

        Example:
            >>> AudioFrame.create(48000, 1, 480).duration
            0.01
        """

    @classmethod
    def from_ndarray(
        cls, array: NDArray[Any], sample_rate: int, num_channels: int | None = None, *, planar: bool = False
    ) -> Self:
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

    @classmethod
    def from_wav_bytes(cls, data: Buffer) -> Self:
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

    @classmethod
    def from_av(cls, frame: Any) -> Self:
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

    @property
    def data(self) -> memoryview[int]:
        """The samples: a memoryview of format `h`, interleaved, `num_channels * samples_per_channel` long. It keeps
        their memory alive.
        """

    @property
    def sample_rate(self) -> int:
        """Samples per second and channel."""

    @property
    def num_channels(self) -> int:
        """Channels: 1 is mono, 2 is stereo."""

    @property
    def samples_per_channel(self) -> int:
        """Points in time, each with a sample of every channel."""

    @property
    def duration(self) -> float:
        """Length in seconds."""

    @property
    def userdata(self) -> dict[str, Any]:
        """A dictionary that travels with the frame."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any: ...
    @property
    def peak_dbfs(self) -> float:
        """The largest sample, in dB of full scale; -inf for silence."""

    @property
    def rms_dbfs(self) -> float:
        """The root mean square of all samples of all channels, in dB of full scale; -inf for silence.

        A sine wave of full scale has -3 dBFS.
        """

    def with_gain(self, gain: float) -> AudioFrame:
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

    @overload
    def to_ndarray(self) -> NDArray[np.int16]:
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

    @overload
    def to_ndarray(self, dtype: DTypeLike = "int16") -> NDArray[Any]: ...
    def __getitem__(self, index: slice[int | None, int | None, None], /) -> AudioFrame: ...
    def to_wav_bytes(self) -> bytes:
        """Returns the frame as a complete WAV file.

        Raises:
            ValueError: The rate, channel count or length does not fit the header of a WAV file.

        Example:
            >>> AudioFrame.create(48000, 1, 480).to_wav_bytes()[:4]
            b'RIFF'
        """

    def to_av(self, *, pts: int | None = None) -> Any:
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

    def _repr_html_(self) -> str: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

def as_audio_frame(frame: _Frame) -> AudioFrame:
    """Returns a frame as an AudioFrame over the same memory: ours unchanged, another one (such as the LiveKit SDK's) by
    its `data`, `sample_rate`, `num_channels` and `samples_per_channel`, and its `userdata` if it has one.
    """

def copy_audio_frame(frame: AudioFrame) -> AudioFrame:
    """Returns a writable frame with a copy of the samples, and the same `userdata`."""

def make_writable(frame: AudioFrame) -> None:
    """Gives a read-only frame a copy of its samples. Views made before keep the old samples, whose memory stays
    borrowed until the frame is deallocated.
    """

def combine_audio_frames(buffer: _Frame | Iterable[_Frame]) -> AudioFrame:
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
