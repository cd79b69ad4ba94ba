"""`doctor`, `man` and `completion` work on any machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")

import livekit_utils
from livekit_utils.cli import COMMANDS
from tests.support.cli_commands import invoke

BARE = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
from livekit_utils.__main__ import main
main()
"""


@pytest.mark.parametrize("missing", [(), ("pyaudio",), ("soundfile", "rich", "matplotlib", "av", "pyaudio", "livekit")])
def test_the_doctor_needs_nothing(run_python: Callable[..., Any], missing: tuple[str, ...]) -> None:
    result = run_python("-c", BARE.format(missing=missing), "doctor", "--json", timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert found["versions"]["livekit-utils"] == livekit_utils.__version__
    assert "SIMD level" in found["versions"]
    assert found["packages"]["numpy"]
    assert found["next"]
    if "soundfile" in missing:
        assert found["versions"]["libsndfile"].startswith("cannot be loaded")
    if "pyaudio" in missing:
        assert len(found["devices"]) == 1
        assert "Error: " in found["devices"][0]


def test_the_doctor_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyaudio", None)
    result = invoke("doctor")
    assert (result.exit_code, result.errors) == (0, "")
    lines = result.output.splitlines()
    assert lines[0] == "versions:"
    assert f"  livekit-utils: {livekit_utils.__version__}" in lines
    assert "next:" in lines


def test_the_manual_page() -> None:
    result = invoke("man")
    assert (result.exit_code, result.errors) == (0, "")
    for name in COMMANDS:
        assert f"\n.SS {name}\n" in result.output
    if shutil.which("man") and os.name == "posix":
        done = subprocess.run(["man", "--warnings", "-l", "-"], input=result.output, capture_output=True, text=True,
                              env={**os.environ, "MANWIDTH": "80", "MAN_KEEP_FORMATTING": ""})  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert "livekit-utils mix" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    result = invoke("completion", shell)
    assert "_LIVEKIT_UTILS_COMPLETE" in result.output


def test_what_bash_completes(run_python: Callable[..., Any]) -> None:
    environment = {"COMP_WORDS": "livekit-utils con", "COMP_CWORD": "1", "_LIVEKIT_UTILS_COMPLETE": "bash_complete"}
    assert run_python("-m", "livekit_utils", **environment).stdout == "plain,convert\n"
