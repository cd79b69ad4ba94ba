"""AVSynchronizer: timestamps of pictures that are a little out of order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from tests.support.clips import AUDIO_S, Picture, Show, audio, ends, show, sound, times
from tests.support.randomness import Rand
from tests.support.virtual_time import run

NUM = 145  # whole groups of three and of four after the first


def swapped(rand: Rand) -> list[float]:
    """Neighbours."""
    return [0, *(i + (i % 2) - (1 - i % 2) for i in range(1, NUM))]


def b_frames(rand: Rand) -> list[float]:
    """As they are decoded: I B B P as 0 3 1 2."""
    return [0, *(3 * (i // 3) + (3, 1, 2)[i % 3] for i in range(NUM - 1))]


def b_pyramid(rand: Rand) -> list[float]:
    return [0, *(4 * (i // 4) + (4, 2, 1, 3)[i % 4] for i in range(NUM - 1))]


def one_swap(rand: Rand) -> list[float]:
    return [*range(70), 71, 70, *range(72, NUM)]


def jittered(rand: Rand) -> list[float]:
    return [0, *(i + rand.uniform(-0.9, 0.9) for i in range(1, NUM))]


PATTERNS = [swapped, b_frames, b_pyramid, one_swap, jittered]


def check_order(watched: Show, fps: float, within: float = 1.0) -> None:
    """Every picture was shown in the order of pushing, near its place."""
    shown = np.array(watched.shown)
    assert shown[:, 1].tolist() == list(range(NUM))
    assert watched.stats.num_dropped == 0
    off = shown[:, 0] - shown[:, 1] / fps
    assert np.abs(off).max() * fps < within + 0.05
    assert np.diff(shown[:, 0]).min() >= 0


async def push_pictures(watched: Show, stamps: list[float], fps: float) -> None:
    for i, stamp in enumerate(stamps):
        await watched.sync.push(Picture(i), stamp / fps)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("fps", [5, 15, 24, 25, 30, 60])
@pytest.mark.parametrize("video_queue_size_ms", [0, 100, 1000])
@pytest.mark.parametrize("heard", [False, True])
def test_two_tasks(
    pattern: Callable[[Rand], list[float]], fps: float, video_queue_size_ms: float, heard: bool, rand: Rand
) -> None:
    stamps = pattern(rand)
    actions = [lambda watched: push_pictures(watched, stamps, fps)]
    if heard:
        actions.append(audio(ends(0, NUM / fps)))
    watched = run(show(*actions, fps=fps, video_queue_size_ms=video_queue_size_ms))
    # A queue of one picture sees one stamp further ahead only: the picture whose push waits.
    check_order(watched, fps, within=2.0 if video_queue_size_ms == 0 and pattern is b_pyramid else 1.0)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("fps", [25, 30])
def test_one_task(pattern: Callable[[Rand], list[float]], fps: float, rand: Rand) -> None:
    async def action(watched: Show) -> None:
        end = 0.0
        for i, stamp in enumerate(pattern(rand)):
            await watched.sync.push(Picture(i), stamp / fps)
            while end < (i + 1) / fps:
                end += AUDIO_S
                await watched.sync.push(sound(), end)

    check_order(run(show(action, fps=fps)), fps)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("late_policy", ["drop", "show"])
def test_a_task_per_picture(pattern: Callable[[Rand], list[float]], late_policy: str, rand: Rand) -> None:
    async def action(watched: Show) -> None:
        stamps = pattern(rand)
        await asyncio.gather(*(watched.sync.push(Picture(i), stamp / 25) for i, stamp in enumerate(stamps)))

    check_order(run(show(action, audio(ends(0, NUM / 25)), fps=25, late_policy=late_policy)), 25)


def test_a_real_jump_back_is_none() -> None:
    """A seek back by 0.4 s: picture and sound start over there."""

    async def action(watched: Show) -> None:
        await watched.push_in_turn(times(0, 4, 25), ends(0, 4))
        await watched.push_in_turn(times(3.6, 6, 25), ends(3.6, 6))

    watched = run(show(action, fps=25))
    assert [time for _, time in watched.shown] == times(0, 4, 25) + times(3.6, 6, 25)
    assert [when for when, _ in watched.shown] == pytest.approx([i / 25 for i in range(160)], abs=0.002)


def test_pictures_that_run_backwards() -> None:
    """Without audio, at their frame rate."""
    stamps = [4 - i / 25 for i in range(100)]
    watched = run(show(lambda watched: watched.push_video(stamps), fps=25))
    assert [time for _, time in watched.shown] == stamps
    assert [when for when, _ in watched.shown] == pytest.approx([i / 25 for i in range(100)], abs=0.13)
