"""A program with a room, written for the SDK, runs with its import changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import livekit_utils.rtc
from tests.sdk.test_drop_in import OURS, THEIRS, results

PROGRAM = Path(__file__).parent / "programs" / "room.py"
LOOPBACK = Path(__file__).parent.parent / "support" / "loopback_room.py"

# Where `livekit_utils.rtc` has only the names that are ours.
BOTH = """import livekit.rtc, livekit_utils.rtc
class rtc: pass
for module in (livekit.rtc, livekit_utils.rtc):
    for name in module.__all__: setattr(rtc, name, staticmethod(getattr(module, name)))
"""


def test_a_program_with_a_room(rtc: Any, run_python: Callable[..., Any], tmp_path: Path) -> None:
    text = PROGRAM.read_text()
    assert text.count(THEIRS) == 1
    changed = tmp_path / "room.py"
    changed.write_text(text.replace(THEIRS, OURS if hasattr(livekit_utils.rtc, "Room") else BOTH))

    def run(path: Path) -> dict[str, Any]:
        return results(lambda program: run_python(str(LOOPBACK), program), path)

    theirs, ours = run(PROGRAM), run(changed)
    assert ours == theirs
    assert ours["told"] == list(range(1000, 1100))
    assert ours["events"] == [["published", True, "voice"], ["subscribed", "echo", True]]
    assert ours["muted"] == [True, False]
    assert ours["sid"]
    assert ours["is_mine"]
    assert ours["source"]
