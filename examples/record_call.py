"""A call of twelve seconds, recorded: the agent on the left, the caller on the right, a room behind both.

The agent speaks, and the caller breaks in over a line that jitters and once stalls for a second. The agent goes on
where it was interrupted. Then the file is read back, and each utterance is found in it: the table tells when it was
said, and where it is.

    python examples/record_call.py [OUT.wav]
"""

import asyncio
import math
import random
import sys
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np

from livekit_utils import AudioFrame, AudioSource, LocalAudioTrack, Recorder, resample_audio

RECORDINGS = Path(__file__).parent / "recordings"
RATE = 48000


def read(name: str) -> AudioFrame:
    with wave.open(str(RECORDINGS / name)) as file:
        data = file.readframes(file.getnframes())
        return AudioFrame(data, file.getframerate(), file.getnchannels(), file.getnframes())


class Line:
    """A telephone line: 20 ms of sound every 20 ms, late by up to 15 ms, silent while nobody speaks. In its sixth
    second nothing comes; then everything at once."""

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._step = sample_rate // 50
        self._left = np.zeros(0, np.int16)
        self._began: asyncio.Future[float] | None = None

    def speak(self, frame: AudioFrame) -> asyncio.Future[float]:
        """Says something; returns a future of the time at which it begins."""
        self._left = np.asarray(frame)[:, 0].copy()
        self._began = asyncio.get_running_loop().create_future()
        return self._began

    async def frames(self) -> AsyncIterator[AudioFrame]:
        loop = asyncio.get_running_loop()
        start, chance = loop.time(), random.Random(1)
        for number in range(1, 10_000):
            over = start + number * self._step / self._sample_rate
            comes = over + chance.uniform(0, 0.015)
            if 5 <= comes - start < 6:
                comes = start + 6
            # What is said is taken when the frame begins, however late it comes.
            begins = over - self._step / self._sample_rate
            await asyncio.sleep(max(0.0, begins - loop.time()))
            said, self._left = self._left[: self._step], self._left[self._step :]
            if len(said) and self._began is not None and not self._began.done():
                self._began.set_result(begins)
            samples = np.zeros(self._step, np.int16)
            samples[: len(said)] = said
            await asyncio.sleep(max(0.0, comes - loop.time()))
            yield AudioFrame(samples, self._sample_rate, 1, self._step)


async def room() -> AsyncIterator[AudioFrame]:
    """Quiet noise, without an end."""
    noise, due = np.random.default_rng(1), asyncio.get_running_loop().time()
    while True:
        due += 0.01
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        yield AudioFrame(noise.normal(0, 100, 480).astype(np.int16), RATE, 1, 480)


async def call(path: Path) -> list[tuple[str, int, AudioFrame, float]]:
    """Records the call. Returns what was said: its name, its channel, its sound, and the second at which it began."""
    announcement, answer = read("speech.wav"), read("guest.wav")
    agent = AudioSource(announcement.sample_rate, 1, queue_size_ms=10_000)
    line = Line(answer.sample_rate)
    said: list[tuple[str, int, AudioFrame, float]] = []

    async with Recorder(path, sample_rate=RATE, num_channels=2, overwrite=True) as recorder:
        start = asyncio.get_running_loop().time()
        recorder.add_track(LocalAudioTrack.create_audio_track("agent", agent), channel=0)
        recorder.add_stream(line.frames(), channel=1, name="caller")
        recorder.add_stream(room(), gain=0.3, name="room")

        await asyncio.sleep(1)
        said.append(("the agent speaks", 0, announcement, recorder.duration_s))
        await agent.capture_frame(announcement)
        await asyncio.sleep(2.4)

        recorder.mark("the caller breaks in")
        unsaid = agent.clear_queue(fade_ms=40)
        began = await line.speak(answer)
        said.append(("the caller breaks in", 1, answer, began - start))
        await asyncio.sleep(answer.duration + 0.5)

        recorder.mark("the agent goes on")
        said.append(("the agent goes on", 0, unsaid[0], recorder.duration_s))
        for frame in unsaid:
            await agent.capture_frame(frame)
        await agent.wait_for_playout()
        await agent.aclose()
        await asyncio.sleep(1)
        for name, stats in recorder.stats().streams.items():
            print(f"{name}: {stats.recorded_s:.1f} s, {stats.num_gaps} gaps, clock off by {stats.ppm:+.0f} ppm")
        print(f"{recorder.duration_s:.3f} s on the clock")
    return said


def find(recorded: np.ndarray, frame: AudioFrame, near_s: float) -> float:
    """Returns the second at which the first second of a sound is, within half a second of `near_s`."""
    sound = np.asarray(resample_audio(frame, frame.sample_rate, RATE), float)[:RATE, 0]
    first = max(0, round((near_s - 0.5) * RATE))
    part = recorded[first : first + len(sound) + RATE].astype(float)
    size = 1 << math.ceil(math.log2(len(part) + len(sound)))
    alike = np.fft.irfft(np.fft.rfft(part, size) * np.conj(np.fft.rfft(sound, size)), size)
    return (first + int(np.argmax(alike[:RATE]))) / RATE


async def main(path: Path) -> list[float]:
    said = await call(path)
    with wave.open(str(path)) as file:
        recorded = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    print(f"{len(recorded) / RATE:.3f} s in the file")
    print(f"{'':22}{'said at':>9}{'found at':>10}{'off':>12}")
    offs = []
    for name, channel, frame, at_s in said:
        found_s = find(recorded[:, channel], frame, at_s)
        offs.append((found_s - at_s) * 1000)
        print(f"{name:22}{at_s:7.3f} s{found_s:8.3f} s{offs[-1]:+9.2f} ms")
    return offs


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "call.wav")))
