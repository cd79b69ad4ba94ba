"""AudioMixer: streams of any timing against what the class promises, in virtual time.

The oracle knows nothing of the mixer's states. It has the log of what each stream gave and when, and the blocks and
when they came out, and works out from both what was there to be mixed. Every sample of a stream can be told from those
of the others in the mix, and from silence: sample i of stream k is (1 + i % 3) * 4**k.
"""

from __future__ import annotations

import asyncio
import bisect
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils import AudioFrame, AudioMixer
from tests.support.streams import RATE, frame
from tests.support.virtual_time import VirtualTimeLoop, run

# What rounding of times, and a timer that is a little late, may cost.
TOLERANCE_S = 0.002


@dataclass(frozen=True)
class Stream:
    """Frames of `size` samples, given as they are due, or all at once; `stalls` are seconds before some of them."""

    rate: int
    size: int
    count: int
    added_at: float
    is_live: bool
    stalls: dict[int, float]

    @property
    def frame_s(self) -> float:
        return self.size / self.rate

    @property
    def is_punctual(self) -> bool:
        return not any(self.stalls.values())

    @property
    def is_coded(self) -> bool:
        """The others are silent: what is converted cannot be told apart."""
        return self.rate == RATE


@dataclass(frozen=True)
class Scene:
    block: int
    timeout_ms: float
    capacity: int
    streams: list[Stream]
    holds: list[tuple[float, float]]  # when the loop is held up, and for how long

    @property
    def timeout_s(self) -> float:
        return self.timeout_ms / 1000


@dataclass
class Log:
    given: list[tuple[float, int, int]] = field(default_factory=list)  # when, by which stream, how many samples
    blocks: list[tuple[float, np.ndarray]] = field(default_factory=list)
    holds: list[tuple[float, float]] = field(default_factory=list)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    def stream() -> Stream:
        rate = draw(st.sampled_from([RATE, RATE, RATE, 16000, 44100]))
        size = draw(st.sampled_from([480, 480, 1024, 1024, 960, 441, 160, 137]))
        count = draw(st.integers(1, 60))
        stalls = st.dictionaries(st.integers(0, count), st.sampled_from([0.03, 0.15, 0.7, 5.0, 60.0]), max_size=3)
        return Stream(
            rate=rate,
            size=size,
            count=count,
            added_at=draw(st.sampled_from([0.0, 0.0, 0.0, 0.2, 0.3337, 1.0, 61.0])),
            is_live=draw(st.sampled_from([True, True, True, False])),
            stalls=draw(st.one_of(st.just({}), stalls)),
        )

    holds = st.tuples(st.floats(0.001, 3.0), st.sampled_from([0.00317, 0.0153, 0.0947, 0.41, 60.0]))
    return Scene(
        block=draw(st.sampled_from([480, 960, 1000, 4800])),
        timeout_ms=draw(st.sampled_from([20, 50, 100, 250, 1500])),
        capacity=draw(st.sampled_from([1, 3, 100])),
        streams=[stream() for _ in range(draw(st.integers(1, 5)))],
        holds=draw(st.lists(holds, max_size=3)),
    )


async def play(scene: Scene) -> Log:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    log = Log()

    async def until(when: float) -> None:
        if when > loop.time():
            await asyncio.sleep(when - loop.time())

    async def give(k: int, stream: Stream) -> AsyncIterator[AudioFrame]:
        due = loop.time()
        for i in range(stream.count + 1):
            due += stream.stalls.get(i, 0.0) + (stream.frame_s if stream.is_live and i < stream.count else 0)
            await until(due)
            if i == stream.count:
                return  # it may take its time to end, too
            values = np.zeros(stream.size, np.int16)
            if stream.is_coded:
                values = (1 + np.arange(i * stream.size, (i + 1) * stream.size) % 3) * 4**k
                log.given.append((loop.time(), k, stream.size))
            else:
                log.given.append((loop.time(), k, 0))
            yield frame(values, rate=stream.rate)

    async def add(mixer: AudioMixer, start: float) -> None:
        for k, stream in sorted(enumerate(scene.streams), key=lambda item: item[1].added_at):
            await until(start + stream.added_at)
            mixer.add_stream(give(k, stream), name=f"s{k}")
        mixer.end_input()

    async def hold_up(start: float) -> None:
        for when, seconds in sorted(scene.holds):
            await until(start + when)
            log.holds.append((loop.time(), loop.time() + seconds))
            loop.block(seconds)

    mixer = AudioMixer(RATE, 1, blocksize=scene.block, stream_timeout_ms=scene.timeout_ms, capacity=scene.capacity)
    async with mixer, asyncio.TaskGroup() as group:
        group.create_task(add(mixer, loop.time()))
        group.create_task(hold_up(loop.time()))
        async for block in mixer:
            log.blocks.append((loop.time(), np.frombuffer(block.data, np.int16)))
    return log


