"""What `AudioFrame.from_av` and `AudioFrame.to_av` do: between our sound and PyAV's."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from livekit_utils._kernels.pcm import to_s16
from livekit_utils._runtime.arguments import check_int
from livekit_utils.frames.arrays import F, note_clipped
from livekit_utils.frames.pyav import import_av

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["av_sound_of", "decoded_values", "frame_of_av_sound", "int16_of"]

# FFmpeg has this many pointers to the channels of a planar frame in place (AV_NUM_DATA_POINTERS). PyAV looks for a null
# pointer behind them (`Frame.planes`, up to 18.1), and where there is none it reads foreign memory.
_NUM_POINTERS = 8

# Integers of 64 bits, which PyAV gives no arrays of.
_WIDE = ("s64", "s64p")

# By the kind of numpy's numbers and their bytes.
_ENCODINGS = {"u1": "u8", "i2": "s16le", "i4": "s32le", "f4": "f32le", "f8": "f64le"}

_MAX_PTS = 2**62


def frame_of_av_sound(make: Callable[[Any, int, int, int], F], sound: Any) -> F:
    """Returns a frame of a frame of PyAV; `make` is the class to make."""
    av = import_av("AudioFrame.from_av")
    if not isinstance(sound, av.AudioFrame):
        raise TypeError(f"frame: expected an AudioFrame of PyAV, got {type(sound).__name__}")
    sample_rate = check_int("frame.sample_rate", sound.sample_rate, 1)
    if not sound.samples:
        return make(bytearray(), sample_rate, max(len(sound.layout.channels), 1), 0)
    data, num_channels, num_clipped = int16_of(sound)
    frame = make(data, sample_rate, num_channels, len(data) // (2 * num_channels))
    note_clipped(frame, num_clipped)
    return frame


def int16_of(sound: Any) -> tuple[bytearray, int, int]:
    """Returns the samples of a frame of PyAV as int16, interleaved; how many channels they have; and how many samples
    were saturated. Values are rounded to the nearest, and NaN is 0."""
    import numpy as np

    values = decoded_values(sound)
    data, num_clipped = to_s16(np.ascontiguousarray(values).data, _ENCODINGS[values.dtype.str[1:]])
    return data, values.shape[1], num_clipped


def av_sound_of(frame: Any, pts: int | None) -> Any:
    """Returns a frame of PyAV with a copy of the samples."""
    import numpy as np

    av = import_av("AudioFrame.to_av")
    if pts is not None:
        pts = check_int("pts", pts, -_MAX_PTS, _MAX_PTS)
    try:
        layout = av.AudioLayout(f"{frame.num_channels}c")
    except ValueError:  # FFmpeg has no usual places for so many speakers
        layout = av.AudioLayout(f"{frame.num_channels}C")
    sound = av.AudioFrame(format="s16", layout=layout, samples=frame.samples_per_channel)
    if frame.samples_per_channel:
        samples = np.asarray(frame).reshape(-1).view(np.uint8)
        np.frombuffer(sound.planes[0], np.uint8)[: samples.size] = samples
    sound.sample_rate, sound.time_base = frame.sample_rate, Fraction(1, frame.sample_rate)
    if pts is not None:
        sound.pts = pts
    return sound


def decoded_values(frame: Any) -> NDArray[Any]:
    """Returns the values of a frame of PyAV as they are, (samples, channels)."""
    num_channels = len(frame.layout.channels)
    is_wide = frame.format.name in _WIDE
    if is_wide or (frame.format.is_planar and num_channels >= _NUM_POINTERS):
        format = "dbl" if is_wide else frame.format.packed
        (frame,) = import_av().AudioResampler(format, frame.layout, frame.sample_rate).resample(frame)
    values: NDArray[Any] = frame.to_ndarray()
    return values.T if frame.format.is_planar else values.reshape(-1, num_channels)
