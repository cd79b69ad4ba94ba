"""One script, written for the SDK, gives the same with its import changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).parent / "programs" / "agent.py"
THEIRS, OURS = "from livekit import rtc", "from livekit_utils import rtc"


def results(run_python: Callable[..., Any], path: Path) -> dict[str, Any]:
    process = run_python(str(path))
    assert process.returncode == 0, process.stderr
    found: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return found


def test_a_script_runs_unchanged_but_for_its_import(
    rtc: Any, old: bool, run_python: Callable[..., Any], tmp_path: Path
) -> None:
    text = SCRIPT.read_text()
    assert text.count("livekit") == text.count(THEIRS) == 1
    changed = tmp_path / "agent.py"
    changed.write_text(text.replace(THEIRS, OURS))
    theirs, ours = results(run_python, SCRIPT), results(run_python, changed)
    print({key: (theirs[key], ours[key]) for key in ours if key not in ("mixed", "resampled", "blocks")})

    for exact in ("blocks", "duration", "rate", "kinds", "last_video_time"):
        assert ours[exact] == theirs[exact], exact
    assert ours["mixed"] == theirs["mixed"]

    assert len(ours["resampled"]) == 16000
    assert len(theirs["resampled"]) == pytest.approx(16000, abs=16)
    middle = slice(500, 7500)  # beyond it the two filters ring in their own ways
    difference = np.subtract(ours["resampled"][middle], theirs["resampled"][middle])
    assert np.abs(difference).max() <= 16  # a sample's delay would be thousands

    assert ours["rumble"] < 600
    assert old or theirs["rumble"] < 600  # that of SDK 1.0.x leaves it in
    for result in (ours, theirs):
        assert result["fps"] == pytest.approx(25, rel=0.2)
        assert result["seen"] >= 20
    # Its timestamps say that the sound begins 20 ms after the first picture: the last 10 ms may lie in two frames.
    assert ours["heard_ms"] in (1000, 1010)
    assert theirs["heard_ms"] == pytest.approx(1000, abs=150)


def test_without_the_sdk(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """The same script where there is no SDK at all."""
    changed = tmp_path / "agent.py"
    changed.write_text("import sys\nsys.modules['livekit'] = None\n" + SCRIPT.read_text().replace(THEIRS, OURS))
    assert results(run_python, changed)["heard_ms"] in (1000, 1010)
