"""`info --speech` and `convert --trim`: where in a file somebody speaks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")
pytest.importorskip("pywebrtc_audio")

import soundfile

from livekit_utils.batch import Job, convert_file
from tests.support.cli_commands import RECORDINGS, load, refuse, run, save
from tests.voice.test_voice_activity_detector import needs_espeak, spoken, with_silence

RATE = 16000


@needs_espeak
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_info_tells_where_somebody_speaks(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"a.{suffix}", with_silence(spoken("en", RATE), RATE)[:, None], RATE)
    [file] = run("info", path, "--speech", "--json").report["files"]
    assert file["speech"][0][0] == pytest.approx(2, abs=0.06)
    assert file["speech"][-1][1] == pytest.approx(2 + len(spoken("en", RATE)) / RATE, abs=0.1)
    assert "a." in (said := run("info", path, "--speech").output)
    assert f"speech from {file['speech'][0][0]:.2f} to" in said
    assert "speech" not in run("info", path, "--json").report["files"][0]


def test_info_of_a_file_without_speech(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", np.zeros((RATE, 2), np.int16), RATE)
    assert "a.wav: no speech" in run("info", path, "--speech").output
    assert run("info", path, "--speech", "--json").report["files"][0]["speech"] == []


@needs_espeak
def test_convert_trims(tmp_path: Path) -> None:
    pcm = with_silence(spoken("en", RATE), RATE, 2, 3)
    path, out = save(tmp_path / "a.wav", pcm[:, None], RATE), tmp_path / "out.wav"
    run("convert", path, out, "--trim")
    trimmed = load(out)
    start = np.flatnonzero(trimmed[:, 0])[0] / RATE
    assert 0.1 < start < 0.26
    said = len(spoken("en", RATE)) / RATE
    assert said < len(trimmed) / RATE < said + 0.5
    run("convert", path, out, "--trim", "--start", 1, "--end", 3, "--force")
    part = load(out)
    assert np.array_equal(part[: RATE // 2], trimmed[: RATE // 2]), "the same word, of another part"
    assert len(part) / RATE < 1.26


@pytest.mark.parametrize("level", [[], ["--normalize=-3"], ["--normalize=-20LUFS"]], ids=str)
def test_a_mix_is_trimmed(tmp_path: Path, level: list[str]) -> None:
    """As the mix itself is, once it is written; and a corpus does the same."""
    words, rate = soundfile.read(RECORDINGS / "speech.wav", dtype="int16", always_2d=True)
    silence = np.zeros((2 * rate, words.shape[1]), np.int16)
    path = save(tmp_path / "a.wav", np.concatenate([silence, words, silence]), rate)
    hum = save(tmp_path / "b.wav", np.rint(30 * np.sin(np.arange(20 * rate) / 60)).astype(np.int16), rate)
    whole, out = tmp_path / "whole.wav", tmp_path / "out.wav"
    run("mix", path, hum, whole)
    run("convert", whole, tmp_path / "expected.wav", "--trim")
    report = run("mix", path, hum, out, "--trim", *level, "--json").report
    got, expected = load(out), load(tmp_path / "expected.wav")
    assert len(got) == len(expected) < len(load(whole)) - 3 * rate
    gain = 10 ** (report["inputs"][0]["gain_db"] / 20)
    assert np.abs(got - expected * gain).max() <= 1 + gain
    line = {"output": "m.wav", "inputs": ["a.wav", "b.wav"]}
    (tmp_path / "mixes.jsonl").write_text(json.dumps(line))
    run("batch", "--mix", tmp_path / "mixes.jsonl", tmp_path / "m", "--trim", *level, "--jobs", 1)
    assert np.abs(load(tmp_path / "m" / "m.wav") - got).max() <= 4


def test_a_mix_in_which_nobody_speaks(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", np.zeros((RATE, 1), np.int16), RATE)
    assert refuse("mix", path, path, tmp_path / "out.wav", "--trim") == "--trim: nobody speaks in the mix"
    result = convert_file(Job([str(path), str(path)], tmp_path / "out.wav", trim=True))
    assert str(result.error).endswith("nobody speaks in it")
    assert not (tmp_path / "out.wav").exists()


def test_nothing_to_trim(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", np.zeros((RATE, 1), np.int16), RATE)
    assert "nobody speaks in " in refuse("convert", path, tmp_path / "out.wav", "--trim")
    assert not (tmp_path / "out.wav").exists()
    low = save(tmp_path / "low.wav", np.zeros((4000, 1), np.int16), 4000)
    assert "expected 8000 to 384000" in refuse("convert", low, tmp_path / "out.wav", "--trim")
