"""AudioMixer beside a model, in virtual time: no stall, join, end or held-up loop costs a punctual stream a sample, or
delays a block by more than the mixer promises.

The model: one stream, the speaker, is punctual and carries a ramp; all others are digital silence and do what they
like. Then the mix has to be the ramp itself, without a gap, and each block has to go out when the speaker has filled it
or at most one timeout later.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from livekit_utils import AudioFrame, AudioMixer
from tests.support.streams import RATE, frame
from tests.support.virtual_time import VirtualTimeLoop, run

# Timers of asyncio fire within the resolution of its clock.
ROUNDING_S = 1e-6

LONGEST_FRAME_S = 1024 / 8000


@dataclass(frozen=True)
class Silent:
    """A stream of digital silence, in real time but for its stalls."""

    rate: int
    samples_per_frame: int
    starts_s: float
    ends_s: float
    stalls: dict[int, float] = field(default_factory=dict)  # before this frame, for so long
    catches_up: bool = True  # after a stall, what is overdue comes at once


@dataclass(frozen=True)
class Scene:
    block: int
    timeout_ms: float
    samples_per_frame: int
    pauses: dict[int, float]  # the speaker's, before this frame
    others: list[Silent]
    holds: list[tuple[float, float]]  # the loop is held up, from when and for how long
    length_s: float


async def silent(stream: Silent) -> AsyncIterator[AudioFrame]:
    loop = asyncio.get_running_loop()
    start = loop.time() + stream.starts_s
    shift, number = 0.0, 0
    period = stream.samples_per_frame / stream.rate
    empty = AudioFrame.create(stream.rate, 1, stream.samples_per_frame)
    while number * period + stream.starts_s < stream.ends_s:
        stall = stream.stalls.get(number, 0.0)
        if stall and stream.catches_up:
            await asyncio.sleep(stall)
        else:
            shift += stall
        await asyncio.sleep(max(0.0, start + shift + (number + 1) * period - loop.time()))
        yield empty
        number += 1


def play(scene: Scene, start_s: float = 0.0) -> tuple[np.ndarray, list[float], list[tuple[float, int]], np.ndarray]:
    """The mix and when each block of it came; what the speaker had delivered by when, and the ramp."""
    num_frames = int(scene.length_s * RATE) // scene.samples_per_frame
    ramp = (np.arange(num_frames * scene.samples_per_frame) % 30000 + 1).astype(np.int16)
    delivered: list[tuple[float, int]] = []
    came: list[float] = []

    async def speaker() -> AsyncIterator[AudioFrame]:
        loop = asyncio.get_running_loop()
        begin, shift = loop.time(), 0.0
        size = scene.samples_per_frame
        for number in range(num_frames):
            shift += scene.pauses.get(number, 0.0)
            await asyncio.sleep(max(0.0, begin + shift + (number + 1) * size / RATE - loop.time()))
            delivered.append((loop.time(), (number + 1) * size))
            yield frame(ramp[number * size : (number + 1) * size])

    async def main() -> np.ndarray:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop.block(start_s)
        for at, length in scene.holds:
            loop.call_later(at, loop.block, length)
        blocks: list[np.ndarray] = []
        async with AudioMixer(RATE, 1, blocksize=scene.block, stream_timeout_ms=scene.timeout_ms) as mixer:
            mixer.add_stream(speaker(), name="speaker")
            joins = []
            for number, other in enumerate(scene.others):
                if other.starts_s:
                    joins.append(loop.call_later(other.starts_s, add, mixer, other, number))
                else:
                    add(mixer, other, number)

            async def read() -> None:
                async for block in mixer:
                    blocks.append(np.frombuffer(block.data, np.int16))
                    came.append(loop.time())

            reader = asyncio.ensure_future(read())
            held_s = sum(length for _, length in scene.holds)
            paused_s = sum(scene.pauses.values())
            await asyncio.sleep(scene.length_s + held_s + paused_s + 3 * scene.timeout_ms / 1000 + 1)
            for join in joins:
                join.cancel()
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        return np.concatenate(blocks) if blocks else np.zeros(0, np.int16)

    return run(main()), came, delivered, ramp


def add(mixer: AudioMixer, stream: Silent, number: int) -> None:
    mixer.add_stream(silent(stream), name=f"silent {number}")


def check(scene: Scene, caplog: pytest.LogCaptureFixture, start_s: float = 0.0) -> None:
    caplog.clear()
    with caplog.at_level(logging.INFO):
        mix, came, delivered, ramp = play(scene, start_s)
    timeout_s = scene.timeout_ms / 1000
    begin_s = 1000.0 + start_s
    # What was heard of the speaker is the ramp, and nothing is in it; silence stands only where it paused.
    heard = mix[mix != 0]
    assert heard.tolist() == ramp.tolist()
    if not scene.pauses:
        assert mix[: ramp.size].tolist() == ramp.tolist()
        assert not any("'speaker' is more than" in record.getMessage() for record in caplog.records[:-1])
    # Each block goes out when it is full, or one timeout later. A loop that was held up is given one more.
    held_until = [begin_s + at + length for at, length in scene.holds]

    def latest(time: float, allowed: float) -> float:
        for until in held_until:
            if until + timeout_s >= time:
                time, allowed = max(time, until), allowed + timeout_s
        return time + allowed + ROUNDING_S

    # A part of a block waits until a timeout has passed without a frame; another stream may join within that.
    partly_s = 2 * timeout_s + scene.block / RATE + LONGEST_FRAME_S
    num_waits = len(held_until) + len(scene.pauses) + sum(1 + len(other.stalls) for other in scene.others)
    num_samples, before = 0, 0.0
    out: list[tuple[float, int]] = []
    for time, block in zip(came, mix.reshape(-1, scene.block), strict=True):
        num_heard = int(np.count_nonzero(block))
        if not num_heard:
            continue
        num_samples += num_heard
        out.append((time, num_samples))
        full_at = next(at for at, samples in delivered if samples >= num_samples)
        # Who delivered up to the block before has until one timeout after that one.
        due = latest(max(full_at, before), timeout_s if num_heard == scene.block else partly_s)
        assert time <= due, f"{time - full_at:.3f} s after the speaker had filled it"
        # Each stall delays the mix once, not every block of it.
        assert time <= max([full_at, *held_until]) + num_waits * timeout_s + partly_s
        before = time
    # The end of an utterance is heard although no block is full.
    for (at, samples), (following, _) in zip(delivered, [*delivered[1:], (math.inf, 0)], strict=True):
        due = latest(at, partly_s + num_waits * timeout_s)
        if following > due:
            assert any(time <= due and heard >= samples for time, heard in out), f"{samples} samples of {at} are late"


stalls = st.dictionaries(st.integers(0, 60), st.floats(0.01, 2.0), max_size=3)
rates = st.sampled_from((8000, 16000, 24000, 32000, 44100, 48000))


@st.composite
def silents(draw: st.DrawFn) -> Silent:
    rate = draw(rates)
    starts_s = draw(st.one_of(st.just(0.0), st.floats(0.0, 1.5)))
    return Silent(
        rate,
        draw(st.sampled_from((rate // 100, rate // 50, 160, 256, 333, 512, 1024))),
        starts_s,
        starts_s + draw(st.floats(0.01, 3.0)),
        draw(stalls),
        draw(st.booleans()),
    )


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    # No frame lasts as long as the timeout, and no pause is shorter: then the speaker is punctual.
    return Scene(
        block=draw(st.sampled_from((441, 480, 960, 1024, 2400))),
        timeout_ms=draw(st.sampled_from((100.0, 160.0, 500.0))),
        samples_per_frame=draw(st.sampled_from((160, 333, 441, 480, 960, 1024, 1999))),
        pauses=draw(st.dictionaries(st.integers(1, 80), st.floats(1.5, 5.0), max_size=2)),
        others=draw(st.lists(silents(), min_size=1, max_size=3)),
        holds=draw(st.lists(st.tuples(st.floats(0.1, 2.0), st.floats(0.03, 5.0)), max_size=1)),
        length_s=2.0,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(scenes())
# A stream of 16 kHz leaves a rest in the blocks when it stalls.
@example(Scene(480, 100.0, 480, {}, [Silent(16000, 160, 0.0, 9.0, {50: 5.0})], [], 2.0))
@example(Scene(960, 100.0, 1024, {}, [Silent(48000, 1024, 0.0, 9.0, {50: 5.0})], [], 2.0))
# The end of an utterance after a loop that was held up for long.
@example(Scene(2400, 100.0, 160, {8: 3.0}, [Silent(16000, 160, 4.5, 4.6)], [(0.015, 60.0)], 2.0))
# A loop that is held up until just after the wait for a stream is over.
@example(Scene(441, 500.0, 160, {}, [Silent(8000, 80, 0.0, 0.75, {}, False)], [(1.0, 0.5)], 2.0))
# A stream that was not read while another kept the mix waiting.
@example(Scene(441, 100.0, 160, {}, [Silent(8000, 80, 0.0, 1.0, {15: 2.0}, False)], [(0.25, 1.0)], 2.0))
def test_a_punctual_stream_is_heard_whole_and_in_time(caplog: pytest.LogCaptureFixture, scene: Scene) -> None:
    check(scene, caplog)


@pytest.mark.parametrize("moment", range(60))
@pytest.mark.parametrize("timeout_ms", [20, 100])
def test_a_stall_at_any_moment_costs_one_timeout(
    caplog: pytest.LogCaptureFixture, moment: int, timeout_ms: float
) -> None:
    scene = Scene(480, timeout_ms, 480, {}, [Silent(16000, 160, 0.0, 9.0, {30 + moment: 5.0})], [], 1.5)
    check(scene, caplog, start_s=60.0)
