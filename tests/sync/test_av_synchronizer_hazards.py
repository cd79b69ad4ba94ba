"""AVSynchronizer: everything at once, at random."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import pytest

from livekit_utils import AudioSource, AVSynchronizer
from tests.support.clips import Picture, sound
from tests.support.randomness import Rand
from tests.support.virtual_time import run


class Hazard:
    """Pushes at random, cancels, clears, pauses, and closes in the end; sources fail now and then."""

    def __init__(self, rand: Rand) -> None:
        self.rand = rand
        self.source = AudioSource(48000, 1, rand.choice([0, 10, 100, 1000]))
        self.sync = AVSynchronizer(
            audio_source=self.source,
            video_source=self,
            video_fps=rand.choice([1, 24, 30, 120]),
            video_queue_size_ms=rand.choice([0, 50, 500]),
            _max_delay_tolerance_ms=rand.choice([0, 100, 300]),
            late_policy=rand.choice(["drop", "show"]),
        )
        self.taken: list[Any] = []
        self.pushed: set[Any] = set()
        self.num_cancelled = 0
        self.tasks: list[asyncio.Task[None]] = []

    def capture_frame(self, frame: Any) -> None:
        self.taken.append(frame)
        if self.rand.random() < 0.05:
            raise OSError("no screen")
        if self.rand.random() < 0.05:
            asyncio.get_running_loop().block(self.rand.uniform(0, 0.3))  # type: ignore[attr-defined]

    def stamp(self, time: float) -> float | None:
        kinds = [time] * 20 + [None, time + self.rand.gauss(0, 0.05), self.rand.choice([1e9, -1e9, 0.0, time + 5])]
        return self.rand.choice(kinds)

    async def push_video(self, time: float) -> None:
        picture = Picture(time)
        self.pushed.add(picture)
        try:
            await self.sync.push(picture, self.stamp(time))
        except asyncio.CancelledError:
            if picture not in self.taken:
                self.pushed.discard(picture)
                self.num_cancelled += 1
            raise

    async def push(self) -> None:
        time = 0.0
        for _ in range(self.rand.randint(20, 200)):
            if self.rand.random() < 0.02:
                time = 0.0
            time += self.rand.choice([0.01, 0.03, 0.1])
            seconds = self.rand.choice([0.01, 0.02, 0.3])
            push = (
                self.push_video(time)
                if self.rand.random() < 0.5
                else self.sync.push(sound(seconds), self.stamp(time + seconds))
            )
            task = asyncio.create_task(push)
            self.tasks.append(task)
            if self.rand.random() < 0.1:
                await asyncio.sleep(self.rand.choice([0, 0, 0.001, 0.05]))
                task.cancel()
            elif self.rand.random() < 0.7:
                await asyncio.wait([task], timeout=self.rand.choice([0.001, 0.1, 10]))
            await asyncio.sleep(self.rand.choice([0, 0, 0.01, 0.05]))

    async def disturb(self) -> None:
        for _ in range(self.rand.randint(0, 10)):
            await asyncio.sleep(self.rand.uniform(0, 1))
            what = self.rand.choice(["pause", "resume", "look", "wait", "clear the source", "block"])
            if what == "pause":
                self.source.pause()
                await asyncio.sleep(self.rand.uniform(0, 1))
                self.source.resume()
            elif what == "clear the source":
                self.source.clear_queue()
            elif what == "wait":
                self.tasks.append(asyncio.create_task(self.sync.wait_for_playout()))
            elif what == "block":
                asyncio.get_running_loop().block(self.rand.uniform(0, 2))  # type: ignore[attr-defined]
            stats = self.sync.stats()
            assert stats.num_queued_pictures >= 0
            assert math.isfinite(self.sync.last_audio_time)
            assert math.isfinite(self.sync.actual_fps)

    async def play(self, clears: Callable[[], Any] | None) -> None:
        await asyncio.gather(*(self.push() for _ in range(self.rand.randint(1, 3))), self.disturb())
        if clears is not None:
            await clears()
        results = await asyncio.wait_for(asyncio.gather(*self.tasks, return_exceptions=True), 2000)
        assert {type(result) for result in results} <= {type(None), asyncio.CancelledError, RuntimeError}
        if clears is None:
            await asyncio.wait_for(self.sync.wait_for_playout(), 2000)
            stats = self.sync.stats()
            # One that was cancelled may have been dropped before.
            assert 0 <= stats.num_presented + stats.num_dropped - len(self.pushed) <= self.num_cancelled
            assert stats.num_queued_pictures == 0
        assert len(set(self.taken)) == len(self.taken)  # none twice
        assert set(self.taken) <= self.pushed
        await self.sync.aclose()
        await self.source.aclose()


@pytest.mark.parametrize("end", ["play it all", "close", "clear"])
@pytest.mark.parametrize("round_", range(15))
def test_everything_at_once(rand: Rand, round_: int, end: str) -> None:
    """Nobody waits for ever, every picture is shown or dropped once, what was cancelled is neither."""
    own = Rand(rand.first_seed + round_)

    async def main() -> None:
        hazard = Hazard(own)
        await hazard.play({"play it all": None, "close": hazard.sync.aclose, "clear": hazard.sync.clear_queue}[end])

    run(main())
