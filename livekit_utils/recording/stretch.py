"""stretched: makes a frame one sample longer or shorter, so that a clock that is off is followed without a click."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from livekit_utils.frames.audio_frame import AudioFrame

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Samples on each side that a sample is made of; with the window below, a tone of 15 kHz loses 0.2 dB at most.
_HALF = 16


def stretched(frame: AudioFrame, slip: int) -> AudioFrame:
    """Returns the frame with `slip` samples more, which are spread over all of it. Both ends keep their places."""
    import numpy as np  # it is not needed before a clock is off

    length = frame.samples_per_channel
    indexes, weights = _table(length, length + slip)
    samples = np.asarray(frame)
    made = np.einsum("nt,ntc->nc", weights, samples[indexes].astype(np.float32))
    rounded = np.clip(np.rint(made), -32768, 32767).astype(np.int16)
    return AudioFrame(rounded, frame.sample_rate, frame.num_channels, length + slip)


@lru_cache(maxsize=8)
def _table(length: int, new_length: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Which samples each new sample is made of, and with which weights: those of a windowed sinc."""
    import numpy as np

    places = np.linspace(0, length - 1, new_length)
    taps = np.arange(1 - _HALF, _HALF + 1)
    nearest = np.floor(places)[:, None] + taps
    distance = places[:, None] - nearest
    window = np.cos(np.pi / 2 * distance / (_HALF + 1)) ** 2
    weights = np.sinc(distance) * window
    weights /= weights.sum(axis=1, keepdims=True)
    return np.clip(nearest, 0, length - 1).astype(np.intp), weights.astype(np.float32)
