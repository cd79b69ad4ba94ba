"""AVSynchronizer.push of a 720p picture with a timestamp into a queue with room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any

import livekit_utils
from benchmarks import optional
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.errors import DisagreementError
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.stopwatch import Stopwatch
from benchmarks.target import Target

_WIDTH, _HEIGHT = 1280, 720
_FPS = 30
_LIMIT = 15e-6

# Pushed without a pause: far fewer than the queue has room for.
_BATCH = 500
_QUEUE_MS = 4 * _BATCH * 1000 / _FPS


def experiments(effort: Effort) -> Iterator[Experiment]:
    contenders = [_contender(OURS, livekit_utils)]
    rtc = optional.sdk()
    if rtc is not None:
        contenders.append(_contender("sdk", rtc))
    quantities = (Quantity("wall", targets=(Target.value(_LIMIT),)), Quantity("cpu"))
    yield Experiment("av_synchronizer/push", tuple(contenders), _check, effort.rounds, quantities)


class _Screen:
    """A video source that keeps what it is given."""

    def __init__(self) -> None:
        self.frames: list[Any] = []

    def capture_frame(self, frame: Any) -> None:
        self.frames.append(frame)


def _picture(package: Any) -> Any:
    return package.VideoFrame(_WIDTH, _HEIGHT, package.VideoBufferType.I420, bytes(_WIDTH * _HEIGHT * 3 // 2))


def _contender(name: str, package: Any) -> Contender:
    run = _push_run(package)
    return Contender(name, lambda loops: asyncio.run(run(loops)))


def _push_run(package: Any) -> Callable[[int], Coroutine[Any, Any, Mapping[str, float]]]:
    picture = _picture(package)

    async def run(loops: int) -> Mapping[str, float]:
        audio = package.AudioSource(48000, 1)
        synchronizer = package.AVSynchronizer(
            audio_source=audio, video_source=_Screen(), video_fps=_FPS, video_queue_size_ms=_QUEUE_MS
        )
        watch = Stopwatch()
        for start in range(0, loops, _BATCH):
            count = min(_BATCH, loops - start)
            with watch:
                for i in range(count):
                    await synchronizer.push(picture, i / _FPS)
            await synchronizer.clear_queue()
        await synchronizer.aclose()
        await audio.aclose()
        return watch.each(loops)

    return run


def _check() -> None:
    """The very picture is shown: its pixels are not copied."""

    async def main() -> None:
        picture, screen = _picture(livekit_utils), _Screen()
        audio = livekit_utils.AudioSource(48000, 1)
        async with livekit_utils.AVSynchronizer(
            audio_source=audio, video_source=screen, video_fps=_FPS
        ) as synchronizer:
            await synchronizer.push(picture, 0.0)
            await synchronizer.wait_for_playout()
        await audio.aclose()
        if len(screen.frames) != 1 or screen.frames[0] is not picture:
            raise DisagreementError("av_synchronizer: not the picture that was pushed")

    asyncio.run(main())
