"""PyAV: the one place that imports it."""

from __future__ import annotations

from typing import Any

__all__ = ["import_av"]


def import_av(purpose: str = "decoding it") -> Any:
    """Returns PyAV.

    Args:
        purpose: For the message.

    Raises:
        ImportError: It is not installed; the message says how to install it.
    """
    try:
        import av
    except ImportError as error:
        install = 'pip install ".[video]" in the source of livekit_utils'
        raise ImportError(f"{purpose} needs PyAV: {install} ({error})", name="av") from error
    return av
