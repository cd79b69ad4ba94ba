"""Tests of a group run one after the other: those on devices are about time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def test_a_group_is_run_by_one_process(tmp_path: Path) -> None:
    (tmp_path / "test_groups.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(tmp_path)]
    command += ["--numprocesses", "2", "--dist", "loadgroup"]
    workers = tmp_path / "workers"
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, capture_output=True, text=True, env={**own, "WORKERS": str(workers)})
    assert "40 passed" in done.stdout, done.stdout + done.stderr
    assert len(set(workers.read_text().split())) == 1
    assert len(workers.read_text().split()) == 20
