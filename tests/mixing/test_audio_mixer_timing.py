"""AudioMixer: streams that are late, fail, end or are not read, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioMixer
from tests.support.streams import RATE, TICK, collect, constant, ready, timed
from tests.support.virtual_time import VirtualTimeLoop, run


def test_a_stream_that_raises_is_logged_once_and_what_it_delivered_is_mixed(caplog: pytest.LogCaptureFixture) -> None:
    async def failing() -> AsyncIterator[AudioFrame]:
        yield constant(10)
        yield constant(10, 100)
        raise OSError("cable pulled")

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(failing(), name="bad")
            mixer.add_stream(ready([constant(1)] * 3))
            mixer.end_input()
            return await collect(mixer)

    mixed = run(main())
    assert mixed[:480].tolist() == [11] * 480
    assert mixed[480:960].tolist() == [11] * 100 + [1] * 380
    assert len(caplog.records) == 1
    assert "cable pulled" in caplog.text
    assert caplog.records[0].exc_info


def test_an_iterator_that_keeps_raising_is_not_asked_again() -> None:
    class Raising:
        calls = 0

        def __aiter__(self) -> Raising:
            return self

        async def __anext__(self) -> AudioFrame:
            self.calls += 1
            raise ValueError("always")

    stream = Raising()

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1) as mixer:
            mixer.add_stream(stream)
            mixer.end_input()
            return await collect(mixer)

    assert run(main()).size == 0
    assert stream.calls == 1


def test_a_stream_that_raises_cancelled_error_by_itself_ends(caplog: pytest.LogCaptureFixture) -> None:
    async def cancelled() -> AsyncIterator[AudioFrame]:
        yield constant(1)
        raise asyncio.CancelledError

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(cancelled())
            mixer.end_input()
            return await collect(mixer)

    assert run(main()).size == 480
    assert "CancelledError" in caplog.text


async def arrivals(mixer: AudioMixer) -> list[tuple[float, int]]:
    """(time, first sample) of each block."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    return [(loop.time() - start, f.data[0]) async for f in mixer]


def test_one_stall_delays_one_block_once_and_the_others_recover(caplog: pytest.LogCaptureFixture) -> None:
    """Seven live streams, one of which stops for 250 ms at 1 s and then delivers what had gathered."""

    async def main() -> tuple[list[tuple[float, int]], int]:
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=100) as mixer:
            for _ in range(6):
                mixer.add_stream(timed([constant(1)] * 300))
            stall = {100: 0.250, **dict.fromkeys(range(101, 125), 0.0)}
            mixer.add_stream(timed([constant(100)] * 300, lambda i: stall.get(i, TICK)), name="lazy")
            mixer.end_input()
            blocks = await arrivals(mixer)
            return blocks, sum(value // 100 for _, value in blocks)

    blocks, delivered = run(main())
    delays = [when - (i + 1) * TICK for i, (when, _) in enumerate(blocks[:300])]
    assert max(delays[:100]) < 1e-6
    assert max(delays) <= 0.100 + 1e-6  # the block that waited
    assert delays[115] < 1e-6  # 150 ms later: as before, while the stream is still away
    assert max(delays[130:]) < 1e-6  # and after it is back
    assert delivered == 300  # nothing of it is lost
    late = [r for r in caplog.records if "'lazy'" in r.getMessage()]
    assert len(caplog.records) == len(late) == 1


def test_two_late_streams_delay_a_block_once() -> None:
    async def main() -> list[tuple[float, int]]:
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=100) as mixer:
            mixer.add_stream(timed([constant(1)] * 50))
            for _ in range(5):
                mixer.add_stream(timed([constant(100)] * 5, lambda i: 3.0 if i == 2 else TICK))
            mixer.end_input()
            return await arrivals(mixer)

    blocks = run(main())
    assert blocks[2][0] == pytest.approx(0.130, abs=1e-6)
    assert blocks[13][0] == pytest.approx(0.140, abs=1e-6)
    assert [value for _, value in blocks[:3]] == [501, 501, 1]


