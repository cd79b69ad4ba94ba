"""What the programs share: sounds, a listener, and what a process holds."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np

from livekit_utils import AudioFrame, AudioStream, InputCapture, LocalAudioTrack
from livekit_utils.devices.backend.memory import CALLBACK_NS

PLAIN: Any = {
    "enable_aec": False,
    "noise_suppression": False,
    "high_pass_filter": False,
    "auto_gain_control": False,
}


def frames(samples: np.ndarray[Any, Any], rate: int = 48_000, channels: int = 1) -> list[AudioFrame]:
    size = rate // 100
    pieces = [samples[i : i + size] for i in range(0, len(samples), size)]
    return [AudioFrame(piece.tobytes(), rate, channels, len(piece)) for piece in pieces]


async def tone(frequency: float = 440, seconds: float = 1e9, rate: int = 48_000) -> AsyncIterator[AudioFrame]:
    """Of 10 ms frames, which never hold two zeros in a row."""
    size = rate // 100
    for start in range(0, round(seconds * rate), size):
        phase = 2 * np.pi * frequency * np.arange(start, start + size) / rate + 1
        yield AudioFrame((8000 * np.sin(phase)).astype(np.int16).tobytes(), rate, 1, size)


class Ear:
    """Listens to a capture's source."""

    def __init__(self, capture: InputCapture, rate: int = 48_000, channels: int = 1) -> None:
        track = LocalAudioTrack.create_audio_track("ear", capture.source)
        self.frames: list[tuple[float, np.ndarray[Any, Any]]] = []  # when it came, samples
        self.behind: list[float] = []  # seconds from the device's block to each of them
        self._capture = capture
        self._stream = AudioStream(track, sample_rate=rate, num_channels=channels)
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        async for event in self._stream:
            now = loop.time()
            self.frames.append((now, np.array(event.frame)))
            link = self._capture.input_stream.link
            if link is not None:
                self.behind.append(now - link.memory.words[CALLBACK_NS] / 1e9)

    @property
    def sound(self) -> np.ndarray[Any, Any]:
        return np.concatenate([samples for _, samples in self.frames])

    async def aclose(self) -> None:
        await self._stream.aclose()
        await self._task


def cpu_s() -> float:
    """Processor time of this process and of those that look after its devices."""
    total = time.process_time()
    for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def holdings() -> dict[str, int]:
    """What this process holds of the system."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {
        "files": len(os.listdir("/proc/self/fd")),
        "threads": int(status["Threads"]),
        "rss_kb": int(status["VmRSS"].split()[0]),
        "children": len(children),
    }
