"""Gives a file a name that no other file has, without a moment in which another could take it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def rename_new(source: Path, target: Path) -> None:
    """Renames a file, and replaces none.

    Raises:
        FileExistsError: There is a target.
    """
    if os.name == "nt":
        source.rename(target)  # replaces nothing there
        return
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links: an empty file reserves the name.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            os.replace(source, target)
        except OSError:
            target.unlink()
            raise
    else:
        source.unlink()
