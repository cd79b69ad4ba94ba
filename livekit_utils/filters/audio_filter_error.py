"""AudioFilterError: a filter plugin does not load, or refuses."""

from __future__ import annotations

__all__ = ["AudioFilterError"]


class AudioFilterError(Exception):
    """A filter plugin does not load, lacks functions, refuses, or takes too long; the text says which, and of what."""
