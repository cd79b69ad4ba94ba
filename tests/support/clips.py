"""Clips to play through a synchronizer, and somebody who notes what is shown and what is heard when."""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from livekit_utils import (
    AudioFrame,
    AudioSource,
    AVSynchronizer,
    AVSynchronizerStats,
    VideoBufferType,
    VideoFrame,
)

RATE = 48000
AUDIO_S = 0.02


class Picture(VideoFrame):
    """A picture with the time at which it is to be shown."""

    def __init__(self, time: float) -> None:
        super().__init__(2, 2, VideoBufferType.RGBA, bytes(16))
        self.time = time


def now() -> float:
    return asyncio.get_running_loop().time()


def times(start: float, end: float, fps: float) -> list[float]:
    return [start + i / fps for i in range(round((end - start) * fps))]


def sound(seconds: float = AUDIO_S, sample_rate: int = RATE) -> AudioFrame:
    return AudioFrame.create(sample_rate, 1, round(sample_rate * seconds))


def ends(start: float, end: float, seconds: float = AUDIO_S) -> list[float]:
    return [start + (i + 1) * seconds for i in range(round((end - start) / seconds))]


@dataclass
class Show:
    """A synchronizer with our sources: what comes out of it, in seconds from the start."""

    sync: AVSynchronizer
    audio: AudioSource
    start: float
    shown: list[tuple[float, float]] = field(default_factory=list)
    """When, and the picture's time."""
    heard: list[tuple[float, int]] = field(default_factory=list)
    """When, and how many samples."""
    fails: Callable[[float], bool] = lambda time: False

    # As a video source.
    def capture_frame(self, frame: Any) -> None:
        if self.fails(frame.time):
            raise OSError("no screen")
        self.shown.append((now() - self.start, frame.time))

    # As a stream of the audio source.
    def _receive(self, frame: AudioFrame) -> None:
        self.heard.append((now() - self.start, frame.samples_per_channel))

    def _on_idle(self) -> None: ...

    def _end(self) -> None: ...

    async def push_video(self, frame_times: Iterable[float], stamped: bool = True) -> None:
        for time in frame_times:
            await self.sync.push(Picture(time), time if stamped else None)

    async def push_audio(self, end_times: Iterable[float], seconds: float = AUDIO_S) -> None:
        for end in end_times:
            await self.sync.push(sound(seconds), end)

    async def push_in_turn(self, frame_times: Iterable[float], end_times: Iterable[float]) -> None:
        items = [(time, 0, time) for time in frame_times] + [(end - AUDIO_S + 1e-6, 1, end) for end in end_times]
        for _, is_audio, time in sorted(items):
            await self.sync.push(sound() if is_audio else Picture(time), time)

    @property
    def stats(self) -> AVSynchronizerStats:
        return self.sync.stats()

    def heard_with(self) -> list[tuple[float, float, float]]:
        """When each picture was shown, its time, and how much audio had been heard by then; while some was."""
        begins = [when for when, _ in self.heard]
        media, total = [], 0.0
        for _, samples in self.heard:
            media.append(total)
            total += samples / RATE
        found = []
        for when, time in self.shown:
            last = bisect.bisect_right(begins, when + 1e-9) - 1
            if last >= 0 and when - begins[last] <= 0.0101:
                found.append((when, time, media[last] + when - begins[last]))
        return found

    def offsets_ms(self) -> list[tuple[float, float]]:
        """When each picture was shown, and how long before its sound, where the audio is timestamped from 0 on without
        jumps."""
        return [(when, 1000 * (time - heard)) for when, time, heard in self.heard_with()]


async def show(
    *actions: Callable[[Show], Awaitable[object]],
    fps: float = 30,
    queue_size_ms: float = 1000,
    **options: Any,
) -> Show:
    """Runs the actions side by side, and waits until all is played."""
    audio = AudioSource(RATE, 1, queue_size_ms)
    result = Show(None, audio, now())  # type: ignore[arg-type]
    result.sync = AVSynchronizer(audio_source=audio, video_source=result, video_fps=fps, **options)
    audio._fan_out.attach(result)
    await asyncio.gather(*(action(result) for action in actions))
    await result.sync.wait_for_playout()
    await result.sync.aclose()
    await audio.aclose()
    return result


def video(frame_times: Iterable[float], start: float = 0.0, stamped: bool = True) -> Callable[[Show], Awaitable[None]]:
    async def action(watched: Show) -> None:
        await asyncio.sleep(start)
        await watched.push_video(frame_times, stamped)

    return action


def audio(
    end_times: Iterable[float], start: float = 0.0, seconds: float = AUDIO_S
) -> Callable[[Show], Awaitable[None]]:
    async def action(watched: Show) -> None:
        await asyncio.sleep(start)
        await watched.push_audio(end_times, seconds)

    return action
