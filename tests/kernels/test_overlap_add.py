from typing import Any

import numpy as np
import pytest

from livekit_utils._kernels.overlap_add import OverlapAdd
from tests.support.buffers import RefusesWrongData, assert_not_borrowed


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return OverlapAdd(1, 4).push(None, data)


@pytest.mark.parametrize("size", [80, 110, 160, 441, 480, 97, 1, 3])
@pytest.mark.parametrize("num_channels", [1, 2, 3])
def test_equals_numpy(rand: Any, size: int, num_channels: int) -> None:
    random = np.random.default_rng(rand.randrange(2**32))
    overlap_add = OverlapAdd(num_channels, size)
    fade = np.sin(np.pi * (np.arange(2 * size) + 0.5) / (2 * size))
    tail = np.zeros((num_channels, size))
    for has_spectrum in (False, True, True, True, False, False, True):
        samples = random.integers(-32768, 32768, (size, num_channels)).astype(np.int16)
        spectrum = random.normal(0, 300 * size**0.5, (num_channels, size + 1, 2)).astype(np.float32)
        frame = np.zeros((num_channels, 2 * size))
        if has_spectrum:
            frame = fade * np.fft.irfft(spectrum[..., 0] + 1j * spectrum[..., 1], 2 * size)
        expected = np.clip(samples + (tail + frame[:, :size]).T, -32768, 32767)
        tail = frame[:, size:]
        overlap_add.push(spectrum if has_spectrum else None, samples)
        assert np.abs(samples - expected).max() < 0.5 + 0.02


def test_silence_adds_nothing(rand: Any) -> None:
    samples = bytearray(rand.pcm(160))
    before = bytes(samples)
    OverlapAdd(1, 160).push(None, samples)
    assert samples == before


def test_data_is_given_back() -> None:
    samples, short = bytearray(320), bytearray(318)
    overlap_add = OverlapAdd(1, 160)
    with pytest.raises(ValueError, match="expected 160 samples, got 159"):
        overlap_add.push(None, short)
    with pytest.raises(ValueError, match="writable buffer, got a read-only one"):
        overlap_add.push(None, bytes(320))
    with pytest.raises(ValueError, match="expected 322 float32 numbers, got 321"):
        overlap_add.push(np.zeros(321, np.float32), samples)
    with pytest.raises(TypeError, match="expected float32"):
        overlap_add.push(bytes(4 * 322), samples)
    assert_not_borrowed(samples, short)


@pytest.mark.parametrize(("num_channels", "size"), [(0, 160), (1025, 160), (1, 0), (1, 65537)])
def test_out_of_range(num_channels: int, size: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to"):
        OverlapAdd(num_channels, size)
