"""The end of an utterance reaches a stream together with it, not after the silence that tells that it was the end."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioSource, AudioStream, LocalAudioTrack
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.tracks.audio_source import _IDLE_S
from tests.support.randomness import Rand
from tests.support.tape import now
from tests.support.virtual_time import run

RATE = 48000


class Reader:
    """Reads a stream on a source, and notes what comes when."""

    def __init__(self, source: AudioSource) -> None:
        self.stream = AudioStream(LocalAudioTrack.create_audio_track("voice", source), sample_rate=RATE)
        self.frames: list[tuple[float, AudioFrame]] = []
        self._task = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        async for event in self.stream:
            self.frames.append((now(), event.frame))

    @property
    def samples(self) -> bytes:
        return b"".join(bytes(frame.data) for _, frame in self.frames)

    def longest_wait_s(self) -> float:
        """How long somebody who plays what comes without a gap waits for a frame, at most."""
        played_to, longest_s = self.frames[0][0], 0.0
        for when, frame in self.frames:
            longest_s = max(longest_s, when - played_to)
            played_to = max(played_to, when) + frame.duration
        return longest_s

    async def aclose(self) -> None:
        await self.stream.aclose()
        await self._task


def converted(samples: bytes, rate: int) -> bytes:
    converter = FrameConverter(RATE, 1)
    frames = [*converter.push(AudioFrame(samples, rate, 1, len(samples) // 2)), *converter.flush()]
    return b"".join(bytes(frame.data) for frame in frames)


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
@pytest.mark.parametrize("frame_ms", [5, 20, 60])
@pytest.mark.parametrize("excess_s", [0.0, 0.003])
def test_all_of_an_utterance_is_heard_without_a_gap(rate: int, frame_ms: int, excess_s: float, rand: Rand) -> None:
    utterances = [rand.pcm(round((0.2 + excess_s) * rate)) for _ in range(3)]
    size = 2 * (rate * frame_ms // 1000)

    async def main() -> None:
        async with AudioSource(rate, 1) as source:
            for utterance in utterances:
                reader = Reader(source)
                for begin in range(0, len(utterance), size):
                    piece = utterance[begin : begin + size]
                    await source.capture_frame(AudioFrame(piece, rate, 1, len(piece) // 2))
                await asyncio.sleep(2)
                assert reader.samples == converted(utterance, rate)
                assert reader.longest_wait_s() < 0.003  # the resampler's own
                assert reader.stream.idle
                await reader.aclose()

    run(main())


@pytest.mark.parametrize("frame_ms", [10, 20, 50, 100])
def test_a_task_that_captures_in_real_time_may_be_late(frame_ms: int, rand: Rand) -> None:
    """By less than 40 ms: what it captures is one sound, and converted as one."""
    rate, count = 24000, 40
    sound = rand.pcm(count * rate * frame_ms // 1000)
    size = len(sound) // count

    async def main() -> None:
        async with AudioSource(rate, 1) as source:
            reader = Reader(source)
            begin = now()
            for i in range(count):
                await asyncio.sleep(max(0.0, begin + i * frame_ms / 1000 + rand.random() * (_IDLE_S - 0.002) - now()))
                piece = sound[i * size : (i + 1) * size]
                await source.capture_frame(AudioFrame(piece, rate, 1, size // 2))
            await asyncio.sleep(2)
            assert reader.samples == converted(sound, rate)
            await reader.aclose()

    run(main())


def test_what_is_paced_by_waiting_for_playout_is_one_sound(rand: Rand) -> None:
    rate = 24000
    sound = rand.pcm(rate)

    async def main() -> None:
        async with AudioSource(rate, 1) as source:
            reader = Reader(source)
            for i in range(100):
                await source.capture_frame(AudioFrame(sound[480 * i : 480 * (i + 1)], rate, 1, 240))
                await source.wait_for_playout()
            await asyncio.sleep(2)
            assert reader.samples == converted(sound, rate)
            assert np.frombuffer(reader.samples, np.int16).size == RATE
            await reader.aclose()

    run(main())
