"""NoiseFill against a slow, obvious version."""

from typing import Any

import numpy as np
import pytest

from livekit_utils._kernels.noise_fill import NoiseFill
from tests.kernels.test_echo_power import floats, white
from tests.kernels.test_noise_floor import smooth
from tests.support.buffers import assert_not_borrowed


@pytest.mark.parametrize(("num_channels", "places"), [(1, [1, 2, 5, 9]), (2, [0, 3, 4]), (3, list(range(1, 65)))])
def test_equals_reference(rand: Any, num_channels: int, places: list[int]) -> None:
    random = np.random.default_rng(rand.randrange(2**32))
    num_bins, fill = len(places), NoiseFill(num_channels, places, 3.0)
    spectrum = np.zeros((num_channels, 2 * (places[-1] + 1)), np.float32)
    near, before, after = np.zeros((3, num_channels, num_bins))
    for k in range(100):
        mic, out = (white(random, num_channels, num_bins) * 10 ** random.uniform(-2, 2) for _ in range(2))
        if 40 < k < 45:
            mic = out = 0 * mic
        noise = 10 ** random.uniform(-3, 3, (num_channels, num_bins)).astype(np.float32)
        before = near
        near = 0.5 * near + 0.5 * smooth(np.abs(mic) ** 2)
        after = 0.5 * after + 0.5 * smooth(np.abs(out) ** 2)
        removed = 1 - after / np.maximum(before, 1e-30)
        missing = np.clip(np.minimum(noise * removed, noise - after), 0, None)
        assert fill.push(floats(mic), floats(out), noise) is bool(missing.max() > 0.003)
        fill.make(spectrum)
        numbers = spectrum[:, ::2] + 1j * spectrum[:, 1::2]
        for channel in range(num_channels):
            expected = np.interp(np.arange(places[-1] + 1), places, missing[channel], left=0)
            assert np.allclose(np.abs(numbers[channel]) ** 2, 9 * expected, rtol=1e-3, atol=1e-3 * noise.max())


def test_phases_are_random() -> None:
    fill, spectrum = NoiseFill(1, [0, 999], 1.0), np.zeros(2000, np.float32)
    total = np.zeros(2000)
    for _ in range(400):
        fill.push(np.full(4, 10, np.float32), np.zeros(4, np.float32), np.ones(2, np.float32))
        fill.make(spectrum)
        total += np.sign(spectrum)
    assert np.abs(total).max() < 5 * 20
    assert abs(np.dot(np.sign(spectrum[::2]), np.sign(spectrum[1::2]))) < 5 * 1000**0.5


def test_data_is_given_back() -> None:
    numbers = bytearray(16)
    mic, noise = np.frombuffer(numbers, np.float32), np.zeros(2, np.float32)
    fill = NoiseFill(1, [0, 1], 1.0)
    for arguments in ((mic[1:], mic, noise), (mic, mic[1:], noise), (mic, mic, noise[1:])):
        with pytest.raises(ValueError, match="float32 numbers, got"):
            fill.push(*arguments)
    with pytest.raises(ValueError, match="expected 4 float32 numbers, got 2"):
        fill.make(noise)
    del mic, arguments
    assert_not_borrowed(numbers)


@pytest.mark.parametrize("places", [[], [1], [1, 1], [2, 1], [-1, 1], list(range(1025))])
def test_places_out_of_range(places: list[int]) -> None:
    with pytest.raises(ValueError, match="places: expected"):
        NoiseFill(1, places, 1.0)


@pytest.mark.parametrize("num_channels", [0, 1025])
def test_channels_out_of_range(num_channels: int) -> None:
    with pytest.raises(ValueError, match="num_channels: expected 1 to 1024"):
        NoiseFill(num_channels, [0, 1], 1.0)
