"""PictureFitter: every pixel format, size and rotation, in the size of the file."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from livekit_utils import VideoBufferType, VideoFrame, VideoRotation

pytest.importorskip("av")

from livekit_utils.files.picture_fitter import PictureFitter

Pixels = npt.NDArray[np.uint8]

# Where red, green, blue and alpha are in a pixel.
_ORDERS = {
    VideoBufferType.RGBA: (0, 1, 2, 3),
    VideoBufferType.ABGR: (3, 2, 1, 0),
    VideoBufferType.ARGB: (1, 2, 3, 0),
    VideoBufferType.BGRA: (2, 1, 0, 3),
}


def yuv(rgb: Any) -> Any:
    """BT.601, limited range."""
    red, green, blue = np.moveaxis(np.asarray(rgb, float), -1, 0)
    luma = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
    blueness = 128 - 0.148 * red - 0.291 * green + 0.439 * blue
    redness = 128 + 0.439 * red - 0.368 * green - 0.071 * blue
    return np.stack([luma, blueness, redness])


def of_type(rgb: Pixels, kind: VideoBufferType) -> VideoFrame:
    """A frame with these pixels, of which each 2 x 2 are the same."""
    height, width = rgb.shape[:2]
    if kind is VideoBufferType.RGB24:
        return VideoFrame(width, height, kind, rgb)
    if kind in _ORDERS:
        data = np.full((height, width, 4), 77, np.uint8)  # alpha is left out
        for channel, place in enumerate(_ORDERS[kind][:3]):
            data[:, :, place] = rgb[:, :, channel]
        return VideoFrame(width, height, kind, data)
    luma, blueness, redness = np.round(yuv(rgb)).astype(np.uint8)
    chroma = [plane[::2, ::2] for plane in (blueness, redness)]
    match kind:
        case VideoBufferType.I422:
            chroma = [plane[:, ::2] for plane in (blueness, redness)]
        case VideoBufferType.I444:
            chroma = [blueness, redness]
        case VideoBufferType.NV12:
            chroma = [np.stack(chroma, -1)]
        case VideoBufferType.I420A:
            chroma.append(np.full((height, width), 77, np.uint8))
    planes = [luma, *chroma]
    if kind is VideoBufferType.I010:
        planes = [plane.astype("<u2") << 2 for plane in planes]
    return VideoFrame(width, height, kind, b"".join(plane.tobytes() for plane in planes))


def planes_of(picture: Any) -> list[Pixels]:
    """The planes of a picture of PyAV, as arrays."""
    assert picture.format.name == "yuv420p"
    found = []
    for plane in picture.planes:
        rows = np.frombuffer(plane, np.uint8)[: plane.line_size * plane.height].reshape(plane.height, plane.line_size)
        found.append(rows[:, : plane.width].copy())
    return found


def blocks(rand: Any, width: int, height: int, size: int = 8) -> Pixels:
    """Random colours in squares."""
    rows, columns = -(-height // size), -(-width // size)
    colours = np.frombuffer(rand.randbytes(rows * columns * 3), np.uint8).reshape(rows, columns, 3) // 2 + 60
    return np.ascontiguousarray(colours.repeat(size, 0).repeat(size, 1)[:height, :width])


@pytest.mark.parametrize("kind", VideoBufferType)
@pytest.mark.parametrize("size", [(32, 16), (33, 17), (32, 17), (3, 5)])
def test_every_format_and_odd_sizes(rand: Any, kind: VideoBufferType, size: tuple[int, int]) -> None:
    rgb = blocks(rand, *size)
    width, height = size[0] // 2 * 2, size[1] // 2 * 2
    fitted = planes_of(PictureFitter(width, height).fit(of_type(rgb, kind)))
    wanted = yuv(rgb[:height, :width])
    assert np.abs(fitted[0] - wanted[0]).max() <= 1
    for plane, exact in zip(fitted[1:], wanted[1:], strict=True):
        assert plane.shape == (height // 2, width // 2)
        assert np.abs(plane - exact[::2, ::2]).max() <= 1


@pytest.mark.parametrize("rotation", VideoRotation)
def test_rotation(rand: Any, rotation: VideoRotation) -> None:
    rgb = blocks(rand, 48, 32)
    upright = np.rot90(rgb, -int(rotation))
    height, width = upright.shape[:2]
    for kind in (VideoBufferType.I420, VideoBufferType.RGB24):
        fitted = planes_of(PictureFitter(width, height).fit(of_type(rgb, kind), rotation))
        assert np.abs(fitted[0] - yuv(upright)[0]).max() <= 1
        assert np.abs(fitted[2] - yuv(upright)[2][::2, ::2]).max() <= 1


@pytest.mark.parametrize(
    ("size", "inner"),
    [
        ((64, 32), (64, 32)),
        ((32, 16), (64, 32)),  # enlarged
        ((256, 128), (64, 32)),
        ((32, 32), (48, 48)),  # bars at the sides
        ((48, 96), (24, 48)),
        ((96, 24), (64, 16)),  # bars above and below
        ((1000, 2), (64, 2)),
        ((1, 1), (48, 48)),
        ((1, 1000), (2, 48)),
    ],
)
def test_other_sizes_are_scaled_and_lie_in_the_middle_of_black(
    rand: Any, size: tuple[int, int], inner: tuple[int, int]
) -> None:
    white = np.full((size[1], size[0], 3), 255, np.uint8)
    for rotation in (VideoRotation.VIDEO_ROTATION_0, VideoRotation.VIDEO_ROTATION_180):
        fitted = planes_of(PictureFitter(64, 48).fit(of_type(white, VideoBufferType.RGB24), rotation))
        assert fitted[0].shape == (48, 64)
        bright = fitted[0] > 200
        assert (fitted[0][~bright] == 16).all()
        rows, columns = np.flatnonzero(bright.any(1)), np.flatnonzero(bright.any(0))
        assert (len(columns), len(rows)) == inner
        assert bright[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        assert abs(columns[0] - (63 - columns[-1])) <= 2
        assert abs(rows[0] - (47 - rows[-1])) <= 2
        assert all(np.abs(plane.astype(int) - 128).max() <= 2 for plane in fitted[1:])


def test_the_frame_is_not_changed(rand: Any) -> None:
    frame = of_type(blocks(rand, 16, 16), VideoBufferType.I420)
    before = bytes(frame.data)
    picture = PictureFitter(16, 16).fit(frame)
    for plane in picture.planes:
        np.frombuffer(plane, np.uint8)[:] = 0
    assert bytes(frame.data) == before
