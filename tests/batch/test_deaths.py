"""Workers that die, and coordinators."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from livekit_utils.batch import BatchError, Job, run_batch
from livekit_utils.batch.conversion import convert_files
from livekit_utils.batch.processes import Processes, WorkerDied, WorkerTimeoutError, _Worker
from tests.support.corpus import deadly, jobs_for, lines, outputs, write_corpus, write_sound
from tests.support.dask_cluster import dask_cluster
from tests.support.sound_files import write_long_wav

pytestmark = [
    pytest.mark.filterwarnings("default"),  # of Dask
    pytest.mark.skipif(sys.platform == "win32", reason="signals"),
]
IS_SOAK = os.environ.get("LIVEKIT_UTILS_HYPOTHESIS") == "thorough"


@pytest.fixture
def deadly_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Job], Path]:
    """60 files, of which one always kills the process, one the first time, and none is broken."""
    monkeypatch.setattr("livekit_utils.batch.dispatch.convert_files", deadly)
    folder = tmp_path / "in"
    names = [f"{number:02}" for number in range(60)]
    names[17], names[33] = "killer", "once"
    paths = [write_sound(folder / f"{name}.wav", number) for number, name in enumerate(names)]
    return jobs_for(paths, folder, tmp_path / "out"), tmp_path / "out"


def check(jobs: list[Job], target: Path, num_deaths: int) -> None:
    written = {Path(line["input"]).name: line for line in lines(target)}
    assert len(written) == len(jobs) == len(lines(target))
    assert [name for name, line in written.items() if not line["ok"]] == ["killer.wav"]
    assert "has ended its process" in written["killer.wav"]["error"]
    assert len(outputs(target)) == len(jobs) - 1
    deaths = Path(jobs[17].paths[0]).with_suffix(".deaths").read_text()
    assert 1 <= len(deaths) <= num_deaths, deaths


@pytest.mark.parametrize("num_workers", [1, 2])
def test_only_the_file_that_kills_fails(deadly_corpus: tuple[list[Job], Path], num_workers: int) -> None:
    jobs, target = deadly_corpus
    summary = run_batch(jobs, manifest=target / "manifest.jsonl", num_workers=num_workers)
    assert summary.num_failed == 1
    assert summary.failures[0].error is not None
    assert summary.failures[0].error.endswith("its process was killed by SIGKILL, 3 times")
    check(jobs, target, 4)  # in its group, and alone


def test_a_broken_pool_is_replaced(deadly_corpus: tuple[list[Job], Path]) -> None:
    jobs, target = deadly_corpus
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        summary = run_batch(jobs, executor=pool, manifest=target / "manifest.jsonl", max_deaths=2)
    assert summary.num_failed == 1
    check(jobs, target, 4)


def test_a_file_that_kills_the_workers_of_dask(deadly_corpus: tuple[list[Job], Path], tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    jobs, target = deadly_corpus
    settings = {} if IS_SOAK else {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}  # each takes 2 s
    with (
        dask_cluster(tmp_path / "dask", **settings) as cluster,
        distributed.Client(cluster.address, set_as_default=False) as client,
    ):
        client.wait_for_workers(2, timeout=60)
        summary = run_batch(jobs, executor=client.get_executor(), manifest=target / "manifest.jsonl")
    assert summary.num_failed == 1
    check(jobs, target, 20)


def test_a_task_is_lost_alone(tmp_path: Path) -> None:
    with Processes(2) as processes:
        futures = [processes.submit(divmod, number, 7) for number in range(20)]
        dead = processes.submit(os._exit, 3)
        futures += [processes.submit(divmod, number, 7) for number in range(20)]
        with pytest.raises(WorkerDied, match="ended with exit code 3"):
            dead.result()
        assert [future.result() for future in futures] == [divmod(number, 7) for number in [*range(20), *range(20)]]


def test_a_task_that_takes_too_long_is_ended_with_its_process() -> None:
    with Processes(1, timeout_s=0.1) as processes:
        endless = processes.submit(time.sleep, 1000)
        with pytest.raises(WorkerTimeoutError, match=r"took more than 0.1 s"):
            endless.result()
        assert not multiprocessing.active_children()


class _Impatient(Processes):
    """Runs tasks here, and has no patience with files that are called "endless"."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if any("endless" in job.paths[0] for job in args[0]):
            future.set_exception(WorkerTimeoutError("it took more than 9 s"))
        else:
            future.set_result(convert_files(args[0]))
        return future


