"""UpperBand against a slow, obvious version."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from livekit_utils._kernels.upper_band import UpperBand
from tests.kernels.test_echo_power import floats, white
from tests.support.buffers import assert_not_borrowed

_PARTS = 4
_LOW = 160


class Reference:
    """The gains and the sum in double precision, sample by sample."""

    def __init__(self, num_channels: int, size: int, first_bin: int) -> None:
        self._size, self._first = size, first_bin
        self._ends = np.zeros((2, 2, num_channels))
        self._powers = np.zeros((2, num_channels))
        self._last = np.ones(num_channels)

    def gains(self, before: Any, after: Any, mic: Any, echo: Any) -> NDArray[np.float64]:
        """Returns the gain of each sample in each channel."""
        differences = []
        for which, sound in enumerate((before, after)):
            whole = np.concatenate([self._ends[which], sound.astype(float)])
            self._ends[which] = whole[-2:]
            differences.append(whole[2:] - 2 * whole[1:-1] + whole[:-2])
        most = np.ones(len(self._last))
        if echo is not None:
            heard = np.sum(np.abs(mic[:, self._first :]) ** 2, axis=1)
            expected = np.sum(echo[:, self._first :], axis=1)
            most = np.clip((heard - 2 * expected) / np.maximum(8 * expected, 1e-30), 0, 1)
        parts = []
        for part in range(_PARTS):
            place = slice(part * _LOW // _PARTS, (part + 1) * _LOW // _PARTS)
            self._powers = 0.5 * self._powers + np.array([np.sum(x[place] ** 2, axis=0) for x in differences])
            share = (self._powers[1] + 1) / (self._powers[0] + 1)
            gain = np.minimum(share**0.75, most)
            count = (part + 1) * self._size // _PARTS - part * self._size // _PARTS
            steps = np.arange(1, count + 1)[:, np.newaxis] / count
            parts.append(self._last + (gain - self._last) * steps)
            self._last = gain
        return np.concatenate(parts)


@pytest.mark.parametrize("num_channels", [1, 2, 3])
@pytest.mark.parametrize("size", [161, 240, 441, 480, 97])
def test_equals_reference(rand: Any, num_channels: int, size: int) -> None:
    random = np.random.default_rng(rand.randrange(2**32))
    num_bins, first_bin = 12, 7
    upper = UpperBand(num_channels, _LOW, size, num_bins, first_bin)
    reference = Reference(num_channels, size, first_bin)
    for k in range(30):
        before = random.integers(-32768, 32768, (_LOW, num_channels)).astype(np.int16)
        after = (before * random.uniform(0, 1.1) ** 2).clip(-32768, 32767).astype(np.int16)
        if 10 < k < 14:
            before = after = 0 * before
        mic = white(random, num_channels, num_bins)
        echo = None if k % 3 == 0 else (random.uniform(0, 0.3, (num_channels, num_bins))).astype(np.float32)
        upper.listen(before, after, floats(mic), echo)
        gains = reference.gains(before, after, mic, echo)
        whole, low, out = random.integers(-32768, 32768, (3, size, num_channels)).astype(np.int16)
        expected = np.clip(out + gains * (whole.astype(float) - low), -32768, 32767)
        upper.add(whole, low, out)
        assert np.abs(out - expected).max() < 0.5 + 0.05


def test_what_is_not_cancelled_comes_back(rand: Any) -> None:
    """To the bit, as long as nothing saturates."""
    random = np.random.default_rng(rand.randrange(2**32))
    upper, spectrum = UpperBand(1, _LOW, 441, 4, 2), np.ones(8, np.float32)
    for _ in range(20):
        low_band = random.integers(-32768, 32768, _LOW).astype(np.int16)
        upper.listen(low_band, low_band, spectrum, np.zeros(4, np.float32))
        mic, low = random.integers(-16384, 16384, (2, 441)).astype(np.int16)
        out = low.copy()
        upper.add(mic, low, out)
        assert np.array_equal(out, mic)


def test_an_echo_in_the_upper_band_alone_is_lowered() -> None:
    upper, low_band = UpperBand(1, _LOW, 480, 4, 2), np.arange(_LOW, dtype=np.int16) ** 2
    mic, nothing = np.full(480, 1000, np.int16), np.zeros(480, np.int16)
    spectrum = np.array([0, 0, 0, 0, 10, 0, 0, 10], np.float32)  # of a power of 200 in the upper band
    for echo, expected in ((19.9, 1000), (60, 167), (101, 0)):
        for _ in range(2):
            upper.listen(low_band, low_band, spectrum, np.array([1e9, 1e9, echo / 2, echo / 2], np.float32))
            out = nothing.copy()
            upper.add(mic, nothing, out)
        assert out[-1] == pytest.approx(expected, abs=1)


def test_data_is_given_back() -> None:
    low, full, numbers = bytearray(320), bytearray(960), bytearray(32)
    upper, spectrum = UpperBand(1, _LOW, 480, 4, 2), np.frombuffer(numbers, np.float32)
    with pytest.raises(ValueError, match="expected 160 samples, got 480"):
        upper.listen(full, low, spectrum, None)
    with pytest.raises(ValueError, match="expected 160 samples, got 480"):
        upper.listen(low, full, spectrum, None)
    with pytest.raises(ValueError, match="expected 8 float32 numbers, got 7"):
        upper.listen(low, low, spectrum[1:], None)
    with pytest.raises(ValueError, match="expected 4 float32 numbers, got 8"):
        upper.listen(low, low, spectrum, spectrum)
    for arguments in ((low, full, full), (full, low, full), (full, full, low)):
        with pytest.raises(ValueError, match="expected 480 samples, got 160"):
            upper.add(*arguments)
    with pytest.raises(ValueError, match="writable buffer, got a read-only one"):
        upper.add(full, full, bytes(960))
    del spectrum
    assert_not_borrowed(low, full, numbers)


@pytest.mark.parametrize(
    "arguments",
    [
        *((0, 160, 480, 4, 2), (1025, 160, 480, 4, 2), (1, 3, 480, 4, 2), (1, 160, 3, 4, 2), (1, 160, 65537, 4, 2)),
        *((1, 160, 480, 0, 0), (1, 160, 480, 65537, 0), (1, 160, 480, 4, -1), (1, 160, 480, 4, 5)),
    ],
)
def test_out_of_range(arguments: tuple[int, int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        UpperBand(*arguments)
