"""A filter that is late by an exact time, even where that is no whole number of samples."""

from __future__ import annotations

import numpy as np
import pytest

from livekit_utils._kernels.polyphase import PolyphaseConverter
from livekit_utils.conversion.polyphase_design import late_filter_of


@pytest.mark.parametrize(
    ("input_rate", "output_rate"), [(48000, 16000), (44100, 16000), (16000, 44100), (22000, 16000), (17100, 16000)]
)
def test_a_tone_is_late_by_a_millisecond(input_rate: int, output_rate: int) -> None:
    bank = late_filter_of(input_rate, output_rate, "low", 1)
    converter = PolyphaseConverter(bank, 1)
    converter.process(bytes(2 * bank.look_ahead))
    tone = np.rint(20000 * np.sin(2 * np.pi * 3000 / input_rate * np.arange(input_rate // 10))).astype(np.int16)
    out = np.frombuffer(converter.process(tone.data), np.int16)
    assert len(out) == output_rate // 10
    expected = 20000 * np.sin(2 * np.pi * 3000 * (np.arange(len(out)) / output_rate - 0.001))
    half = len(out) // 2
    assert np.abs(out - expected)[half:].max() < 20000 * 0.012  # 0.1 dB


def test_filters_are_shared() -> None:
    assert late_filter_of(44100, 16000, "low", 1) is late_filter_of(44100, 16000, "low", 1)
