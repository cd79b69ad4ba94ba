"""AVSynchronizer: who owns the memory of the pictures that wait, and what frames without samples change."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioSource, AVSynchronizer, VideoBufferType, VideoFrame
from tests.support.clips import AUDIO_S, ends, show, sound, times, video
from tests.support.virtual_time import run

SIZE = (2, 2)
NUM_BYTES = 16


class Drawn(VideoFrame):
    """A frame of the user's own class, with what belongs to it."""

    def __init__(self, canvas: Any, number: int) -> None:
        super().__init__(*SIZE, VideoBufferType.RGBA, canvas)
        self.number = number


def sdk_frame(canvas: Any, number: int) -> Any:
    rtc = pytest.importorskip("livekit.rtc")
    return rtc.VideoFrame(*SIZE, rtc.VideoBufferType.RGBA, canvas)


def own_frame(canvas: Any, number: int) -> VideoFrame:
    return VideoFrame(*SIZE, VideoBufferType.RGBA, canvas)


class Screen:
    def __init__(self) -> None:
        self.frames: list[Any] = []
        self.numbers: list[int] = []

    def capture_frame(self, frame: Any) -> None:
        self.frames.append(frame)
        assert len(set(bytes(frame.data))) == 1
        self.numbers.append(frame.data[0])


def play(push: Callable[[AVSynchronizer, Screen], Any], **options: Any) -> Screen:
    async def main() -> Screen:
        screen = Screen()
        async with (
            AudioSource(48000, 1) as source,
            AVSynchronizer(audio_source=source, video_source=screen, video_fps=30, **options) as sync,
        ):
            await push(sync, screen)
            await sync.wait_for_playout()
        return screen

    return run(main())


@pytest.mark.parametrize("make", [own_frame, Drawn, sdk_frame])
@pytest.mark.parametrize("stamped", [False, True])
@pytest.mark.parametrize("queue_size_ms", [0, 100, 1000])
def test_one_canvas_for_all_pictures(make: Callable[[Any, int], Any], stamped: bool, queue_size_ms: float) -> None:
    """The maker draws the next picture as soon as the push has returned."""

    async def draw(sync: AVSynchronizer, screen: Screen) -> None:
        canvas = bytearray(NUM_BYTES)
        for i in range(60):
            canvas[:] = bytes([i]) * NUM_BYTES
            await sync.push(make(canvas, i), i / 30 if stamped else None)
            if stamped:
                await sync.push(sound(1 / 30), (i + 1) / 30)
        canvas[:] = bytes([99]) * NUM_BYTES

    screen = play(draw, video_queue_size_ms=queue_size_ms)
    assert screen.numbers == list(range(60))
    assert len({type(frame) for frame in screen.frames}) == 1
    if make is Drawn:
        assert [frame.number for frame in screen.frames] == list(range(60))


@pytest.mark.parametrize(
    "over",
    [
        bytearray,
        lambda pixels: memoryview(bytearray(pixels)).toreadonly(),
        lambda pixels: np.frombuffer(bytearray(pixels), np.uint8),
    ],
    ids=["bytearray", "read-only view", "numpy"],
)
def test_what_waits_has_memory_of_its_own(over: Callable[[bytes], Any]) -> None:
    async def push(sync: AVSynchronizer, screen: Screen) -> None:
        await asyncio.gather(*(sync.push(own_frame(frame_over, 0), i / 10) for i, frame_over in enumerate(memory)))
        assert screen.frames[0].data.obj is memoryview(memory[0]).obj  # it went straight out

    memory = [over(bytes(NUM_BYTES)) for _ in range(8)]
    screen = play(push)
    for frame, pixels in zip(screen.frames[1:], memory[1:], strict=True):
        assert not np.shares_memory(np.frombuffer(frame.data, np.uint8), np.frombuffer(pixels, np.uint8))


@pytest.mark.parametrize("make", [own_frame, Drawn, sdk_frame])
def test_pictures_over_bytes_are_not_copied(make: Callable[[Any, int], Any]) -> None:
    frames = [make(bytes(NUM_BYTES), i) for i in range(10)]

    async def push(sync: AVSynchronizer, screen: Screen) -> None:
        for i, frame in enumerate(frames):
            await sync.push(frame, i / 10)

    assert all(shown is frame for shown, frame in zip(play(push).frames, frames, strict=True))


def test_pictures_that_go_straight_out_are_not_copied() -> None:
    frames = [own_frame(bytearray(NUM_BYTES), i) for i in range(10)]

    async def push(sync: AVSynchronizer, screen: Screen) -> None:
        for i, frame in enumerate(frames):
            await sync.push(frame, i / 10)
            assert len(screen.frames) == i + 1
            await asyncio.sleep(0.1)

    assert all(shown is frame for shown, frame in zip(play(push).frames, frames, strict=True))


def test_frames_of_another_kind_are_passed_on() -> None:
    """A video source of the user's may take what this package does not know."""

    class Texture:
        width, height = SIZE

    shown: list[Any] = []

    class TextureScreen:
        def capture_frame(self, frame: Any) -> None:
            shown.append(frame)

    textures = [Texture() for _ in range(5)]

    async def main() -> None:
        async with (
            AudioSource(48000, 1) as source,
            AVSynchronizer(audio_source=source, video_source=TextureScreen(), video_fps=30) as sync,
        ):
            for texture in textures:
                await sync.push(texture)
            await sync.wait_for_playout()

    run(main())
    assert shown == textures


# -- frames without samples -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stamp", [None, 0.0, 0.5, 7.0, -3.0])
@pytest.mark.parametrize("when", ["before", "between", "after"])
def test_audio_frames_of_no_samples_change_nothing(stamp: float | None, when: str) -> None:
    def play_clip(empty: bool) -> list[float]:
        async def talk(watched: Any) -> None:
            async def say_nothing(at: str) -> None:
                if empty and at == when:
                    await watched.sync.push(sound(0), stamp)

            await say_nothing("before")
            assert watched.sync.last_audio_time == 0
            for end in ends(0, 3):
                await watched.push_audio([end])
                await say_nothing("between")
            await watched.audio.wait_for_playout()
            await say_nothing("after")
            await asyncio.sleep(0.5)
            await watched.push_audio(ends(3.5, 4))

        watched = run(show(video(times(0, 4, 30)), talk))
        shown = [value for pair in watched.shown for value in pair]
        return [*shown, watched.sync.last_audio_time, *dataclasses.astuple(watched.stats)]

    assert play_clip(True) == pytest.approx(play_clip(False), abs=1e-6)


def test_audio_frames_of_no_samples_wait_for_nothing() -> None:
    async def push(sync: AVSynchronizer, screen: Screen) -> None:
        await sync.push(sound(1), 1)
        waiting = asyncio.create_task(sync.push(sound(1), 2))
        await asyncio.sleep(0)
        await asyncio.wait_for(sync.push(sound(0), 2), AUDIO_S)
        assert not waiting.done()
        await waiting

    play(push)


def test_first_pictures_that_wait_for_their_sound_are_safe() -> None:
    """Two tasks push before any audio tells that the pictures have to wait."""

    async def push(sync: AVSynchronizer, screen: Screen) -> None:
        canvases = [bytearray(NUM_BYTES), bytearray(NUM_BYTES)]

        async def draw(number: int) -> None:
            canvases[number][:] = bytes([number]) * NUM_BYTES
            await sync.push(own_frame(canvases[number], number), 1 + number / 30)
            canvases[number][:] = bytes([99]) * NUM_BYTES

        await asyncio.gather(draw(0), draw(1), sync.push(sound(1.5), 1.5))

    assert play(push).numbers == [0, 1]
