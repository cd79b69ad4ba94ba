"""Pictures, and an obvious conversion of them in float64: every pixel by itself, from the formula."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import numpy.typing as npt

from livekit_utils import VideoBufferType

Floats = npt.NDArray[np.float64]

WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}
PACKED = ("RGBA", "ABGR", "ARGB", "BGRA", "RGB24")
HALVES = {"I422": (2, 1), "I444": (1, 1)}
"""Columns and rows that a value of chroma stands for; two by two in all other formats."""


def num_bytes(type: VideoBufferType, width: int, height: int) -> int:
    return sum(type.plane_sizes(width, height))


def planes_of(data: Any, type: VideoBufferType, width: int, height: int) -> list[npt.NDArray[Any]]:
    """The planes as arrays of rows; packed formats and NV12's chroma have a third axis."""
    planes: list[npt.NDArray[Any]] = []
    start = 0
    for size, stride in zip(type.plane_sizes(width, height), type.plane_strides(width), strict=True):
        plane: npt.NDArray[Any] = np.frombuffer(data, np.uint8)[start : start + size].reshape(-1, stride)
        start += size
        if type is VideoBufferType.I010:
            plane = plane.view("<u2")
        if type.name in PACKED:
            plane = plane.reshape(height, width, -1)
        elif type is VideoBufferType.NV12 and len(planes) == 1:
            plane = plane.reshape(plane.shape[0], -1, 2)
        planes.append(plane)
    return planes


def random_picture(rand: random.Random, type: VideoBufferType, width: int, height: int) -> bytes:
    """Noise; extremes, or pixels that differ little, for a part of the pictures."""
    size = num_bytes(type, width, height)
    match rand.randrange(3):
        case 0:
            data = bytes(rand.choices((0, 255, 1, 254, 16, 235, 240, 128), k=size))
        case _:
            data = rand.randbytes(size)
    if type is VideoBufferType.I010:  # some values that 10 bits do not have
        words = np.frombuffer(data, "<u2")
        data = np.where(words % 61 == 0, words, words & 0x3FF).astype("<u2").tobytes()
    return data


class Reference:
    """A picture as Y, U, V and alpha or red, green, blue and alpha of every pixel, in float64."""

    def __init__(self, data: Any, type: VideoBufferType, width: int, height: int) -> None:
        self.width, self.height, self.type = width, height, type
        planes = planes_of(data, type, width, height)
        self.is_rgb = type.name in PACKED
        self.bits = 10 if type is VideoBufferType.I010 else 8
        self.alpha: Floats = np.full((height, width), 255.0)
        if self.is_rgb:
            order = "RGB" if type.name == "RGB24" else type.name
            channels = {letter: planes[0][:, :, i].astype(np.float64) for i, letter in enumerate(order)}
            self.channels = [channels[letter] for letter in "RGB"]
            self.alpha = channels.get("A", self.alpha)
            return
        chroma = [planes[1][:, :, 0], planes[1][:, :, 1]] if type is VideoBufferType.NV12 else planes[1:3]
        across, down = HALVES.get(type.name, (2, 2))
        wide = [np.repeat(np.repeat(plane, down, 0), across, 1)[:height, :width] for plane in chroma]
        most = 2**self.bits - 1
        self.channels = [np.minimum(plane, most).astype(np.float64) for plane in (planes[0], *wide)]
        if type is VideoBufferType.I420A:
            self.alpha = planes[3].astype(np.float64)

    def flip(self) -> None:
        self.channels = [channel[::-1] for channel in self.channels]
        self.alpha = self.alpha[::-1]

    def converted(self, type: VideoBufferType, matrix: str = "bt601", full_range: bool = False) -> list[Floats]:
        """The planes in another format, before the rounding, in the shapes of `planes_of`."""
        bits = 10 if type is VideoBufferType.I010 else 8
        if type.name in PACKED:
            rgb = self.channels if self.is_rgb else self._to_rgb(matrix, full_range)
            named = dict(zip("RGBA", [*rgb, self.alpha], strict=True))
            order = "RGB" if type.name == "RGB24" else type.name
            return [np.stack([np.clip(named[letter], 0, 255) for letter in order], axis=2)]
        yuv = self._to_yuv(matrix, full_range, bits) if self.is_rgb else self._deep(full_range, bits)
        across, down = HALVES.get(type.name, (2, 2))
        chroma = [mean_down(plane, across, down) for plane in yuv[1:]]
        planes = [yuv[0], *chroma]
        if type is VideoBufferType.NV12:
            planes = [yuv[0], np.stack(chroma, axis=2)]
        if type is VideoBufferType.I420A:
            planes.append(self.alpha)
        return [np.clip(plane, 0, 2**bits - 1) for plane in planes]

    def _deep(self, full_range: bool, bits: int) -> list[Floats]:
        if bits == self.bits:
            return self.channels
        scale = (2**bits - 1) / (2**self.bits - 1) if full_range else 2.0 ** (bits - self.bits)
        y, u, v = self.channels
        return [y * scale, *((c - 2 ** (self.bits - 1)) * scale + 2 ** (bits - 1) for c in (u, v))]

    def _to_yuv(self, matrix: str, full_range: bool, bits: int) -> list[Floats]:
        red, blue = WEIGHTS[matrix]
        r, g, b = (channel / 255 for channel in self.channels)
        y = red * r + (1 - red - blue) * g + blue * b
        u, v = (b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))
        black, y_range, uv_range = levels(full_range, bits)
        return [black + y_range * y, 2 ** (bits - 1) + uv_range * u, 2 ** (bits - 1) + uv_range * v]

    def _to_rgb(self, matrix: str, full_range: bool) -> list[Floats]:
        red, blue = WEIGHTS[matrix]
        black, y_range, uv_range = levels(full_range, self.bits)
        y = (self.channels[0] - black) / y_range
        u, v = ((channel - 2 ** (self.bits - 1)) / uv_range for channel in self.channels[1:])
        r, b = y + 2 * (1 - red) * v, y + 2 * (1 - blue) * u
        g = (y - red * r - blue * b) / (1 - red - blue)
        return [255 * r, 255 * g, 255 * b]


def levels(full_range: bool, bits: int) -> tuple[float, float, float]:
    """Y of black, the range of Y, and the range of U and V."""
    if full_range:
        return 0.0, 2.0**bits - 1, 2.0**bits - 1
    scale = 2.0 ** (bits - 8)
    return 16 * scale, 219 * scale, 224 * scale


def mean_down(plane: Floats, across: int, down: int) -> Floats:
    """The mean of each square of pixels; at odd edges of those that are there."""
    height, width = plane.shape
    rows, columns = -(-height // down), -(-width // across)
    sums, counts = np.zeros((rows, columns)), np.zeros((rows, columns))
    for i in range(down):
        for j in range(across):
            part = plane[i::down, j::across]
            sums[: part.shape[0], : part.shape[1]] += part
            counts[: part.shape[0], : part.shape[1]] += 1
    return sums / counts
