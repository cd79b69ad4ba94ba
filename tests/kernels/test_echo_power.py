"""EchoPower against a slow, obvious version, and against echoes whose power is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from livekit_utils._kernels.echo_power import EchoPower
from tests.support.buffers import assert_not_borrowed

LAGS, BATCH, GROUP, LEARN, MEMORY, DEVIATIONS = 60, 16, 8, 90, 0.923, 3.0
Spectrum = NDArray[np.complex128]


class Reference:
    """The header's formulas, from the whole of the past."""

    def __init__(self, num_channels: int, num_bins: int) -> None:
        self.mic = np.zeros((0, num_channels, num_bins), complex)
        self.ref = np.zeros((LAGS - 1, num_bins), complex)
        self.found, self.spread = (np.zeros((LAGS, num_channels, num_bins)) for _ in range(2))
        self.total = np.zeros((LAGS, 1, num_bins))
        self.gains = np.zeros((LAGS, num_channels, num_bins))
        self.heard = 0
        self.is_known = False

    def push(self, mic: Spectrum, ref: Spectrum) -> NDArray[np.float64]:
        self.mic, self.ref = np.concatenate([self.mic, [mic]]), np.concatenate([self.ref, [ref]])
        self.heard += bool(np.any(ref != 0))
        latest = np.abs(self.ref[::-1][:LAGS, np.newaxis]) ** 2
        if not self.is_known:
            echo = np.broadcast_to(latest.max(axis=0), mic.shape)
        else:
            echo = np.sum(self.gains * latest, axis=0)
        if len(self.mic) % BATCH == 0:
            for lag in range(LAGS):
                self._learn(lag)
            self.is_known = self.heard >= LEARN
        return echo

    def _learn(self, lag: int) -> None:
        mic, end = self.mic[-BATCH:], len(self.ref) - lag
        ref = self.ref[end - BATCH : end, np.newaxis]
        chance = np.sum(np.abs(mic) ** 2 * np.abs(ref) ** 2, axis=0)
        correlation = np.abs(np.sum(mic * ref.conj(), axis=0)) ** 2
        self.found[lag] = MEMORY * self.found[lag] + correlation - chance
        self.spread[lag] = MEMORY**2 * self.spread[lag] + chance**2
        squares = np.sum(np.abs(ref) ** 2, axis=0) ** 2 - np.sum(np.abs(ref) ** 4, axis=0)
        self.total[lag] = MEMORY * self.total[lag] + squares
        if self.heard < LEARN:
            return
        for channel in range(mic.shape[1]):
            for start in range(0, mic.shape[2], GROUP):
                part = (lag, channel, slice(start, start + GROUP))
                of_group = gain(self.found[part].sum(), self.spread[part].sum(), self.total[lag, 0, part[2]].sum())
                for b in range(start, start + GROUP):
                    at = (lag, channel, b)
                    self.gains[at] = max(of_group, gain(self.found[at], self.spread[at], self.total[lag, 0, b]))


def gain(found: float, spread: float, total: float) -> float:
    return found / total if total > 0 and found > DEVIATIONS * np.sqrt(spread) else 0.0


def floats(spectrum: Spectrum) -> NDArray[np.float32]:
    return spectrum.astype(np.complex64).view(np.float32)


def white(random: np.random.Generator, *shape: int) -> Spectrum:
    numbers = random.normal(size=(*shape, 2))
    return np.asarray(numbers[..., 0] + 1j * numbers[..., 1]) / np.sqrt(2)


