"""Filter plugins for tests: compiled once, copied for each test, so that none shares a library with another."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest

import livekit_utils
from tests.support.paths import TESTS

HERE = TESTS / "plugins"

_counter = 0


@functools.cache
def build_folder() -> str:
    folder = tempfile.mkdtemp(prefix="audio_filters_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def compiled(source: Path, *arguments: str) -> Path:
    """A shared library; skips where there is no compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None or sys.platform == "win32":
        pytest.skip("no C compiler to build the filter plugins with")
    handle, name = tempfile.mkstemp(suffix=".so", dir=build_folder())
    os.close(handle)
    command = [compiler, "-std=c11", "-shared", "-fPIC", "-fvisibility=hidden", "-O1", "-Wall", "-Wextra", "-Werror"]
    command += [f"-I{livekit_utils.get_include()}", str(source), *arguments, "-o", name]
    # A sanitizer that is preloaded into this process is none of the compiler's business.
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (process.returncode, process.stderr) == (0, "")
    return Path(name)


class Plugin:
    """A copy of the filter plugin, built with these defines."""

    def __init__(self, folder: Path, *defines: str) -> None:
        global _counter
        _counter += 1
        arguments = [f"-D{define}" for define in defines]
        if {"NEEDS_DEPENDENCY", "UNBOUND"} & set(defines) and sys.platform != "linux":
            pytest.skip("the linker takes other arguments here")
        if "NEEDS_DEPENDENCY" in defines:
            self.dependency = folder / "libdependency_of_tests.so"
            shutil.copy(compiled(HERE / "dependency.c", "-Wl,-soname,libdependency_of_tests.so"), self.dependency)
            arguments += [f"-L{folder}", "-ldependency_of_tests"]
        library = compiled(HERE / "filter.c", *arguments)
        self.id = f"filter {_counter}"
        self.path = folder / f"filter_{_counter}.so"
        shutil.copy(library, self.path)

    @property
    def calls(self) -> list[str]:
        log = Path(f"{self.path}.log")
        return log.read_text().splitlines() if log.exists() else []

    def count(self, call: str) -> int:
        return sum(line.split(" ")[0] == call for line in self.calls)

    def go_on(self) -> None:
        """Ends what hangs because of HANGS_..., and lets nothing more hang."""
        Path(f"{self.path}.go").touch()

    def hang_again(self) -> None:
        Path(f"{self.path}.go").unlink()

    def wait_for(self, call: str, times: int = 1) -> None:
        until(lambda: self.count(call) >= times)


def until(condition: Callable[[], object], timeout_s: float = 30) -> None:
    """Waits for what other threads do; generously, because machines are slow at times."""
    give_up = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < give_up, "it did not happen"
        time.sleep(0.002)


def filtered(samples: bytes) -> bytes:
    """What the plugin makes of them, as one stream from its start."""
    values = array("h", samples)
    wrapped = ((now - last + 32768) % 65536 - 32768 for last, now in zip([0, *values], values, strict=False))
    return array("h", wrapped).tobytes()


def is_mapped(path: Path) -> bool:
    """Whether the library is loaded in this process."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("no /proc/self/maps")
    return str(path) in maps.read_text()