def test_a_stall_longer_than_the_timeout_after_end_input_loses_nothing() -> None:
    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=50) as mixer:
            mixer.add_stream(timed([constant(i + 1) for i in range(10)], lambda i: 1.5 if i == 5 else TICK))
            mixer.end_input()
            return await collect(mixer)

    assert run(main())[::480].tolist() == list(range(1, 11))


def test_a_repeated_stall_is_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=50) as mixer:
            mixer.add_stream(timed([constant(1)] * 400))
            mixer.add_stream(timed([constant(1)] * 100, lambda i: 1.0 if i in (20, 60) else TICK), name="lazy")
            mixer.end_input()
            late = 0
            async for _ in mixer:
                late = max([late, *(s.num_late_blocks for n, s in mixer.stats().streams.items() if n == "lazy")])
            # Two stalls of 1 s of which 50 ms are waited for: what is missing of the 2 s are late blocks.
            assert 180 <= late <= 200

    run(main())
    assert len(caplog.records) == 2


def test_no_silence_is_invented_while_nobody_has_anything() -> None:
    async def main() -> int:
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=50) as mixer:
            mixer.add_stream(timed([constant(1)] * 3, lambda i: 100.0))
            mixer.add_stream(timed([constant(1)] * 3, lambda i: 100.0))
            mixer.end_input()
            return (await collect(mixer)).size

    assert run(main()) == 3 * 480


def test_a_part_of_a_block_does_not_lie_for_ever() -> None:
    """A voice that pauses in the middle of a block is heard to the end, after the timeout."""

    async def main() -> tuple[float, list[int]]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with AudioMixer(RATE, 1, blocksize=4800, stream_timeout_ms=100) as mixer:
            mixer.add_stream(timed([constant(7)] * 3, lambda i: TICK if i < 2 else 60.0))
            mixer.end_input()
            first = await anext(mixer)
            when = loop.time() - start
            second = await anext(mixer)
            return when, [sum(first.data) // 7, sum(second.data) // 7]

    when, delivered = run(main())
    assert when == pytest.approx(0.120, abs=1e-6)
    assert delivered == [960, 480]


def test_a_stream_that_comes_back_takes_its_place_within_the_block() -> None:
    """After a stall the others must not wait for the returned stream to fill a block of its own."""

    async def main() -> list[float]:
        async with AudioMixer(RATE, 1, blocksize=4800, stream_timeout_ms=30) as mixer:
            mixer.add_stream(timed([constant(1)] * 400))
            mixer.add_stream(timed([constant(100)] * 300, lambda i: 0.455 if i == 50 else TICK))
            mixer.end_input()
            return [when - 0.1 * (i + 1) for i, (when, _) in enumerate(await arrivals(mixer))]

    delays = run(main())
    assert max(delays[:5]) < 1e-6
    assert max(delays[12:30]) <= TICK + 1e-6


def test_a_newcomer_does_not_hold_up_a_running_mix() -> None:
    async def main() -> list[tuple[float, int]]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=100) as mixer:
            mixer.add_stream(timed([constant(1)] * 100))
            blocks = []
            async for f in mixer:
                blocks.append((loop.time() - start, f.data[0]))
                if len(blocks) == 20:
                    mixer.add_stream(timed([constant(10)] * 5, lambda i: 0.205 if i == 0 else TICK))
                    mixer.end_input()
            return blocks

    blocks = run(main())
    assert max(when - (i + 1) * TICK for i, (when, _) in enumerate(blocks)) < TICK
    assert sum(value // 10 for _, value in blocks) == 5
    assert sum(value % 10 for _, value in blocks) == 100


def test_a_blocked_event_loop_makes_nobody_late(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=50) as mixer:
            mixer.add_stream(timed([constant(1)] * 100))
            mixer.add_stream(timed([constant(1)] * 100, lambda i: TICK + 0.0001 * (i % 3)))
            mixer.end_input()
            n = 0
            async for _ in mixer:
                n += 1
                if n % 20 == 0:
                    loop.block(0.3)

    run(main())
    assert not caplog.records


def test_a_dead_stream_times_out_on_a_loop_that_is_always_late(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)

        async def busy() -> None:
            while True:
                await asyncio.sleep(0.001)
                loop.block(0.1)

        task = loop.create_task(busy())
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=50) as mixer:
            mixer.add_stream(ready([constant(1)] * 5))
            mixer.add_stream(_never())
            got = [await asyncio.wait_for(anext(mixer), 10) for _ in range(5)]
        task.cancel()
        await asyncio.wait([task])
        return len(got)

    assert run(main()) == 5
    assert len(caplog.records) == 1


