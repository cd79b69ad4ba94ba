"""Removes the temporary files of commands that were killed.

A command holds a lock on its temporary file, which ends with its process.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

_NAME = re.compile(r"\.livekit-utils-[0-9a-f]{16}\.\w+")


def new_name(suffix: str) -> str:
    """Returns a name for a temporary file, which `sweep` knows."""
    return f".livekit-utils-{os.urandom(8).hex()}{suffix}"


def lock(descriptor: int) -> bool:
    """Locks an open file, and returns whether nobody else has done so; True where there are no locks."""
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # a file system without locks
    return True


def sweep(directory: Path) -> None:
    """Removes the temporary files in a directory that belong to no running command."""
    with contextlib.suppress(OSError):
        for path in directory.iterdir():
            if _NAME.fullmatch(path.name):
                with contextlib.suppress(OSError):
                    _sweep_one(path)


def _sweep_one(path: Path) -> None:
    if fcntl is None:
        path.unlink()
        return
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(descriptor)
