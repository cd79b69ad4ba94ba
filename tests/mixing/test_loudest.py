"""num_loudest and active_speakers: who is heard, to the bit where nobody fades."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livekit_utils import AudioFrame, AudioMixer
from tests.support.streams import RATE, TICK, collect, constant, frame, oracle, ready, split, timed
from tests.support.virtual_time import run

BLOCK = 480


def tone(level: float, periods: int, samples: int = BLOCK) -> AudioFrame:
    """`periods` whole periods, so that blocks join without a step."""
    return frame(np.round(level * np.sin(2 * np.pi * periods * np.arange(samples) / samples)))


def voice(levels: Sequence[float], periods: int) -> AsyncIterator[AudioFrame]:
    return timed([tone(level, periods) for level in levels])


def heard_in(block: AudioFrame) -> set[int]:
    """The numbers of periods of the tones in a block, 40 dB below the strongest."""
    spectrum = np.abs(np.fft.rfft(np.frombuffer(block.data, np.int16).astype(float)))
    return set(np.flatnonzero(spectrum > max(spectrum.max() / 100, 200)).tolist())


async def mixed(voices: dict[str, Sequence[float]], num_loudest: int | None) -> list[tuple[set[int], list[str]]]:
    async with AudioMixer(RATE, 1, blocksize=BLOCK, num_loudest=num_loudest) as mixer:
        for number, (name, levels) in enumerate(voices.items()):
            mixer.add_stream(voice(levels, 5 * (number + 1)), name=name)
        return [(heard_in(await anext(mixer)), mixer.active_speakers) for _ in range(len(next(iter(voices.values()))))]


def test_the_loudest_are_heard_and_the_others_are_not() -> None:
    got = run(mixed({"a": [3000] * 50, "b": [9000] * 50, "c": [1000] * 50, "d": [6000] * 50}, 2))
    assert all(heard == {10, 20} for heard, _ in got)
    assert all(names == ["b", "d"] for _, names in got[:-1])


def test_who_speaks_up_takes_the_place_of_the_quietest() -> None:
    got = run(mixed({"a": [3000] * 100, "b": [9000] * 100, "c": [0] * 30 + [12000] * 70}, 2))
    assert all(heard == {5, 10} for heard, _ in got[:30])
    # Within 50 ms, fade and all.
    assert all(heard == {10, 15} for heard, _ in got[35:])
    assert got[-2][1] == ["c", "b"]


def test_hardly_louder_is_not_louder() -> None:
    got = run(mixed({"a": [5000] * 200, "b": [3000, 6000] * 100, "c": [0] * 20 + [6000] * 180}, 2))
    assert all(heard == {5, 10} for heard, _ in got)


def steps(*levels: int) -> AsyncIterator[AudioFrame]:
    """One second of each level."""
    return timed([constant(level, BLOCK) for level in levels for _ in range(100)])


@pytest.mark.parametrize(("level", "speaks"), [(58, False), (59, True)])
def test_speech_is_above_minus_55_dbfs(level: int, speaks: bool) -> None:
    """58.27 of 32768 is."""

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK) as mixer:
            assert mixer.active_speakers == []
            mixer.add_stream(steps(level), name="a")
            for _ in range(90):
                await anext(mixer)
                assert speaks or mixer.active_speakers == []
            assert mixer.active_speakers == ["a"] * speaks

    run(main())


@pytest.mark.parametrize(("level", "is_louder"), [(1400, False), (1430, True)])
def test_a_place_is_taken_from_who_is_3_db_quieter_in_10_ms(level: int, is_louder: bool) -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=2 * BLOCK, num_loudest=1) as mixer:
            mixer.add_stream(steps(1000, 1000))
            mixer.add_stream(steps(0, level))
            mixer.end_input()
            mix = np.concatenate([np.frombuffer(block.data, np.int16) async for block in mixer])
        assert mix[-1] == (level if is_louder else 1000)
        moving = np.flatnonzero((mix != 1000) & (mix != level))
        assert len(moving) == 0 if not is_louder else BLOCK - 4 <= len(moving) <= BLOCK
        if is_louder:
            assert moving[0] % (2 * BLOCK) <= 2
            assert moving[-1] - moving[0] == len(moving) - 1

    run(main())


def test_a_pause_between_words_loses_no_place() -> None:
    words = ([8000] * 30 + [0] * 20) * 4
    got = run(mixed({"a": words, "b": [600] * 200, "c": [300] * 200}, 1))
    spoken = [heard for (heard, _), level in zip(got, words, strict=True) if level]
    assert all(heard == {5} for heard in spoken)


def test_silent_streams_take_nobodys_place() -> None:
    got = run(mixed({"a": [9000] * 20 + [0] * 380, "b": [20] * 400, "c": [0] * 400}, 1))
    assert all(heard == {5} for heard, _ in got[:20])
    assert all(heard == set() for heard, _ in got[21:])
    assert got[10][1] == ["a"]
    assert got[-1][1] == []


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), streams=st.integers(1, 5), spare=st.integers(0, 2))
def test_as_many_as_may_be_heard_are_mixed_to_the_bit(seed: int, streams: int, spare: int) -> None:
    rng = np.random.default_rng(seed)
    signals = [rng.integers(-32768, 32768, int(rng.integers(1, 5000)), dtype=np.int16) for _ in range(streams)]
    gains = [float(rng.uniform(-2, 2)) for _ in signals]

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, stream_timeout_ms=60_000, num_loudest=streams + spare) as mixer:
            for signal, gain in zip(signals, gains, strict=True):
                mixer.add_stream(ready(split(signal, [480] * 20)), gain=gain)
            mixer.end_input()
            return await collect(mixer)

    assert np.array_equal(run(main()), oracle(signals, gains, BLOCK))


def test_places_change_without_a_click() -> None:
    """Two tones that take turns: between the blocks no sample jumps by more than a tone does."""
    turns = [8000] * 40 + [0] * 40

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, num_loudest=1) as mixer:
            mixer.add_stream(timed([tone(level or 100, 5) for level in turns * 3]))
            mixer.add_stream(timed([tone(9000 - level or 100, 5) for level in turns * 3]))
            mixer.end_input()
            return await collect(mixer)

    mix = run(main()).astype(int)
    steepest = 9000 * 2 * np.pi * 5 / BLOCK
    assert np.abs(np.diff(mix)).max() < 1.2 * steepest
    assert np.abs(mix).max() > 7000


def test_everybody_hears_the_loudest_but_themselves() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, num_loudest=2) as mixer:
            outputs = [mixer.output(without=name) for name in "abc"]
            for name, level in zip("abc", (1000, 4000, 8000), strict=True):
                mixer.add_stream(timed([constant(level)] * 20), name=name)
            for _ in range(20):
                assert [int((await anext(output)).data[9]) for output in outputs] == [12000, 8000, 4000]

    run(main())


def test_a_newcomer_is_heard_at_once_where_there_is_room() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, num_loudest=2) as mixer:
            mixer.add_stream(timed([constant(1000)] * 20))
            for _ in range(5):
                await anext(mixer)
            mixer.add_stream(timed([constant(200)] * 15))
            got = [np.frombuffer((await anext(mixer)).data, np.int16) for _ in range(15)]
            assert {value for block in got for value in block.tolist()} == {1000, 1200}

    run(main())


def test_active_speakers_without_num_loudest() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK) as mixer:
            assert mixer.active_speakers == []
            for name, level, gain in (("a", 1000, 1.0), ("b", 4000, 1.0), ("c", 8000, 0.0), ("d", 0, 1.0)):
                mixer.add_stream(timed([constant(level)] * 100), name=name, gain=gain)
            for _ in range(50):
                await anext(mixer)
            assert mixer.active_speakers == ["b", "a"]

    async def late() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK) as mixer:
            mixer.add_stream(timed([constant(1000)] * 100), name="a")
            mixer.add_stream(timed([constant(4000)] * 100), name="b")
            await anext(mixer)
            assert mixer.active_speakers == ["b", "a"]  # the first look sees the last block

    run(main())
    run(late())


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2"])
def test_num_loudest_out_of_range(wrong: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="num_loudest: expected"):
        AudioMixer(RATE, 1, num_loudest=wrong)


def test_streams_that_never_deliver_take_no_place() -> None:
    async def main() -> None:
        async def never() -> AsyncIterator[AudioFrame]:
            await asyncio.sleep(1000)
            yield constant(1)

        async with AudioMixer(RATE, 1, blocksize=BLOCK, num_loudest=1) as mixer:
            mixer.add_stream(never())
            mixer.add_stream(timed([constant(30)] * 20, lambda _: TICK))
            assert [int((await anext(mixer)).data[0]) for _ in range(20)] == [30] * 20

    run(main())
