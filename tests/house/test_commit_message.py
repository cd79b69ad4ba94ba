"""The hook that looks at commit messages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import SOURCE

TOOL = SOURCE / "tools" / "check_commit_message.py"

pytestmark = pytest.mark.skipif(not TOOL.is_file(), reason="the source tree does not lie beside the tests")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Count what a microphone loses\n\nThe body.\n", None),
        ("x" * 72 + "\n", None),
        ("Merge branch '" + "x" * 80 + "'\n", None),
        ("# a comment of git's\n\nFix a typo\n# another\n", None),
        ("x" * 73, "at most 72 characters, got 73"),
        ("Fix a typo.", "without a full stop"),
        ("Fix a typo\nin the README", "an empty line"),
        ("\n# nothing but comments\n", "is empty"),
    ],
)
def test_a_message(tmp_path: Path, message: str, said: str | None) -> None:
    file = tmp_path / "message"
    file.write_text(message, encoding="utf-8")
    result = subprocess.run([sys.executable, str(TOOL), str(file)], capture_output=True, text=True, check=False)
    assert result.returncode == (0 if said is None else 1)
    assert (said or "") in result.stderr
