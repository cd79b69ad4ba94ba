import math
from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils._kernels.dtmf import Dtmf
from tests.support.buffers import RefusesWrongData, assert_not_borrowed, blocks_of, placements
from tests.support.dtmf import HIGH, LOW, frame, tone

RATES = (8000, 8001, 11025, 16000, 22050, 44100, 48000, 192000, 384000)


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return Dtmf(8000).push(data)


@pytest.mark.parametrize("rate", RATES)
def test_a_window_equals_the_reference(rate: int, rand: Any) -> None:
    detector = Dtmf(rate)
    n = detector.window
    assert n / rate == pytest.approx(0.02, rel=0.06)
    samples = np.array([rand.uniform(-32768, 32767) for _ in range(n)], np.float32)
    re, im, mean_square = detector.measure(samples)
    weights = 1 - np.cos(2 * math.pi * (np.arange(n) + 0.5) / n)
    x = samples.astype(float)
    for k, hz in enumerate((*LOW, *HIGH)):
        expected = np.sum(weights * x * np.exp(-2j * math.pi * hz * (np.arange(n) + 0.5 - n / 2) / rate))
        assert abs(complex(re[k], im[k]) - expected) < 1e-5 * n * 32768
    mean = np.sum(weights * x) / n
    assert mean_square == pytest.approx(np.sum(weights * x * x) / n - mean * mean, rel=1e-4)


@given(st.data(), st.sampled_from(RATES[:5]), st.integers(0, 15), placements)
def test_any_chunking_finds_the_same(data: Any, rate: int, digit: int, place: Any) -> None:
    before, after = (data.draw(st.integers(0, 1000).flatmap(blocks_of)) for _ in range(2))
    sound = before + bytes(frame(tone(rate, "123A456B789C*0#D"[digit], data.draw(st.floats(20, 90))), rate)) + after
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sound) // 2), max_size=12)))
    whole, pieces, got = Dtmf(rate), Dtmf(rate), []
    expected = whole.push(sound)
    for start, end in zip([0, *cuts], [*cuts, len(sound) // 2], strict=True):
        got += pieces.push(place(sound[2 * start : 2 * end]))
    assert got == expected
    assert pieces.flush() == whole.flush()


def test_flush_and_reset_begin_a_new_stream() -> None:
    sound = bytes(frame(tone(8000, "5", 60), 8000))
    detector = Dtmf(8000)
    assert detector.push(sound) == []
    [(digit, start, length)] = detector.flush()
    assert (digit, start) == (5, pytest.approx(0, abs=8))
    assert length == pytest.approx(480, abs=8)
    assert start + length <= 480
    assert detector.push(sound) == []
    detector.reset()
    assert detector.flush() == []
    detector.push(sound)
    assert detector.flush() == [(digit, start, length)]
    assert detector.flush() == []


def test_a_long_call_lets_other_threads_run() -> None:
    """Above NOGIL_SAMPLES the GIL is released; the result is the same."""
    one = bytes(frame(tone(8000, "9", 100), 8000)) + bytes(1600)
    whole, pieces, got = Dtmf(8000), Dtmf(8000), []
    for _ in range(40):
        got += pieces.push(one)
    assert len(got) == 40 or len(got) == 39
    assert whole.push(one * 40) == got


def test_data_is_given_back() -> None:
    data, window = bytearray(800), array("f", bytes(4 * 160))
    detector = Dtmf(8000)
    detector.push(data)
    detector.measure(window)
    with pytest.raises(ValueError, match="expected 160 samples, got 159"):
        detector.measure(window[1:])
    with pytest.raises(TypeError, match="float32"):
        detector.measure(data)
    assert_not_borrowed(data, window)


@pytest.mark.parametrize("rate", [-1, 0, 7999, 384001, 2**31])
def test_rate_out_of_range(rate: int) -> None:
    with pytest.raises(ValueError, match=f"sample_rate: expected 8000 to 384000, got {rate}"):
        Dtmf(rate)
