"""VoiceActivityDetector: when speech starts and ends, and that noise is none."""

from __future__ import annotations

import asyncio
import io
import shutil
import subprocess
import wave
from collections.abc import Callable
from contextlib import aclosing
from functools import cache
from typing import Any

import numpy as np
import pytest

from livekit_utils import (
    AudioFrame,
    AudioSource,
    AudioStream,
    LocalAudioTrack,
    VoiceActivity,
    VoiceActivityDetector,
    noise_generator,
    resample_audio,
)
from tests.support.acoustics import Samples, samples
from tests.support.long_runs import IS_THOROUGH
from tests.support.randomness import Rand
from tests.support.virtual_time import run

pytest.importorskip("pywebrtc_audio")

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")

TEXT = "Hello there, how are you today? I would like to book a table."


@cache
def spoken(voice: str, rate: int, text: str = TEXT) -> Samples:
    """A sentence of a synthetic voice, without the silence around it."""
    made = subprocess.run(["espeak-ng", "-v", voice, "--stdout", text], check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(made)) as wav:
        sound = resample_audio(np.frombuffer(wav.readframes(10**7), np.int16), wav.getframerate(), rate)
    sound = samples(sound * (10_000 / np.abs(sound.astype(int)).max()))
    loud = np.flatnonzero(np.abs(sound.astype(int)) > 100)
    return sound[loud[0] : loud[-1] + 1]


def found(
    detector: VoiceActivityDetector, pcm: Samples, sizes: list[int], num_channels: int = 1
) -> list[tuple[VoiceActivity, float]]:
    """What is found, and after how many seconds of the stream it was told."""
    told, start, turn = [], 0, 0
    rows = pcm.reshape(-1, num_channels)
    while start < len(rows):
        part = rows[start : start + sizes[turn % len(sizes)]]
        start, turn = start + len(part), turn + 1
        frame = AudioFrame(part.tobytes(), detector.sample_rate, num_channels, len(part))
        told += [(activity, start / detector.sample_rate) for activity in detector.push(frame)]
    return told + [(activity, start / detector.sample_rate) for activity in detector.flush()]


def noisy(pcm: Samples, rms: float, seed: int) -> Samples:
    return samples(pcm + np.random.default_rng(seed).normal(0, rms, len(pcm)))


def with_silence(pcm: Samples, rate: int, before_s: float = 2, after_s: float = 1) -> Samples:
    return np.concatenate([np.zeros(int(before_s * rate), np.int16), pcm, np.zeros(int(after_s * rate), np.int16)])


