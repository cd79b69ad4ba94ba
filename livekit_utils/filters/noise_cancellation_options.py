"""NoiseCancellationOptions: which loaded filter a stream is to use, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["NoiseCancellationOptions"]


@dataclass
class NoiseCancellationOptions:
    """Which loaded filter a stream is to use, and how.

    Example:
        >>> NoiseCancellationOptions("gain", {"gain": 0.5})
        NoiseCancellationOptions(module_id='gain', options={'gain': 0.5})
    """

    module_id: str
    """The id under which an `AudioFilter` was loaded."""
    options: dict[str, Any]
    """What the plugin is told when the stream's session is created; anything that JSON can express."""
