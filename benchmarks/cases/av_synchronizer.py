"""AVSynchronizer.push with a timestamp: of a 720p picture into a queue with room, and of 10 ms of audio into a source
that takes it at once and does nothing with it.
"""

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
_AUDIO_LIMIT = 1.5e-6

# Pushed without a pause: far fewer than the queue has room for.
_BATCH = 500
_QUEUE_MS = 4 * _BATCH * 1000 / _FPS


def experiments(effort: Effort) -> Iterator[Experiment]:
    packages: list[tuple[str, Any]] = [(OURS, livekit_utils)]
    rtc = optional.sdk()
    if rtc is not None:
        packages.append(("sdk", rtc))
    for kind, limit, make_run in (("push", _LIMIT, _push_run), ("push_audio", _AUDIO_LIMIT, _push_audio_run)):
        contenders = tuple(_contender(name, make_run(package)) for name, package in packages)
        quantities = (Quantity("wall", targets=(Target.value(limit),)), Quantity("cpu"))
        yield Experiment(f"av_synchronizer/{kind}", contenders, _check, effort.rounds, quantities)


Run = Callable[[int], Coroutine[Any, Any, Mapping[str, float]]]


class _Screen:
    """A video source that keeps what it is given."""

    def __init__(self) -> None:
        self.frames: list[Any] = []

    def capture_frame(self, frame: Any) -> None:
        self.frames.append(frame)


class _Silence:
    """An audio source that has always the same left to play."""

    queued_duration = 0.5

    async def capture_frame(self, frame: Any) -> None:
        pass

    def clear_queue(self) -> None:
        pass

    async def wait_for_playout(self) -> None:
        pass


def _picture(package: Any) -> Any:
    return package.VideoFrame(_WIDTH, _HEIGHT, package.VideoBufferType.I420, bytes(_WIDTH * _HEIGHT * 3 // 2))


def _contender(name: str, run: Run) -> Contender:
    return Contender(name, lambda loops: asyncio.run(run(loops)))


def _push_audio_run(package: Any) -> Run:
    async def run(loops: int) -> Mapping[str, float]:
        synchronizer = package.AVSynchronizer(audio_source=_Silence(), video_source=_Screen(), video_fps=_FPS)
        frame = package.AudioFrame(bytes(960), 48000, 1, 480)
        await synchronizer.push(frame, 0.0)
        with Stopwatch() as watch:
            for i in range(loops):
                await synchronizer.push(frame, (i + 1) / 100)
        await synchronizer.aclose()
        return watch.each(loops)

    return run


def _push_run(package: Any) -> Run:
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