@pytest.mark.parametrize(("num_channels", "num_bins"), [(1, 8), (2, 24)])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e5])
def test_equals_reference(rand: Any, num_channels: int, num_bins: int, scale: float) -> None:
    random = np.random.default_rng(rand.randrange(2**32))
    kernel, reference = EchoPower(num_channels, num_bins), Reference(num_channels, num_bins)
    echo = np.zeros((num_channels, num_bins), np.float32)
    ref = scale * white(random, 300, num_bins)
    ref[40:60] = 0
    mic = 0.3 * scale * white(random, 300, num_channels, num_bins)
    mic[20:] += 0.5 * ref[:-20, np.newaxis]
    differ = 0
    for k in range(300):
        kernel.push(floats(mic[k]), floats(ref[k]), echo)
        expected = reference.push(mic[k], ref[k])
        # A gain at its limit may count in one of the two only.
        differ += int(np.sum(np.abs(echo - expected) > 1e-3 * expected + 1e-6 * scale**2))
    assert differ < 0.01 * 300 * num_channels * num_bins


@pytest.mark.parametrize("lag", [0, 1, 17, 49, 59])
@pytest.mark.parametrize("slips", [False, True])
def test_an_echo_in_noise_is_measured(rand: Any, lag: int, slips: bool) -> None:
    """Also if the phase turns by half a circle every 0.4 s, as where single samples are dropped."""
    random = np.random.default_rng(rand.randrange(2**32))
    kernel, echo = EchoPower(1, 64), np.zeros((1, 64), np.float32)
    ref, mic = white(random, 600, 64), white(random, 600, 1, 64)
    turn = np.exp(1j * np.pi * (np.arange(600) // 40 if slips else np.zeros(600)))
    mic[lag:] += 0.5 * (ref * turn[:, np.newaxis])[: 600 - lag, np.newaxis]  # -6 dB below the noise
    powers = []
    for k in range(600):
        kernel.push(floats(mic[k]), floats(ref[k]), echo)
        powers.append(echo.mean())
    assert np.mean(powers[300:]) == pytest.approx(0.25, rel=0.35)


def test_without_an_echo_there_is_almost_none(rand: Any) -> None:
    random = np.random.default_rng(rand.randrange(2**32))
    kernel, echo = EchoPower(1, 64), np.zeros((1, 64), np.float32)
    powers = []
    for _ in range(600):
        kernel.push(floats(white(random, 1, 64)), floats(white(random, 64)), echo)
        powers.append(echo.mean())
    assert np.min(powers[10:96]) > 1  # nothing is known yet, up to the end of the batch
    assert np.mean(powers[200:]) < 0.05


def test_what_was_learnt_is_forgotten(rand: Any) -> None:
    random = np.random.default_rng(rand.randrange(2**32))
    kernel, echo = EchoPower(1, 8), np.zeros((1, 8), np.float32)
    sound = white(random, 200, 8)
    for k in range(200):
        kernel.push(floats(0.1 * sound[k]), floats(sound[k]), echo)
    assert echo.max() < 0.1
    kernel.forget()
    kernel.push(floats(sound[0]), floats(sound[0]), echo)
    assert echo.max() > 1


def test_silence_is_no_echo() -> None:
    kernel, echo, nothing = EchoPower(1, 8), np.ones((1, 8), np.float32), np.zeros(16, np.float32)
    for _ in range(200):
        kernel.push(nothing, nothing, echo)
        assert not echo.any()


def test_data_is_given_back() -> None:
    numbers, wrong = bytearray(64), bytearray(64)
    mic = np.frombuffer(numbers, np.float32)
    kernel = EchoPower(1, 8)
    with pytest.raises(ValueError, match="expected 8 float32 numbers, got 16"):
        kernel.push(mic, mic, np.zeros(16, np.float32))
    with pytest.raises(ValueError, match="expected 16 float32 numbers, got 15"):
        kernel.push(mic, mic[1:], np.zeros(8, np.float32))
    with pytest.raises(TypeError, match="expected float32"):
        kernel.push(wrong, mic, np.zeros(8, np.float32))
    del mic
    assert_not_borrowed(numbers, wrong)


@pytest.mark.parametrize(("num_channels", "num_bins"), [(0, 8), (1025, 8), (1, 0), (1, 12), (1, 1032)])
def test_out_of_range(num_channels: int, num_bins: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        EchoPower(num_channels, num_bins)
