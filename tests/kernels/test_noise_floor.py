"""NoiseFloor against a slow, obvious version."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from livekit_utils._kernels.noise_floor import NoiseFloor
from tests.kernels.test_echo_power import floats, white
from tests.support.buffers import assert_not_borrowed

MEAN, PART, PARTS, CLEAR, END, DECAY, LEAST_TO_MEAN = 9, 40, 4, 10.0, 0.25, 0.76, 1.6
Powers = NDArray[np.float64]


def smooth(powers: Powers) -> Powers:
    out = powers.copy()
    out[..., 1:-1] = (powers[..., :-2] + powers[..., 1:-1] + powers[..., 2:]) / 3
    return out


def reference(mic: Powers, echo: Powers) -> list[Powers]:
    """The noise after each block, from the whole of the past."""
    mic, echo = smooth(mic), smooth(echo)
    end = np.zeros_like(echo[0])
    expected = []
    for now in echo:
        left = DECAY * end
        expected.append(np.maximum(now, left))
        end = np.maximum(END * now, left)
    noise, noises = np.zeros_like(mic[0]), []
    clear, means = [], []
    for k in range(len(mic)):
        if k >= MEAN - 1:
            mean, of_echo = (np.mean(x[k - MEAN + 1 : k + 1], axis=0) for x in (mic, expected))
            means.append(mean)
            clear.append(np.where(mean >= CLEAR * of_echo, mean, np.inf))
            first = max(0, ((len(means) - 1) // PART - PARTS + 1) * PART)
            least = np.min(clear[first:], axis=0)
            noise = np.where(np.isfinite(least), LEAST_TO_MEAN * least, noise)
            noise = np.minimum(noise, LEAST_TO_MEAN * np.min(means[first:], axis=0))
        noises.append(noise)
    return noises


@pytest.mark.parametrize(("num_channels", "num_bins"), [(1, 64), (3, 5), (1, 1), (2, 2)])
def test_equals_reference(rand: Any, num_channels: int, num_bins: int) -> None:
    random = np.random.default_rng(rand.randrange(2**32))
    mic = white(random, 500, num_channels, num_bins) * 10 ** random.uniform(-1, 3, (500, 1, 1))
    echo = 10 ** random.uniform(-4, 4, (50, num_channels, num_bins)).repeat(10, axis=0)
    echo[100:200] = 0
    echo[350:] *= 1e4
    floor, noise = NoiseFloor(num_channels, num_bins), np.zeros((num_channels, num_bins), np.float32)
    expected = reference(np.abs(mic) ** 2, echo)
    differ = 0
    for k in range(500):
        is_none = not echo[k].any()
        floor.push(floats(mic[k]), None if is_none else echo[k].astype(np.float32), noise)
        # What is at the limit may count in one of the two only.
        differ += int(np.sum(np.abs(noise - expected[k]) > 1e-3 * expected[k]))
    assert differ < 0.01 * 500 * num_channels * num_bins


def test_noise_is_measured(rand: Any) -> None:
    random = np.random.default_rng(rand.randrange(2**32))
    floor, noise = NoiseFloor(1, 64), np.zeros((1, 64), np.float32)
    for _ in range(300):
        floor.push(floats(5 * white(random, 1, 64)), None, noise)
    assert 12 < noise.mean() < 30  # of 25
    for _ in range(300):
        floor.push(floats(0.5 * white(random, 1, 64)), None, noise)
    assert 0.12 < noise.mean() < 0.3


def test_an_echo_is_not_the_room(rand: Any) -> None:
    """While there is an echo, what was heard before counts, but not above what is there now."""
    random = np.random.default_rng(rand.randrange(2**32))
    floor, noise = NoiseFloor(1, 8), np.zeros((1, 8), np.float32)
    loud = np.full(8, 100, np.float32)
    for _ in range(300):
        floor.push(floats(10 * white(random, 1, 8)), loud, noise)
    assert not noise.any()
    for _ in range(300):
        floor.push(floats(white(random, 1, 8)), None, noise)
    assert 0.5 < noise.mean() < 1.5  # of 1
    for _ in range(300):
        floor.push(floats(10 * white(random, 1, 8)), loud, noise)
    assert 0.5 < noise.mean() < 2
    for _ in range(300):
        floor.push(floats(0.1 * white(random, 1, 8)), loud, noise)
    assert noise.max() < 0.03


def test_data_is_given_back() -> None:
    numbers, noise = bytearray(64), np.zeros(8, np.float32)
    mic = np.frombuffer(numbers, np.float32)
    floor = NoiseFloor(1, 8)
    for arguments in ((mic[1:], None, noise), (mic, mic, noise), (mic, noise, mic.copy())):
        with pytest.raises(ValueError, match=r"float32 numbers, got 1[56]"):
            floor.push(*arguments)
    with pytest.raises(TypeError, match="expected float32"):
        floor.push(numbers, None, noise)
    del mic, arguments
    assert_not_borrowed(numbers)


@pytest.mark.parametrize(("num_channels", "num_bins"), [(0, 8), (1025, 8), (1, 0), (1, 1025)])
def test_out_of_range(num_channels: int, num_bins: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to 1024"):
        NoiseFloor(num_channels, num_bins)