async def _never() -> AsyncIterator[AudioFrame]:
    await asyncio.get_running_loop().create_future()
    yield constant(0)


def test_a_slow_reader_stops_the_reading_of_the_streams() -> None:
    taken = 0

    async def endless() -> AsyncIterator[AudioFrame]:
        nonlocal taken
        while True:
            taken += 1
            yield constant(1)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480, capacity=7) as mixer:
            mixer.add_stream(endless())
            mixer.add_stream(timed([constant(1)] * 1000))
            await asyncio.sleep(60)
            assert mixer.stats().num_queued_blocks == 7
            assert 7 <= taken <= 7 + 20
            for _ in range(100):
                await anext(mixer)
            assert taken <= 107 + 20

    run(main())


def test_a_late_stream_is_given_up_after_the_reader_made_room() -> None:
    """The output was full when the stream fell silent, so nothing arrives any more that could start the wait."""

    async def main() -> int:
        async with AudioMixer(RATE, 1, blocksize=480, capacity=2, stream_timeout_ms=50) as mixer:
            mixer.add_stream(ready([constant(1)] * 100))
            mixer.add_stream(timed([constant(1)] * 3, lambda i: TICK if i < 2 else 1e6))
            await asyncio.sleep(10)
            for _ in range(100):
                await asyncio.wait_for(anext(mixer), 5)
            return mixer.stats().num_blocks

    assert run(main()) == 100


def test_random_schedules_lose_nothing(rand: random.Random) -> None:
    """Streams of any timing, with stalls beyond the timeout: each one's own samples come out whole and in order."""
    for _ in range(20):
        lengths = [rand.randrange(1, 60) for _ in range(4)]

        async def main(lengths: list[int] = lengths) -> np.ndarray:
            async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=30) as mixer:
                for k, n in enumerate(lengths):
                    pauses = [rand.choice([0.0, 0.01, 0.01, 0.01, 0.2]) for _ in range(n)]
                    mixer.add_stream(timed([constant(10**k)] * n, pauses.__getitem__))
                mixer.end_input()
                return await collect(mixer)

        blocks = run(main()).reshape(-1, 480)
        assert (blocks == blocks[:, :1]).all()
        for k, n in enumerate(lengths):
            assert sum(int(b) // 10**k % 10 for b in blocks[:, 0]) == n, (lengths, k)


def test_streams_that_end_do_not_prolong_the_wait_for_a_late_one() -> None:
    async def main() -> list[tuple[float, int]]:
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=100) as mixer:
            mixer.add_stream(timed([constant(1)] * 40))
            mixer.add_stream(_never())
            for k in range(8):  # one more ends every 50 ms
                mixer.add_stream(timed([constant(10)] * 5, lambda i, k=k: 0.05 * k if i == 0 else TICK))
            blocks = []
            async for when, value in _timed_blocks(mixer):
                blocks.append((when, value))
                if len(blocks) == 40:
                    return blocks
            return blocks

    blocks = run(main())
    assert blocks[0][0] <= 0.110 + 1e-6


