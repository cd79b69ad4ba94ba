"""The engines: the end of a stream, and which of them converts what."""

from __future__ import annotations

import pytest

from livekit_utils.conversion.engines import (
    AudioResamplerEngine,
    AudioResamplerQuality,
    CopyEngine,
    LinearEngine,
    PolyphaseEngine,
    SincEngine,
    engine_for,
    make_engine,
)


@pytest.mark.parametrize(
    ("rates", "quality", "engine", "kind"),
    [
        ((48000, 16000), "medium", "samplerate", SincEngine),
        ((48000, 16000), "quick", "samplerate", LinearEngine),
        ((48000, 16000), "quick", "polyphase", PolyphaseEngine),
        ((48000, 48000), "very_high", "samplerate", CopyEngine),
        ((48000, 48000), "quick", "polyphase", CopyEngine),
    ],
)
def test_which_engine_converts(rates: tuple[int, int], quality: str, engine: AudioResamplerEngine, kind: type) -> None:
    assert type(make_engine(*rates, 2, AudioResamplerQuality(quality), engine)) is kind


@pytest.mark.parametrize("engine", ["samplerate", "polyphase"])
def test_a_stream_ends_in_silence(engine: AudioResamplerEngine) -> None:
    made = make_engine(48000, 16000, 2, AudioResamplerQuality.MEDIUM, engine)
    made.process(b"\1" * 4 * 10)
    assert made.padding(3) == bytes(12)


def test_the_linear_engine_repeats_the_last_sample_of_each_channel() -> None:
    made = make_engine(48000, 16000, 2, AudioResamplerQuality.QUICK, "samplerate")
    assert made.padding(2) == bytes(8)
    made.process(b"abcdefgh")
    assert made.padding(2) == b"efghefgh"


def test_the_default_engine() -> None:
    assert engine_for(48000, 44100) == "polyphase"
    assert engine_for(44100, 44101) == "samplerate"
