"""Draws docs/tour.png: what the agent and the guest of examples/tour.py say, and the moments that it tells of.

    .venv/bin/python -m tools.draw_tour docs/tour.png

It runs in virtual time and needs matplotlib.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import sys
import textwrap
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from examples.tour import RATE, converse, read
from livekit_utils import AudioFrame, AudioMixer, AudioSource, AudioStream, LocalAudioTrack, combine_audio_frames
from tests.support.virtual_time import run
from tools.colours import TWO

COLOURS = dict(zip(("agent", "guest"), TWO, strict=True))
COLUMNS = 1200


async def talk() -> npt.NDArray[np.int16]:
    """The agent on the left, the guest on the right."""
    announcement, answer = read("speech.wav"), read("guest.wav")
    sources = (AudioSource(announcement.sample_rate, 1, queue_size_ms=10_000), AudioSource(answer.sample_rate, 1))
    streams = [AudioStream(LocalAudioTrack.create_audio_track("", source), sample_rate=RATE) for source in sources]
    async with AudioMixer(RATE, 2, blocksize=RATE // 100, realtime=True) as mixer:
        for stream, pan in zip(streams, (-1.0, 1.0), strict=True):
            mixer.add_stream(stream, pan=pan)
        mixer.end_input()
        blocks: list[AudioFrame] = []

        async def record() -> None:
            async for block in mixer:
                blocks.append(block)

        await asyncio.gather(record(), converse(*sources, announcement, answer))
    for stream in streams:
        await stream.aclose()
    return np.asarray(combine_audio_frames(blocks)).copy()


def main(path: Path) -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        samples = run(talk())
    moments = [(float(second), text) for second, text in re.findall(r"([\d.]+) s  (.*)", said.getvalue())]
    figure = Figure(figsize=(10, 4.2), dpi=120, layout="constrained")
    axes = figure.subplots(2, 1, sharex=True)
    seconds = len(samples) / RATE
    for channel, (name, colour) in enumerate(COLOURS.items()):
        parts = np.array_split(samples[:, channel] / 32768, COLUMNS)
        edges = np.linspace(0, seconds, COLUMNS)
        low, high = [part.min() for part in parts], [part.max() for part in parts]
        axes[channel].fill_between(edges, low, high, color=colour, linewidth=0.3)
        axes[channel].set(ylim=(-0.5, 0.5), yticks=(-0.5, 0, 0.5), xlim=(0, seconds))
        axes[channel].set_ylabel(f"the {name}: amplitude", color=colour)
        for second, _ in moments:
            axes[channel].axvline(second, color="0.25", linewidth=1, linestyle="--")
    for second, text in moments:
        words = textwrap.fill(f"{second:.1f} s: {text}", 26)
        last = second > 0.9 * seconds
        axes[0].annotate(
            words,
            (second, 0.5),
            xytext=(-3 if last else 3, 4),
            textcoords="offset points",
            ha="right" if last else "left",
            fontsize=9,
        )
    axes[1].set_xlabel("time in s")
    figure.savefig(path, metadata={"Software": None})


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "tour.png"))
