"""The check that a plugin's file is whole with any file: an answer, not an error."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from livekit_utils.filters.filter_library import _is_cut_off


def seeds() -> list[bytes]:
    """The first bytes of a program, which is an ELF file on Linux, and headers of other kinds."""
    head = Path(sys.executable).read_bytes()[:4096]
    return [head, *(b"\x7fELF" + bytes([bits, order]) + head[6:1024] for bits in (1, 2) for order in (1, 2))]


def fuzz(data: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder) / "plugin.so"
        path.write_bytes(data)
        assert _is_cut_off(str(path)) in (True, False)
