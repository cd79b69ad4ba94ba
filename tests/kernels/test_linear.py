import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils._kernels.linear import LinearInterpolator
from tests.support import reference
from tests.support.buffers import RefusesWrongData, assert_not_borrowed, at_odd_address, blocks_of, placements

MAX_RATE = 2**30 - 1

rates = st.tuples(
    st.one_of(st.integers(1, 12), st.sampled_from((147, 160, 441, 8000, 48000, 44101))),
    st.one_of(st.integers(1, 12), st.sampled_from((147, 160, 441, 8000, 48000, 44101))),
).map(lambda pair: (pair[0] // math.gcd(*pair), pair[1] // math.gcd(*pair)))


def num_frames_for(pair: tuple[int, int]) -> int:
    """Enough input for something to happen, and not more than a few thousand outputs."""
    return max(2, min(300, 3000 * pair[0] // pair[1]))


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return LinearInterpolator(2, 3, 1).process(data)


@given(st.data(), rates, st.integers(1, 3), placements)
def test_any_chunking_equals_reference(data: Any, pair: tuple[int, int], num_channels: int, place: Any) -> None:
    block = data.draw(st.integers(0, num_frames_for(pair)).map(lambda n: n * num_channels).flatmap(blocks_of))
    num_frames = len(block) // (2 * num_channels)
    cuts = sorted(data.draw(st.lists(st.integers(0, num_frames), max_size=12)))
    step = 2 * num_channels
    interpolator = LinearInterpolator(*pair, num_channels)
    out = bytearray()
    for start, end in zip([0, *cuts], [*cuts, num_frames], strict=True):
        out += interpolator.process(place(block[start * step : end * step]))
        # All that can be known by now has been given out.
        assert len(out) // step == (-(-((end - 1) * pair[1] + 1) // pair[0]) if end else 0)
    assert reference.ints(out) == reference.linear(reference.ints(block), *pair, num_channels)
    interpolator.reset()
    assert interpolator.process(block) == out


@pytest.mark.parametrize("pair", [(1, 3), (3, 1), (147, 160), (160, 147), (1, 1), (7, 441)])
@pytest.mark.parametrize("num_channels", [1, 2])
def test_frame_by_frame(rand: Any, pair: tuple[int, int], num_channels: int) -> None:
    block, step = rand.pcm(500 * num_channels), 2 * num_channels
    interpolator = LinearInterpolator(*pair, num_channels)
    parts = [interpolator.process(at_odd_address(block[i : i + step])) for i in range(0, len(block), step)]
    assert b"".join(parts) == LinearInterpolator(*pair, num_channels).process(block)


def test_equal_rates_copy(rand: Any) -> None:
    block = rand.pcm(4097)
    assert LinearInterpolator(1, 1, 1).process(block) == block


@pytest.mark.parametrize(
    ("pair", "samples", "result"),
    [
        ((1, 2), [0, 1, 0, -1, 0], [0, 1, 1, 1, 0, 0, -1, 0, 0]),  # ties go up
        ((1, 2), [-32768, 32767, -32768], [-32768, 0, 32767, 0, -32768]),
        ((2, 1), [1, 2, 3, 4, 5], [1, 3, 5]),
        ((2, 1), [1, 2, 3, 4], [1, 3]),
        ((3, 1), [1, 2, 3, 4], [1, 4]),
        ((1, 3), [0, 3], [0, 1, 2, 3]),
        ((1, 3), [0, -4], [0, -1, -3, -4]),
        ((2, 3), [0, 3, 6], [0, 2, 4, 6]),
        ((1, 1000), [7], [7]),
        ((1000, 1), [7], [7]),
        ((5, 1), [], []),
    ],
)
def test_known_values(pair: tuple[int, int], samples: list[int], result: list[int]) -> None:
    assert reference.ints(LinearInterpolator(*pair, 1).process(reference.pcm(samples))) == result


@pytest.mark.parametrize("extreme", [-32768, 32767])
def test_constant_stays_constant(extreme: int) -> None:
    data = reference.pcm([extreme] * 300)
    out = LinearInterpolator(147, 160, 1).process(data)
    assert set(reference.ints(out)) == {extreme}


def test_steep_decimation_skips_whole_calls(rand: Any) -> None:
    block = rand.pcm(1001)
    interpolator = LinearInterpolator(100, 1, 1)
    out = b"".join(interpolator.process(block[i : i + 14]) for i in range(0, len(block), 14))
    assert reference.ints(out) == reference.ints(block)[::100]


def test_highest_rates_are_exact() -> None:
    block = reference.pcm([-32768, 32767, -32768, 32767])
    for pair in ((MAX_RATE, MAX_RATE - 1), (MAX_RATE - 1, MAX_RATE), (MAX_RATE, 1), (MAX_RATE, MAX_RATE // 2)):
        out = LinearInterpolator(*pair, 1).process(block)
        assert reference.ints(out) == reference.linear(reference.ints(block), *pair, 1)


def test_a_long_stream_does_not_drift() -> None:
    interpolator = LinearInterpolator(147, 160, 1)
    silence = bytes(2 * 44_100)
    total = sum(len(interpolator.process(silence)) for _ in range(100)) // 2
    assert total == (100 * 44_100 - 1) * 160 // 147 + 1


def test_refused_data_leaves_the_state_alone(rand: Any) -> None:
    block = rand.pcm(200)
    disturbed, calm = LinearInterpolator(2, 3, 2), LinearInterpolator(2, 3, 2)
    out = disturbed.process(block)
    for wrong in (bytes(2), bytes(3), b"\x00" * 6, memoryview(bytes(8)).cast("f"), None):
        with pytest.raises((ValueError, TypeError)):
            disturbed.process(wrong)
    assert out + disturbed.process(block) == calm.process(block) + calm.process(block)


def test_data_is_given_back() -> None:
    data, odd = bytearray(800), bytearray(802)
    interpolator = LinearInterpolator(3, 2, 2)
    interpolator.process(data)
    with pytest.raises(ValueError, match="a multiple of 2 samples for 2 channels, got 401"):
        interpolator.process(odd)
    assert_not_borrowed(data, odd)


@pytest.mark.parametrize("look_ahead", [1, 2, 7, 40])
@pytest.mark.parametrize("pair", [(1, 1), (2, 3), (3, 1), (50, 1)])
def test_look_ahead_holds_outputs_back(rand: Any, look_ahead: int, pair: tuple[int, int]) -> None:
    block = rand.pcm(2 * 300)
    interpolator = LinearInterpolator(*pair, 2, look_ahead)
    out, position = bytearray(), 0
    while position < 300:
        n = min(rand.choice((1, 2, 5, 60)), 300 - position)
        out += interpolator.process(block[4 * position : 4 * (position + n)])
        position += n
        known = reference.ints(block[: 4 * max(0, position - look_ahead)])
        assert reference.ints(out) == reference.linear(known, *pair, 2)
    with pytest.raises(ValueError, match="look_ahead of 0 or more, got -1"):
        LinearInterpolator(1, 1, 1, -1)


@pytest.mark.parametrize("rate", [0, -1, MAX_RATE + 1, 2**62])
def test_rate_out_of_range(rate: int) -> None:
    for pair in ((rate, 1), (1, rate)):
        with pytest.raises(ValueError, match=f"1 to {MAX_RATE}, got {rate}"):
            LinearInterpolator(*pair, 1)


@pytest.mark.parametrize("num_channels", [0, -1])
def test_channels_out_of_range(num_channels: int) -> None:
    with pytest.raises(ValueError, match=f"1 channel or more, got {num_channels}"):
        LinearInterpolator(1, 1, num_channels)