@needs_espeak
@pytest.mark.parametrize("noise_rms", [0, 100, 300], ids=["clean", "20 dB", "10 dB"])
@pytest.mark.parametrize("voice", ["en", "en+f3", "de", "fr+m3", "es"])
@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_speech_is_found_in_time(rate: int, voice: str, noise_rms: float) -> None:
    pcm = spoken(voice, rate)
    told = found(VoiceActivityDetector(rate), noisy(with_silence(pcm, rate), noise_rms, 1), [rate // 100])
    assert [activity.kind for activity, _ in told] == ["start", "end"] * (len(told) // 2)
    assert 1 <= len(told) // 2 <= 3, "one sentence, with pauses"
    (first, first_told), (last, last_told) = told[0], told[-1]
    # The "h" at the start is as soft as the noise, and softer at 8000 Hz.
    slack = {0: 0.01, 100: 0.03, 300: 0.09}[noise_rms] + (0.02 if rate == 8000 else 0.0)
    assert -0.02 <= first.at_s - 2 <= slack
    assert first_told - 2 <= 0.06 + slack + 1e-9
    assert first.probability >= 0.5
    end = 2 + len(pcm) / rate
    assert -0.15 <= last.at_s - end <= 0.06
    assert last_told - last.at_s <= 0.33
    assert last.probability < 0.35


@needs_espeak
@pytest.mark.parametrize("noise_rms", [0, 100], ids=["clean", "20 dB"])
@pytest.mark.parametrize(
    "text", ["Mama called again.", "Um, I think so.", "Yes.", "Are you there?", "One moment, please."]
)
@pytest.mark.parametrize("voice", ["en", "en+f3", "de", "fr+m3", "es", "it+f4"])
@pytest.mark.parametrize("rate", [16000, 48000])
def test_a_voiced_start_is_told_within_60_ms(rate: int, voice: str, text: str, noise_rms: float) -> None:
    pcm = noisy(with_silence(spoken(voice, rate, text), rate), noise_rms, 7)
    (first, told), *_ = found(VoiceActivityDetector(rate), pcm, [rate // 100])
    assert -0.01 <= first.at_s - 2 <= 0.01
    assert told - 2 <= 0.06 + 1e-9


@needs_espeak
@pytest.mark.parametrize("voice", ["en", "en+f3", "de", "fr+m3", "es", "it+f4"])
def test_a_hiss_belongs_to_the_word_that_it_begins(voice: str) -> None:
    """It may be told late, and yet where it was."""
    pcm = with_silence(spoken(voice, 16000, "She sells sea shells."), 16000)
    (first, told), *_ = found(VoiceActivityDetector(16000), pcm, [160])
    assert -0.01 <= first.at_s - 2 <= 0.01
    assert told - 2 <= 0.1 + 1e-9


@needs_espeak
@pytest.mark.parametrize("rate", [16000, 44100])
def test_how_the_stream_is_cut_does_not_matter(rate: int, rand: Rand) -> None:
    pcm = with_silence(spoken("en", rate), rate, 0.5)
    expected = [activity for activity, _ in found(VoiceActivityDetector(rate), pcm, [rate // 100])]
    assert len(expected) >= 2
    sizes = [rand.randint(1, 3000) for _ in range(40)]
    for cut in ([len(pcm)], sizes, [441]):
        assert [activity for activity, _ in found(VoiceActivityDetector(rate), pcm, cut)] == expected, rand


@needs_espeak
def test_channels_are_averaged() -> None:
    pcm = with_silence(spoken("en", 16000), 16000, 0.5)
    both = np.repeat(pcm, 2)
    one, two = (
        [activity for activity, _ in found(VoiceActivityDetector(16000), sound, [160], number)]
        for sound, number in ((pcm, 1), (both, 2))
    )
    assert one == two


def shaped(num_samples: int, rms: float, seed: int, shape: Callable[[Any], Any]) -> Samples:
    """Noise whose spectrum has this shape, over the frequency in parts of the sample rate."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=num_samples))
    sound = np.fft.irfft(spectrum * shape(np.maximum(np.fft.rfftfreq(num_samples), 1e-3)), num_samples)
    return samples(sound * rms / sound.std())


def pink(num_samples: int, rms: float, seed: int) -> Samples:
    return shaped(num_samples, rms, seed, lambda pitch: pitch**-0.5)


def brown(num_samples: int, rms: float, seed: int) -> Samples:
    return shaped(num_samples, rms, seed, lambda pitch: pitch**-1.0)


def white(num_samples: int, rms: float, seed: int) -> Samples:
    return samples(np.random.default_rng(seed).normal(0, rms, num_samples))


def fan(num_samples: int, rms: float, seed: int) -> Samples:
    """Low noise with the hum of a motor and its harmonics."""
    phase = 2 * np.pi * 0.0075 * np.arange(num_samples)
    hum = sum(np.sin(number * phase + seed) / number for number in range(1, 8))
    low = shaped(num_samples, 1000, seed, lambda pitch: 1 / (1 + (pitch / 0.05) ** 2)) / 1000
    return samples((low + 0.5 * hum) * rms / 1.17)


NOISES = [white, pink, brown, fan]


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_noise_is_no_speech(kind: Callable[..., Samples], rate: int) -> None:
    """A minute of it at -40 dBFS, and louder; the start of the stream has no silence."""
    assert found(VoiceActivityDetector(rate), kind(60 * rate, 328, 1), [rate // 10]) == []
    assert found(VoiceActivityDetector(rate), kind(5 * rate, 3280, 2), [rate // 10]) == []


@pytest.mark.skipif(not IS_THOROUGH, reason="takes a minute; for make soak")
@pytest.mark.parametrize("kind", NOISES)
def test_an_hour_of_noise_is_no_speech(kind: Callable[..., Samples]) -> None:
    detector = VoiceActivityDetector(16000)
    for minute in range(60):
        pcm = kind(60 * 16000, 328, minute)
        assert detector.push(AudioFrame(pcm.tobytes(), 16000, 1, len(pcm))) == [], minute


def test_noise_that_begins_is_no_speech() -> None:
    for seed in range(10):
        pcm = np.concatenate([white(32000, 10, seed), white(32000, 328, seed + 100)])
        assert found(VoiceActivityDetector(16000), pcm, [1600]) == [], seed


def test_a_knock_is_no_speech() -> None:
    """Wood sounds like a vowel, and fades away at once."""
    generator, time_s = np.random.default_rng(3), np.arange(8000) / 16000
    pcm = generator.normal(0, 30, 44 * 8000)
    for number in range(40):
        for hz in generator.uniform(100, 1200, 4):
            knock = np.sin(2 * np.pi * hz * time_s) * np.exp(-time_s / generator.uniform(0.01, 0.03))
            pcm[(4 + number) * 8000 : (5 + number) * 8000] += 2500 * knock
    assert found(VoiceActivityDetector(16000), samples(pcm), [160]) == []


def test_silence_is_no_speech() -> None:
    detector = VoiceActivityDetector(48000)
    assert detector.probability == 0
    assert detector.push(AudioFrame.create(48000, 1, 480_000)) == []
    assert detector.probability == 0
    assert not detector.speaking


@pytest.mark.parametrize("offset", [3000, 15_000, -20_000, 32_767, -32_768])
@pytest.mark.parametrize("rate", [8000, 48000])
def test_an_offset_is_no_speech(offset: int, rate: int) -> None:
    pcm = np.concatenate([np.zeros(rate, np.int16), np.full(4 * rate, offset, np.int16)])
    assert found(VoiceActivityDetector(rate), pcm, [rate // 100]) == []


@needs_espeak
@pytest.mark.parametrize("offset", [-20_000, -3000, 1000, 8000, 15_000])
def test_a_voice_with_an_offset_is_found_as_without(offset: int) -> None:
    pcm = with_silence(spoken("en", 16000), 16000)
    expected = [activity for activity, _ in found(VoiceActivityDetector(16000), pcm, [160])]
    moved = [activity for activity, _ in found(VoiceActivityDetector(16000), samples(pcm + float(offset)), [160])]
    assert [activity.kind for activity in moved] == [activity.kind for activity in expected]
    assert [activity.at_s for activity in moved] == pytest.approx([activity.at_s for activity in expected], abs=0.03)


@needs_espeak
def test_short_sounds_and_short_pauses() -> None:
    pcm = spoken("en", 16000)
    assert found(VoiceActivityDetector(16000, min_speech_ms=3000), with_silence(pcm, 16000), [160]) == []
    whole = found(VoiceActivityDetector(16000, min_silence_ms=800), with_silence(pcm, 16000), [160])
    assert [activity.kind for activity, _ in whole] == ["start", "end"]
    cut = found(VoiceActivityDetector(16000, min_silence_ms=10), with_silence(pcm, 16000), [160])
    assert len(cut) > 4
    times = [activity.at_s for activity, _ in cut]
    assert times == sorted(times)


@needs_espeak
def test_the_end_of_a_stream_ends_speech() -> None:
    pcm = spoken("en", 16000)[:16000]
    detector = VoiceActivityDetector(16000)
    (start, _), *_ = told = found(detector, np.concatenate([np.zeros(16000, np.int16), pcm]), [160])
    assert [activity.kind for activity, _ in told][-1] == "end"
    assert told[-1][0].at_s <= 2
    assert start.at_s == pytest.approx(1, abs=0.06)
    again = found(detector, np.concatenate([np.zeros(16000, np.int16), pcm]), [160])
    assert again == told, "the next push begins a new stream"


@needs_espeak
def test_reset_forgets() -> None:
    detector = VoiceActivityDetector(16000)
    pcm = spoken("en", 16000)[:16000]
    detector.push(AudioFrame(pcm.tobytes(), 16000, 1, len(pcm)))
    assert detector.speaking
    assert "speaking" in repr(detector)
    detector.reset()
    assert not detector.speaking
    assert detector.flush() == []


def test_another_rate_is_refused_and_changes_nothing() -> None:
    detector = VoiceActivityDetector(16000)
    with pytest.raises(ValueError, match="frame: expected a sample rate of 16000 Hz, got 48000"):
        detector.push(AudioFrame.create(48000, 1, 480))
    with pytest.raises(TypeError):
        detector.push(b"")  # type: ignore[arg-type]
    assert detector.push(AudioFrame.create(16000, 1, 0)) == []


# -- watching a stream -------------------------------------------------------------------------------------------------


@needs_espeak
def test_watching_a_track() -> None:
    pcm = with_silence(spoken("en", 48000), 48000, 1)
    expected = [activity for activity, _ in found(VoiceActivityDetector(48000), pcm, [480])]

    async def main() -> None:
        source = AudioSource(48000, 1, 10_000)
        stream = AudioStream(LocalAudioTrack.create_audio_track("voice", source))
        await source.capture_frame(AudioFrame(pcm.tobytes(), 48000, 1, len(pcm)))
        watching = asyncio.create_task(collected(VoiceActivityDetector(48000), stream))
        await source.wait_for_playout()
        await source.aclose()
        assert await watching == expected

    run(main())


async def collected(detector: VoiceActivityDetector, stream: Any) -> list[VoiceActivity]:
    return [activity async for activity in detector.watch(stream)]


@needs_espeak
def test_watching_frames_of_another_rate() -> None:
    pcm = with_silence(spoken("en", 48000), 48000, 1)
    frames = [AudioFrame(pcm[i : i + 960].tobytes(), 48000, 1, len(pcm[i : i + 960])) for i in range(0, len(pcm), 960)]
    activities = run(collected(VoiceActivityDetector(16000), frames))
    assert [activity.kind for activity in activities[:2]] == ["start", "end"]
    assert activities[0].at_s == pytest.approx(1, abs=0.06)


def test_watching_is_cancelled() -> None:
    """The stream belongs to its owner, and can be read on; the detector can watch another one."""

    async def main() -> None:
        source = AudioSource(48000, 1)
        stream = AudioStream(LocalAudioTrack.create_audio_track("voice", source))
        detector = VoiceActivityDetector(48000)
        watching = asyncio.create_task(collected(detector, stream))
        await asyncio.sleep(0.1)
        with pytest.raises(RuntimeError, match="watches another stream"):
            await collected(detector, noise_generator(0.1))
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
        await source.capture_frame(AudioFrame.create(48000, 1, 480))
        assert (await anext(stream)).frame.samples_per_channel == 480
        assert await collected(detector, noise_generator(0.5, amplitude=0.01)) == []
        await stream.aclose()
        await source.aclose()

    run(main())


@needs_espeak
def test_a_stream_that_was_left_early_leaves_nothing_behind() -> None:
    pcm = with_silence(spoken("en", 16000), 16000, 1)
    frames = [AudioFrame(pcm[i : i + 160].tobytes(), 16000, 1, len(pcm[i : i + 160])) for i in range(0, len(pcm), 160)]

    async def main() -> None:
        detector = VoiceActivityDetector(16000)
        async with aclosing(detector.watch(frames)) as activities:
            async for activity in activities:
                assert activity.kind == "start"
                break
        assert not detector.speaking
        assert await collected(detector, frames) == await collected(VoiceActivityDetector(16000), frames)

    run(main())


def test_watching_what_is_no_stream() -> None:
    with pytest.raises(TypeError, match="stream: expected"):
        run(collected(VoiceActivityDetector(16000), 5))