async def _timed_blocks(mixer: AudioMixer) -> AsyncIterator[tuple[float, int]]:
    loop = asyncio.get_running_loop()
    start = loop.time()
    async for block in mixer:
        yield loop.time() - start, block.data[0]


def test_a_stream_of_empty_frames_lets_others_run() -> None:
    async def empty() -> AsyncIterator[AudioFrame]:
        while True:
            yield AudioFrame.create(RATE, 1, 0)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(empty())
            for _ in range(10):
                await asyncio.sleep(0)
            assert mixer.stats().num_blocks == 0

    run(main())


@pytest.mark.parametrize("timeout_ms", [50, 100])
@pytest.mark.parametrize("moment", range(8))
def test_a_stall_costs_the_timeout_however_long_the_mixer_has_run(timeout_ms: int, moment: int) -> None:
    """Streams of two rates whose frames leave a rest in the blocks, one of which stops anywhere in their pattern."""
    count = 1000 + moment

    async def main() -> float:
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=timeout_ms) as mixer:
            mixer.add_stream(timed([constant(1, 1024)] * 1500, lambda i: 1024 / RATE))
            mixer.add_stream(
                timed([constant(0, 320, rate=16000)] * (count + 1), lambda i: 0.020 if i < count else 1e6),
                name="stalls",
            )
            times = []
            async for when, _ in _timed_blocks(mixer):
                times.append(when)
                if when > 25:
                    break
            return max(after - before for before, after in itertools.pairwise(times))

    # The other one has its part of the next block within one of its frames.
    assert run(main()) <= 1024 / RATE + timeout_ms / 1000 + 1e-6


def test_after_a_loop_was_held_up_the_next_end_comes_in_time() -> None:
    """The time that one wait gets more is not the next one's."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)

        async def talk() -> AsyncIterator[AudioFrame]:
            yield constant(1, 700)
            await asyncio.sleep(0.001)
            loop.block(60)
            await asyncio.sleep(0.010)
            yield constant(2, 100)
            nonlocal ended_at
            ended_at = loop.time()
            await asyncio.sleep(1000)

        ended_at = 0.0
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=100) as mixer:
            mixer.add_stream(talk())
            await anext(mixer)
            await anext(mixer)
            return loop.time() - ended_at

    assert run(main()) == pytest.approx(0.100, abs=1e-6)


def test_a_loop_that_is_free_again_just_after_the_timeout_makes_nobody_late(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop.call_later(0.015, loop.block, 0.099)  # the wait for the second one is over in the middle, at 110 ms
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=100) as mixer:
            mixer.add_stream(timed([constant(1)] * 3, lambda i: TICK))
            mixer.add_stream(timed([constant(2)] * 3, lambda i: 2 * TICK if i < 1 else TICK))
            mixer.end_input()
            return [block.data[0] async for block in mixer]

    assert run(main()) == [3, 3, 3]
    assert not caplog.records


def test_a_reader_that_holds_up_the_loop_makes_nobody_late(caplog: pytest.LogCaptureFixture) -> None:
    """With room for one block, the wait is found overdue when the reader makes room."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        async with AudioMixer(RATE, 1, blocksize=480, capacity=1, stream_timeout_ms=50) as mixer:
            mixer.add_stream(ready([constant(1)] * 100))
            mixer.add_stream(timed([constant(1)] * 100))
            mixer.end_input()
            async for _ in mixer:
                await asyncio.sleep(0.001)
                loop.block(0.2)

    run(main())
    assert not caplog.records


def test_a_newcomer_is_not_late_while_what_is_left_of_an_ended_stream_waits(caplog: pytest.LogCaptureFixture) -> None:
    """It comes just before the wait for another stream is over."""

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=4800, stream_timeout_ms=250) as mixer:
            mixer.add_stream(ready([constant(1)]))
            mixer.add_stream(timed([constant(1)], lambda i: 0.7), name="late")
            await asyncio.sleep(0.245)
            mixer.add_stream(timed([constant(1)]), name="newcomer")
            mixer.end_input()
            assert np.count_nonzero(await collect(mixer)) == 3 * 480

    run(main())
    assert [record.getMessage().split("'")[1] for record in caplog.records] == ["late"]


