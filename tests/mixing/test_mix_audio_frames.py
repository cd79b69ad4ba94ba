"""mix_audio_frames is the exact sum of frames, saturated once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioMixer, mix_audio_frames
from tests.support import reference
from tests.support.randomness import Rand


def frame_of(data: bytes, num_channels: int = 1) -> AudioFrame:
    return AudioFrame(data, 48000, num_channels, len(data) // 2 // num_channels)


def expected(frames: list[AudioFrame], gains: list[float] | None) -> list[int]:
    num_channels, longest = frames[0].num_channels, max(frame.samples_per_channel for frame in frames)
    sources = []
    for frame, gain in zip(frames, gains or [1.0] * len(frames), strict=True):
        samples = frame.data.tolist()
        samples += [0] * (longest * num_channels - len(samples))
        sources.append(reference.MixSource(samples, reference.fixed_gain(gain)))
    return reference.mix(sources, longest, num_channels)


@pytest.mark.parametrize("num_frames", [1, 2, 3, 17])
@pytest.mark.parametrize("num_channels", [1, 2, 5])
@pytest.mark.parametrize("with_gains", [False, True])
def test_it_is_the_exact_sum(rand: Rand, num_frames: int, num_channels: int, with_gains: bool) -> None:
    for _ in range(5):
        frames = [frame_of(rand.pcm(rand.randrange(120) * num_channels), num_channels) for _ in range(num_frames)]
        gains = [rand.choice([0, 1, -1, 0.5, rand.uniform(-128, 127.9)]) for _ in frames] if with_gains else None
        mixed = mix_audio_frames(frames, gains)
        assert mixed.data.tolist() == expected(frames, gains)
        assert (mixed.sample_rate, mixed.num_channels) == (48000, num_channels)
        assert mixed.samples_per_channel == max(frame.samples_per_channel for frame in frames)


@pytest.mark.parametrize("num_frames", [2, 40])
def test_long_frames(rand: Rand, num_frames: int) -> None:
    """They are mixed in parts."""
    frames = [frame_of(rand.pcm(2 * rand.randrange(1, 50_000)), 2) for _ in range(num_frames)]
    longest = max(frame.samples_per_channel for frame in frames)
    total = np.zeros((longest, 2), np.int64)
    for frame in frames:
        total[: frame.samples_per_channel] += np.asarray(frame)
    assert np.array_equal(np.asarray(mix_audio_frames(frames)), np.clip(total, -32768, 32767))


def test_it_saturates_once() -> None:
    loud, quiet = frame_of(reference.pcm([30000])), frame_of(reference.pcm([-30000]))
    assert mix_audio_frames([loud, loud, quiet]).data.tolist() == [30000]
    assert mix_audio_frames([loud, loud]).data.tolist() == [32767]
    assert mix_audio_frames([quiet, quiet]).data.tolist() == [-32768]


def test_it_is_what_the_mixer_gives(rand: Rand) -> None:
    frames = [frame_of(rand.pcm(480)) for _ in range(3)]
    gains = [rand.uniform(-2, 2) for _ in frames]

    async def stream(frame: AudioFrame) -> AsyncIterator[AudioFrame]:
        yield frame

    async def main() -> bytes:
        async with AudioMixer(48000, 1, blocksize=480) as mixer:
            for frame, gain in zip(frames, gains, strict=True):
                mixer.add_stream(stream(frame), gain=gain)
            mixer.end_input()
            return bytes((await anext(mixer)).data)

    assert bytes(mix_audio_frames(frames, gains).data) == asyncio.run(main())


def test_the_result_is_new_and_writable(rand: Rand) -> None:
    frame = frame_of(rand.pcm(10))
    mixed = mix_audio_frames(iter([frame]))
    assert bytes(mixed.data) == bytes(frame.data)
    assert not mixed.data.readonly
    assert not np.shares_memory(np.asarray(mixed), np.asarray(frame))
    assert mix_audio_frames([AudioFrame.create(48000, 2, 0)] * 3).samples_per_channel == 0


@pytest.mark.parametrize(
    ("frames", "gains", "error", "message"),
    [
        ([], None, ValueError, "frames: expected 1 to 131071 frames, got 0"),
        ([(48000, 1), (16000, 1)], None, ValueError, "frames: .* 48000 Hz with 1 channels and 16000 Hz with 1"),
        ([(48000, 1), (48000, 2)], None, ValueError, "frames: .* 48000 Hz with 1 channels and 48000 Hz with 2"),
        ([(48000, 129)], None, ValueError, "frames: expected 1 to 128 channels, got 129"),
        ([(48000, 1)], [], ValueError, "gains: expected 1, one for each frame, got 0"),
        ([(48000, 1)], [128], ValueError, "gains: expected a number from -128 to 128, got 128"),
        ([(48000, 1)], [-128], ValueError, "gains: expected a number from -128 to 128, got -128"),
        ([(48000, 1)], ["loud"], TypeError, "gains: expected a number"),
    ],
)
def test_what_it_does_not_take(frames: Any, gains: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        mix_audio_frames([AudioFrame.create(*format, 10) for format in frames], gains)


def test_what_is_no_frame() -> None:
    for wrong in ([b"1234"], [None], [AudioFrame.create(48000, 1, 1), 3]):
        with pytest.raises(TypeError, match="expected an AudioFrame, got"):
            mix_audio_frames(wrong)  # type: ignore[arg-type]
