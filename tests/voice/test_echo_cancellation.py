"""AudioProcessingModule in a room: how much of an echo it takes away, and how little of a voice."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioProcessingModule
from tests.support.acoustics import Samples, Sound, echo, erle_db, noise, samples, speech, what_is_kept

Source = Callable[[int, float, int], Sound]


def through(apm: AudioProcessingModule, mic: Samples, far: Samples, rate: int) -> Samples:
    """10 ms of the loudspeaker, then 10 ms of the microphone."""
    out, step = mic.copy(), rate // 100
    for start in range(0, len(mic) - step + 1, step):
        apm.process_reverse_stream(AudioFrame(far[start : start + step], rate, 1, step))
        apm.process_stream(AudioFrame(out[start : start + step], rate, 1, step))
    return out


def in_room(far: Sound, rate: int, delay_ms: float, near: Sound | float = 0.0) -> Samples:
    return samples(echo(far, rate, delay_ms) + near + noise(rate, len(far) / rate, 9, rms=5))


@pytest.mark.parametrize("source", [noise, speech])
@pytest.mark.parametrize("rate", [16000, 48000])
@pytest.mark.parametrize("delay_ms", [20, 100, 300])
def test_far_end_only(source: Source, rate: int, delay_ms: int) -> None:
    far = source(rate, 4, 3)
    mic = in_room(far, rate, delay_ms)
    apm = AudioProcessingModule(echo_cancellation=True)
    out = through(apm, mic, samples(far), rate)
    assert erle_db(mic, out, rate, 2, 4) > 40
    assert erle_db(mic, out, rate, 0.1 + delay_ms / 1000, 0.6 + delay_ms / 1000) > 20
    stats = apm.stats()
    assert stats.echo_delay_ms == pytest.approx(delay_ms, abs=1)
    assert stats.reference_missing_ms <= 10  # nothing is known of the format before the microphone's first frame


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 44100])
def test_other_rates(rate: int) -> None:
    far = speech(rate, 4, 3)
    mic = in_room(far, rate, 60)
    apm = AudioProcessingModule(echo_cancellation=True)
    out = through(apm, mic, samples(far), rate)
    assert erle_db(mic, out, rate, 2, 3.9) > 35
    assert apm.latency < 0.012


def test_erle_in_stats_is_what_is_measured() -> None:
    rate = 16000
    far = noise(rate, 3, 3)
    mic = in_room(far, rate, 40)
    apm = AudioProcessingModule(echo_cancellation=True, high_pass_filter=False)
    out = through(apm, mic, samples(far), rate)
    stats = apm.stats()
    assert stats.erle_db == pytest.approx(erle_db(mic, out, rate, 2, 3), abs=0.1)
    for level, sound in (
        (stats.input_level_dbfs, mic),
        (stats.output_level_dbfs, out),
        (stats.reference_level_dbfs, far),
    ):
        mean = np.mean(np.asarray(sound[2 * rate :], float) ** 2)
        assert level == pytest.approx(10 * np.log10(mean / 32768**2), abs=0.2)


@pytest.mark.parametrize("rate", [16000, 48000])
@pytest.mark.parametrize("delay_ms", [60, 200])
def test_double_talk_keeps_the_voice(rate: int, delay_ms: int) -> None:
    far = speech(rate, 7, 3)
    near = speech(rate, 7, 77, rms=1000)
    near[: 3 * rate] = 0  # then about as loud as the echo
    mic = in_room(far, rate, delay_ms, near)
    apm = AudioProcessingModule(echo_cancellation=True)
    out = through(apm, mic, samples(far), rate)
    kept_db, distortion_db = what_is_kept(near, out, rate, 1000 * apm.latency, 3.5, 6.9)
    assert kept_db > -5.5
    assert distortion_db > 0
    assert erle_db(mic, out, rate, 2, 3) > 40


def test_a_voice_alone_passes() -> None:
    rate = 16000
    near = speech(rate, 4, 77, rms=3000)
    apm = AudioProcessingModule(echo_cancellation=True)
    out = through(apm, samples(near), np.zeros(len(near), np.int16), rate)
    kept_db, distortion_db = what_is_kept(near, out, rate, 1000 * apm.latency, 1, 3.9)
    assert kept_db > -0.5
    assert distortion_db > 10  # the canceller's own high-pass turns the phase of the lowest
    assert apm.stats().erle_db is None
    assert apm.stats().echo_delay_ms is None


@pytest.mark.parametrize("hint_ms", [None, 100, 50, 150, -1, 10**9])
def test_hints_do_no_harm(hint_ms: int | None) -> None:
    """Right, missing, wrong by 50 ms, and out of all bounds but in time: once before and once within the stream."""
    rate = 16000
    far = speech(rate, 6, 3)
    mic = in_room(far, rate, 100)
    apm = AudioProcessingModule(echo_cancellation=True)
    half = 3 * rate
    if hint_ms is not None and hint_ms < 1000:
        apm.set_stream_delay_ms(hint_ms)
    first = through(apm, mic[:half], samples(far)[:half], rate)
    if hint_ms is not None and hint_ms < 1000:
        apm.set_stream_delay_ms(hint_ms)
    second = through(apm, mic[half:], samples(far)[half:], rate)
    assert erle_db(mic[:half], first, rate, 2, 3) > 40
    assert erle_db(mic[half:], second, rate, 0, 3) > 40


def test_a_hint_of_far_too_much_does_no_harm() -> None:
    rate = 16000
    far = speech(rate, 4, 3)
    mic = in_room(far, rate, 10)
    apm = AudioProcessingModule(echo_cancellation=True)
    apm.set_stream_delay_ms(120)
    assert erle_db(mic, through(apm, mic, samples(far), rate), rate, 2, 4) > 40


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("wrong_ms", [-50, 0, 50])
def test_a_long_delay_needs_a_hint(late: bool, wrong_ms: int) -> None:
    rate, delay_ms = 16000, 800
    far = speech(rate, 6, 3)
    mic = in_room(far, rate, delay_ms)
    apm = AudioProcessingModule(echo_cancellation=True)
    start = rate if late else 0
    through(apm, mic[:start], samples(far)[:start], rate)
    apm.set_stream_delay_ms(delay_ms + wrong_ms)
    out = through(apm, mic[start:], samples(far)[start:], rate)
    assert erle_db(mic[start:], out, rate, 3, 4.9) > 35
    assert apm.stats().echo_delay_ms == pytest.approx(delay_ms, abs=10 if late else 1)


def test_all_stages_at_once() -> None:
    rate = 48000
    far = speech(rate, 4, 3)
    hum = 500 * np.sin(2 * np.pi * 50 / rate * np.arange(len(far)))
    mic = in_room(far, rate, 60, hum)
    apm = AudioProcessingModule(
        echo_cancellation=True, noise_suppression=True, high_pass_filter=True, auto_gain_control=True
    )
    out = through(apm, mic, samples(far), rate)
    assert erle_db(mic, out, rate, 2, 4) > 30
    stats = apm.stats()
    assert stats.gain_db > 0
    assert stats.latency_ms == pytest.approx(1000 * apm.latency)


def test_another_stage_does_not_disturb_the_canceller() -> None:
    rate = 16000
    far = speech(rate, 4, 3)
    mic = in_room(far, rate, 60)
    apm = AudioProcessingModule(echo_cancellation=True)
    half = 2 * rate
    through(apm, mic[:half], samples(far)[:half], rate)
    apm.noise_suppression = True
    apm.high_pass_filter = True
    out = through(apm, mic[half:], samples(far)[half:], rate)
    assert erle_db(mic[half:], out, rate, 0.05, 0.5) > 40
    apm.echo_cancellation = False
    assert apm.stats().erle_db is None
    out = through(apm, mic[half:], samples(far)[half:], rate)
    assert erle_db(mic[half:], out, rate, 1, 2) < 12


@pytest.mark.parametrize("far_channels", [1, 2, 3])
@pytest.mark.parametrize("far_rate", [16000, 24000, 44100])
@pytest.mark.parametrize("num_channels", [1, 2])
def test_a_reference_of_another_format(far_rate: int, far_channels: int, num_channels: int) -> None:
    rate, seconds = 16000, 3
    mono = speech(48000, seconds, 3)
    time = np.arange(far_rate * seconds) / far_rate * 48000
    far = np.repeat(samples(np.interp(time, np.arange(len(mono)), mono)), far_channels)
    near_time = np.arange(rate * seconds) / rate * 48000
    mic = np.repeat(in_room(np.interp(near_time, np.arange(len(mono)), mono), rate, 60), num_channels)
    out = mic.copy()
    apm = AudioProcessingModule(echo_cancellation=True)
    for k in range(100 * seconds):
        block = far[far_rate // 100 * k * far_channels : far_rate // 100 * (k + 1) * far_channels]
        apm.process_reverse_stream(AudioFrame(block, far_rate, far_channels, far_rate // 100))
        block = out[160 * k * num_channels : 160 * (k + 1) * num_channels]
        apm.process_stream(AudioFrame(block, rate, num_channels, 160))
    for channel in range(num_channels):
        assert erle_db(mic[channel::num_channels], out[channel::num_channels], rate, 2, 3) > 25


def test_the_canceller_runs_without_denormal_numbers() -> None:
    """Its filters die away in a pause of the reference; with denormal numbers a block takes five times as long."""
    apm = AudioProcessingModule(echo_cancellation=True)
    frame = AudioFrame.create(16000, 1, 160)
    apm.process_stream(frame)
    chain = apm._chain
    assert chain is not None
    canceller, halves = chain._canceller, []

    class Watched:
        def process(self, near: Samples, far: Samples) -> Samples:
            halves.append(sys.float_info.min / 2)
            assert canceller is not None
            return canceller.process(near, far)

    chain._canceller = Watched()  # type: ignore[assignment]
    apm.process_stream(frame)
    assert halves == [0]
    assert sys.float_info.min / 2 > 0
