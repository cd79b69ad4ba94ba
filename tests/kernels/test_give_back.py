"""GiveBack against a slow, obvious version."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from livekit_utils._kernels.give_back import GiveBack
from tests.support.buffers import assert_not_borrowed


def expected_of(before: Any, after: Any, rate: int, size: int, delay: int) -> NDArray[np.float64]:
    """One channel in double precision, sample by sample, of what was given and made in all blocks."""
    late = np.concatenate([np.zeros(delay), before.astype(float)])[: len(after)]
    c = 1 - np.exp(-2 * np.pi * 1500 / rate)
    out, share, low = after.astype(float), 0.0, 0.0
    for start in range(0, len(after), size):
        was, made = late[start : start + size], after[start : start + size].astype(float)
        gain = np.sqrt(np.sum(made**2) / np.sum(was**2)) if was.any() else 0.0
        target = 0.5 * min(max((gain - 0.4) / 0.4, 0), 1)
        for i in range(size):
            low += c * (was[i] - made[i] - low)
            out[start + i] += (share + (target - share) * (i + 1) / size) * low
        if share == target == 0:
            low = 0.0
        share = target
    return np.clip(out, -32768, 32767)


@pytest.mark.parametrize("num_channels", [1, 2, 3])
@pytest.mark.parametrize(("rate", "delay"), [(16000, 94), (48000, 329), (48000, 0), (8000, 200)])
def test_equals_reference(rand: Any, rate: int, delay: int, num_channels: int) -> None:
    random, size, blocks = np.random.default_rng(rand.randrange(2**32)), rate // 100, 30
    before = random.integers(-32768, 32768, (blocks * size, num_channels)).astype(np.int16)
    before[10 * size : 14 * size] = 0
    after = before.copy()
    for k in range(blocks):
        after[k * size : (k + 1) * size] = before[k * size : (k + 1) * size] * random.uniform(-0.2, 1.1)
    given, out = GiveBack(rate, num_channels, size, delay), after.copy()
    for k in range(blocks):
        given.process(before[k * size : (k + 1) * size], out[k * size : (k + 1) * size])
    for channel in range(num_channels):
        expected = expected_of(before[:, channel], after[:, channel], rate, size, delay)
        assert np.abs(out[:, channel] - expected).max() < 0.5 + 0.05


def test_what_is_lowered_as_noise_stays_as_it_is(rand: Any) -> None:
    random = np.random.default_rng(rand.randrange(2**32))
    given = GiveBack(16000, 1, 160, 0)
    for _ in range(20):
        before = random.normal(0, 3000, 160).astype(np.int16)
        after = (0.35 * before).astype(np.int16)
        out = after.copy()
        given.process(before, out)
        assert np.array_equal(out, after)


def test_half_of_what_is_taken_comes_back_at_low_frequencies() -> None:
    """And hardly any of it at high ones."""
    time_s = np.arange(48000) / 48000
    for hz, least, most in ((200, 0.48, 0.5), (8000, 0.05, 0.13)):
        before = np.round(10000 * np.sin(2 * np.pi * hz * time_s)).astype(np.int16)
        after = np.round(0.85 * before).astype(np.int16)
        given, out = GiveBack(48000, 1, 480, 0), after.copy()
        for start in range(0, len(out), 480):
            given.process(before[start : start + 480], out[start : start + 480])
        late = slice(24000, None)
        back = np.abs(np.dot((out - after)[late], np.exp(2j * np.pi * hz * time_s[late]))) * 2 / 24000
        assert least <= back / 1500 <= most


def test_data_is_given_back() -> None:
    full, less = bytearray(320), bytearray(318)
    given = GiveBack(16000, 1, 160, 5)
    for arguments in ((full, less), (less, full)):
        with pytest.raises(ValueError, match="expected 160 samples, got 1"):
            given.process(*arguments)
    with pytest.raises(ValueError, match="writable buffer, got a read-only one"):
        given.process(full, bytes(320))
    with pytest.raises(TypeError, match="expected bytes or int16 samples"):
        given.process(full, np.zeros(160, np.float32))
    assert_not_borrowed(full, less)


@pytest.mark.parametrize(
    "arguments",
    [
        *((7999, 1, 160, 0), (384001, 1, 160, 0), (16000, 0, 160, 0), (16000, 1025, 160, 0)),
        *((16000, 1, 0, 0), (16000, 1, 65537, 0), (16000, 1, 160, -1), (16000, 1, 160, 65537)),
    ],
)
def test_out_of_range(arguments: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        GiveBack(*arguments)
