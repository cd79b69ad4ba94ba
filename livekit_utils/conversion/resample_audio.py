"""resample_audio converts a whole recording to another sample rate, in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, overload

from livekit_utils._runtime.public_path import public
from livekit_utils.conversion.audio_resampler import AudioResampler
from livekit_utils.conversion.engines import AudioResamplerQuality, EngineChoice
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame

if TYPE_CHECKING:
    import numpy as np
    from livekit import rtc
    from numpy.typing import NDArray
    from typing_extensions import Buffer

__all__ = ["resample_audio"]

# Converted at a time, in parts of a second: libsamplerate holds the GIL for as long as this takes it.
_PARTS = 10


# A frame is a buffer too; the first overload that fits is taken.
@overload
def resample_audio(  # type: ignore[overload-overlap] # pyright: ignore[reportOverlappingOverload]
    data: AudioFrame | rtc.AudioFrame,
    input_rate: int,
    output_rate: int,
    *,
    num_channels: int = 1,
    quality: AudioResamplerQuality | str = "medium",
    engine: EngineChoice | None = "auto",
) -> AudioFrame: ...
@overload
def resample_audio(
    data: NDArray[np.int16],
    input_rate: int,
    output_rate: int,
    *,
    num_channels: int = 1,
    quality: AudioResamplerQuality | str = "medium",
    engine: EngineChoice | None = "auto",
) -> NDArray[np.int16]: ...
@overload
def resample_audio(
    data: Buffer,
    input_rate: int,
    output_rate: int,
    *,
    num_channels: int = 1,
    quality: AudioResamplerQuality | str = "medium",
    engine: EngineChoice | None = "auto",
) -> bytes: ...
@public
def resample_audio(
    data: Any,
    input_rate: int,
    output_rate: int,
    *,
    num_channels: int = 1,
    quality: AudioResamplerQuality | str = "medium",
    engine: EngineChoice | None = "auto",
) -> Any:
    """Converts a whole recording to another sample rate, in one call. For a stream, use an `AudioResampler`.

    Args:
        data: int16 samples, interleaved: bytes or another buffer, an array of numpy of shape `(samples,)` or
            `(samples_per_channel, num_channels)`, or a frame.
        input_rate: Hz, 1 to 1073741823; that of the frame, if it is one.
        output_rate: Hz, likewise, and within a factor of 256 of the input rate.
        num_channels: 1 to 128, of a buffer or an array of one dimension. Others have their own.
        quality: An `AudioResamplerQuality` or its string.
        engine: As for `AudioResampler`, but `auto` by default.

    Returns:
        New samples of what was given: `bytes` for a buffer, an array for an array, an `AudioFrame` for a frame;
        `round(n * output_rate / input_rate)` per channel for n.

    Raises:
        ValueError: A number is out of range, the samples are not whole ones of all channels, or a frame has another
            rate.
        TypeError: Not a frame, a buffer or an array of int16, or an argument of another wrong type.

    Example:
        >>> len(resample_audio(bytes(2 * 480), 48000, 16000))
        320
        >>> resample_audio(AudioFrame.create(44100, 2, 441), 44100, 48000)
        AudioFrame(sample_rate=48000, num_channels=2, samples_per_channel=480, duration=0.010)
    """
    shape: tuple[int, ...] | None = None
    frame: AudioFrame | None = None
    samples: Buffer
    if hasattr(data, "samples_per_channel"):
        frame = as_audio_frame(data)
        samples, num_channels = frame.data, frame.num_channels
    elif hasattr(data, "dtype"):
        samples, num_channels, shape = _of_array(data, num_channels)
    else:
        try:
            samples = memoryview(data).cast("B")
        except TypeError as error:
            raise TypeError(f"data: expected a frame, an array or a C-contiguous buffer of int16: {error}") from None
    resampler = AudioResampler(input_rate, output_rate, num_channels=num_channels, quality=quality, engine=engine)
    if frame is not None and frame.sample_rate != input_rate:
        raise ValueError(f"data: expected a frame of {input_rate} Hz, got {frame.sample_rate} Hz")
    converted = _converted(resampler, samples)
    if frame is not None:
        num_samples = len(converted) // (2 * num_channels)
        return AudioFrame(converted, output_rate, num_channels, num_samples)
    if shape is None:
        return bytes(converted)
    import numpy as np

    return np.frombuffer(converted, np.int16).reshape((-1, *shape[1:]))


def _of_array(array: NDArray[Any], num_channels: int) -> tuple[Buffer, int, tuple[int, ...]]:
    """Returns the samples of an array in one row, their channels, and the shape of the array."""
    import numpy as np

    if array.dtype != np.int16:
        raise TypeError(f"data: expected an array of int16, got one of {array.dtype}")
    if array.ndim not in (1, 2):
        raise ValueError(f"data: expected an array of one or two dimensions, got {array.ndim}")
    if array.ndim == 2:
        num_channels = array.shape[1]
        if num_channels == 0:
            raise ValueError(f"data: expected an array of (samples_per_channel, num_channels), got {array.shape}")
    return cast("Buffer", np.ascontiguousarray(array).reshape(-1)), num_channels, array.shape


def _converted(resampler: AudioResampler, samples: Buffer) -> bytearray:
    rows = memoryview(samples).cast("B")
    step = 2 * resampler.num_channels * max(1, resampler.input_rate // _PARTS)
    converted = bytearray()
    for start in range(0, len(rows), step):
        for frame in resampler.push(rows[start : start + step]):
            converted += frame.data
    for frame in resampler.flush():
        converted += frame.data
    return converted
