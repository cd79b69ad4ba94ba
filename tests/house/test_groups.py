"""Tests of a group run one after the other: those on devices are about time. The others give way to them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import BESIDE
from tests.support.side_by_side import LAST, NICENESS

TESTS = """
import os
import pytest


@pytest.mark.xdist_group("together")
@pytest.mark.parametrize("number", range(20))
def test_together(number):
    with open(os.environ["WORKERS"], "a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")


@pytest.mark.parametrize("number", range(20))
def test_apart(number):
    pass
"""


CONFTEST = """
from tests.support.side_by_side import give_way as pytest_runtest_setup
"""

PRIORITIES = """
import os
import pytest


@pytest.mark.parametrize("number", range(20))
def test_other(number):
    write("other")


@pytest.mark.xdist_group("devices")
@pytest.mark.parametrize("number", range(20))
def test_device(number):
    write("device")


def write(kind):
    with open(os.environ["WORKERS"], "a") as file:
        file.write(f"{kind} {os.nice(0)}\\n")
"""


def side_by_side(folder: Path, tests: str) -> list[str]:
    """Runs 40 tests in two processes, and returns the lines that they write."""
    (folder / "test_groups.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", str(folder)]
    command += ["--numprocesses", "2", "--dist", "loadgroup"]
    workers = folder / "workers"
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    own |= {"WORKERS": str(workers), "PYTHONPATH": str(BESIDE)}
    done = subprocess.run(command, capture_output=True, text=True, env=own)
    assert "40 passed" in done.stdout, done.stdout + done.stderr
    return workers.read_text().splitlines()


def test_a_group_is_run_by_one_process(tmp_path: Path) -> None:
    workers = side_by_side(tmp_path, TESTS)
    assert len(set(workers)) == 1
    assert len(workers) == 20


@pytest.mark.skipif(not hasattr(os, "nice"), reason="no priorities")
def test_the_others_give_way_to_tests_on_devices(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    lines = side_by_side(tmp_path, PRIORITIES)
    gave_way = min(LAST, os.nice(0) + NICENESS)
    assert lines.count(f"device {os.nice(0)}") == 20
    assert lines.count(f"other {gave_way}") == 20
