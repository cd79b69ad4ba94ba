"""The hot paths take no more instructions than they did."""

from __future__ import annotations

import pytest

from tests.instructions.counting import TOLERANCE, allowed, cannot_count, count_instructions, interpreter
from tests.instructions.hot_paths import HOT_PATHS


def test_hot_paths_do_not_get_longer() -> None:
    why = cannot_count()
    if why is not None:
        pytest.skip(why)
    before = allowed()
    if before is None:
        pytest.skip(f"no counts are written down for {interpreter()}")
    counts = count_instructions()
    assert list(counts) == list(HOT_PATHS)
    assert sorted(counts) == sorted(before), "python -m tests.instructions --update"
    longer = {
        name: f"{before[name]} -> {count}" for name, count in counts.items() if count > before[name] * (1 + TOLERANCE)
    }
    assert not longer, longer
