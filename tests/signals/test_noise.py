"""noise_generator: white, uniform, repeatable."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from livekit_utils import noise_generator


def generate(*arguments: Any, **keywords: Any) -> NDArray[np.int16]:
    async def main() -> NDArray[np.int16]:
        frames = [frame async for frame in noise_generator(*arguments, **keywords)]
        assert {frame.num_channels for frame in frames} == {1}
        assert {frame.samples_per_channel for frame in frames[:-1]} <= {frames[0].sample_rate // 100}
        return np.concatenate([np.asarray(frame)[:, 0] for frame in frames])

    return asyncio.run(main())


def test_the_spectrum_is_flat(rand: Any) -> None:
    noise = generate(20.0, 48000, 0.5, seed=rand.randrange(2**32)).astype(float)
    power = np.abs(np.fft.rfft(noise.reshape(-1, 480), axis=1))[:, 1:-1] ** 2
    bands = power.mean(axis=0)  # 2000 periodograms: the standard deviation of each is 2 %
    assert np.abs(10 * np.log10(bands / bands.mean())).max() < 0.6


@pytest.mark.parametrize("amplitude", [0.0, 0.1, 0.5, 1.0])
def test_values_are_spread_evenly(amplitude: float, rand: Any) -> None:
    noise = generate(10.0, 48000, amplitude, seed=rand.randrange(2**32)).astype(float)
    peak = int(amplitude * 32767)
    assert (noise.min(), noise.max()) == pytest.approx((-peak, peak), abs=1 + peak / 1000)
    assert np.abs(noise).max() <= peak
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(peak / np.sqrt(3), rel=0.01)
    assert abs(noise.mean()) < 0.01 * peak + 1e-9


def test_a_seed_repeats_it() -> None:
    assert (generate(0.1, seed=7) == generate(0.1, seed=7)).all()
    assert not (generate(0.1, seed=7) == generate(0.1, seed=8)).all()
    assert not (generate(0.1) == generate(0.1)).all()
    assert generate(0.0123, 11025).size == round(0.0123 * 11025)


@pytest.mark.parametrize(
    ("keywords", "match"),
    [
        ({"duration": -1}, "duration: expected a number above 0, got -1"),
        ({"sample_rate": 999}, "sample_rate: expected 1000 to"),
        ({"amplitude": 1.1}, "amplitude: expected a number from 0 to 1, got 1.1"),
        ({"seed": -1}, "seed: expected 0 to"),
    ],
)
def test_out_of_range_is_refused_by_the_call(keywords: Any, match: str) -> None:
    with pytest.raises(ValueError, match=f"^{match}"):
        noise_generator(**keywords)
