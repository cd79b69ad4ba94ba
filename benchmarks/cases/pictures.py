"""Pictures to another pixel format, beside LiveKit's SDK and PyAV."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks import optional
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.target import Target
from livekit_utils import VideoBufferType, VideoFrame

_RGBA, _RGB24, _I420 = VideoBufferType.RGBA, VideoBufferType.RGB24, VideoBufferType.I420


def experiments(effort: Effort) -> Iterator[Experiment]:
    for type, to, width, height in ((_RGBA, _I420, 1280, 720), (_I420, _RGBA, 1280, 720), (_I420, _RGB24, 1920, 1080)):
        yield _experiment(effort, type, to, width, height)


def _experiment(effort: Effort, type: VideoBufferType, to: VideoBufferType, width: int, height: int) -> Experiment:
    # Little contrast: no colour is outside of what both formats have, where others clip at another point.
    rand = np.random.default_rng(1)
    pixels = rand.integers(110, 140, sum(type.plane_sizes(width, height)), dtype=np.uint8)
    frame = VideoFrame(width, height, type, pixels.data)
    contenders = [Contender.timed(OURS, lambda: frame.convert(to))]
    targets = []
    sdk, av = optional.sdk(), optional.load("av", "av")
    theirs = None
    if sdk is not None:
        theirs = sdk.VideoFrame(width, height, int(type), bytearray(pixels))
        contenders.append(Contender.timed("livekit", lambda: theirs.convert(int(to))))
        targets.append(Target.ratio(1.0, "livekit"))
    if av is not None and to is _RGB24:
        picture = av.VideoFrame.from_ndarray(pixels.reshape(-1, width), "yuv420p")
        contenders.append(Contender.timed("pyav", lambda: picture.to_ndarray(format="rgb24")))
        targets.append(Target.ratio(1.0, "pyav"))

    def check() -> None:
        if theirs is not None:
            made = np.asarray(frame.convert(to).data).astype(int)
            assert np.abs(made - np.asarray(theirs.convert(int(to)).data)).max() <= 3

    name = f"pictures/{type.name}/{to.name}/{height}"
    return Experiment(name, tuple(contenders), check, effort.rounds, (Quantity(targets=tuple(targets)),))
