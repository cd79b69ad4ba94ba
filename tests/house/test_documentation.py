"""Every example in a docstring or in the README runs."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import livekit_utils
from tests.support.paths import BESIDE

README = BESIDE / "README.md"
MODULES = [
    info.name
    for info in pkgutil.walk_packages(livekit_utils.__path__, "livekit_utils.")
    if not info.name.startswith("livekit_utils.cli") and not info.name.endswith("__main__")
]


def test_docstrings() -> None:
    attempted = set()
    for name in MODULES:
        result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
        assert result.failed == 0, name
        if result.attempted:
            attempted.add(name)
    expected = {
        "frames.audio_frame",
        "mixing.audio_mixer",
        "conversion.audio_resampler",
        "frames.sine_wave",
        "frames.video_frame",
        "_kernels.ring_buffer",
    }
    assert {f"livekit_utils.{name}" for name in expected} <= attempted


@pytest.mark.skipif(not README.exists(), reason="the README is not beside the tests")
def test_the_readme_runs_when_pasted(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        result = subprocess.run(
            [sys.executable, "-c", block],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert result.returncode == 0, result.stderr
        # A comment behind a print says what it prints.
        said = re.findall(r"print\(.*\)  # (.*)", block)
        assert [line for line in result.stdout.splitlines() if line in said] == said
