"""AVSynchronizer: audio frames without samples are as if nothing had been pushed."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioSource, AVSynchronizer, VideoSource
from tests.support.clips import Picture, Show, ends, show, sound, times, video
from tests.support.virtual_time import run


@pytest.mark.parametrize("off_s", [0.0, 0.05, -0.05, 0.7, -30.0])
def test_an_empty_frame_moves_no_picture(off_s: float) -> None:
    """Whatever its timestamp says."""

    async def with_empty_frames(watched: Show) -> None:
        for end in ends(0, 3):
            await watched.sync.push(sound(), end)
            await watched.sync.push(AudioFrame.create(48000, 1, 0), end + off_s)

    async def without(watched: Show) -> None:
        await watched.push_audio(ends(0, 3))

    pictures = video(times(0, 3, 30))
    watched, expected = run(show(pictures, with_empty_frames)), run(show(pictures, without))
    assert np.array(watched.shown) == pytest.approx(np.array(expected.shown), abs=1e-6)
    assert np.array(watched.heard) == pytest.approx(np.array(expected.heard), abs=1e-6)


def test_an_empty_frame_is_no_audio_to_wait_for() -> None:
    async def main() -> tuple[float, float]:
        async with (
            AudioSource(48000, 1) as source,
            VideoSource(2, 2) as pictures,
            AVSynchronizer(audio_source=source, video_source=pictures, video_fps=25) as sync,
        ):
            await sync.push(AudioFrame.create(48000, 1, 0), 5.0)
            last_audio_time = sync.last_audio_time
            start = asyncio.get_running_loop().time()
            for i in range(3):
                await sync.push(Picture(i * 0.04), i * 0.04)
            await sync.wait_for_playout()
            return last_audio_time, asyncio.get_running_loop().time() - start

    assert run(main()) == pytest.approx((0.0, 0.08), abs=1e-3)


def test_a_task_that_pushes_empty_frames_lets_others_run() -> None:
    async def main() -> int:
        num_turns = 0

        async def other() -> None:
            nonlocal num_turns
            while True:
                await asyncio.sleep(0)
                num_turns += 1

        task = asyncio.create_task(other())
        async with (
            AudioSource(48000, 1) as source,
            VideoSource(2, 2) as pictures,
            AVSynchronizer(audio_source=source, video_source=pictures, video_fps=25) as sync,
        ):
            for _ in range(10):
                await sync.push(AudioFrame.create(48000, 1, 0))
        task.cancel()
        await asyncio.wait([task])
        return num_turns

    assert run(main()) >= 9
