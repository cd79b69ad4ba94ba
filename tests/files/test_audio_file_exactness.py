"""AudioFile against an oracle: the samples that were written, taken in parts, repeated, and converted in one piece."""

from __future__ import annotations

import asyncio
import io
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils import AudioFile, AudioFrame, resample_audio
from tests.support.sound_files import encode

RATES = st.sampled_from([8000, 11025, 16000, 22050, 24000, 32000, 44100, 44101, 48000, 96000])


def noise(num: int, channels: int) -> Any:
    return np.random.default_rng(num).integers(-20000, 20000, (num, channels)).astype(np.int16)


def expected(samples: Any, rate: int, out: int) -> Any:
    """What comes out of these samples, converted in one piece."""
    channels = samples.shape[1]
    if not len(samples):
        return samples
    converted = resample_audio(np.ascontiguousarray(samples), rate, out, num_channels=channels)
    return np.asarray(converted).reshape(-1, channels)


def check(frames: list[AudioFrame], samples: Any, rate: int, out: int, *, is_whole: bool = True) -> None:
    channels = samples.shape[1]
    got = np.frombuffer(b"".join(bytes(frame.data) for frame in frames), np.int16).reshape(-1, channels)
    if is_whole:
        assert len(got) == round(len(samples) * out / rate)
    want = expected(samples, rate, out)[: len(got)]
    assert len(want) == len(got)
    assert np.abs(got.astype(int) - want).max(initial=0) <= (0 if rate == out else 1)


class Reader:
    """Reads with a plain or an async iteration."""

    def __init__(self, file: AudioFile, is_async: bool) -> None:
        self._file, self._is_async = file, is_async

    async def next(self) -> AudioFrame | None:
        return await anext(self._file, None) if self._is_async else next(self._file, None)

    async def read(self, most: int = 10**9) -> list[AudioFrame]:
        frames: list[AudioFrame] = []
        while len(frames) < most and (frame := await self.next()) is not None:
            frames.append(frame)
        return frames


@given(
    rate=RATES,
    out=RATES,
    num=st.integers(1, 4000),
    channels=st.integers(1, 3),
    format=st.sampled_from(["WAV", "FLAC", "AIFF", "joined"]),
    size_ms=st.sampled_from([3, 7.5, 10, 20, 1000]),
    part=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    moves=st.lists(st.tuples(st.integers(0, 30), st.floats(0, 1), st.booleans()), max_size=3),
)
def test_parts_and_seeks(
    rate: int,
    out: int,
    num: int,
    channels: int,
    format: str,
    size_ms: float,
    part: tuple[float, float],
    moves: list[tuple[int, float, bool]],
) -> None:
    samples = noise(num, channels)
    if format == "joined":
        data = b"".join(
            encode(piece, rate, "WAV") for piece in (samples[: num // 3], samples[num // 3 :]) if len(piece)
        )
    else:
        data = encode(samples, rate, format)
    start_s, end_s = sorted(num / rate * share for share in part)
    start, end = round(Fraction(start_s) * rate), round(Fraction(end_s) * rate)
    if start_s == end_s:
        end_s, end = None, num

    async def main() -> None:
        async with AudioFile(
            io.BytesIO(data), sample_rate=out, frame_size_ms=size_ms, start_s=start_s, end_s=end_s
        ) as f:
            place = start
            for num_frames, share, is_async in moves:
                frames = await Reader(f, is_async).read(num_frames)
                check(frames, samples[place:end], rate, out, is_whole=False)
                place = start + int((end - start) * share)
                f.seek(place / rate)
                assert abs(f.position_s - place / rate) < 1e-9
            for is_async in (True, False):
                check(await Reader(f, is_async).read(), samples[place:end], rate, out)
                assert f.position_s * rate - end < 1e-6
                place = start
                f.seek(start / rate)

    asyncio.run(main())


@given(
    rate=RATES,
    out=RATES,
    num=st.integers(1, 3000),
    part=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    num_frames=st.integers(1, 25),
    is_async=st.booleans(),
    again=st.floats(0, 0.999),
)
def test_loops(
    rate: int, out: int, num: int, part: tuple[float, float], num_frames: int, is_async: bool, again: float
) -> None:
    """Pass follows pass as if they were one long sound, from wherever it begins."""
    samples = noise(num, 1)
    start, end = sorted(round(num * share) for share in part)
    if start == end:
        start, end = 0, num
    loop = samples[start:end]
    num_out = max(num_frames * max(1, out // 100), 1)
    num_passes = -(-num_out * rate // (out * len(loop))) + 2

    async def main() -> None:
        arguments: dict[str, Any] = {"sample_rate": out, "start_s": start / rate, "end_s": end / rate, "loop": True}
        async with AudioFile(io.BytesIO(encode(samples, rate, "WAV")), **arguments) as file:
            for first in (None, int(again * len(loop))):
                if first is not None:
                    file.seek((start + first) / rate)
                first = first or 0
                frames = await Reader(file, is_async).read(num_frames)
                assert len(frames) == num_frames
                # The oracle ends with silence, the loop does not: the end of it is left out.
                whole = np.concatenate([loop[first:], *[loop] * num_passes, *[loop] * (1 + 2000 // len(loop))])
                whole = whole[: num_out * rate // out + 2000]
                check(frames, whole, rate, out, is_whole=False)
                played = sum(frame.samples_per_channel for frame in frames) / out
                place = (first / rate + played) % (len(loop) / rate) + start / rate
                distance = abs(file.position_s - place)
                assert min(distance, len(loop) / rate - distance) < 1e-9

    asyncio.run(main())
