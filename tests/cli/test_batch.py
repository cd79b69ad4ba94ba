"""The command `batch`."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from livekit_utils.batch.inputs import find_inputs
from livekit_utils.cli.corpus import Corpus
from livekit_utils.cli.errors import CliError
from tests.cli.test_outputs import names
from tests.support.cli_commands import RECORDINGS, invoke, refuse
from tests.support.corpus import lines, write_corpus, write_sound
from tests.support.dask_cluster import dask_cluster
from tests.support.sound_files import write_long_wav


def batch(*arguments: object) -> Any:
    """Runs the command with threads of this process where it would start processes."""
    return invoke("batch", *arguments, "--jobs", "1")


@pytest.fixture(autouse=True)
def in_this_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads instead of processes, which take a second to begin; they are tested in tests/batch."""
    from concurrent.futures import ThreadPoolExecutor

    class Threads(ThreadPoolExecutor):
        def kill(self) -> None:
            self.shutdown()

    monkeypatch.setattr("livekit_utils.batch.run.Processes", Threads)


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"manifest.jsonl"}


def test_a_folder_keeps_its_tree(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    for name in ("a.wav", "b/c.wav", "b/d/e.WAV", ".hidden/f.wav", "b/._a.wav"):
        write_sound(source / name, 1)
    (source / "notes.txt").touch()
    (source / "b" / "loop").symlink_to(source)
    (source / "b" / "again").symlink_to(source / "b" / "d")
    result = batch(source, target, "--rate", 16000)
    assert result.exit_code == 0, result
    assert tree(target) == {"a.flac", "b/c.flac", "b/d/e.flac", "b/again/e.flac"}
    assert soundfile.info(target / "a.flac").samplerate == 16000
    assert "4 done, 0 done before, 0 failed" in result.output
    assert "0 done, 4 done before, 0 failed" in batch(source, target, "--rate", 16000).output


def test_what_cannot_be_listed_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link to itself, and a folder that may not be read, which root may everywhere."""
    source, target = tmp_path / "in", tmp_path / "out"
    for name in ("a.wav", "locked/b.wav", "z/c.wav"):
        write_sound(source / name, 1)
    (source / "self.wav").symlink_to("self.wav")
    (source / "self").symlink_to("self")
    scan = os.scandir

    def scandir(folder: Any) -> Any:
        if folder == str(source / "locked"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        return scan(folder)

    monkeypatch.setattr("os.scandir", scandir)
    result = batch(source, target)
    assert result.exit_code == 1, result
    assert tree(target) == {"a.flac", "z/c.flac"}
    assert f"{source / 'self.wav'}: Too many levels of symbolic links" in result.errors
    assert f"{source / 'locked'}: Permission denied" in result.errors
    assert "2 done, 0 done before, 2 failed" in result.output


def test_failures_are_named_and_the_exit_status_is_1(tmp_path: Path) -> None:
    _, broken = write_corpus(tmp_path / "in", 40, broken_every=10)
    for _ in range(2):
        result = batch(tmp_path / "in", tmp_path / "out", "--json")
        assert result.exit_code == 1
        assert (result.report["num_files"], result.report["num_failed"]) == (40, 4)
        assert {failure["input"] for failure in result.report["failures"]} == set(map(str, broken))
        assert result.errors.count("failed") == 4
        assert all(str(path) in result.errors for path in broken)


def test_patterns_lists_and_manifests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("in/a.wav", "in/b/c.wav", "in/b/d.mp3x"):
        write_sound(tmp_path / name, 1)
    assert batch("in/**/*.wav", "pattern").exit_code == 0
    assert tree(tmp_path / "pattern") == {"a.flac", "b/c.flac"}
    (tmp_path / "in" / "list.jsonl").write_text(
        '{"audio_filepath": "a.wav", "text": "x"}\n\n{"input": "b/c.wav", "output": "x/y.opus"}\n'
    )
    assert batch("in/list.jsonl", "json", "--rate", 16000).exit_code == 0
    assert tree(tmp_path / "json") == {"a.flac", "x/y.opus"}
    (tmp_path / "in" / "list.csv").write_text("text,input,output\nhello,a.wav,\n,b/c.wav,z.wav\n")
    assert batch("in/list.csv", "csv").exit_code == 0
    assert tree(tmp_path / "csv") == {"a.flac", "z.wav"}
    (tmp_path / "in" / "plain.csv").write_text("a.wav\nb/d.mp3x\n")
    assert batch("in/plain.csv", "plain").exit_code == 0
    assert tree(tmp_path / "plain") == {"a.flac", "b/d.flac"}
    assert batch("in/a.wav", "in/b/c.wav", "named", "--keep-suffix").exit_code == 0
    assert tree(tmp_path / "named") == {"in/a.wav.flac", "in/b/c.wav.flac"}


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes")
def test_standard_input_and_strange_names(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    strange = [os.fsdecode(name) for name in (b"new\nline.wav", b"not \xff utf-8.wav", b"[x] 'y' $z.wav")]
    for number, name in enumerate(strange):
        write_sound(tmp_path / "in" / name, number)
    listed = b"\0".join(os.fsencode(tmp_path / "in" / name) for name in strange)
    command = [
        sys.executable,
        "-m",
        "livekit_utils",
        "batch",
        "-",
        str(tmp_path / "out"),
        "--null",
        "--json",
        "--jobs=1",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, input=listed, capture_output=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    expected = {os.path.relpath(tmp_path / "in" / name[:-4], "/") + ".flac" for name in strange}
    assert tree(tmp_path / "out") == expected
    assert {line["input"] for line in lines(tmp_path / "out")} == {str(tmp_path / "in" / name) for name in strange}
    result = batch(tmp_path / "in", tmp_path / "folder")
    assert result.exit_code == 0
    assert len(tree(tmp_path / "folder")) == 3
    assert "done before" in batch(tmp_path / "in", tmp_path / "folder").output
    (tmp_path / "in" / strange[1]).write_bytes(b"")
    result = batch(tmp_path / "in", tmp_path / "folder")
    assert result.exit_code == 1
    assert "\\udcff" in result.errors


def test_a_standard_input_that_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sound(tmp_path / "in" / "a.wav", 1)
    monkeypatch.setattr("sys.stdin", None)
    jobs = Corpus([str(tmp_path / "in")], tmp_path / "out", "flac", {}).jobs()
    assert [job.paths for job in jobs] == [(str(tmp_path / "in" / "a.wav"),)]
    with pytest.raises(CliError, match="expected names from standard input, which is closed"):
        list(Corpus(["-"], tmp_path / "out", "flac", {}).jobs())


def test_inputs_with_one_output(tmp_path: Path) -> None:
    write_sound(tmp_path / "in" / "a.wav", 1)
    shutil.copy(RECORDINGS / "bells.ogg", tmp_path / "in" / "a.ogg")
    result = batch(tmp_path / "in", tmp_path / "out")
    assert result.exit_code == 1
    assert f"{tmp_path / 'in' / 'a.wav'}: expected an output of its own" in result.errors
    assert tree(tmp_path / "out") == {"a.flac"}
    assert batch(tmp_path / "in", tmp_path / "both", "--keep-suffix").exit_code == 0
    assert tree(tmp_path / "both") == {"a.ogg.flac", "a.wav.flac"}


def test_outputs_among_the_inputs(tmp_path: Path) -> None:
    """They may lie in a folder of the inputs, which is left out; not the other way round."""
    source = tmp_path / "in"
    write_sound(source / "a.wav", 1)
    for _ in range(2):
        assert batch(source, source / "out", "--format", "wav").exit_code == 0
        assert tree(source) == {"a.wav", "out/a.wav", "out/manifest.jsonl"}
    assert "that the inputs are not in" in refuse("batch", source, source)
    assert "that the inputs are not in" in refuse("batch", source, tmp_path)
    (tmp_path / "link").symlink_to(source)
    assert "that the inputs are not in" in refuse("batch", source, tmp_path / "link")


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    write_sound(tmp_path / "in" / "a.wav", 1)
    target = tmp_path / "out"
    target.mkdir()
    assert batch(tmp_path / "in", target).exit_code == 0  # empty
    (target / "manifest.jsonl").unlink()
    assert "expected a new or an empty folder" in refuse("batch", tmp_path / "in", target)
    assert batch(tmp_path / "in", target, "--force").exit_code == 0
    (tmp_path / "file").touch()
    assert "expected a folder for the outputs" in refuse("batch", tmp_path / "in", tmp_path / "file")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["none.wav", "out"], "none.wav: No such file or directory"),
        (["*.none", "out"], "expected a pattern that finds files"),
        (["bad.jsonl", "out"], "bad.jsonl: line 1: expected an object of JSON"),
        (["empty.csv", "out"], "empty.csv: expected a column called input"),
        (["semicolon.csv", "out"], "with commas between columns, got ['id;path']"),
        (["long.csv", "out"], "long.csv: line 2: expected a row of CSV: field larger than field limit"),
        (["far.jsonl", "out"], "output: expected a path in the folder of the outputs, got '../x'"),
        (["in", "out", "--rate", "0"], "--rate: expected 1 to 1073741823 Hz, got 0"),
        (["in", "out", "--normalize", "x"], "--normalize: expected a peak"),
        (["in", "out", "--scheduler", "tcp://x", "--jobs", "1"], "--jobs: expected no --scheduler"),
        (["in", "out", "--scheduler", "tcp://x", "--timeout", "1"], "--timeout: expected no --scheduler"),
        (["in", "out", "--scheduler", "none.json"], "--scheduler: expected one that answers at none.json"),
        (["-", "-", "out"], 'expected "-" once'),
        (["in", "out", "--mix"], "--mix: expected manifests"),
    ],
)
def test_wrong_usage_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_sound(tmp_path / "in" / "a.wav", 1)
    Path("bad.jsonl").write_text("x\n")
    Path("empty.csv").write_text("a,b\n")
    Path("semicolon.csv").write_text("id;path\n1;in/a.wav\n")
    Path("long.csv").write_text(f"path,text\nin/a.wav,{'x' * 200_000}\n")
    Path("far.jsonl").write_text('{"input": "in/a.wav", "output": "../x"}\n')
    assert text in refuse("batch", *arguments)


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    _, broken = write_corpus(tmp_path / "in", 10, broken_every=10)
    result = batch(tmp_path / "in", tmp_path / "out", "--dry-run")
    assert (result.exit_code, result.output.count("convert: "), result.output.count(" -> ")) == (0, 10, 10)
    assert names(tmp_path) == {"in"}
    batch(tmp_path / "in", tmp_path / "out")
    before = (tmp_path / "out" / "manifest.jsonl").read_bytes()
    write_sound(tmp_path / "in" / "new.wav", 1)
    result = batch(tmp_path / "in", tmp_path / "out", "--dry-run", "--json")
    actions = [json.loads(line)["action"] for line in result.output.splitlines()]
    assert {name: actions.count(name) for name in actions} == {"done": 9, "failed": len(broken), "convert": 1}
    assert (tmp_path / "out" / "manifest.jsonl").read_bytes() == before


def test_a_manifest_of_mixes(tmp_path: Path) -> None:
    for number, name in enumerate(("a", "b", "noise")):
        write_sound(tmp_path / "in" / f"{name}.wav", number, 800 * (number + 1))
    (tmp_path / "in" / "mix.jsonl").write_text(
        '{"output": "x.wav", "inputs": ["a.wav", {"path": "b.wav", "gain_db": -6, "offset_s": 0.1}]}\n'
        '{"output": "deep/y", "length": "first", "inputs": [{"path": "a.wav"}, {"path": "noise.wav", "snr_db": 10}]}\n'
    )
    result = batch(tmp_path / "in" / "mix.jsonl", tmp_path / "out", "--mix", "--rate", 16000, "--json")
    assert result.exit_code == 0, result
    assert tree(tmp_path / "out") == {"x.wav", "deep/y"}
    assert [soundfile.info(tmp_path / "out" / name).frames for name in ("x.wav", "deep/y")] == [4800, 1600]
    (tmp_path / "in" / "mix.csv").write_text("output,input,snr_db,loop\nz.flac,b.wav,,\nz.flac,a.wav,5,yes\n")
    assert batch(tmp_path / "in" / "mix.csv", tmp_path / "csv", "--mix").exit_code == 0
    assert soundfile.info(tmp_path / "csv" / "z.flac").frames == 1600
    for line, text in {
        '{"output": "x.wav", "inputs": []}': "expected a list called inputs",
        '{"inputs": ["a.wav"]}': "expected an output",
        '{"output": "x.wav", "inputs": [{"path": "a.wav", "gain_db": 99}]}': "gain_db: expected",
        '{"output": "x.wav", "inputs": [3]}': "expected a path or an object",
        '{"output": "x.wav", "inputs": ["a.wav"], "length": "x"}': "length: expected 'longest' or 'first'",
    }.items():
        (tmp_path / "in" / "mix.jsonl").write_text(line + "\n")
        message = refuse("batch", tmp_path / "in" / "mix.jsonl", tmp_path / "none", "--mix")
        assert "mix.jsonl: line 1: " in message
        assert text in message


def test_a_folder_is_read_in_order(tmp_path: Path) -> None:
    for name in ("c.wav", "a/z.wav", "b.wav", "a/y.wav"):
        write_sound(tmp_path / name, 1)
    found = find_inputs([str(tmp_path)], sys.stdin.buffer if hasattr(sys.stdin, "buffer") else None)  # type: ignore[arg-type]
    assert [item.tree for item in found] == ["b.wav", "c.wav", "a/y.wav", "a/z.wav"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_a_whole_manifest(
    tmp_path: Path, interpreter: Callable[..., subprocess.Popen[str]], run_python: Callable[..., Any], number: int
) -> None:
    paths, broken = write_corpus(tmp_path / "in", 500)
    write_long_wav(paths[-1])  # so that it is not done before
    target = tmp_path / "out"
    command = ["-m", "livekit_utils", "batch", str(tmp_path / "in"), str(target), "--jobs", "2"]
    with interpreter(*command) as process:
        wait_for_lines(target)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "interrupted"
    assert not list(target.glob(".*"))
    num_done = len(lines(target))
    assert 0 < num_done < len(paths)
    write_sound(paths[-1], 1)
    result = run_python(*command, "--json")
    assert result.returncode == 1
    report = json.loads(result.stdout)
    assert (report["num_files"], report["num_failed"]) == (len(paths), len(broken))
    assert report["num_done"] + num_done >= len(paths) - len(broken)
    assert len(lines(target)) == len(paths)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_cluster_does_it_and_an_interruption_leaves_a_whole_manifest(
    tmp_path: Path, interpreter: Callable[..., subprocess.Popen[str]], run_python: Callable[..., Any]
) -> None:
    pytest.importorskip("distributed")
    _, broken = write_corpus(tmp_path / "in", 500)
    target = tmp_path / "out"
    command = ["-m", "livekit_utils", "batch", str(tmp_path / "in"), str(target), "--json", "--scheduler"]
    with dask_cluster(tmp_path / "dask") as cluster:
        with interpreter(*command, str(cluster.scheduler_file)) as process:
            wait_for_lines(target)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors.splitlines()[-1]) == (130, "interrupted")
        assert 0 < len(lines(target)) < 500
        result = run_python(*command, cluster.address)
    assert result.returncode == 1, result.stderr
    report = json.loads(result.stdout)
    assert (report["num_files"], report["num_failed"]) == (500, len(broken))
    assert len(lines(target)) == 500
    assert not list(target.glob(".*"))


def wait_for_lines(target: Path) -> None:
    deadline = time.monotonic() + 60
    while not (target / "manifest.jsonl").exists() or (target / "manifest.jsonl").stat().st_size < 5000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
