"""The manifest, and what a run goes on from."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from livekit_utils.batch import BatchError, Job, MixInput, Result, Summary, run_batch
from livekit_utils.batch.manifest import Manifest
from livekit_utils.batch.plan import Plan
from livekit_utils.batch.scratch import SCRATCH_NAME
from livekit_utils.batch.tasks import Costs
from tests.support.corpus import jobs_for, lines, outputs, write_corpus, write_sound


def run(jobs: Any, target: Path, **options: Any) -> Summary:
    with ThreadPoolExecutor(2) as threads:
        return run_batch(jobs, executor=threads, manifest=target / "manifest.jsonl", **options)


def counts(summary: Summary) -> tuple[int, int, int]:
    return summary.num_done, summary.num_skipped, summary.num_failed


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    paths, broken = write_corpus(source, 30, broken_every=10)
    jobs = jobs_for(paths, source, target)
    assert counts(run(jobs, target)) == (27, 0, 3)
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*.flac")}

    results: list[Result] = []
    summary = run(jobs, target, on_result=results.append)
    assert counts(summary) == (0, 27, 3)
    assert all(result.skipped for result in results)
    assert {result.input for result in results if not result.ok} == set(map(str, broken))
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*.flac")} == before
    assert len(lines(target)) == 30

    assert counts(run(jobs, target, retry_failed=True)) == (0, 27, 3)
    assert len(lines(target)) == 33
    write_sound(min(broken), 99)  # mended
    assert counts(run(jobs, target)) == (1, 27, 2)
    os.utime(paths[0], ns=(1, 1))  # changed
    (target / "000" / "00001.flac").unlink()  # lost
    (target / "000" / "00002.flac").write_bytes(b"cut")  # damaged
    assert counts(run(jobs, target)) == (3, 25, 2)
    assert counts(run(jobs_for(paths, source, target, quality="high"), target)) == (28, 0, 2)
    assert counts(run(jobs, target)) == (28, 0, 2)  # what was done before is not what is there


def test_a_corpus_can_be_moved(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    paths, _ = write_corpus(source, 5)
    run(jobs_for(paths, source, target), target)
    (tmp_path / "elsewhere").mkdir()
    source.rename(tmp_path / "elsewhere" / "in")
    target.rename(tmp_path / "elsewhere" / "out")
    moved = [tmp_path / "elsewhere" / path.relative_to(tmp_path) for path in paths]
    target = tmp_path / "elsewhere" / "out"
    assert counts(run(jobs_for(moved, tmp_path / "elsewhere" / "in", target), target)) == (0, 5, 0)


def test_a_torn_line_is_cut_off_and_its_file_done_again(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    paths, _ = write_corpus(source, 5)
    jobs = jobs_for(paths, source, target)
    run(jobs, target)
    manifest = target / "manifest.jsonl"
    whole = manifest.read_bytes()
    for num_bytes in (1, 2, 40):
        manifest.write_bytes(whole[:-num_bytes])
        assert counts(run(jobs, target)) == (1, 4, 0)
        assert len(lines(target)) == 5
    manifest.write_bytes(b"\xff no line\n[1]\n" + whole + b'{"torn": ')
    summary = run(jobs, target)
    assert counts(summary) == (0, 5, 0)
    assert summary.num_bad_lines == 2


def test_two_runs_refuse_each_other(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    (tmp_path / "in").mkdir()
    target = tmp_path / "out"
    with Manifest(target / "manifest.jsonl"):
        with pytest.raises(BatchError, match="another run is at this folder"):
            run([], target)
        command = ["-m", "livekit_utils", "batch", str(tmp_path / "in"), str(target)]
        result = run_python(*command)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == f"error: {target / 'manifest.jsonl'}: another run is at this folder\n"
    assert counts(run([], target)) == (0, 0, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_the_lock_ends_with_its_owner_whatever_it_has_forked(tmp_path: Path) -> None:
    program = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from livekit_utils.batch.manifest import Manifest\n"
        "manifest = Manifest(Path(sys.argv[1]))\n"
        "os.fork()\n"
        "os.write(1, b'locked\\n')\n"
        "time.sleep(300)\n"
    )
    path = tmp_path / "manifest.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdout=subprocess.PIPE, start_new_session=True
    ) as owner:
        assert owner.stdout is not None
        for _ in range(2):  # it and its child
            assert owner.stdout.readline() == b"locked\n"
        with pytest.raises(BatchError):
            Manifest(path)
        owner.kill()
        owner.wait()
        Manifest(path).close()
        os.killpg(owner.pid, 9)  # its child


def test_temporary_files_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    paths, _ = write_corpus(source, 5)
    orphans = target / SCRATCH_NAME / "0123"
    orphans.mkdir(parents=True)
    (orphans / ".livekit-utils-0123456789abcdef.flac").write_bytes(b"half")
    # A worker of that run which still lives, and takes one of its jobs.
    late = Job(paths[0], target / "late.flac", scratch=str(orphans))
    run(jobs_for(paths, source, target), target)
    assert not (target / SCRATCH_NAME).exists()
    from livekit_utils.batch import convert_file

    assert not convert_file(late).ok
    assert not (target / "late.flac").exists()


def test_a_full_disk_ends_the_run_and_blames_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from livekit_utils.batch import dispatch

    source, target = tmp_path / "in", tmp_path / "out"
    paths, _ = write_corpus(source, 20)
    jobs = jobs_for(paths, source, target)

    def full(some: Any) -> list[Result]:
        return [
            Result(ok=False, input=job.paths[0], output=str(job.output), error="full", disk_full=True) for job in some
        ]

    with monkeypatch.context() as patch:
        patch.setattr(dispatch, "convert_files", full)
        with pytest.raises(OSError, match="No space left") as caught:
            run(jobs, target)
        assert caught.value.errno == errno.ENOSPC
    assert lines(target) == []
    assert counts(run(jobs, target)) == (20, 0, 0)


def test_a_manifest_that_has_no_room_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    paths, _ = write_corpus(source, 20)
    jobs = jobs_for(paths, source, target)
    write = os.write
    room = 3000

    def write_some(descriptor: int, data: bytes) -> int:
        nonlocal room
        if not data.startswith(b'{"ok"') and room:
            return write(descriptor, data)
        if room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        data = data[:room]
        room -= len(data)
        return write(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr("livekit_utils.batch.manifest.os.write", write_some)
        with pytest.raises(OSError, match="No space left"):
            run(jobs, target)
    num_lines = len(lines(target))
    assert 0 < num_lines < 20
    assert counts(run(jobs, target)) == (20 - num_lines, num_lines, 0)


def test_two_inputs_with_one_output(tmp_path: Path) -> None:
    """The first has it, the second is named; a repetition is none of them."""
    first, second = write_sound(tmp_path / "a.wav", 1), write_sound(tmp_path / "b.wav", 2)
    target = tmp_path / "out"
    jobs = [Job(path, target / "a.flac") for path in (first, second, first)]
    for done in ((1, 0, 1), (0, 1, 1)):
        summary = run(jobs, target)
        assert counts(summary) == done
        assert summary.failures[0].input == str(second)
        assert "which is that of an earlier input" in (summary.failures[0].error or "")
    assert [line["output"] for line in lines(target)].count("a.flac") == 1
    assert len(lines(target)) == 2


def test_two_mixes_of_the_same_inputs_with_one_output(tmp_path: Path) -> None:
    """The second one is not the first once more: its gain is another."""
    paths = [str(write_sound(tmp_path / f"{number}.wav", number)) for number in range(2)]
    mixes: list[list[MixInput | str]] = [[paths[0], MixInput(paths[1], gain_db=gain_db)] for gain_db in (-6, -6, -12)]
    assert counts(run([Job(mix, tmp_path / "out" / "a.flac") for mix in mixes], tmp_path / "out")) == (1, 0, 1)


def test_names_of_another_case_on_a_disk_that_ignores_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livekit_utils.batch.plan.ignores_case", lambda folder: True)
    paths = [write_sound(tmp_path / f"{number}.wav", number) for number in range(3)]
    names = ["Ä.flac", "a\u0308.flac", "b.flac"]
    jobs = [Job(path, tmp_path / "out" / name) for path, name in zip(paths, names, strict=True)]
    assert counts(run(jobs, tmp_path / "out")) == (2, 0, 1)


def test_jobs_are_taken_as_they_are_needed(tmp_path: Path) -> None:
    """A million files are not a million futures: of 5000, only some are taken before the first is done."""
    paths, _ = write_corpus(tmp_path / "in", 1)
    num_taken = 0

    def jobs() -> Iterator[Job]:
        nonlocal num_taken
        for number in range(5000):
            num_taken += 1
            yield Job(paths[0], tmp_path / "out" / f"{number % 7}" / f"{number}.wav")

    class StopError(Exception):
        pass

    def stop(result: Result) -> None:
        raise StopError

    with pytest.raises(StopError):
        run(jobs(), tmp_path / "out", on_result=stop)
    assert num_taken <= 2 * 2 * 256


def test_tasks_take_about_as_long_each() -> None:
    """A file of an hour is a task, and many short ones are one: by what files have taken before."""
    costs = Costs()
    for _ in range(200):
        costs.learn(Result(ok=True, input="a.mp3", output="a.wav", input_bytes=1_000_000, elapsed_s=0.1))
        costs.learn(Result(ok=True, input="a.wav", output="a.wav", input_bytes=1_000_000, elapsed_s=0.01))
    assert costs.estimate(Job("b.mp3", "b.wav"), 5_000_000) == pytest.approx(0.5)
    assert costs.estimate(Job("b.wav", "b.wav"), 5_000_000) == pytest.approx(0.05)


def test_a_plan_groups_by_cost(tmp_path: Path) -> None:
    sizes = [1000] * 50 + [10_000_000] + [1000] * 50
    paths = [tmp_path / f"{number}.wav" for number in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        path.touch()
        os.truncate(path, size)
    plan = Plan([Job(path, path.with_suffix(".flac")) for path in paths], print, None, None, False)
    plan.costs.learn(Result(ok=True, input="a.wav", output="a.wav", input_bytes=10_000, elapsed_s=0.001))
    tasks = []
    while (task := plan.next()) is not None:
        tasks.append(len(task.jobs))
    assert tasks == [51, 50]


def test_without_a_manifest_everything_is_done(tmp_path: Path) -> None:
    paths, _ = write_corpus(tmp_path / "in", 5)
    jobs = jobs_for(paths, tmp_path / "in", tmp_path / "out")
    with ThreadPoolExecutor(1) as threads:
        for _ in range(2):
            assert counts(run_batch(jobs, executor=threads)) == (5, 0, 0)
    assert len(outputs(tmp_path / "out")) == 5
    assert not (tmp_path / "out" / "manifest.jsonl").exists()
