"""What `convert_file` makes of one file, and of a mix."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from livekit_utils.batch import Job, MixInput, convert_file
from livekit_utils.batch import output_file as output_file_module
from livekit_utils.files.growing_file import GrowingFile
from tests.support.cli_commands import RECORDINGS, run
from tests.support.corpus import write_sound
from tests.support.randomness import Rand


def samples(path: Path) -> npt.NDArray[np.int16]:
    values: npt.NDArray[np.int16] = soundfile.read(path, dtype="int16")[0]
    return values


OPTIONS: list[dict[str, Any]] = [
    {"sample_rate": 16000, "num_channels": 1},
    {"sample_rate": 44100, "quality": "high"},
    {"num_channels": 2, "normalize": "-1"},
    {"sample_rate": 16000, "normalize": "-16LUFS"},
    {"sample_rate": 8000, "normalize": "-50dBFS"},
    {"sample_rate": 16000, "gain_db": -6},
    {"gain_db": 9.5},
]


@pytest.mark.parametrize("name", ["speech.wav", "bells.ogg", "music.flac"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_it_gives_what_the_command_convert_gives(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    options = {"quality": "medium", **options}  # the default of Job; that of the command is higher
    flags = {"sample_rate": "--rate", "num_channels": "--channels", "quality": "--quality", "normalize": "--normalize",
             "gain_db": "--gain"}  # fmt: skip
    run("convert", RECORDINGS / name, tmp_path / "a.flac", *(f"{flags[key]}={value}" for key, value in options.items()))
    result = convert_file(Job(RECORDINGS / name, tmp_path / "b.flac", **options))
    assert result.ok, result.error
    assert np.array_equal(samples(tmp_path / "a.flac"), samples(tmp_path / "b.flac"))


def test_trimming_is_that_of_the_command_convert(tmp_path: Path) -> None:
    pytest.importorskip("pywebrtc_audio")
    run("convert", RECORDINGS / "speech.wav", tmp_path / "a.wav", "--trim", "--normalize=-3")
    result = convert_file(Job(RECORDINGS / "speech.wav", tmp_path / "b.wav", trim=True, normalize="-3"))
    assert result.ok, result.error
    assert np.array_equal(samples(tmp_path / "a.wav"), samples(tmp_path / "b.wav"))
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(16000, np.int16), 16000)
    assert convert_file(Job(silent, tmp_path / "c.wav", trim=True)).error == f"{silent}: nobody speaks in it"


def test_the_result_tells_what_is_in_the_output(tmp_path: Path) -> None:
    source, target = RECORDINGS / "music.flac", tmp_path / "new" / "folder" / "a.wav"
    result = convert_file(Job(source, target, sample_rate=16000, num_channels=1))
    info = json.loads(run("info", target, "--json").output)
    data = target.read_bytes()
    assert result.ok
    assert (result.input, result.output) == (str(source), str(target))
    assert (result.sample_rate, result.num_channels) == (16000, 1)
    original = soundfile.info(source)
    assert (result.input_sample_rate, result.input_num_channels) == (original.samplerate, original.channels)
    assert result.input_seconds == pytest.approx(original.duration)
    assert result.seconds == soundfile.info(target).duration
    assert (result.sha256, result.output_bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    assert result.input_bytes == source.stat().st_size
    (told,) = info["files"] if "files" in info else info["inputs"]
    for name in ("peak_dbfs", "rms_dbfs"):
        assert getattr(result, name) == pytest.approx(told[name], abs=0.01)
    assert result.cpu_s > 0
    assert result.elapsed_s > 0


@pytest.mark.parametrize("format", ["wav", "flac", "ogg", "opus"])
def test_the_same_sound_gives_the_same_bytes(tmp_path: Path, format: str) -> None:
    jobs = [Job(RECORDINGS / "speech.wav", tmp_path / f"{i}.{format}", sample_rate=16000) for i in range(2)]
    first, second = map(convert_file, jobs)
    assert first.ok, first.error
    assert first.sha256 == second.sha256
    again = convert_file(Job(tmp_path / f"0.{format}", tmp_path / "again.wav"))
    assert again.ok, again.error
    assert again.warnings == ()
    assert again.seconds == pytest.approx(first.seconds, abs=0.01)


@pytest.mark.parametrize("container", ["mp4", "m4a", "webm", "mkv", "mov"])
def test_sound_of_videos(tmp_path: Path, container: str) -> None:
    av = pytest.importorskip("av")
    path = tmp_path / f"clip.{container}"
    codec = {"webm": "libopus", "mkv": "libopus"}.get(container, "aac")
    with av.open(str(path), "w", format={"m4a": "ipod"}.get(container)) as file:
        stream = file.add_stream(codec, rate=48000, layout="mono")
        if container != "m4a":
            pictures = file.add_stream({"webm": "libvpx"}.get(container, "mpeg4"), rate=25)
            pictures.width = pictures.height = 64
            pictures.pix_fmt = "yuv420p"
            for _ in range(50):
                for packet in pictures.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))):
                    file.mux(packet)
            file.mux(pictures.encode(None))
        tone = (np.sin(np.arange(96000) / 10) * 8000).astype(np.int16)
        for start in range(0, 96000, 960):
            frame = av.AudioFrame.from_ndarray(tone[None, start : start + 960], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48000, start
            for packet in stream.encode(frame):
                file.mux(packet)
        file.mux(stream.encode(None))
    result = convert_file(Job(path, tmp_path / "out.flac", sample_rate=16000, num_channels=1))
    assert result.ok, result.error
    assert result.seconds == pytest.approx(2, abs=0.1)
    assert result.rms_dbfs == pytest.approx(-15.3, abs=0.5)


def broken_inputs(folder: Path) -> dict[str, Path]:
    folder.mkdir()
    os.mkfifo(folder / "pipe.wav")
    (folder / "folder.wav").mkdir()
    (folder / "empty.wav").touch()
    whole = write_sound(folder / "whole.wav", 1).read_bytes()
    (folder / "header.wav").write_bytes(whole[:44])
    soundfile.write(folder / "cut.flac", np.random.default_rng(1).normal(0, 0.1, 48000), 48000)
    os.truncate(folder / "cut.flac", 20_000)
    (folder / "text.mp3").write_text("no sound at all\n" * 100)
    (folder / "loop.wav").symlink_to("loop.wav")
    names = ["pipe.wav", "folder.wav", "empty.wav", "header.wav", "cut.flac", "text.mp3", "loop.wav", "none.wav"]
    return {name: folder / name for name in names}


@pytest.mark.skipif(sys.platform == "win32", reason="pipes")
def test_a_broken_input_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    for name, path in broken_inputs(tmp_path / "in").items():
        result = convert_file(Job(path, tmp_path / "out" / f"{name}.flac"))
        assert not result.ok, name
        assert result.error is not None
        assert str(path) in result.error
        assert result.error.count("\n") == 0
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_an_output_that_cannot_be(tmp_path: Path) -> None:
    source = write_sound(tmp_path / "a.wav", 1)
    before = source.read_bytes()
    (tmp_path / "file").touch()
    (tmp_path / "folder.wav").mkdir()
    for target, text in [
        (source, "inputs are never replaced"),
        (tmp_path / "folder.wav", "Is a directory"),
        (tmp_path / "file" / "b.wav", "file"),
        (tmp_path / "c.opus", "Opus"),
        (tmp_path / "d\0.wav", "null"),
    ]:
        result = convert_file(Job(source, target, sample_rate=11025 if target.suffix == ".opus" else None))
        assert not result.ok
        assert text in (result.error or ""), result.error
    assert source.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"a.wav", "file", "folder.wav"}


@pytest.mark.parametrize("format", ["wav", "flac", "ogg", "opus"])
def test_a_full_disk_leaves_the_old_output(tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = RECORDINGS / "music.flac"
    target = tmp_path / f"a.{format}"
    target.write_text("before")

    def append(self: GrowingFile, data: Any) -> None:
        if self.size + memoryview(data).nbytes > 10_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        whole(self, data)

    whole = GrowingFile.append
    monkeypatch.setattr(GrowingFile, "append", append)
    result = convert_file(Job(source, target, sample_rate=16000))
    assert (result.ok, result.disk_full) == (False, True)
    assert result.error == f"{target}: No space left on device"
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert target.read_text() == "before"


def test_the_output_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    sync, rename = GrowingFile.sync, os.replace
    monkeypatch.setattr(GrowingFile, "sync", lambda self: (calls.append("sync"), sync(self)))

    def replace(source: Any, target: Any) -> None:
        calls.append("rename")
        assert len(samples(source)) == 800
        rename(source, target)

    monkeypatch.setattr(output_file_module.os, "replace", replace)
    assert convert_file(Job(write_sound(tmp_path / "a.wav", 1), tmp_path / "b.wav")).ok
    assert calls == ["sync", "rename"]


def test_an_input_that_changes_meanwhile_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_sound(tmp_path / "a.wav", 1)
    sync = GrowingFile.append

    def append(self: GrowingFile, data: Any) -> None:
        os.utime(source, ns=(1, 1))
        sync(self, data)

    monkeypatch.setattr(GrowingFile, "append", append)
    result = convert_file(Job(source, tmp_path / "b.wav"))
    assert result.error == f"{source}: expected a file that does not change while it is read"


def test_the_key_changes_with_what_matters(tmp_path: Path) -> None:
    source = write_sound(tmp_path / "a.wav", 1)
    jobs = [
        Job(source, "b.wav"),
        Job(source, "b.flac"),
        Job(source, "b.wav", quality="high"),
        Job(source, "b.wav", sample_rate=8000),
        Job(source, "b.wav", trim=True),
        Job(source, "b.wav", normalize="-1"),
        Job(source, "b.wav", gain_db=-1),
        Job([source], "b.wav"),
        Job([MixInput(source, gain_db=1)], "b.wav"),
    ]
    assert len({job.key([(1, 2)]) for job in jobs} | {jobs[0].key([(1, 3)]), jobs[0].key([(2, 2)])}) == len(jobs) + 2
    same = Job("elsewhere.wav", "c.wav", normalize=None, scratch="x")
    assert same.key([(1, 2)]) == jobs[0].key([(1, 2)])
    assert Job("a", "b.wav", normalize="-1 dBFS").key([]) == Job("a", "b.wav", normalize="-1").key([])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"sample_rate": 0}, "sample_rate: expected 1 to"),
        ({"num_channels": 129}, "num_channels: expected 1 to 128"),
        ({"format": "mp3"}, "format: expected one of 'wav', 'flac', 'ogg', 'opus', got 'mp3'"),
        ({"output": "a.mp3"}, "expected a name that ends in"),
        ({"quality": "best"}, "quality"),
        ({"normalize": "loud"}, "normalize: expected a peak"),
        ({"length": "short"}, "length: expected 'longest' or 'first'"),
        ({"input": []}, "input: expected at least one input"),
        ({"input": [MixInput("a", loop=True)]}, "input: expected at least one input that does not loop"),
        ({"input": [MixInput("a", snr_db=1.0)]}, "input: expected a first input without snr_db"),
        ({"gain_db": 41}, "gain_db: expected"),
        ({"gain_db": 1, "normalize": "-1"}, "gain_db: expected none beside normalize"),
    ],
)
def test_a_job_refuses_what_makes_no_sense(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Job(**{"input": "a.wav", "output": "a.flac", **arguments})


def test_a_mix_is_the_exact_sum(tmp_path: Path, rand: Rand) -> None:
    paths = [write_sound(tmp_path / f"{i}.wav", rand.randint(0, 1 << 30), 8000 * (i + 1)) for i in range(3)]
    inputs = [MixInput(str(paths[0])), MixInput(str(paths[1]), gain_db=-6.0206), MixInput(str(paths[2]), offset_s=0.5)]
    result = convert_file(Job(inputs, tmp_path / "mix.wav"))
    assert result.ok, result.error
    total = np.zeros(28000)
    total[:8000] += samples(paths[0])
    total[:16000] += samples(paths[1]) * 10 ** (-6.0206 / 20)
    total[4000:] += samples(paths[2])
    got = samples(tmp_path / "mix.wav")
    assert len(got) == 28000
    assert np.abs(got - np.clip(total, -32768, 32767)).max() <= 0.501
    assert result.input == list(map(str, paths))


@pytest.mark.parametrize("snr_db", [-3, 0, 17.5])
def test_the_signal_to_noise_ratio_of_a_mix(tmp_path: Path, snr_db: float) -> None:
    """Noise that is shorter and at another rate is repeated; one that is longer is cut off."""
    write_sound(tmp_path / "speech.wav", 1, 16000)
    write_sound(tmp_path / "short.wav", 2, 12000, 32000)
    write_sound(tmp_path / "long.wav", 3, 99999)
    for name, options in {"short": {"loop": True}, "long": {}}.items():
        noise = MixInput(str(tmp_path / f"{name}.wav"), snr_db=snr_db, **options)
        job = Job([str(tmp_path / "speech.wav"), noise], tmp_path / "mix.wav", sample_rate=8000, length="first")
        assert convert_file(job).ok
        mixed = samples(tmp_path / "mix.wav").astype(float)
        speech = samples(tmp_path / "speech.wav").astype(float)
        assert len(mixed) == len(speech)
        clipped = np.abs(mixed) >= 32767
        assert clipped.mean() < 0.1
        rest = (mixed - speech)[~clipped]
        assert 10 * math.log10(np.mean(speech**2) / np.mean(rest**2)) == pytest.approx(
            snr_db, abs=0.1 + clipped.mean() * 9
        )


def test_a_mix_is_normalized(tmp_path: Path) -> None:
    inputs = [str(RECORDINGS / "speech.wav"), MixInput(str(RECORDINGS / "music.flac"), gain_db=20)]
    result = convert_file(Job(inputs, tmp_path / "mix.flac", sample_rate=16000, num_channels=1, normalize="-1"))
    assert result.peak_dbfs == pytest.approx(-1, abs=0.01)
    assert result.num_clipped == 0
    result = convert_file(Job(inputs, tmp_path / "mix.flac", sample_rate=16000, num_channels=1, normalize="-30LUFS"))
    assert result.loudness_lufs == pytest.approx(-30, abs=0.02)


def test_a_mix_with_a_broken_input_names_it(tmp_path: Path) -> None:
    good, bad = write_sound(tmp_path / "good.wav", 1), tmp_path / "bad.wav"
    bad.touch()
    result = convert_file(Job([good, bad], tmp_path / "mix.wav"))
    assert (result.error or "").startswith(f"{bad}: ")
    soundfile.write(bad, np.zeros(8000, np.int16), 8000)
    result = convert_file(Job([good, MixInput(bad, snr_db=10)], tmp_path / "mix.wav"))
    assert result.error == f"{bad}: expected sound for a signal-to-noise ratio, got silence"
    soundfile.write(bad, np.zeros((8000, 3), np.int16), 8000)
    result = convert_file(Job([good, bad], tmp_path / "mix.wav", num_channels=2))
    assert "channels" in (result.error or "")
