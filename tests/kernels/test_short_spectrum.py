"""ShortSpectrum, and with it the transform, against numpy's."""

from typing import Any

import numpy as np
import pytest

from livekit_utils._kernels.short_spectrum import ShortSpectrum
from tests.support.buffers import RefusesWrongData, assert_not_borrowed


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return ShortSpectrum(1, 4, [1]).push(data, bytes(8), bytes(8), np.zeros((3, 2), np.float32))


# The blocks of 8 to 96 kHz, 44.1 and 11.025 kHz, a prime number, and the shortest.
@pytest.mark.parametrize("size", [80, 110, 160, 220, 240, 320, 441, 480, 960, 97, 1, 2, 3])
@pytest.mark.parametrize("num_channels", [1, 2, 3])
def test_equals_numpy(rand: Any, size: int, num_channels: int) -> None:
    random = np.random.default_rng(rand.randrange(2**32))
    spectrum = ShortSpectrum(num_channels, size, range(size + 1))
    got = np.zeros((2 * num_channels + 1, 2 * (size + 1)), np.float32)
    before = np.zeros((2 * num_channels + 1, size))
    window = 0.5 - 0.5 * np.cos(np.pi * np.arange(2 * size) / size)
    window /= np.sqrt(np.sum(window**2))
    for _ in range(3):
        mic, out, ref = random.integers(-32768, 32768, (3, size, num_channels)).astype(np.int16)
        spectrum.push(mic, out, ref, got)
        rows = np.concatenate([mic.T, out.T, ref.T.mean(axis=0, keepdims=True)])
        expected = np.fft.rfft(window * np.concatenate([before, rows], axis=1))
        before = rows
        assert np.abs(got[:, ::2] + 1j * got[:, 1::2] - expected).max() < 1e-6 * 32768 * size**0.5 + 0.01


def test_some_bins(rand: Any) -> None:
    blocks = [rand.pcm(160) for _ in range(3)]
    all_bins, some = np.zeros((3, 2 * 161), np.float32), np.zeros((3, 6), np.float32)
    ShortSpectrum(1, 160, range(161)).push(*blocks, all_bins)
    ShortSpectrum(1, 160, [160, 3, 0]).push(*blocks, some)
    assert np.array_equal(some, all_bins[:, [320, 321, 6, 7, 0, 1]])


def test_white_sound_has_the_power_of_a_sample(rand: Any) -> None:
    random = np.random.default_rng(rand.randrange(2**32))
    spectrum, bins = ShortSpectrum(1, 480, range(20, 460)), np.zeros((3, 880), np.float32)
    powers = []
    for _ in range(50):
        sound = random.normal(0, 300, 480).astype(np.int16)
        spectrum.push(sound, sound, sound, bins)
        powers.append(np.mean(bins**2) * 2)
    assert np.mean(powers[1:]) == pytest.approx(300**2, rel=0.05)


def test_data_is_given_back() -> None:
    sound, short, spectra = bytearray(320), bytearray(318), bytearray(6)
    spectrum = ShortSpectrum(1, 160, [1])
    with pytest.raises(ValueError, match="expected 160 samples, got 159"):
        spectrum.push(sound, sound, short, np.zeros((3, 2), np.float32))
    with pytest.raises(ValueError, match="expected 6 float32 numbers, got 5"):
        spectrum.push(sound, sound, sound, np.zeros(5, np.float32))
    with pytest.raises(TypeError, match="expected float32"):
        spectrum.push(sound, sound, sound, spectra)
    with pytest.raises((ValueError, BufferError)):
        spectrum.push(sound, sound, sound, memoryview(bytes(24)).cast("f"))
    assert_not_borrowed(sound, short, spectra)


@pytest.mark.parametrize(
    ("num_channels", "size", "bins", "message"),
    [
        (0, 160, [1], "num_channels: expected 1 to 1024, got 0"),
        (1, 0, [1], "samples_per_channel: expected 1 to 65536, got 0"),
        (1, 65537, [1], "samples_per_channel: expected 1 to 65536, got 65537"),
        (1, 160, [], "bins: expected 1 to 1024, got 0"),
        (1, 160, [161], "bins: expected 0 to 160, got 161"),
        (1, 160, [-1], "bins: expected 0 to 160, got -1"),
    ],
)
def test_out_of_range(num_channels: int, size: int, bins: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ShortSpectrum(num_channels, size, bins)