def parts(log: Log, k: int) -> np.ndarray:
    """What of stream k is in the mix: its digits, 0 where it is silent."""
    return np.concatenate([block for _, block in log.blocks] or [np.zeros(0, np.int16)]) // 4**k % 4


def mixed_after(scene: Scene, log: Log) -> np.ndarray:
    """How many samples of each stream are out after no block, one block, two..."""
    shape = len(log.blocks), scene.block
    counts = [np.count_nonzero(parts(log, k).reshape(shape), axis=1) for k in range(len(scene.streams))]
    return np.cumsum([[0] * len(counts), *zip(*counts, strict=True)], axis=0)


def check_that_nothing_is_lost(scene: Scene, log: Log) -> None:
    for k, stream in enumerate(scene.streams):
        if stream.is_coded:
            heard = parts(log, k)
            expected = 1 + np.arange(stream.size * stream.count) % 3
            assert np.array_equal(heard[heard > 0], expected), k


def check_that_punctual_streams_are_whole(scene: Scene, log: Log, messages: list[str]) -> None:
    """None is called late or has silence put into it."""
    for k, stream in enumerate(scene.streams):
        # One that has its own timing right can be late only where the timeout is shorter than that timing.
        enough_s = scene.block / RATE + 2 * stream.frame_s + 0.005
        if stream.is_punctual and scene.timeout_s > enough_s:
            assert not any(f"'s{k}'" in message for message in messages), (k, messages)
            assert not stream.is_coded or np.all(np.trim_zeros(parts(log, k))), k


def allowed_until(log: Log, since: float, timeout_s: float) -> float:
    """Until when a wait that began then may last: for one timeout, and one more where the loop was held up."""
    until, held_up = since + timeout_s, False
    for start, end in log.holds:
        if end >= since and start <= until + held_up * timeout_s:
            until, held_up = max(until, end), True
    return until + held_up * timeout_s + TOLERANCE_S


def check_that_no_block_waits_too_long(scene: Scene, log: Log) -> None:
    """Once some stream has its part of a block, it goes out within the timeout."""
    mixed, last = mixed_after(scene, log), 0.0
    times = [[when for when, by, _ in log.given if by == k] for k in range(len(scene.streams))]
    totals = [np.cumsum([n for _, by, n in log.given if by == k]) for k in range(len(scene.streams))]
    for n, (when, _) in enumerate(log.blocks):
        had_parts = []
        for k in range(len(scene.streams)):
            at = int(np.searchsorted(totals[k], mixed[n, k] + scene.block))
            had_parts += times[k][at : at + 1]
        if had_parts:
            since = max(last, min(had_parts))
            assert when <= allowed_until(log, since, scene.timeout_s), (n, since, when)
        last = when


def check_that_nothing_is_left_lying(scene: Scene, log: Log) -> None:
    """Once nothing has come, and no block has gone out, for the timeout, all that came before is out."""
    mixed = mixed_after(scene, log).sum(axis=1)
    total, out_at = 0, [when for when, _ in log.blocks]
    for i, (when, _, samples) in enumerate(log.given):
        total += samples
        until = allowed_until(log, when, scene.timeout_s)
        num_out = bisect.bisect_right(out_at, when)
        while num_out < len(out_at) and out_at[num_out] <= until:
            until = allowed_until(log, out_at[num_out], scene.timeout_s)
            num_out += 1
        if i + 1 == len(log.given) or log.given[i + 1][0] > until:
            assert mixed[num_out] == total, (i, when, until)


class _Messages(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def check(scene: Scene) -> None:
    messages = _Messages()
    logger = logging.getLogger("livekit_utils")
    logger.addHandler(messages)
    try:
        log = run(play(scene))
    finally:
        logger.removeHandler(messages)
    check_that_nothing_is_lost(scene, log)
    check_that_no_block_waits_too_long(scene, log)
    check_that_nothing_is_left_lying(scene, log)
    check_that_punctual_streams_are_whole(scene, log, messages.texts)


@given(scenes())
def test_the_mixer_keeps_its_promises(scene: Scene) -> None:
    check(scene)
