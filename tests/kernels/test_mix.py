"""The mixing kernel, through GainQueue."""

import math
import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils._kernels.gain_queue import GainQueue, mix, mix_each
from tests.support import reference
from tests.support.buffers import at_odd_address, blocks_of, placements, sizes
from tests.support.mixing import mix_s16

gains = st.one_of(
    st.floats(-128, 128, exclude_min=True, exclude_max=True),
    st.floats(-2, 2),
    st.sampled_from((0.0, 1.0, -1.0, 0.5, 2**-24, 2**-25, 3 * 2**-25, 1 + 2**-24, 1 - 2**-24, 127.99999999)),
)


def expected(blocks: list[bytes], gains: list[float] | None = None) -> list[int]:
    factors = [reference.GAIN_UNITY] * len(blocks) if gains is None else [reference.fixed_gain(g) for g in gains]
    sources = [reference.MixSource(reference.ints(b), g) for b, g in zip(blocks, factors, strict=True)]
    return reference.mix(sources, len(blocks[0]) // 2 if blocks else 0, 1)


# Up to three groups of eight inputs, so that every remainder of a group occurs.
mixes = sizes.flatmap(lambda n: st.lists(blocks_of(n), min_size=1, max_size=25 if n <= 40 else 10))


@given(mixes, placements, st.randoms(use_true_random=False))
def test_equals_reference_in_any_order(blocks: list[bytes], place: Any, order: random.Random) -> None:
    result = mix_s16([place(block) for block in blocks])
    assert type(result) is bytearray
    assert reference.ints(result) == expected(blocks)
    order.shuffle(blocks)
    assert mix_s16(blocks) == result


@given(st.data(), mixes, placements)
def test_gains_equal_reference_to_the_bit(data: Any, blocks: list[bytes], place: Any) -> None:
    factors = data.draw(st.lists(gains, min_size=len(blocks), max_size=len(blocks)))
    result = mix_s16([place(block) for block in blocks], factors)
    assert reference.ints(result) == expected(blocks, factors)
    assert mix_s16(blocks[::-1], factors[::-1]) == result


@given(mixes)
def test_unity_gain_takes_either_path(blocks: list[bytes]) -> None:
    silent = bytes(len(blocks[0]))
    assert mix_s16([*blocks, silent], [1.0] * len(blocks) + [0.0]) == mix_s16(blocks)


@pytest.mark.parametrize("gains", [None, [1.0, 1.0, 1.0], [1.0, 0.99999, 1.0]])
def test_an_overflow_may_come_back(gains: list[float] | None) -> None:
    a, b = reference.pcm([30000, -30000] * 8), reference.pcm([-30000, 30000] * 8)
    assert [round(x, -3) for x in reference.ints(mix_s16([a, a, b], gains))] == [30000, -30000] * 8
    if gains != [1.0, 0.99999, 1.0]:
        assert mix_s16([a, a, b], gains) == a


@pytest.mark.parametrize("gain", [1.0, 1.0000001, 127.9])
@pytest.mark.parametrize("count", [2, 9, 70_000])
def test_saturates_to_both_ends(count: int, gain: float) -> None:
    block = reference.pcm([32767, -32768, 1, -1, 0])
    limit = reference.clamp(math.floor(count * Fraction(gain) + Fraction(1, 2)))
    low = reference.clamp(math.floor(-count * Fraction(gain) + Fraction(1, 2)))
    assert reference.ints(mix_s16([block] * count, [gain] * count)) == [32767, -32768, limit, low, 0]


@pytest.mark.parametrize("count", [65_535, 65_536, 65_537, 70_000])
def test_more_inputs_than_32_bits_hold(count: int) -> None:
    low, high = reference.pcm([-32768] * 9), reference.pcm([32767] * 9)
    assert mix_s16([low] * count) == low
    assert mix_s16([high] * count) == high
    # Far out of range half-way, and back.
    back = min(count, 131_071 - count)
    result = reference.clamp(32767 * count - 32768 * back)
    assert reference.ints(mix_s16([high] * count + [low] * back)) == [result] * 9


@pytest.mark.parametrize(
    ("gain", "sample", "result"),
    [
        (0.5, 1, 1),  # ties go up
        (0.5, -1, 0),
        (0.5, 3, 2),
        (0.5, -3, -1),
        (-0.5, 1, 0),
        (0.25, 1, 0),
        (0.25, 3, 1),
        (-1.0, -32768, 32767),
        (-1.0, 32767, -32767),
        (127.99999999, 256, 32767),
        (-127.99999999, 256, -32768),
        (2**-15, 16384, 1),
        (2**-25, 32767, 0),
        (0.0, -32768, 0),
    ],
)
def test_rounding(gain: float, sample: int, result: int) -> None:
    assert reference.ints(mix_s16([reference.pcm([sample] * 5)], [gain])) == [result] * 5


def test_opposite_gains_cancel_to_nothing(rand: Any) -> None:
    block = rand.pcm(4099)
    assert mix_s16([block] * 6, [97.3, -1 / 3, 0.1, -0.1, 1 / 3, -97.3]) == bytes(len(block))


def test_largest_gains_that_are_taken() -> None:
    largest = math.nextafter(128.0, 0.0)
    assert reference.ints(mix_s16([reference.pcm([255, -255, 1])], [largest])) == [32640, -32640, 128]
    assert reference.ints(mix_s16([reference.pcm([255, -255, 1])], [-largest])) == [-32640, 32640, -128]


def test_more_queues_than_keep_the_sum_exact() -> None:
    count = 131_072
    with pytest.raises(ValueError, match="queues: expected at most 131071, got 131072"):
        mix([GainQueue(1)] * count, 1, 1)
    full = reference.pcm([-32768])
    assert reference.ints(mix_s16([full] * (count - 1), [127.99999999] * (count - 1))) == [-32768]
    assert reference.ints(mix_s16([full] * (count - 1), [-127.99999999] * (count - 1))) == [32767]


def test_inputs_are_not_written_to(rand: Any) -> None:
    blocks = [bytearray(rand.pcm(300)) for _ in range(9)]
    copies = [bytes(block) for block in blocks]
    mix_s16(blocks)
    mix_s16(blocks, [0.7] * 9)
    assert blocks == copies


@pytest.mark.parametrize("gains", [None, [0.25, 0.25, 0.25]])
def test_long_blocks(rand: Any, gains: list[float] | None) -> None:
    blocks = [rand.pcm(33_333) for _ in range(3)]
    result = mix_s16(map(at_odd_address, blocks), gains)
    assert reference.ints(result) == expected(blocks, gains)


@given(st.data(), mixes, st.booleans())
def test_mix_each_is_the_mix_of_the_others(data: Any, blocks: list[bytes], unity: bool) -> None:
    factors = [1.0] * len(blocks) if unity else data.draw(st.lists(gains, min_size=len(blocks), max_size=len(blocks)))
    numbers = st.sets(st.sampled_from(range(len(blocks))))
    left_out = data.draw(st.lists(numbers, max_size=4))

    def queues() -> list[GainQueue]:
        made = [GainQueue(1, gain) for gain in factors]
        for queue, block in zip(made, blocks, strict=True):
            queue.push(block)
            queue.set_gain(queue.gain / 2, 0 if unity else 7)
        return made

    n = len(blocks[0]) // 2
    together = queues()
    results = mix_each(together, n, 1, [[together[i] for i in numbers] for numbers in left_out])
    for numbers, result in zip(left_out, results, strict=True):
        assert result == mix([queue for i, queue in enumerate(queues()) if i not in numbers], n, 1)
    assert not any(queue.samples_per_channel for queue in together)
    alone = queues()
    mix(alone, n, 1)
    assert [queue.level for queue in alone] == [queue.level for queue in together]


def test_mix_each_without_a_queue_of_another_mix(rand: Any) -> None:
    queue, other = GainQueue(1), GainQueue(1)
    queue.push(block := rand.pcm(33))
    other.push(rand.pcm(40))
    assert mix_each([queue], 33, 1, [[other], [], [queue, other]]) == [block, block, bytes(66)]
    assert other.samples_per_channel == 40


def test_mix_each_refuses(rand: Any) -> None:
    queue = GainQueue(1)
    queue.push(rand.pcm(33))
    for without in ([(queue,)], [[None]], [None]):
        with pytest.raises(TypeError, match="without: expected lists of GainQueues"):
            mix_each([queue], 33, 1, without)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="queues: expected 2 channels, got 1"):
        mix_each([queue], 33, 2, [[]])
    assert queue.samples_per_channel == 33
