"""PyAV: the one place that imports it, and where its versions differ."""

from __future__ import annotations

from typing import Any

from livekit_utils._runtime.install import install_line

__all__ = ["import_av", "open_to_read"]


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


def open_to_read(file: Any, **options: Any) -> Any:
    """Returns PyAV's container of a file, whose tags may hold any bytes.

    Args:
        file: What `av.open` takes.
        options: Likewise.

    Raises:
        ImportError: PyAV is not installed.
        av.FFmpegError: It is no file that FFmpeg knows.
    """
    av = import_av()
    if int(av.__version__.partition(".")[0]) < 19:
        options["metadata_errors"] = "replace"  # later ones take any bytes
    return av.open(file, "r", **options)
