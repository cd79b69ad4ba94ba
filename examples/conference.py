"""Four people in one mixer that keeps time: each hears all others, and not themselves.

One person's clock is 0.03 % too fast, and the network of another stalls for half a second. The mixer follows the clock
and makes up for the stall, and nobody else notices. The program tells who heard whom, and writes what each person heard
to `conference-NAME.wav`.

    python examples/conference.py [FOLDER]
"""

from __future__ import annotations

import asyncio
import sys
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from livekit_utils import AudioFrame, AudioMixer

RATE = 48000
FRAME = RATE // 100
LENGTH_S = 12.0


class Person(NamedTuple):
    """Somebody with a voice of one pitch, who speaks now and then."""

    name: str
    pitch_hz: float
    turns: tuple[tuple[float, float], ...]  # from when to when, in seconds
    ppm: float = 0.0  # how much too fast the clock is
    stall: tuple[float, float] = (0.0, 0.0)  # from when to when nothing comes

    def frame(self, number: int) -> AudioFrame:
        time_s = (number * FRAME + np.arange(FRAME)) / RATE
        voice = np.zeros(FRAME)
        for begin, end in self.turns:
            # It swells, so that no turn begins or ends with a click.
            loudness = np.clip(np.minimum(time_s - begin, end - time_s) / 0.05, 0, 1)
            voice += 5000 * loudness * np.sin(2 * np.pi * self.pitch_hz * time_s)
        return AudioFrame(voice.astype(np.int16).tobytes(), RATE, 1, FRAME)

    async def speak(self) -> AsyncIterator[AudioFrame]:
        """The stream as it comes from the network, 10 ms at a time."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number in range(round(LENGTH_S * 100)):
            due = (number + 1) / 100 / (1 + self.ppm / 1e6)
            begin, end = self.stall
            if begin <= due < end:
                due = end  # what was held up comes at once
            await asyncio.sleep(max(0.0, start + due - loop.time()))
            yield self.frame(number)


PEOPLE = (
    Person("Ada", 300, ((0.5, 3.5), (8.5, 10.5))),
    Person("Bela", 470, ((3.0, 5.5),), ppm=300),
    Person("Carl", 640, ((5.0, 9.0),), stall=(6.5, 7.0)),
    Person("Dana", 810, ((1.5, 2.5), (9.0, 11.5))),
)


def heard_in(samples: np.ndarray, person: Person) -> float:
    """How loud a person is in 100 ms or so of sound, from 0 to 1."""
    time_s = np.arange(samples.size) / RATE
    turned = samples * np.exp(-2j * np.pi * person.pitch_hz * time_s) * np.hanning(samples.size)
    return float(abs(turned.sum())) * 4 / samples.size / 5000


async def confer() -> dict[str, np.ndarray]:
    """Returns what each person hears."""
    heard: dict[str, list[AudioFrame]] = {person.name: [] for person in PEOPLE}
    async with AudioMixer(RATE, 1, blocksize=FRAME, realtime=True) as mixer:

        async def listen(name: str) -> None:
            async for block in mixer.output(without=name):
                heard[name].append(block)

        for person in PEOPLE:
            mixer.add_stream(person.speak(), name=person.name, live=True)
        listeners = [asyncio.create_task(listen(person.name)) for person in PEOPLE]
        await asyncio.sleep(LENGTH_S - 0.05)
        for name, stats in mixer.stats().streams.items():
            left_out = stats.num_left_out_samples_per_channel * 1000 / RATE
            print(
                f"{name}: clock {stats.ppm:+.0f} ppm, {stats.num_late_blocks} blocks late, {left_out:.0f} ms left out"
            )
        mixer.end_input()
        await asyncio.gather(*listeners)
    return {name: np.frombuffer(b"".join(block.data for block in blocks), np.int16) for name, blocks in heard.items()}


def write(heard: dict[str, np.ndarray], folder: Path) -> None:
    for name, samples in heard.items():
        with wave.open(str(folder / f"conference-{name.lower()}.wav"), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(samples.tobytes())


async def main(folder: Path) -> dict[str, np.ndarray]:
    heard = await confer()
    write(heard, folder)
    for name, samples in heard.items():
        loudest = {
            person.name: max(
                heard_in(samples[at : at + RATE // 10], person) for at in range(0, samples.size, RATE // 10)
            )
            for person in PEOPLE
        }
        print(f"{name} heard {', '.join(other for other, level in loudest.items() if level > 0.1)}")
    return heard


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
