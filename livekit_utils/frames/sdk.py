"""LiveKit's own package, the SDK. The one place that imports it."""

from __future__ import annotations

import importlib
from typing import Any


def load() -> Any:
    """The module `livekit.rtc`.

    Raises:
        ImportError: It is not installed.
    """
    try:
        return importlib.import_module("livekit.rtc")
    except ModuleNotFoundError as error:
        if error.name not in ("livekit", "livekit.rtc"):
            raise
        raise ImportError('frames for the LiveKit SDK need it: pip install "livekit>=1.0"', name="livekit") from error
