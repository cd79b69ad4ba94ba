"""Draws docs/recording.png: a conversation as it was, as a mixer's blocks in a file, and as Recorder records it.

    .venv/bin/python -m tools.draw_recording docs/recording.png

It runs in virtual time and needs matplotlib.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from livekit_utils import AudioFrame, AudioMixer, AudioSource, AudioStream, LocalAudioTrack, Recorder
from tests.support.virtual_time import run
from tools.colours import TWO

mpl.use("Agg")
import matplotlib.pyplot as plt

RATE = 8000
NAMES = ("agent", "caller")
COLOURS = TWO

# Who speaks, when, and for how long; in seconds. The agent is interrupted at 7.4 s.
TURNS = [(0, 0.5, 1.6), (1, 2.6, 1.2), (0, 5.6, 1.8), (1, 7.3, 1.4), (0, 10.2, 1.0)]
LENGTH_S = 12.0


def speech(seconds: float) -> np.ndarray[Any, Any]:
    time_s = np.arange(round(seconds * RATE)) / RATE
    swell = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * time_s) * np.sin(2 * np.pi * 1.3 * time_s)
    return (9000 * swell * np.sin(2 * np.pi * 180 * time_s)).astype(np.int16)


class Conversation:
    """Two sources, which say their turns, and have more to say than they come to."""

    def __init__(self) -> None:
        self.sources = [AudioSource(RATE, 1, queue_size_ms=10_000) for _ in NAMES]
        self.tracks = [
            LocalAudioTrack.create_audio_track(name, source) for name, source in zip(NAMES, self.sources, strict=True)
        ]

    async def run(self) -> None:
        start = asyncio.get_running_loop().time()
        await asyncio.gather(*[self._speak(who, start) for who in range(len(NAMES))])
        await _until(start + LENGTH_S)
        for source in self.sources:
            await source.aclose()

    async def _speak(self, speaker: int, start: float) -> None:
        for who, begin_s, length_s in TURNS:
            if who == speaker:
                await _until(start + begin_s)
                samples = speech(length_s + 1)
                await self.sources[who].capture_frame(AudioFrame(samples, RATE, 1, len(samples)))
                await _until(start + begin_s + length_s - 0.01)
                self.sources[who].clear_queue()


async def _until(at: float) -> None:
    await asyncio.sleep(at - asyncio.get_running_loop().time())


def as_it_was() -> np.ndarray[Any, Any]:
    samples = np.zeros((round(LENGTH_S * RATE), 2), np.int16)
    for who, begin_s, length_s in TURNS:
        first, sound = round(begin_s * RATE), speech(length_s)
        samples[first : first + len(sound), who] = sound
    return samples


async def by_mixer() -> np.ndarray[Any, Any]:
    conversation = Conversation()

    async def one_side(channel: int) -> AsyncIterator[AudioFrame]:
        async for event in AudioStream(conversation.tracks[channel], sample_rate=RATE):
            sides = np.zeros((event.frame.samples_per_channel, 2), np.int16)
            sides[:, channel] = np.asarray(event.frame)[:, 0]
            yield AudioFrame(sides, RATE, 2, len(sides))

    async with AudioMixer(RATE, 2, blocksize=RATE // 100) as mixer:
        for channel in (0, 1):
            mixer.add_stream(one_side(channel))
        mixer.end_input()
        talking = asyncio.create_task(conversation.run())
        blocks = [np.asarray(block).copy() async for block in mixer]
        await talking
    return np.concatenate(blocks)


async def by_recorder() -> np.ndarray[Any, Any]:
    conversation = Conversation()
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/call.wav"
        async with Recorder(path, sample_rate=RATE) as recorder:
            for channel, track in enumerate(conversation.tracks):
                recorder.add_track(track, channel=channel)
            await conversation.run()
        with wave.open(path) as file:
            return np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)


def draw(path: Path) -> None:
    rows = {
        "as it was": as_it_was(),
        "Recorder": run(by_recorder()),
        "the blocks of a mixer, one after the other": run(by_mixer()),
    }
    figure, axes = plt.subplots(3, 1, figsize=(10, 4.6), sharex=True, layout="constrained")
    for axis, (title, samples) in zip(axes, rows.items(), strict=True):
        for channel, (name, colour) in enumerate(zip(NAMES, COLOURS, strict=True)):
            time_s = np.arange(len(samples)) / RATE
            axis.plot(time_s, samples[:, channel] / 20_000 + 0.5 - channel, color=colour, linewidth=0.4, label=name)
        axis.axvspan(len(samples) / RATE, LENGTH_S + 0.3, color="#eeeeee")
        axis.set_title(f"{title}: {len(samples) / RATE:.2f} s", loc="left", fontsize=10)
        axis.set_yticks([0.5, -0.5], NAMES)
        axis.set_xlim(0, LENGTH_S + 0.3)
        axis.set_ylim(-1, 1)
    axes[-1].set_xlabel("time in s")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    draw(Path(sys.argv[1] if len(sys.argv) > 1 else "recording.png"))
