"""The scripts of isolated/leak_*.py, each in a process of its own."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.audio_filters import Plugin
from tests.support.paths import TESTS

SCRIPTS = sorted((TESTS / "isolated").glob("leak_*.py"))


def arguments(script: Path, folder: Path) -> list[str]:
    if script.stem != "leak_audio_filter":
        return []
    return [str(Plugin(folder, *defines).path) for defines in ([], ["CREATES_NULL"], ["NO_FLOAT_AND_DESTROY"])]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_nothing_is_left_behind(run_python: Any, script: Path, tmp_path: Path) -> None:
    process = run_python(str(script), *arguments(script, tmp_path))
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
