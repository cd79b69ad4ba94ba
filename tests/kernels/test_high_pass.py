import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils._kernels.high_pass import HighPass
from tests.support import reference
from tests.support.buffers import RefusesWrongData, assert_not_borrowed, blocks_of

RATES = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000, 192000)


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return HighPass(48000, 1).process(data)


def gain_db(rate: int, hz: float) -> float:
    """Of a tone, over whole periods when the filter has settled."""
    tone = 10000 * np.sin(2 * math.pi * hz / rate * np.arange(2 * rate))
    samples = np.rint(tone).astype(np.int16)
    HighPass(rate, 1).process(samples)
    return 10 * math.log10(float(np.sum(samples[rate:].astype(float) ** 2) / np.sum(tone[rate:] ** 2)))


@pytest.mark.parametrize("rate", RATES)
def test_hum_goes_and_the_voice_stays(rate: int) -> None:
    for hz in (20, 50, 60, 80, 100, 120, 150, 200, 300, 1000, 3000):
        # |H|^2 of a Butterworth filter at the frequencies that the bilinear transform moves them to.
        warped = math.tan(math.pi * 100 / rate) / math.tan(math.pi * hz / rate)
        assert gain_db(rate, hz) == pytest.approx(-10 * math.log10(1 + warped**8), abs=0.03 if hz > 20 else 0.5)
    assert gain_db(rate, 50) < -24
    assert gain_db(rate, 60) < -17
    assert abs(gain_db(rate, 150)) < 0.2


@given(st.data(), st.sampled_from(RATES), st.integers(1, 3))
def test_any_chunking_equals_reference(data: Any, rate: int, num_channels: int) -> None:
    block = data.draw(st.integers(0, 1500).map(lambda n: n * num_channels).flatmap(blocks_of))
    num_frames = len(block) // (2 * num_channels)
    cuts = sorted(data.draw(st.lists(st.integers(0, num_frames), max_size=12)))
    high_pass, out, step = HighPass(rate, num_channels), bytearray(block), 2 * num_channels
    for start, end in zip([0, *cuts], [*cuts, num_frames], strict=True):
        high_pass.process(memoryview(out)[start * step : end * step])
    for channel in range(num_channels):
        expected = reference.high_pass(reference.ints(block)[channel::num_channels], rate)
        for got, value in zip(reference.ints(out)[channel::num_channels], expected, strict=True):
            assert abs(got - max(-32768, min(32767, value))) < 0.5 + 1e-6
    whole = bytearray(block)
    high_pass.reset()
    high_pass.process(whole)
    assert whole == out


def test_an_odd_address(rand: Any) -> None:
    block = rand.pcm(1000)
    plain, odd = bytearray(block), bytearray(b"\x55" + block)
    HighPass(16000, 2).process(plain)
    HighPass(16000, 2).process(memoryview(odd)[1:])
    assert odd[1:] == plain


def test_silence_stays_and_comes_back(rand: Any) -> None:
    high_pass = HighPass(48000, 1)
    silence = bytearray(960)
    high_pass.process(silence)
    assert not any(silence)
    high_pass.process(bytearray(rand.pcm(48000)))
    high_pass.process(bytearray(96000))
    high_pass.process(silence)
    assert not any(silence)


@pytest.mark.parametrize("level", [-32768, -1, 1, 32767])
def test_an_offset_goes(level: int) -> None:
    samples = np.full(48000, level, np.int16)
    HighPass(48000, 1).process(samples)
    assert samples[0] == level or abs(level) > 1
    assert not samples[24000:].any()


def test_steps_saturate() -> None:
    samples = np.repeat(np.array([-32768, 32767, -32768, 32767], np.int16), 200)
    HighPass(48000, 1).process(samples)
    assert (samples.min(), samples.max()) == (-32768, 32767)


def test_data_is_given_back() -> None:
    data, odd = bytearray(800), bytearray(802)
    high_pass = HighPass(48000, 2)
    high_pass.process(data)
    with pytest.raises(ValueError, match="a multiple of 2 samples for 2 channels, got 401"):
        high_pass.process(odd)
    with pytest.raises(ValueError, match="writable buffer, got a read-only one"):
        high_pass.process(bytes(4))
    assert_not_borrowed(data, odd)


@pytest.mark.parametrize("rate", [-1, 0, 999, 2**31])
def test_rate_out_of_range(rate: int) -> None:
    with pytest.raises(ValueError, match=f"1000 to 2147483647, got {rate}"):
        HighPass(rate, 1)


@pytest.mark.parametrize("num_channels", [0, -1, 2**31])
def test_channels_out_of_range(num_channels: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 2147483647, got {num_channels}"):
        HighPass(48000, num_channels)
