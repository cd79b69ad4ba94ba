"""The limiter: no sample above the ceiling, nothing changed below it."""

from __future__ import annotations

import math
import random
from array import array
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livekit_utils._kernels.limiter import Limiter
from tests.support import reference

ceilings = st.one_of(st.sampled_from((32, 29204, 32767, 32768)), st.integers(32, 32768))
windows = st.one_of(st.integers(1, 20), st.sampled_from((48, 240, 255, 256, 257)))


def sums_of(kind: str, rand: random.Random, num_values: int) -> array[int]:
    """Sums with 24 fractional bits."""
    full = 32768 << 24
    make = {
        "quiet": lambda: rand.randint(-full // 4, full // 4),
        "bursts": lambda: rand.randint(-full, full) * (4 if rand.random() < 0.01 else 0.2),
        "loud": lambda: rand.randint(-full, full) * rand.randint(0, 300),
        "any": lambda: rand.choice((-(2**63), 2**63 - 1, rand.randrange(-(2**63), 2**63), 0)),
    }[kind]
    return array("q", (int(make()) for _ in range(num_values)))


@settings(max_examples=60)
@given(
    st.sampled_from(("quiet", "bursts", "loud", "any")),
    st.sampled_from((1, 2, 3)),
    ceilings,
    windows,
    st.sampled_from((1.0, 30.0, 4800.0)),
    st.randoms(use_true_random=False),
)
def test_equals_reference_in_pieces(
    kind: str, num_channels: int, ceiling: int, look_ahead: int, release: float, rand: random.Random
) -> None:
    num_frames = rand.randrange(1200)
    sums = sums_of(kind, rand, num_frames * num_channels)
    expected, reductions = reference.limited(sums, num_channels, ceiling, look_ahead, release)
    limiter = Limiter(num_channels, ceiling, look_ahead, release)
    assert limiter.delay == look_ahead - 1
    out, at = bytearray(), 0
    while at < num_frames:
        n = rand.randint(0, num_frames - at)
        out += limiter.process(sums[at * num_channels : (at + n) * num_channels])
        assert limiter.least_gain == 1 - max(reductions[at : at + n], default=0) / 2**30
        at += n
    assert reference.ints(out) == expected
    assert all(-ceiling <= sample <= ceiling for sample in expected)


@pytest.mark.parametrize("ceiling", [1000, 29204, 32768])
def test_what_is_not_above_the_ceiling_comes_out_as_it_would_without(rand: Any, ceiling: int) -> None:
    """Also the fractions that are rounded to the ceiling."""
    half, top = 1 << 23, (ceiling << 24) + (1 << 23) - 1
    sums = array("q", (rand.choice((top, -top - 1, rand.randint(-top, top))) for _ in range(2000)))
    limiter = Limiter(1, ceiling, 48, 100.0)
    out = reference.ints(limiter.process(sums) + limiter.drained(47))
    assert limiter.least_gain == 1.0
    assert out == [0] * 47 + [reference.clamp((x + half) >> 24) for x in sums]
    if ceiling < 32768:
        limiter.process(array("q", [top + 65536]))
        assert limiter.least_gain < 1.0


def test_rests_again_after_a_peak(rand: Any) -> None:
    limiter = Limiter(2, 16384, 48, 100.0)
    limiter.process(array("q", [32767 << 24] * 2))
    least = limiter.least_gain
    assert least == pytest.approx(1 - 0.5 / 48, abs=1e-3)
    for _ in range(30):
        limiter.process(array("q", bytes(8 * 2 * 100)))
    assert limiter.least_gain == 1.0
    quiet = array("q", (rand.randint(-1000, 1000) << 24 for _ in range(2000)))
    out = reference.ints(limiter.process(quiet) + limiter.drained(47))
    assert out[2 * 47 :] == [x >> 24 for x in quiet]


def test_a_long_tone_keeps_its_shape() -> None:
    """The reduction of a steady tone ripples by less than 0.1 dB with a release of 100 ms."""
    tone = array("q", (int(60000 * math.sin(2 * math.pi * 440 * k / 48000)) << 24 for k in range(48000)))
    limiter = Limiter(1, 29204, 240, 4800.0)
    limiter.process(tone)
    out = reference.ints(limiter.process(tone))
    steady = [29204 / 60000 * (x >> 24) for x in tone[48000 - 239 :] + tone[: 48000 - 239]]
    assert max(abs(a - b) for a, b in zip(out, steady, strict=True)) < 0.012 * 29204


def test_channels_share_one_gain() -> None:
    """The place of a sound between left and right stays."""
    rand = random.Random(3)
    sums = array("q")
    for _ in range(3000):
        left = rand.randint(-60000, 60000) << 24
        sums += array("q", [left, left // 2])
    out = reference.ints(Limiter(2, 10000, 48, 500.0).process(sums))
    assert all(abs(left - 2 * right) <= 2 for left, right in zip(out[::2], out[1::2], strict=True))


def test_held_samples_are_counted() -> None:
    limiter = Limiter(2, 20000, 48, 100.0)
    assert limiter.num_held == 0
    limiter.process(array("q", [5 << 24] * 4))
    assert limiter.num_held == 47
    assert limiter.drained(40) == bytes(160)
    assert limiter.num_held == 7
    assert reference.ints(limiter.drained(40))[: 2 * 9] == [0] * 10 + [5] * 4 + [0] * 4
    assert limiter.num_held == 0


def test_refusals() -> None:
    for wrong in ((0, 1000, 1, 1.0), (129, 1000, 1, 1.0), (1, 31, 1, 1.0), (1, 32769, 1, 1.0), (1, 1000, 0, 1.0),
                  (1, 1000, 4097, 1.0), (1, 1000, 1, 0.5), (1, 1000, 1, math.nan), (1, 1000, 1, math.inf)):  # fmt: skip
        with pytest.raises(ValueError, match="expected"):
            Limiter(*wrong)
    limiter = Limiter(2, 1000, 1, 1.0)
    for data in (b"12345678", array("i", [1, 2]), array("d", [1.0, 2.0]), None):
        with pytest.raises(TypeError):
            limiter.process(data)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a multiple of 2 samples for 2 channels, got 3"):
        limiter.process(array("q", [1, 2, 3]))
    with pytest.raises(ValueError, match="C-contiguous"):
        limiter.process(memoryview(array("q", [1, 2, 3, 4]))[::2])
    with pytest.raises(ValueError, match="samples_per_channel"):
        limiter.drained(-1)
    assert limiter.process(array("q")) == b""
    assert limiter.num_held == 0
