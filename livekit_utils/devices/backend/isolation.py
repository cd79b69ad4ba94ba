"""choose_isolated decides whether a device gets a process of its own."""

from __future__ import annotations

import sys

from livekit_utils._runtime.arguments import check_type

__all__ = ["choose_isolated"]


def choose_isolated(isolated: bool | None) -> bool:
    """Returns whether a device gets a process of its own; for None, whether that is possible.

    It is possible where a child process inherits files (not on Windows), and where the running program is a Python
    interpreter (not one that is frozen into an executable).

    Raises:
        TypeError: Neither a bool nor None.
        ValueError: True where it is not possible.
    """
    if isolated is not None:
        check_type("isolated", isolated, bool)
    possible = sys.platform != "win32" and bool(sys.executable) and not getattr(sys, "frozen", False)
    if isolated and not possible:
        raise ValueError("isolated: expected False or None on Windows and in frozen programs, got True")
    return possible if isolated is None else isolated
