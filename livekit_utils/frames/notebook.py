"""What a frame shows in a notebook: a sound its waveform and a player, a picture itself.

Colors are those of the page, so that light and dark ones can be read.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from livekit_utils.frames.png import png_of
from livekit_utils.frames.video_types import VideoBufferType, VideoRotation

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["html_of_picture", "html_of_sound"]

# Of the sound that the player gets. A notebook keeps it in its file.
_MAX_PLAYED_S = 60
_MAX_PLAYED_BYTES = 2_000_000

# Pixels of the waveform: in all, and of one channel. More channels are drawn as one.
_COLUMNS, _LANE = 600, 64
_MAX_LANES = 4

# Pixels of the longer side of a picture.
_MAX_SIDE = 480

_FULL_SCALE = 32768


def html_of_sound(frame: Any) -> str:
    """Returns what an AudioFrame shows. It never raises: an error is shown in the place of the sound."""
    return _shown(frame, _sound)


def html_of_picture(
    frame: Any, rotation: VideoRotation = VideoRotation.VIDEO_ROTATION_0, timestamp_us: int | None = None
) -> str:
    """Returns what a VideoFrame shows. It never raises: an error is shown in the place of the picture."""
    return _shown(frame, lambda frame: _picture(frame, VideoRotation(rotation), timestamp_us))


def _shown(frame: Any, make: Callable[[Any], str]) -> str:
    try:
        return f"<div>{make(frame)}</div>"
    except Exception as error:
        return _caption(type(frame).__name__, f"{type(error).__name__}: {error}")


def _caption(*facts: str) -> str:
    return f'<div style="font-size: small; opacity: 0.8">{escape(", ".join(facts))}</div>'


def _data(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


# -- sound -------------------------------------------------------------------------------------------------------------


def _sound(frame: Any) -> str:
    rate, channels, length = frame.sample_rate, frame.num_channels, frame.samples_per_channel
    facts = [
        type(frame).__name__,
        f"{frame.duration:.3f} s",
        f"{rate} Hz",
        f"{channels} channel{'s' if channels > 1 else ''}",
        f"{length} sample{'' if length == 1 else 's'} per channel",
    ]
    if not length:
        return _caption(*facts)
    facts.append("silent" if math.isinf(frame.peak_dbfs) else f"peak {frame.peak_dbfs:.1f} dBFS")
    if channels > _MAX_LANES:
        facts.append("all channels drawn as one")
    num_played = max(1, min(length, _MAX_PLAYED_S * rate, _MAX_PLAYED_BYTES // (2 * channels)))
    if num_played < length:
        facts.append(f"the player has the first {num_played / rate:.3g} s")
    sound = _data("audio/wav", frame[:num_played].to_wav_bytes())
    player = f'<audio controls src="{sound}" style="width: {_COLUMNS}px; max-width: 100%; height: 40px"></audio>'
    return f"{_waveform(frame)}{player}{_caption(*facts)}"


def _waveform(frame: Any) -> str:
    """Returns a drawing: for each column, from the lowest to the highest sample in it."""
    import numpy as np

    samples = np.asarray(frame)
    columns = min(_COLUMNS, len(samples))
    starts = np.arange(columns) * len(samples) // columns
    low, high = np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
    if samples.shape[1] > _MAX_LANES:
        low, high = low.min(axis=1, keepdims=True), high.max(axis=1, keepdims=True)
    num_lanes = low.shape[1]
    height = num_lanes * _LANE
    lanes = "".join(_lane(low[:, i], high[:, i], (i + 0.5) * _LANE) for i in range(num_lanes))
    return (
        f'<svg viewBox="0 0 {columns} {height}" preserveAspectRatio="none" fill="currentColor" '
        f'style="display: block; width: {_COLUMNS}px; max-width: 100%; height: {height}px">{lanes}</svg>'
    )


def _lane(low: NDArray[Any], high: NDArray[Any], middle: float) -> str:
    """Returns the drawing of a channel: its outline, which is one pixel high where all samples are the same."""
    scale = (_LANE / 2 - 1) / _FULL_SCALE
    tops, bottoms = middle - high * scale - 0.5, middle - low * scale + 0.5
    last = len(low)
    points = [f"{i},{y:.1f}" for i, y in enumerate(tops)] + [f"{last},{tops[-1]:.1f} {last},{bottoms[-1]:.1f}"]
    points += [f"{i},{bottoms[i]:.1f}" for i in range(last - 1, -1, -1)]
    zero = f'<rect y="{middle - 0.5}" width="{last}" height="1" opacity="0.3"/>'
    return f'{zero}<polygon points="{" ".join(points)}"/>'


# -- pictures ----------------------------------------------------------------------------------------------------------


def _picture(frame: Any, rotation: VideoRotation, timestamp_us: int | None) -> str:
    import numpy as np

    facts = [type(frame).__name__, f"{frame.width} x {frame.height}", frame.type.name]
    if rotation is not VideoRotation.VIDEO_ROTATION_0:
        facts.append(f"turned by {90 * rotation} degrees clockwise")
    if timestamp_us is not None:
        facts.append(f"at {timestamp_us} us")
    pixels = np.rot90(_small_rgb(frame), -int(rotation))
    height, width, _ = pixels.shape
    if (width, height) not in ((frame.width, frame.height), (frame.height, frame.width)):
        facts.append(f"shown as {width} x {height}")
    picture = _data("image/png", png_of(pixels))
    # A picture of a few pixels is enlarged, without a blur.
    factor = max(1, 64 // max(width, height))
    style = "display: block; max-width: 100%; image-rendering: " + ("pixelated" if factor > 1 else "auto")
    image = f'<img src="{picture}" width="{width * factor}" height="{height * factor}" style="{style}"/>'
    return f"{image}{_caption(*facts)}"


def _small_rgb(frame: Any) -> NDArray[Any]:
    """Returns red, green and blue, (height, width, 3), of a picture that is scaled down if it is large."""
    import numpy as np

    longer = max(frame.width, frame.height)
    if longer > _MAX_SIDE:
        frame = frame.scale(*(max(1, round(side * _MAX_SIDE / longer)) for side in (frame.width, frame.height)))
    pixels: NDArray[Any] = np.asarray(frame.convert(VideoBufferType.RGB24))
    return pixels