def test_the_end_of_a_stream_does_not_prolong_the_wait_for_another_one() -> None:
    """A part of a block goes out one timeout after it came, whenever its stream ends."""

    async def main() -> float:
        loop = asyncio.get_running_loop()

        async def short() -> AsyncIterator[AudioFrame]:
            yield constant(1)
            await asyncio.sleep(0.030)

        async with AudioMixer(RATE, 1, blocksize=960, stream_timeout_ms=50) as mixer:
            mixer.add_stream(short())
            mixer.add_stream(_never())
            start = loop.time()
            await anext(mixer)
            return loop.time() - start

    assert run(main()) == pytest.approx(0.050, abs=1e-6)


# -- streams that join while another one is late ----------------------------------------------------------------------


def test_a_stream_that_joins_shortly_before_another_is_given_up_is_not_late(caplog: pytest.LogCaptureFixture) -> None:
    """It has its part of the block some ms later, and goes in without a hole."""

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=200) as mixer:
            mixer.add_stream(timed([constant(1)] * 60))
            mixer.add_stream(timed([constant(2)] * 2, lambda i: (0.01, 60.0)[i]), name="stops")
            reading = asyncio.create_task(collect(mixer))
            # The second block waits since 0.02 s, and is given up at 0.22 s.
            await asyncio.sleep(0.21)
            mixer.add_stream(timed([constant(100, 144)] * 30, lambda _: 0.003), name="joins")
            await asyncio.sleep(0.5)
            stats = mixer.stats()
            await mixer.aclose()
            assert stats.num_blocks >= 59
            return await reading

    mixed = run(main())
    [record] = caplog.records
    assert "'stops' is more than 200 ms late" in record.message
    joined = np.flatnonzero(mixed >= 100)
    assert len(joined) == 30 * 144
    assert joined[-1] - joined[0] == len(joined) - 1


def test_streams_that_join_and_stop_do_not_hold_up_a_block_again_and_again() -> None:
    """No block waits for more than one timeout."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        whens: list[float] = []
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=100) as mixer:
            mixer.add_stream(timed([constant(1)] * 200))

            async def read() -> None:
                async for _ in mixer:
                    whens.append(loop.time())

            reading = asyncio.create_task(read())
            for _ in range(40):
                await asyncio.sleep(0.05)
                mixer.add_stream(timed([constant(1, 10), constant(1)], lambda i: (0.0, 100.0)[i]))
            await mixer.aclose()
            await reading
        return whens

    whens = run(main())
    assert max(np.diff(whens)) < 0.111  # behind the frame that begins the wait


@pytest.mark.parametrize("fade_in_ms", [0, 20])
def test_a_stream_that_begins_later_fades_in_from_its_first_sample(fade_in_ms: float) -> None:
    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=200) as mixer:
            mixer.add_stream(timed([constant(0)] * 60))
            mixer.add_stream(timed([constant(0)] * 2, lambda i: (0.01, 60.0)[i]))
            reading = asyncio.create_task(collect(mixer))
            await asyncio.sleep(0.21)
            mixer.add_stream(timed([constant(9600, 144)] * 30, lambda _: 0.003), fade_in_ms=fade_in_ms)
            await asyncio.sleep(0.5)
            await mixer.aclose()
            return await reading

    heard = run(main())
    heard = heard[np.flatnonzero(heard)[0] :]
    num_rising = round(fade_in_ms * RATE / 1000)
    assert heard[num_rising : 30 * 144 - 1].tolist() == [9600] * (30 * 144 - 1 - num_rising)
    if num_rising:
        assert heard[0] < 50
        assert (np.diff(heard[:num_rising]) >= 0).all()
