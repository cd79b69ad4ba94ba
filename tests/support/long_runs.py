"""How long simulations of hours and days go on: to their end in `make soak`, for a part elsewhere."""

from __future__ import annotations

import os

IS_THOROUGH = os.environ.get("LIVEKIT_UTILS_HYPOTHESIS") == "thorough"
"""Whether this is `make soak`."""


def shortened(seconds: int) -> int:
    """Returns the length of a simulation of so many seconds: a fifth of it where this is not `make soak`."""
    return seconds if IS_THOROUGH else seconds // 5
