"""What `AudioFrame.from_ndarray` and `AudioFrame.to_ndarray` do: between frames and arrays of numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from livekit_utils._kernels.pcm import from_s16, to_s16
from livekit_utils._runtime.arguments import check_int, check_type

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = ["array_of", "frame_of", "note_clipped"]

# An AudioFrame, whose module imports this one.
F = TypeVar("F")

# An array of more channels is one whose dimensions are in the other order.
_MAX_CHANNELS = 128

_FLOATS = {4: "f32le", 8: "f64le"}


def frame_of(
    make: Callable[[Any, int, int, int], F], array: Any, sample_rate: int, num_channels: int | None, planar: bool
) -> F:
    """Returns a frame of an array; `make` is the class to make."""
    import numpy as np

    sample_rate = check_int("sample_rate", sample_rate, 1)
    if num_channels is not None:
        num_channels = check_int("num_channels", num_channels, 1)
    check_type("planar", planar, bool)
    samples = np.asarray(array)
    is_float = samples.dtype.kind == "f" and samples.dtype.itemsize in _FLOATS
    if not is_float and (samples.dtype.kind != "i" or samples.dtype.itemsize != 2):
        raise TypeError(f"array: expected int16, float32 or float64, got {samples.dtype}")
    samples = _in_rows(samples, num_channels, planar)
    # In the byte order of this machine, one sample behind the other.
    samples = np.ascontiguousarray(samples, samples.dtype.newbyteorder("="))
    samples_per_channel, found_channels = samples.shape
    if not is_float:
        return make(samples, sample_rate, found_channels, samples_per_channel)
    data, num_clipped = to_s16(samples.data, _FLOATS[samples.dtype.itemsize])
    frame = make(data, sample_rate, found_channels, samples_per_channel)
    note_clipped(frame, num_clipped)
    return frame


def _in_rows(samples: NDArray[Any], num_channels: int | None, planar: bool) -> NDArray[Any]:
    """Returns an array of shape (samples_per_channel, num_channels)."""
    shape = samples.shape
    if samples.ndim not in (1, 2):
        raise ValueError(f"array: expected one or two dimensions, got the shape {shape}")
    if samples.ndim == 1:
        if planar:
            raise ValueError(f"array: expected the shape (num_channels, samples_per_channel), got {shape}")
        wanted = num_channels if num_channels is not None else 1
        if samples.size % wanted:
            raise ValueError(
                f"array: expected a multiple of {wanted} samples for {wanted} channels, got {samples.size}"
            )
        return samples.reshape(-1, wanted)
    rows = samples.T if planar else samples
    if num_channels is not None and rows.shape[1] != num_channels:
        raise ValueError(f"array: expected {num_channels} channels, got the shape {shape}")
    if not 1 <= rows.shape[1] <= max(_MAX_CHANNELS, num_channels or 0):
        order = ("num_channels", "samples_per_channel") if planar else ("samples_per_channel", "num_channels")
        raise ValueError(
            f"array: expected ({', '.join(order)}) with 1 to {_MAX_CHANNELS} channels, got the shape {shape}; "
            f"planar={not planar} takes them the other way round"
        )
    return rows


def array_of(frame: Any, dtype: Any) -> NDArray[Any]:
    """Returns the samples of a frame as an array."""
    import numpy as np

    try:
        wanted = None if dtype is None else np.dtype(dtype)
    except TypeError:
        wanted = None
    if wanted == np.int16:
        return np.asarray(frame)
    encoding = _FLOATS.get(wanted.itemsize) if wanted in (np.float32, np.float64) and wanted is not None else None
    if encoding is None:
        raise TypeError(f"dtype: expected int16, float32 or float64, got {dtype!r:.80}")
    values, _ = from_s16(frame, encoding)
    return np.frombuffer(values, wanted).reshape(frame.samples_per_channel, frame.num_channels)


def note_clipped(frame: Any, num_clipped: int) -> None:
    """Says in the frame's `userdata` how many of its samples were saturated, where some were."""
    if num_clipped:
        frame.userdata["num_clipped"] = num_clipped
