"""The outputs of an AudioMixer: who hears whom, to the bit, and how they live and end. All in virtual time."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import weakref
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livekit_utils import AudioFrame, AudioMixer
from tests.support.streams import RATE, TICK, collect, constant, oracle, ready, split, timed
from tests.support.virtual_time import run

BLOCK = 480


def values(block: AudioFrame) -> np.ndarray:
    return np.frombuffer(block.data, np.int16)


async def read_all(stream: Any) -> np.ndarray:
    return await collect(stream)


async def forever(value: int, tick: float = TICK) -> AsyncIterator[AudioFrame]:
    while True:
        await asyncio.sleep(tick)
        yield constant(value, BLOCK)


# -- who hears whom ---------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    people=st.integers(1, 6),
    channels=st.integers(1, 2),
    block=st.sampled_from([7, 160, 480, 1000]),
    unity=st.booleans(),
)
def test_everybody_hears_the_exact_sum_of_the_others(
    seed: int, people: int, channels: int, block: int, unity: bool
) -> None:
    rng = np.random.default_rng(seed)
    signals = [
        rng.integers(-32768, 32768, int(rng.integers(1, 3000)) * channels, dtype=np.int16) for _ in range(people)
    ]
    gains = [1.0 if unity else float(rng.uniform(-2, 2)) for _ in signals]

    async def main() -> list[np.ndarray]:
        async with AudioMixer(RATE, channels, blocksize=block, stream_timeout_ms=60_000, capacity=3) as mixer:
            outputs: list[Any] = [mixer]
            for i, (signal, gain) in enumerate(zip(signals, gains, strict=True)):
                pieces = split(signal, [int(n) for n in rng.integers(0, 700, 200)], channels)
                mixer.add_stream(timed(pieces, lambda _: float(rng.uniform(0, 0.02))), gain=gain, name=str(i))
                outputs.append(mixer.output(without=str(i)))
            mixer.end_input()
            return list(await asyncio.gather(*map(read_all, outputs)))

    whole, *heard = run(main())
    assert np.array_equal(whole, oracle(signals, gains, block, channels))
    for i, got in enumerate(heard):
        others = [np.zeros_like(signal) if k == i else signal for k, signal in enumerate(signals)]
        assert np.array_equal(got, oracle(others, gains, block, channels)), i


def test_joins_leaves_and_stalls(rand: Any) -> None:
    """Each person says one power of two, so that a sample tells who is heard."""

    async def person(number: int, plan: random.Random) -> AsyncIterator[AudioFrame]:
        for _ in range(plan.randrange(5, 60)):
            await asyncio.sleep(TICK if plan.random() < 0.95 else plan.uniform(0, 0.4))
            yield constant(1 << number, BLOCK)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK) as mixer:
            outputs = [mixer.output(without={f"p{number}"}) for number in range(12)]
            blocks: list[list[np.ndarray]] = [[] for _ in range(13)]

            async def read(stream: Any, into: list[np.ndarray]) -> None:
                async for block in stream:
                    into.append(values(block))

            async def coming_and_going() -> None:
                for number in rand.sample(range(12), 12):
                    stream = person(number, random.Random(rand.random()))
                    mixer.add_stream(stream, name=f"p{number}")
                    await asyncio.sleep(rand.uniform(0, 0.2))
                    if rand.random() < 0.3:
                        mixer.remove_stream(stream)
                mixer.end_input()

            streams = [*outputs, mixer]
            await asyncio.gather(*map(read, streams, blocks), coming_and_going())
            whole = np.concatenate(blocks[12])
            assert len(whole) > 10 * BLOCK
            assert len(set(whole.tolist())) > 3
            for number in range(12):
                assert np.array_equal(np.concatenate(blocks[number]), whole & ~(1 << number))

    run(main())


def test_what_without_may_be() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK) as mixer:
            a, b, c = (ready([constant(value)]) for value in (1, 2, 4))
            outputs = [
                mixer.output(without)
                for without in (None, a, "b", {a, "c"}, [a, b, c], (), frozenset(), {"x": 1}.keys(), ready([]), "b")
            ]
            for stream, name in ((a, "a"), (b, "b"), (c, "c")):
                mixer.add_stream(stream, name=name)
            mixer.end_input()
            heard = [int((await anext(output)).data[0]) for output in outputs]
            assert heard == [7, 6, 5, 2, 0, 7, 7, 7, 7, 5]
            assert int((await anext(mixer)).data[0]) == 7

    run(main())


@pytest.mark.parametrize("without", [5, object(), b"a", ["a", 5], {None}])
def test_what_without_may_not_be(without: Any) -> None:
    with pytest.raises(TypeError, match="without: expected"):
        AudioMixer(RATE, 1).output(without)


def test_a_name_counts_whoever_has_it() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK) as mixer:
            output = mixer.output(without="a")
            base, first, second = forever(1), forever(2), forever(4)
            mixer.add_stream(base)
            heard = []
            for stream in (None, first, None, second):
                if stream is not None:
                    mixer.add_stream(stream, name="a")
                for _ in range(4):
                    heard.append(int((await anext(output)).data[0]))
                if stream is first:
                    mixer.remove_stream(stream)
            assert heard == [1] * 16

    run(main())


def test_an_output_of_a_running_mixer_begins_with_the_next_block() -> None:
    async def main() -> None:
        blocks = [constant(i, BLOCK) for i in range(1, 11)]
        async with AudioMixer(RATE, 1, blocksize=BLOCK) as mixer:
            mixer.add_stream(timed(blocks))
            mixer.end_input()
            for _ in range(4):
                await anext(mixer)
            output = mixer.output()
            assert [int(block.data[0]) async for block in output] == [5, 6, 7, 8, 9, 10]

    run(main())


def test_blocks_of_two_readers_share_no_memory() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK) as mixer:
            outputs = [mixer, mixer.output(), mixer.output("nobody")]
            mixer.add_stream(ready([constant(3)]))
            blocks = [await anext(output) for output in outputs]
            blocks[0].data[0] = 9
            assert [block.data[0] for block in blocks] == [9, 3, 3]

    run(main())


# -- who is waited for ------------------------------------------------------------------------------------------------


def numbered(count: int) -> AsyncIterator[AudioFrame]:
    return ready([constant(i, BLOCK) for i in range(count)])


@pytest.mark.parametrize("delays", [(0, 0, 0), (0, 0.01, 0.05), (0.05, 0, 0.01)])
def test_readers_of_any_speed_lose_nothing(delays: tuple[float, float, float]) -> None:
    async def read(stream: Any, delay: float) -> list[int]:
        got = []
        async for block in stream:
            got.append(int(block.data[0]))
            if delay:
                await asyncio.sleep(delay)
        return got

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, capacity=2) as mixer:
            mixer.add_stream(numbered(300))
            mixer.end_input()
            streams = [mixer, mixer.output(), mixer.output("nobody")]
            assert await asyncio.gather(*map(read, streams, delays)) == [list(range(300))] * 3
            assert mixer.stats().num_dropped_blocks == 0

    run(main())


@pytest.mark.parametrize("unread", ["mixer", "output", "both"])
def test_who_never_reads_holds_nobody_up(unread: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, capacity=5) as mixer:
            first, other, reader = mixer.output(), mixer.output(), mixer.output()
            if unread == "mixer":
                await first.aclose()
                await other.aclose()
            idle: Any = mixer if unread == "mixer" else first
            mixer.add_stream(timed([constant(i, BLOCK) for i in range(100)]))
            mixer.end_input()
            start = asyncio.get_running_loop().time()
            if unread == "output":
                assert len([block async for block in mixer]) == 100
            else:
                assert [int(block.data[0]) async for block in reader] == list(range(100))
            assert asyncio.get_running_loop().time() - start == pytest.approx(1.0)
            assert [int(block.data[0]) async for block in idle] == list(range(95, 100))
            assert mixer.stats().num_dropped_blocks == {"mixer": 95, "output": 3 * 95, "both": 3 * 95}[unread]
            if unread != "mixer":
                assert first.num_dropped == 95

    run(main())
    assert not caplog.records


def test_who_reads_no_longer_is_waited_for_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with AudioMixer(RATE, 1, blocksize=BLOCK, capacity=5, stream_timeout_ms=100) as mixer:
            tired, reader = mixer.output(), mixer.output()
            mixer.add_stream(timed([constant(i, BLOCK) for i in range(100)]))
            mixer.end_input()
            start = loop.time()
            late = []
            for i in range(100):
                if i < 10:
                    assert int((await anext(tired)).data[0]) == i
                assert int((await anext(reader)).data[0]) == i
                late.append(loop.time() - start - (i + 1) * TICK)
            assert max(late[:15]) < 0.001
            assert 0.08 < max(late) < 0.11  # once
            assert late[-1] < 0.11
            assert [int(block.data[0]) async for block in tired] == list(range(95, 100))
            assert tired.num_dropped == 85

    with caplog.at_level(logging.WARNING):
        run(main())
    assert [record.getMessage() for record in caplog.records] == [
        "AudioMixer: output 1 is read too slowly: blocks before the last 5 are lost"
    ]


def test_a_reader_that_polls_does_not_starve_beside_one_that_has_stopped() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480, capacity=2, stream_timeout_ms=100) as mixer:
            a, b = mixer.output(), mixer.output()
            mixer.add_stream(numbered(50))
            mixer.end_input()
            await anext(b)
            num_read = 0
            for _ in range(60):
                try:
                    async with asyncio.timeout(0.05):
                        await anext(a)
                    num_read += 1
                except TimeoutError:
                    pass
                except StopAsyncIteration:
                    break
            assert num_read == 50

    run(main())


def test_a_dropped_output_holds_nobody_up() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480, capacity=2, stream_timeout_ms=60_000) as mixer:
            a, b = mixer.output(), mixer.output()
            mixer.add_stream(numbered(50))
            mixer.end_input()
            await anext(b)
            start = asyncio.get_running_loop().time()
            reading = asyncio.create_task(read_all(a))
            await asyncio.sleep(1)
            assert not reading.done()
            del b
            gc.collect()
            assert len(await reading) == 50 * 480
            assert asyncio.get_running_loop().time() - start < 2

    run(main())


def test_when_nobody_reads_the_streams_are_not_read() -> None:
    taken = []

    async def counted() -> AsyncIterator[AudioFrame]:
        for i in range(1000):
            taken.append(i)
            yield constant(i, BLOCK)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, capacity=5) as mixer:
            output = mixer.output()
            mixer.add_stream(counted())
            mixer.end_input()
            await asyncio.sleep(10)
            assert 5 <= len(taken) < 20
            assert int((await anext(output)).data[0]) == 0
            await asyncio.sleep(10)
            assert len(taken) < 20
            assert mixer.stats().num_dropped_blocks == 0
            assert [int(block.data[0]) async for block in output] == list(range(1, 1000))

    run(main())


# -- their life -------------------------------------------------------------------------------------------------------


def test_close_ends_iterations_and_may_be_repeated() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK) as mixer:
            mixer.add_stream(forever(1))
            output = mixer.output()
            readers = [asyncio.create_task(read_all(output)) for _ in range(3)]
            await asyncio.sleep(0.055)
            assert mixer.stats().num_outputs == 1
            await asyncio.gather(*(output.aclose() for _ in range(3)))
            assert sum(len(got) for got in await asyncio.gather(*readers)) == 5 * BLOCK
            assert mixer.stats().num_outputs == 0
            with pytest.raises(StopAsyncIteration):
                await anext(output)
            assert repr(output) == "AudioMixerOutput(queued_blocks=0, closed)"
            await anext(mixer)

    run(main())


def test_an_output_that_is_closed_holds_nobody_up() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, capacity=2, stream_timeout_ms=60_000) as mixer:
            mixer.add_stream(numbered(50))
            mixer.end_input()
            slow, reader = mixer.output(), mixer.output()
            task = asyncio.create_task(read_all(reader))
            await anext(slow)
            await asyncio.sleep(1)
            assert not task.done()
            await slow.aclose()
            assert len(await task) == 50 * BLOCK

    run(main())


@pytest.mark.parametrize("way", ["break", "error", "dropped", "cancelled"])
def test_an_output_that_is_not_used_any_more_is_gone(way: str) -> None:
    async def use(mixer: AudioMixer) -> None:
        if way == "dropped":
            await anext(mixer.output())
            return
        async for _ in mixer.output():
            if way == "break":
                break
            if way == "error":
                raise ValueError

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK) as mixer:
            mixer.add_stream(forever(1))
            task = asyncio.create_task(use(mixer))
            await asyncio.sleep(0.035)
            if way == "cancelled":
                task.cancel()
            await asyncio.wait([task])
            if way == "error":
                assert isinstance(task.exception(), ValueError)
            del task
            gc.collect()
            assert mixer.stats().num_outputs == 0
            await anext(mixer)

    run(main())


def test_the_mixers_close_ends_all_outputs() -> None:
    async def main() -> None:
        mixer = AudioMixer(RATE, 1, blocksize=BLOCK)
        mixer.add_stream(forever(1))
        outputs = [mixer.output() for _ in range(3)]
        readers = [asyncio.create_task(read_all(output)) for output in outputs]
        await asyncio.sleep(0.025)
        await mixer.aclose()
        assert [len(await reader) for reader in readers] == [2 * BLOCK] * 3
        assert [repr(output) for output in outputs] == ["AudioMixerOutput(queued_blocks=0, ended)"] * 3
        with pytest.raises(RuntimeError, match="this AudioMixer is closed"):
            mixer.output()
        await outputs[0].aclose()

    run(main())


def test_the_end_of_the_streams_ends_outputs_behind_their_blocks() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK) as mixer:
            early = mixer.output()
            mixer.add_stream(numbered(3))
            mixer.end_input()
            assert len(await read_all(mixer)) == 3 * BLOCK
            assert len(await read_all(early)) == 3 * BLOCK
            assert len(await read_all(mixer.output())) == 0

    run(main())


def test_an_output_alone_starts_the_mixer() -> None:
    mixer = AudioMixer(RATE, 1, blocksize=BLOCK)
    mixer.add_stream(numbered(2))
    mixer.end_input()
    assert len(run(read_all(mixer.output()))) == 2 * BLOCK


def test_a_mixer_that_nobody_has_is_gone_with_its_outputs() -> None:
    async def main() -> None:
        mixer = AudioMixer(RATE, 1, blocksize=BLOCK)
        output = mixer.output()
        mixer.add_stream(numbered(3))
        mixer.end_input()
        await read_all(output)
        await asyncio.sleep(0)
        watched = weakref.ref(mixer)
        assert output.mixer is mixer
        del mixer
        gc.collect()
        assert watched() is not None
        del output
        gc.collect()
        assert watched() is None

    run(main())


def test_a_mixer_does_not_read_its_own_output() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1) as mixer, AudioMixer(RATE, 1) as other:
            other.add_stream(mixer.output())
            for stream in (mixer.output(), other, other.output()):
                with pytest.raises(ValueError, match="stream: expected one that does not read this AudioMixer"):
                    mixer.add_stream(stream)

    run(main())


def test_cancelled_readers_lose_no_block() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK) as mixer:
            output = mixer.output()
            mixer.add_stream(timed([constant(i, BLOCK) for i in range(50)]))
            mixer.end_input()
            got = []
            while len(got) < 50:
                reader = asyncio.ensure_future(anext(output))
                await asyncio.wait([reader], timeout=0.003)
                if reader.done():
                    got.append(int(reader.result().data[0]))
                else:
                    reader.cancel()
            assert got == list(range(50))

    run(main())
