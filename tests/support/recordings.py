"""What the tests of the recorder share: a file in memory, streams with a known clock, and where sound lies in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from livekit_utils import AudioFrame, VideoFrame, VideoRotation

Samples = npt.NDArray[np.int16]


class MemoryFile:
    """Stands for a RecordingFile; nothing waits for a thread, which virtual time does not know."""

    made: ClassVar[list[MemoryFile]] = []

    def __init__(self, path: Any, sample_rate: int, num_channels: int, **options: Any) -> None:
        self.path, self.num_channels = Path(path), num_channels
        self.pieces: list[Samples] = []
        self.previews: list[Samples] = []
        self.marks: list[str] = []
        self.num_lost = 0
        self.error: OSError | None = None
        self.ended = False
        self.made.append(self)

    def write(self, samples: Any) -> None:
        assert not self.ended
        self.pieces.append(np.frombuffer(bytes(samples), np.int16).reshape(-1, self.num_channels))

    def silence(self, samples_per_channel: int) -> None:
        assert not self.ended
        self.pieces.append(np.zeros((samples_per_channel, self.num_channels), np.int16))

    has_tail = True

    def tail(self, samples: Any) -> None:
        assert not self.ended
        self.previews.append(np.frombuffer(bytes(samples), np.int16).reshape(-1, self.num_channels))

    def mark(self, line: str) -> None:
        assert not self.ended
        self.marks.append(line)

    def end(self) -> None:
        self.ended = True

    @property
    def is_whole(self) -> bool:
        return self.ended

    async def aclose(self) -> None:
        assert self.ended

    @property
    def samples(self) -> Samples:
        """All of it, of shape (samples, channels)."""
        return np.concatenate([*self.pieces, np.zeros((0, self.num_channels), np.int16)])


class MemoryMovie(MemoryFile):
    """Stands for a MovieFile."""

    has_tail = False
    num_refused = 0

    def __init__(self, path: Any, sample_rate: int, num_channels: int, **options: Any) -> None:
        super().__init__(path, sample_rate, num_channels, **options)
        self.size: tuple[int, int] | None = None
        self.pictures: list[tuple[float, VideoFrame, VideoRotation]] = []
        """Where they are in the file, in seconds."""
        self.is_full = False

    def begin_pictures(self, width: int, height: int) -> None:
        assert self.size is None
        self.size = width, height

    def picture(self, frame: VideoFrame, rotation: VideoRotation, at_s: float) -> bool:
        assert not self.ended
        assert self.size is not None
        assert at_s >= (self.pictures[-1][0] if self.pictures else 0)
        if not self.is_full:
            self.pictures.append((at_s, frame, rotation))
        return not self.is_full

    @property
    def has_ended(self) -> bool:
        return self.ended


def movies_in_memory(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Has recorders write there what is to be MP4 or Matroska; returns the list of the files."""
    MemoryFile.made = []
    monkeypatch.setattr("livekit_utils.recording.file_chain.MovieFile", MemoryMovie)
    monkeypatch.setattr("livekit_utils.recording.video_lane.MovieFile", MemoryMovie)
    return MemoryFile.made


def in_memory(monkeypatch: pytest.MonkeyPatch) -> list[MemoryFile]:
    """Has recorders write there; returns the list of the files."""
    MemoryFile.made = []
    monkeypatch.setattr("livekit_utils.recording.file_chain.RecordingFile", MemoryFile)
    return MemoryFile.made


class Microphone:
    """A live stream of frames of 10 ms, with a click at the beginning of each second of its own clock.

    Args:
        sample_rate: Hz.
        ppm: How much faster than the loop's its clock is.
        lateness: Seconds by which the frame that is over at this time of the clock comes late.
        value: Of the clicks.
        until_s: Its end.
        per_s: Frames in a second.
    """

    def __init__(
        self,
        sample_rate: int,
        *,
        ppm: float = 0.0,
        lateness: Callable[[float], float] = lambda at_s: 0.0,
        until_s: float = float("inf"),
        value: int = 1000,
        per_s: int = 100,
    ) -> None:
        self.sample_rate, self.ppm, self.lateness, self.until_s, self.value = sample_rate, ppm, lateness, until_s, value
        self.per_s = per_s
        self.clicks: list[float] = []  # when they are, by the loop's clock, from the beginning

    async def frames(self) -> AsyncIterator[AudioFrame]:
        loop = asyncio.get_running_loop()
        start, step, number = loop.time(), self.sample_rate // self.per_s, 0
        speed = 1 + self.ppm * 1e-6
        while number / self.per_s < self.until_s:
            number += 1
            over_s = number / self.per_s / speed
            due = start + over_s + self.lateness(over_s)
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            samples = np.zeros(step, np.int16)
            if number % self.per_s == 1:
                samples[0] = self.value
                self.clicks.append((number - 1) / self.per_s / speed)
            yield AudioFrame(samples, self.sample_rate, 1, step)


def clicks(samples: Samples, sample_rate: int, channel: int = 0) -> npt.NDArray[np.float64]:
    """Returns the seconds at which clicks are: peaks above all within 100 ms."""
    loud = np.flatnonzero(np.abs(samples[:, channel].astype(int)) > 100)
    if not len(loud):
        return np.zeros(0)
    groups = np.split(loud, np.flatnonzero(np.diff(loud) > sample_rate // 10) + 1)
    peaks = [group[np.argmax(np.abs(samples[group, channel].astype(int)))] for group in groups]
    return np.array(peaks) / sample_rate
