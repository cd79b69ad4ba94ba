"""trim_silence keeps what is said, and no more."""

from __future__ import annotations

import numpy as np
import pytest

from livekit_utils import AudioFrame, trim_silence
from tests.support.acoustics import samples
from tests.voice.test_voice_activity_detector import needs_espeak, noisy, spoken, white, with_silence

pytest.importorskip("pywebrtc_audio")


@needs_espeak
@pytest.mark.parametrize("num_channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 44100])
def test_silence_and_noise_are_cut_off(rate: int, num_channels: int) -> None:
    pcm = noisy(with_silence(spoken("en", rate), rate, 2, 3), 30, 1)
    frame = AudioFrame(np.repeat(pcm, num_channels).tobytes(), rate, num_channels, len(pcm))
    before = bytes(frame.data)
    trimmed = trim_silence(frame)
    assert (trimmed.sample_rate, trimmed.num_channels) == (rate, num_channels)
    assert bytes(frame.data) == before
    said = len(spoken("en", rate)) / rate
    assert said < trimmed.duration < said + 0.5
    start = bytes(frame.data).index(bytes(trimmed.data)) / (2 * num_channels * rate)
    assert 1.75 <= start <= 2
    tight = trim_silence(frame, margin_ms=0)
    assert trimmed.duration - tight.duration == pytest.approx(0.4, abs=1e-3)


@needs_espeak
def test_nothing_is_missing_of_speech_at_the_edges() -> None:
    pcm = spoken("es", 16000)
    frame = AudioFrame(pcm.tobytes(), 16000, 1, len(pcm))
    assert trim_silence(frame).duration >= frame.duration - 0.1


def test_where_nobody_speaks_nothing_is_left() -> None:
    for sound in (np.zeros(16000), white(16000, 300, 1), np.zeros(0)):
        frame = AudioFrame(samples(sound).tobytes(), 16000, 1, len(sound))
        assert trim_silence(frame).samples_per_channel == 0
