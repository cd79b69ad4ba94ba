"""map_channels picks, orders and mixes the channels of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING, Any, Literal

from livekit_utils._kernels.channels import downmix_s16
from livekit_utils._kernels.pcm import to_s16
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.arrays import note_clipped
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame

if TYPE_CHECKING:
    import numpy as np
    from livekit import rtc
    from numpy.typing import NDArray

__all__ = ["map_channels"]

# -3 dB: half the power.
_HALF = 1 / sqrt(2)

# To two channels, by the number of channels, which are in the order of WAV files: left, right, centre, low frequencies,
# left and right surround. These are the equations of ITU-R BS.775, "Multichannel stereophonic sound system", for mixing
# down to two channels, which leave the low frequencies out.
_STEREO: dict[int, tuple[tuple[float, ...], tuple[float, ...]]] = {
    1: ((1,), (1,)),
    2: ((1, 0), (0, 1)),
    3: ((1, 0, _HALF), (0, 1, _HALF)),
    4: ((1, 0, _HALF, 0), (0, 1, 0, _HALF)),
    5: ((1, 0, _HALF, _HALF, 0), (0, 1, _HALF, 0, _HALF)),
    6: ((1, 0, _HALF, 0, _HALF, 0), (0, 1, _HALF, 0, 0, _HALF)),
}


@public
def map_channels(
    frame: AudioFrame | rtc.AudioFrame,
    map: Sequence[int] | Sequence[Sequence[float]] | NDArray[Any] | Literal["mono", "stereo"],
) -> AudioFrame:
    """Picks, orders and mixes the channels of a frame.

    Args:
        frame: Of any number of channels.
        map: One of:

            - Numbers of channels, from 0: those channels, in that order. One may come more than once.
            - A matrix, as rows of factors: one row for each channel of the result, in it one factor for each channel of
              the frame.
            - `"mono"`: the mean of all channels.
            - `"stereo"`: the usual matrix from ITU-R BS.775, for 1 to 6 channels: mono; stereo; L R C; L R Ls Rs;
              L R C Ls Rs; or 5.1 as L R C LFE Ls Rs, of which left is L + 0.707 C + 0.707 Ls, and LFE is left out.

    Returns:
        A new frame with the same entries in its `userdata`. Sums are rounded to the nearest, ties to even, and
        saturated; if samples were, `userdata["num_clipped"]` is how many. Use `with_gain` first where the channels are
        loud: those of 5.1 can add up to 2.4 times full scale.

    Raises:
        ValueError: A channel is not there, a row has not as many factors as the frame has channels, a factor is not
            finite, or there is no matrix of that name for these channels.
        TypeError: The map is none of these, or the frame is no frame.

    Example:
        >>> frame = AudioFrame(b"\\x01\\x00\\x05\\x00", 48000, 2, 1)
        >>> map_channels(frame, [1, 0, 1]).data.tolist()
        [5, 1, 5]
        >>> map_channels(frame, [[2, 1]]).data.tolist()
        [7]
        >>> map_channels(frame, "mono").data.tolist()
        [3]
    """
    import numpy as np

    frame = as_audio_frame(frame)
    if isinstance(map, str):
        if map == "mono":
            return _made(frame, downmix_s16(frame, frame.num_channels), 1)
        if map != "stereo":
            raise ValueError(f"map: expected channels, a matrix, 'mono' or 'stereo', got {map!r:.80}")
        if frame.num_channels not in _STEREO:
            raise ValueError(f"map: expected a frame of 1 to 6 channels for 'stereo', got {frame.num_channels}")
        map = _STEREO[frame.num_channels]
    try:
        wanted = np.asarray(map)
    except (TypeError, ValueError):  # rows of different lengths
        raise ValueError(f"map: expected rows of {frame.num_channels} factors, got {map!r:.80}") from None
    samples = np.asarray(frame)
    if wanted.ndim == 1 and wanted.dtype.kind in "iu" and wanted.size:
        if wanted.min() < 0 or wanted.max() >= frame.num_channels:
            raise ValueError(f"map: expected channels 0 to {frame.num_channels - 1}, got {map!r:.80}")
        return _made(frame, bytearray(samples[:, wanted].tobytes()), wanted.size)
    if wanted.ndim != 2 or wanted.dtype.kind not in "iuf":
        raise TypeError(f"map: expected channels, a matrix, 'mono' or 'stereo', got {map!r:.80}")
    if wanted.shape[0] < 1 or wanted.shape[1] != frame.num_channels:
        raise ValueError(f"map: expected rows of {frame.num_channels} factors, got a matrix of shape {wanted.shape}")
    if not np.isfinite(wanted).all():
        raise ValueError(f"map: expected finite factors, got {map!r:.80}")
    return _mixed(frame, samples, wanted.astype(np.float64))


def _mixed(frame: AudioFrame, samples: NDArray[np.int16], matrix: NDArray[np.float64]) -> AudioFrame:
    import numpy as np

    # One product after the other, in the order of the channels: a matrix product's order differs between machines.
    sums = np.zeros((frame.samples_per_channel, len(matrix)))
    for channel, factors in enumerate(matrix.T):
        sums += samples[:, channel, np.newaxis] / 32768 * factors
    data, num_clipped = to_s16(sums.data, "f64le")
    mapped = _made(frame, data, len(matrix))
    note_clipped(mapped, num_clipped)
    return mapped


def _made(frame: AudioFrame, data: bytearray, num_channels: int) -> AudioFrame:
    return AudioFrame(
        data, frame.sample_rate, num_channels, frame.samples_per_channel, userdata=dict(frame.userdata) or None
    )