def test_only_the_file_that_takes_too_long_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of its group are done, each alone; it is not tried a third time, nor by the next run."""
    names = ("a", "b", "endless", "c")
    paths = [write_sound(tmp_path / "in" / f"{name}.wav", number) for number, name in enumerate(names)]
    jobs, target = jobs_for(paths, tmp_path / "in", tmp_path / "out"), tmp_path / "out"
    monkeypatch.setattr("livekit_utils.batch.run.Processes", _Impatient)
    for num_done, num_skipped in ((3, 0), (0, 3)):
        summary = run_batch(jobs, manifest=target / "manifest.jsonl", num_workers=1, timeout_s=9)
        assert (summary.num_done, summary.num_skipped, summary.num_failed) == (num_done, num_skipped, 1)
        expected = f"{paths[2]}: converting it was ended: it took more than 9 s"
        assert [failure.error for failure in summary.failures] == [expected]
    with pytest.raises(ValueError, match="timeout_s: expected none beside an executor"):
        run_batch(jobs, executor=_Useless(), timeout_s=9)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found in /proc")
def test_a_worker_ends_with_its_coordinator_whatever_it_is_at(interpreter: Callable[..., Any]) -> None:
    program = (
        "import os, signal, sys\n"
        "from livekit_utils.batch.processes import Processes\n"
        "processes = Processes(1)\n"
        "print(processes.submit(os.getpid).result(), flush=True)\n"
        "processes.submit(signal.pause)\n"
        "signal.pause()\n"
    )
    with interpreter("-c", program) as process:
        worker = int(process.stdout.readline())
        assert is_worker(worker)
        process.kill()
    wait_until(lambda: not is_worker(worker))


def test_what_a_task_raises_comes_back() -> None:
    with Processes(1) as processes, pytest.raises(ZeroDivisionError):
        processes.submit(divmod, 1, 0).result()
    with pytest.raises(RuntimeError, match="after shutdown"):
        processes.submit(divmod, 1, 1)


def test_a_program_that_cannot_be_imported_is_told_so(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    """A worker process imports the main module, and would run it again."""
    program = tmp_path / "program.py"
    program.write_text(
        "from livekit_utils.batch import Job, run_batch\nrun_batch([Job('a.wav', 'a.flac')], num_workers=1)\n"
    )
    result = run_python(str(program))
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("livekit_utils.batch.errors.BatchError: a worker process cannot begin: its process ended")


class _Useless(Executor):
    """Runs nothing: its workers have not what they need."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(ModuleNotFoundError("No module named 'livekit_utils'"))
        return future


def test_a_useless_executor_blames_no_file(tmp_path: Path) -> None:
    paths, _ = write_corpus(tmp_path / "in", 10)
    jobs = jobs_for(paths, tmp_path / "in", tmp_path / "out")
    with pytest.raises(BatchError, match="cannot run a task: ModuleNotFoundError: No module named 'livekit_utils'"):
        run_batch(jobs, executor=_Useless(), manifest=tmp_path / "out" / "manifest.jsonl")
    assert lines(tmp_path / "out") == []


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def is_worker(pid: int) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def wait_until(happens: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def workers_of(coordinator: int) -> list[int]:
    return [pid for pid in children(coordinator) if is_worker(pid)]


def num_lines(target: Path) -> int:
    try:
        return (target / "manifest.jsonl").read_bytes().count(b"\n")
    except OSError:
        return 0


@pytest.mark.parametrize(("num_killed", "is_done"), [(1, True), (2, True), (3, False)])
def test_processes_that_are_killed_before_they_begin(
    monkeypatch: pytest.MonkeyPatch, num_killed: int, is_done: bool
) -> None:
    """Each thread has a process of its own, and replaces it."""
    begin, killed = _Worker.begin, [0]

    def killed_first(worker: _Worker) -> None:
        if killed[0] < num_killed:
            killed[0] += 1
            worker.process.kill()
        begin(worker)

    monkeypatch.setattr(_Worker, "begin", killed_first)
    with Processes(1) as processes:
        future = processes.submit(abs, -2)
        if is_done:
            assert future.result(60) == 2
        else:
            with pytest.raises(BatchError, match="cannot begin: its process was killed by SIGKILL"):
                future.result(60)
    assert killed[0] == num_killed


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found in /proc")
def test_a_worker_and_then_the_coordinator_are_killed(
    tmp_path: Path, interpreter: Callable[..., subprocess.Popen[str]], run_python: Callable[..., Any]
) -> None:
    """With SIGKILL, which nobody can answer; the same command once more does the rest."""
    source, target = tmp_path / "in", tmp_path / "out"
    num_files = 10_000 if IS_SOAK else 600
    paths, broken = write_corpus(source, num_files)
    write_long_wav(paths[-1])  # so that it is not done before
    command = ["-m", "livekit_utils", "batch", str(source), str(target), "--rate", "16000", "--jobs", "2", "--json"]
    with interpreter("-X", "faulthandler", *command) as process:
        wait_until(lambda: num_lines(target) > 20)
        workers = workers_of(process.pid)
        os.kill(workers[0], signal.SIGKILL)

        def another_has_come() -> bool:
            return num_lines(target) > num_files // 4 and len(workers_of(process.pid)) == 2

        try:
            wait_until(lambda: another_has_come() or process.poll() is not None)
        except AssertionError:
            process.send_signal(signal.SIGABRT)  # it says where it waits
            raise AssertionError((num_lines(target), children(process.pid), process.communicate())) from None
        assert process.poll() is None, process.communicate()
        workers = workers_of(process.pid)
        process.kill()
    wait_until(lambda: not any(map(is_worker, workers)))  # they end by themselves
    assert num_files // 4 < num_lines(target) < num_files
    write_sound(paths[-1], 1)
    result = run_python(*command, timeout=280)
    assert result.returncode == 1, result.stderr
    written = {line["input"]: line for line in lines(target)}
    assert {path for path, line in written.items() if not line["ok"]} == set(map(str, broken))
    assert set(written) == set(map(str, paths))
    assert len(lines(target)) == num_files  # no file was done twice
    assert len(outputs(target)) == num_files - len(broken)
    assert not list(target.glob(".*"))
