"""get_include: finds the C header for audio filter plugins."""

from __future__ import annotations

import os

from livekit_utils._runtime.public_path import public

__all__ = ["get_include"]


@public
def get_include() -> str:
    """Returns the directory of `livekit_audio_filter.h`, for the `-I` of a C compiler.

    Example:
        >>> import os
        >>> os.listdir(get_include())
        ['livekit_audio_filter.h']
    """
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return os.path.join(package, "include")
