"""LiveKit's own package, of whatever version is installed."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def rtc() -> Any:
    return pytest.importorskip("livekit.rtc")


@pytest.fixture
def old(rtc: Any) -> bool:
    """Whether it is one that copies whatever it is given, and writes where it only reads: 1.0.x."""
    return not hasattr(rtc._utils, "_ensure_compatible_buffer")
