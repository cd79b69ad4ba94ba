"""The noise of a room stays while the far end talks, whether its echo is heard in the room or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import signal

from livekit_utils import AudioFrame, AudioProcessingModule
from livekit_utils.voice.comfort_noise import ComfortNoise
from tests.support.acoustics import Samples, Sound, drifted, echo, erle_db, noise, samples, speech
from tests.voice.test_echo_cancellation import through


def room(kind: str, rate: int, seconds: float, dbfs: float, seed: int = 9) -> Sound:
    """Noise of a room: white, or that of a ventilation, which falls by 6 dB per octave above 500 Hz."""
    sound = noise(rate, seconds, seed)
    if kind == "low":
        sound = np.asarray(signal.sosfilt(signal.butter(1, [150, 500], "bandpass", fs=rate, output="sos"), sound))
    return sound / np.sqrt(np.mean(sound**2)) * 32768 * 10 ** (dbfs / 20)


def dbfs(sound: Any) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.asarray(sound, float) ** 2)) / 32768))


def while_far(out: Samples, far: Sound, rate: int, start_s: float, end_s: float) -> Samples:
    """The part of the output in which the far end is heard, and for 50 ms after it."""
    active = signal.lfilter(np.ones(rate // 20) / (rate // 20), 1, far**2) > 60**2  # -55 dBFS
    part = slice(int(start_s * rate), int(end_s * rate))
    return out[part][active[part]]


@pytest.mark.parametrize("gain_db", [None, -12, -30])
@pytest.mark.parametrize(("kind", "level"), [("white", -35), ("white", -45), ("low", -45), ("white", -60)])
def test_the_room_stays(kind: str, level: float, gain_db: float | None) -> None:
    rate, seconds = 16000, 5
    far = speech(rate, seconds, 3)
    back = 0 if gain_db is None else echo(far, rate, 60, gain=10 ** (gain_db / 20))
    mic = samples(room(kind, rate, seconds, level) + back)
    out = through(AudioProcessingModule(echo_cancellation=True), mic, samples(far), rate)
    assert dbfs(while_far(out, far, rate, 2, 3.5)) == pytest.approx(level, abs=6)
    assert dbfs(while_far(out, far, rate, 3.5, 5)) == pytest.approx(level, abs=6)


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000])
@pytest.mark.parametrize("gain_db", [None, -20])
def test_the_room_stays_at_any_rate(rate: int, gain_db: float | None) -> None:
    far = speech(rate, 4, 3)
    back = 0 if gain_db is None else echo(far, rate, 60, gain=10 ** (gain_db / 20))
    mic = samples(room("white", rate, 4, -45) + back)
    out = through(AudioProcessingModule(echo_cancellation=True), mic, samples(far), rate)
    assert dbfs(while_far(out, far, rate, 2, 3.9)) == pytest.approx(-45, abs=6)


@pytest.mark.parametrize("far_end", ["never pauses", "pauses", "comes later"])
@pytest.mark.parametrize("level", [-35, -50])
def test_whatever_the_far_end_does(far_end: str, level: float) -> None:
    """Even where noise without a pause is played from the first frame on, if its echo is not heard."""
    rate, seconds = 16000, 5
    far = noise(rate, seconds, 3) if far_end == "never pauses" else speech(rate, seconds, 3)
    if far_end == "pauses":
        far[np.arange(len(far)) % (2 * rate) > rate] = 0
    elif far_end == "comes later":
        far[: 3 * rate // 2] = 0
    mic = samples(room("white", rate, seconds, level))
    out = through(AudioProcessingModule(echo_cancellation=True), mic, samples(far), rate)
    assert dbfs(while_far(out, far, rate, 2, 5)) == pytest.approx(level, abs=6)


@pytest.mark.parametrize("before", ["digital silence", "a quiet room"])
def test_noise_that_begins_later(before: str) -> None:
    rate, seconds = 16000, 7
    far = speech(rate, seconds, 3)
    noisy = room("white", rate, seconds, -45)
    noisy[: 2 * rate] = 0 if before == "digital silence" else room("white", rate, 2, -70)
    mic = samples(noisy + echo(far, rate, 60, gain=0.05))
    if before == "digital silence":
        mic[: 2 * rate] = 0
    out = through(AudioProcessingModule(echo_cancellation=True), mic, samples(far), rate)
    assert dbfs(while_far(out, far, rate, 4.5, 7)) == pytest.approx(-45, abs=6)


@pytest.mark.parametrize("source", [noise, speech])
@pytest.mark.parametrize("delay_ms", [5, 133])
def test_an_echo_is_not_taken_for_the_room(source: Any, delay_ms: int) -> None:
    """At any place between two blocks, and with a tail that is longer than a block."""
    rate, seconds = 16000, 5
    far = source(rate, seconds, 5)
    mic = samples(echo(far, rate, delay_ms, decay_ms=500) + noise(rate, seconds, 9, rms=5))
    out = through(AudioProcessingModule(echo_cancellation=True), mic, samples(far), rate)
    assert erle_db(mic, out, rate, 0.1 + delay_ms / 1000, 0.6 + delay_ms / 1000) > 20
    assert erle_db(mic, out, rate, 3, 4.9) > 40


@pytest.mark.parametrize(
    ("source", "gain_db", "delay_ms", "decay_ms", "kind", "level", "ppm"),
    [
        (speech, -12, 20, 500, "low", -60, 0),
        (speech, -12, 0, 500, "low", -40, 100),
        (noise, -12, 60, 500, "white", -35, 0),
        (noise, -20, 133, 200, "low", -50, -100),
        (noise, -30, 5, 200, "white", -45, 100),
    ],
)
def test_the_noise_is_never_the_echo(
    monkeypatch: Any,
    source: Any,
    gain_db: float,
    delay_ms: float,
    decay_ms: float,
    kind: str,
    level: float,
    ppm: float,
) -> None:
    """At no time is there more than what is heard without this stage, and the room."""
    rate, seconds = 16000, 6
    far = source(rate, seconds, 7)
    back = echo(far, rate, delay_ms, decay_ms=decay_ms, gain=10 ** (gain_db / 20))
    noisy = room(kind, rate, seconds, level)
    mic = samples(noisy + (drifted(back, ppm) if ppm else back))
    filled = through(AudioProcessingModule(echo_cancellation=True), mic, samples(far), rate)
    monkeypatch.setattr(ComfortNoise, "process", lambda self, near, far, out, is_silent: None)
    plain = through(AudioProcessingModule(echo_cancellation=True), mic, samples(far), rate)
    for start in np.arange(0.5, seconds - 0.5, 0.5):
        powers = [np.mean(while_far(x, far, rate, start, start + 0.5).astype(float) ** 2) for x in (filled, plain)]
        assert 10 * np.log10(powers[0] / (powers[1] + np.mean(noisy**2))) < 2, start


def test_the_noise_has_the_spectrum_of_the_room() -> None:
    rate, seconds = 48000, 5
    far = speech(rate, seconds, 3)
    mic = samples(room("low", rate, seconds, -35))
    out = through(AudioProcessingModule(echo_cancellation=True), mic, samples(far), rate)
    for low, high in ((200, 400), (500, 1000), (2000, 4000), (8000, 20000)):
        band = signal.butter(4, [low, high], "bandpass", fs=rate, output="sos")
        before, after = (while_far(signal.sosfilt(band, sound), far, rate, 2, 5) for sound in (mic, out))
        assert dbfs(after) == pytest.approx(dbfs(before), abs=6)


def test_each_channel_has_a_room_of_its_own() -> None:
    rate, seconds = 16000, 4
    far = speech(rate, seconds, 3)
    levels = (-40, -55)
    mic = np.stack([samples(room("white", rate, seconds, level, 9)) for level in levels], axis=1)
    apm = AudioProcessingModule(echo_cancellation=True)
    reference = samples(far)
    for start in range(0, len(mic), 160):
        apm.process_reverse_stream(AudioFrame(reference[start : start + 160], rate, 1, 160))
        apm.process_stream(AudioFrame(mic[start : start + 160].reshape(-1), rate, 2, 160))
    for channel, level in enumerate(levels):
        assert dbfs(while_far(mic[:, channel], far, rate, 2, 4)) == pytest.approx(level, abs=6)


def test_nothing_is_added_where_nothing_was_removed(rand: Any) -> None:
    """Where the output is the microphone's sound, late by a block as the canceller's is, it stays as it is."""
    size = 160
    noisy = samples(noise(16000, 4, rand.randrange(2**32), rms=200))
    far = samples(noise(16000, 4, rand.randrange(2**32)))
    playing, idle = ComfortNoise(size, 1), ComfortNoise(size, 1)
    nothing = before = np.zeros(size, np.int16)
    for start in range(0, len(noisy), size):
        near = noisy[start : start + size]
        out = before.copy()
        playing.process(near, far[start : start + size], out, False)
        idle.process(near, nothing, out, True)
        assert np.array_equal(out, before)
        before = near
