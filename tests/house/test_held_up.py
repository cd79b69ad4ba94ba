"""Tests about real time are repeated where the machine stood still, and nowhere else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.held_up import HELD_UP_S, MAX_ATTEMPTS, WAITING_SHARE, machine_watch
from tests.support.paths import BESIDE

CONFTEST = """
from tests.support import held_up
from tests.support.held_up import run_in_real_time, say_repeated

held_up.MachineWatch.longest_s = lambda self: {longest_s}
held_up.MachineWatch.waiting_share = lambda self: {share}
held_up.MachineWatch.wait_for_calm = lambda self: None
pytest_runtest_protocol = run_in_real_time


def pytest_terminal_summary(terminalreporter):
    say_repeated(terminalreporter)
"""

LUCK = """
import pytest

attempts = []


@pytest.fixture
def fresh():
    return []


def test_second_time_lucky(fresh):
    attempts.append(fresh)
    fresh.append(1)
    assert len(fresh) == 1
    assert len(attempts) > 1


def test_never():
    raise ValueError


def test_passes():
    pass
"""


@pytest.mark.parametrize(
    ("longest_s", "share", "summary", "num_repeated"),
    [
        (0.0, 0.1, "2 failed, 1 passed", 0),
        (0.04, 0.1, "1 failed, 2 passed", MAX_ATTEMPTS),
        (0.0, 0.3, "1 failed, 2 passed", MAX_ATTEMPTS),
    ],
)
def test_what_failed_while_the_machine_was_held_up_is_repeated(
    tmp_path: Path, longest_s: float, share: float, summary: str, num_repeated: int
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST.format(longest_s=longest_s, share=share))
    (tmp_path / "test_luck.py").write_text(LUCK)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(BESIDE)})
    assert summary in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("REPEATED ") == num_repeated, done.stdout


def test_the_watch_sees_that_it_was_stopped() -> None:
    with machine_watch() as watch:
        deadline = time.monotonic() + 20
        longest_s = 0.0
        while longest_s < 0.2 and time.monotonic() < deadline:  # until it runs
            watch.process.send_signal(signal.SIGSTOP)
            time.sleep(0.3)
            watch.process.send_signal(signal.SIGCONT)
            time.sleep(0.05)
            longest_s = watch.longest_s()
        assert longest_s >= 0.2
        assert HELD_UP_S < 0.2


@pytest.mark.skipif(not Path("/proc/pressure/cpu").exists(), reason="the system does not tell")
def test_the_watch_sees_that_others_have_the_processors() -> None:
    with machine_watch() as watch:
        command = [sys.executable, "-c", "while True: pass"]
        others = [subprocess.Popen(command) for _ in range(2 * (os.cpu_count() or 1))]
        try:
            deadline = time.monotonic() + 60
            while watch.waiting_share() <= WAITING_SHARE:
                assert time.monotonic() < deadline
                time.sleep(1)
        finally:
            for other in others:
                other.kill()
                other.wait()


def test_the_watch_ends_with_the_tests() -> None:
    with machine_watch() as watch:
        assert watch.process.poll() is None
    assert watch.process.poll() is not None
