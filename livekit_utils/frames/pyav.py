"""PyAV: the one place that imports it."""

from __future__ import annotations

from typing import Any

from livekit_utils._runtime.install import install_line

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
        raise ImportError(f"{purpose} needs PyAV: {install_line('video')} ({error})", name="av") from error
    return av
