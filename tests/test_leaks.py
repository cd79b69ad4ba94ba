"""The scripts of isolated/leak_*.py, each in a process of its own."""

from pathlib import Path
from typing import Any

import pytest

SCRIPTS = sorted((Path(__file__).parent / "isolated").glob("leak_*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_nothing_is_left_behind(run_python: Any, script: Path) -> None:
    process = run_python(str(script))
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
