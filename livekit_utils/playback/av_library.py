"""PyAV, which is imported when a file is opened, and the error of files that it cannot play."""

from __future__ import annotations

from typing import Any


class MediaFileError(ValueError):
    """The file is none that FFmpeg knows, has neither pictures nor sound, is damaged, or was cut off."""


def import_av() -> Any:
    """Returns PyAV.

    Raises:
        ImportError: It is not installed; the message says how to install it.
    """
    try:
        import av
    except ImportError as error:
        install = 'pip install ".[video]" in the source of livekit_utils'
        raise ImportError(f"MediaPlayer needs PyAV: {install} ({error})", name="av") from error
    return av
