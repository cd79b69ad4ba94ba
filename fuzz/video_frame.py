"""VideoFrame with any arguments: planes that lie within the memory, or a clear error."""

from __future__ import annotations

from fuzz.input import Input
from livekit_utils import VideoFrame


def fuzz(data: bytes) -> None:
    source = Input(data)
    buffer = source.buffer()
    try:
        frame = VideoFrame(source.argument(30), source.argument(30), source.argument(13), buffer)
    except (TypeError, ValueError):
        return
    view = memoryview(buffer)
    assert frame.data.nbytes <= view.nbytes
    planes: list[bytes] = []
    while (plane := frame.get_plane(len(planes))) is not None:
        planes.append(bytes(plane))
    assert b"".join(planes) == bytes(frame.data) == view.tobytes()[: frame.data.nbytes]
    assert frame.get_plane(len(planes) + source.below(9)) is None
    assert frame.get_plane(-1 - source.below(9)) is None
