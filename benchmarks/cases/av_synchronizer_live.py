"""AVSynchronizer in real time: CPU time of the process per second, and how far the time between two pictures is from
1/30 s.

One task pushes 30 pictures a second and their sound, in frames of 10 ms. Each package has its own audio source, which
nobody else reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
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

_FPS = 30

# Until the queues are full.
_WARM_UP_S = 1.5


def experiments(effort: Effort) -> Iterator[Experiment]:
    packages: list[tuple[str, Any]] = [(OURS, livekit_utils)]
    rtc = optional.sdk()
    if rtc is not None:
        packages.append(("sdk", rtc))

    def run(package: Any) -> Callable[[], Mapping[str, float]]:
        return lambda: asyncio.run(_run(package, effort.live_seconds))

    def check() -> None:
        """Every run checks itself: pictures come at their rate."""

    quantities = (
        Quantity("cpu", targets=(Target.ratio(0.6, "sdk"),)),
        Quantity("interval_p50"),
        Quantity("interval_p99", targets=(Target.value(0.0012),)),
    )
    contenders = tuple(Contender.once(name, run(package)) for name, package in packages)
    yield Experiment("av_synchronizer_live/30fps", contenders, check, effort.live_rounds, quantities)


class _Screen:
    """A video source that notes when a picture comes."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def capture_frame(self, frame: Any) -> None:
        self.times.append(time.perf_counter())


async def _run(package: Any, seconds: float) -> Mapping[str, float]:
    audio, screen = package.AudioSource(48000, 1), _Screen()
    synchronizer = package.AVSynchronizer(audio_source=audio, video_source=screen, video_fps=_FPS)
    feeder = asyncio.create_task(_feed(package, synchronizer))
    await asyncio.sleep(_WARM_UP_S)
    screen.times.clear()
    with Stopwatch() as watch:
        await asyncio.sleep(seconds)
    times = list(screen.times)
    feeder.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await feeder
    await synchronizer.aclose()
    await audio.aclose()
    if not 0.9 * _FPS * seconds <= len(times) <= 1.1 * _FPS * seconds + 1:
        raise DisagreementError(f"av_synchronizer_live: {len(times)} pictures in {seconds} s")
    errors = sorted(abs(after - before - 1 / _FPS) for before, after in pairwise(times))
    return {
        "cpu": watch.cpu_share,
        "interval_p50": errors[len(errors) // 2],
        "interval_p99": errors[len(errors) * 99 // 100],
    }


async def _feed(package: Any, synchronizer: Any) -> None:
    picture = package.VideoFrame(16, 16, package.VideoBufferType.I420, bytes(384))
    sound = package.AudioFrame(bytes(960), 48000, 1, 480)
    num_pictures = num_sounds = 0
    while True:
        await synchronizer.push(picture, num_pictures / _FPS)
        num_pictures += 1
        while num_sounds / 100 < num_pictures / _FPS:
            num_sounds += 1
            await synchronizer.push(sound, num_sounds / 100)
