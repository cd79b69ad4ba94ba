"""livekit-utils mix: what it writes is the sum it promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")

import soundfile

from livekit_utils import AudioFrame, AudioResampler
from tests.support.cli_commands import RECORDINGS, Samples, invoke, load, names, noise, refuse, run, save
from tests.support.randomness import SEED


def exact_sum(*parts: Samples) -> Samples:
    total = np.zeros((max(map(len, parts)), parts[0].shape[1]), np.int64)
    for part in parts:
        total[: len(part)] += part
    return np.clip(total, -32768, 32767).astype(np.int16)


def resampled(samples: Samples, input_rate: int, output_rate: int) -> Samples:
    resampler = AudioResampler(input_rate, output_rate, num_channels=samples.shape[1], engine="polyphase")
    frames = [*resampler.push(AudioFrame(samples, input_rate, samples.shape[1], len(samples))), *resampler.flush()]
    return np.concatenate([np.asarray(frame) for frame in frames])


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_the_mix_is_the_exact_saturated_sum(tmp_path: Path, suffix: str) -> None:
    parts = [noise(SEED + i, num_frames, 2) for i, num_frames in enumerate([30_000, 4_801, 12_345])]
    inputs = [save(tmp_path / f"{i}.wav", part) for i, part in enumerate(parts)]
    out = tmp_path / f"out.{suffix}"
    report = run("mix", *inputs, "-o", out, "--json").report
    expected = exact_sum(*parts)
    assert np.array_equal(load(out), expected)
    assert report["output"]["frames"] == 30_000
    assert report["clipped_samples"] == np.count_nonzero((expected == 32767) | (expected == -32768)) > 1000


def test_every_part_is_reported(tmp_path: Path) -> None:
    save(tmp_path / "a.wav", np.full((24_000, 2), -16384, np.int16))
    save(tmp_path / "b.flac", np.zeros((12_000, 1), np.int16), 16_000)
    report = run(
        "mix", tmp_path / "a.wav", tmp_path / "b.flac", "-o", tmp_path / "m.wav", "--gain=b=-3", "--json"
    ).report
    loud, silent = report["inputs"]
    assert (loud["name"], loud["sample_rate"], loud["channels"], loud["frames"]) == ("a.wav", 48_000, 2, 24_000)
    assert loud["peak_dbfs"] == loud["rms_dbfs"] == pytest.approx(-6.0206, abs=1e-4)
    assert (loud["gain_db"], silent["gain_db"]) == (0, -3)
    assert (silent["format"], silent["duration"], silent["peak_dbfs"]) == ("FLAC", 0.75, None)
    assert (report["output"]["sample_rate"], report["output"]["channels"]) == (48_000, 2)
    assert (report["output"]["format"], report["output"]["subtype"]) == ("WAV", "PCM_16")
    assert report["output"]["frames"] == 36_000
    assert report["clipped_samples"] == 0
    assert report["real_time_factor"] == pytest.approx(0.75 / report["seconds"])


@pytest.mark.parametrize("name", ["voice.wav", "voice", "path"])
def test_gains_are_in_decibels(tmp_path: Path, name: str) -> None:
    voice, other = noise(SEED, 9_600, peak=8000), noise(SEED + 1, 9_600, peak=8000)
    path = save(tmp_path / "voice.wav", voice)
    gain = f"{path if name == 'path' else name}=-6.5"
    run("mix", path, save(tmp_path / "other.wav", other), "-o", tmp_path / "m.wav", "--gain", gain)
    expected = voice * 10 ** (-6.5 / 20) + other
    assert np.abs(load(tmp_path / "m.wav") - expected).max() <= 1


def test_rates_and_channels_are_converted(tmp_path: Path) -> None:
    voice, music = noise(SEED, 16_001, 1, 8000), noise(SEED + 1, 20_000, 2, 8000)
    inputs = [save(tmp_path / "voice.wav", voice, 16_000), save(tmp_path / "music.wav", music, 44_100)]
    run("mix", *inputs, "-o", tmp_path / "m.wav")
    expected = exact_sum(np.repeat(resampled(voice, 16_000, 44_100), 2, axis=1), music)
    assert len(expected) == 44_103  # 16001 * 44100 / 16000 = 44102.76
    assert np.array_equal(load(tmp_path / "m.wav"), expected)
    assert soundfile.info(tmp_path / "m.wav").samplerate == 44_100


def test_many_channels_are_averaged_to_mono(tmp_path: Path) -> None:
    six = noise(SEED, 5_000, 6)
    run("mix", save(tmp_path / "six.wav", six), "-o", tmp_path / "m.wav", "--channels", 1, "--rate", 48_000)
    assert np.abs(load(tmp_path / "m.wav")[:, 0] - six.mean(axis=1)).max() <= 0.5


def test_six_channels_do_not_go_into_two(tmp_path: Path) -> None:
    six = save(tmp_path / "six.wav", noise(SEED, 100, 6))
    assert "expected 1 or 2 channels to mix to 2, got 6" in refuse(
        "mix", six, "-o", tmp_path / "m.wav", "--channels", 2
    )
    assert names(tmp_path) == {"six.wav"}


@pytest.mark.parametrize(
    ("gains", "message"),
    [
        (["speech"], "expected NAME=dB, got 'speech'"),
        (["speech=abc"], "expected a number of decibels, got 'abc'"),
        (["speech="], "expected a number of decibels, got ''"),
        (["speech=nan"], "expected -120 to 40 dB, got nan"),
        (["speech=inf"], "expected -120 to 40 dB, got inf"),
        (["speech=1e400"], "expected -120 to 40 dB, got 1e400"),
        (["guest=1"], "expected the name of an input (speech.wav, two.wav, two.flac), got 'guest'"),
        (["two=1"], "expected the name of one input, got that of"),
        (["speech=1", "speech.wav=2"], "expected one gain for"),
    ],
)
def test_gains_that_are_none(tmp_path: Path, gains: list[str], message: str) -> None:
    inputs = [save(tmp_path / name, noise(SEED, 10)) for name in ("speech.wav", "two.wav", "two.flac")]
    options = [f"--gain={gain}" for gain in gains]
    assert message in refuse("mix", *inputs, "-o", tmp_path / "m.wav", *options)
    assert not (tmp_path / "m.wav").exists()


def test_a_name_may_hold_an_equals_sign(tmp_path: Path) -> None:
    loud = save(tmp_path / "a=b.wav", np.full((10, 1), 1000, np.int16))
    run("mix", loud, "-o", tmp_path / "m.wav", "--gain", "a=b=-20")
    assert load(tmp_path / "m.wav").tolist() == [[100]] * 10


@pytest.mark.parametrize("options", [["--rate", "9"], ["--rate", "-8000"], ["--channels", "0"], ["--channels", "129"],
                                     ["--rate", "20000000"]])  # fmt: skip
def test_numbers_out_of_range(tmp_path: Path, options: list[str]) -> None:
    message = refuse("mix", save(tmp_path / "a.wav", noise(SEED, 10)), "-o", tmp_path / "m.wav", *options)
    assert "expected" in message
    assert options[1].lstrip("-") in message
    assert names(tmp_path) == {"a.wav"}


def test_an_input_that_breaks_off_fails_the_mix(tmp_path: Path) -> None:
    good = save(tmp_path / "good.wav", noise(SEED, 96_000))
    broken = save(tmp_path / "broken.flac", noise(SEED, 96_000))
    content = bytearray(broken.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 1000] = bytes(1000)
    broken.write_bytes(content)
    assert "broken.flac: decoding failed" in refuse("mix", good, broken, "-o", tmp_path / "m.wav")
    assert names(tmp_path) == {"good.wav", "broken.flac"}


def test_inputs_of_no_frames(tmp_path: Path) -> None:
    empty, full = save(tmp_path / "empty.wav", noise(SEED, 0)), save(tmp_path / "full.wav", noise(SEED, 500))
    run("mix", empty, full, "-o", tmp_path / "m.wav")
    assert np.array_equal(load(tmp_path / "m.wav"), load(full))
    report = run("mix", empty, "-o", tmp_path / "e.wav", "--json", "--plot", tmp_path / "e.png").report
    assert (report["output"]["frames"], report["output"]["rms_dbfs"]) == (0, None)
    assert len(load(tmp_path / "e.wav")) == 0
    assert "expected at least one sample" in refuse("mix", empty, "-o", tmp_path / "e.flac")


def test_usage_errors_have_exit_code_2(tmp_path: Path) -> None:
    for arguments in (["mix"], ["mix", "a.wav"], ["mix", "a.wav", "-o", "b.wav", "--rate", "fast"], ["no"], ["--no"]):
        assert invoke(*arguments).exit_code == 2


@pytest.mark.skipif(not RECORDINGS.exists(), reason="the recordings are not beside the tests")
def test_the_recordings_leave_headroom(tmp_path: Path) -> None:
    inputs = [path for path in sorted(RECORDINGS.iterdir()) if path.suffix in (".wav", ".flac", ".ogg")]
    report = run("mix", *inputs, "-o", tmp_path / "all.ogg", "--json").report
    assert len(report["inputs"]) == 4
    assert {part["format"] for part in report["inputs"]} == {"WAV", "FLAC", "OGG"}
    assert len({part["sample_rate"] for part in report["inputs"]}) == 4
    assert all(4 <= part["duration"] <= 8 and -16 < part["peak_dbfs"] <= -6 for part in report["inputs"])
    assert report["clipped_samples"] == 0
    assert report["output"]["peak_dbfs"] < -3
    assert soundfile.info(tmp_path / "all.ogg").frames == report["output"]["frames"]


def test_offsets_are_exact(tmp_path: Path) -> None:
    first, second = noise(1, 5000, 1, 9000), noise(2, 4000, 1, 9000)
    a, b = save(tmp_path / "a.wav", first), save(tmp_path / "b.wav", second)
    out = tmp_path / "out.wav"
    for offset_s in (0, 0.01, 0.05, 0.123456, 1.5):
        run("mix", a, b, "-o", out, "--offset", f"b={offset_s}", "--force")
        place = round(offset_s * 48_000)
        expected = np.zeros((max(5000, place + 4000), 1), np.int16)
        expected[:5000] += first
        expected[place : place + 4000] += second
        assert np.array_equal(load(out), expected)


def test_offsets_at_another_rate(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a.wav", noise(1, 5000, 1, 9000)), save(tmp_path / "b.wav", noise(2, 4001), 44_100)
    out = tmp_path / "out.wav"
    report = run("mix", a, b, "-o", out, "--offset", "b=0.25", "--offset", "a=0.1", "--json").report
    before = round(0.25 * 44_100)
    assert len(load(out)) == round((before + 4001) * 48_000 / 44_100)
    assert report["inputs"][1]["frames"] == 4001
    assert not load(out)[:4800].any()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("b", "--offset: expected NAME=SECONDS, got 'b'"),
        ("b=x", "--offset b: expected a number of seconds, got 'x'"),
        ("b=-1", "--offset b: expected 0 to 86400 s, got -1"),
        ("b=nan", "--offset b: expected 0 to 86400 s, got nan"),
        ("c=1", "--offset c: expected the name of an input (a.wav, b.wav), got 'c'"),
    ],
)
def test_offsets_that_cannot_be(tmp_path: Path, option: str, message: str) -> None:
    a, b = save(tmp_path / "a.wav", noise(1, 500)), save(tmp_path / "b.wav", noise(2, 400))
    assert refuse("mix", a, b, "-o", tmp_path / "out.wav", "--offset", option) == message
