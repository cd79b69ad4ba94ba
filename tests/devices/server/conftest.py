"""A real sound server, and programs that use it in processes of their own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.held_up import run_in_real_time
from tests.support.paths import TESTS
from tests.support.sound_server import SoundServer, missing

PROGRAMS = Path(__file__).parent / "programs"


def is_here(item: pytest.Item) -> bool:
    """pytest asks for all tests, not only for those of this folder."""
    return item.path.parent == Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run side by side, these run one after the other: they are about time."""
    for item in items:
        if is_here(item):
            item.add_marker(pytest.mark.xdist_group("devices"))


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    return run_in_real_time(item, nextitem) if is_here(item) else None


@pytest.fixture(scope="session")
def the_server() -> Iterator[SoundServer]:
    reason = missing()
    if reason is None and importlib.util.find_spec("pyaudio") is None:
        reason = "not installed: PyAudio"
    if reason is not None:
        pytest.skip(f"no sound server: {reason}")
    server = SoundServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(the_server: SoundServer) -> Iterator[SoundServer]:
    """A sound server with all its devices, whatever the test does to it."""
    the_server.restore()
    yield the_server
    the_server.restore()


@pytest.fixture
def run_program(server: SoundServer) -> Callable[..., Any]:
    """Runs `programs/NAME.py ARGUMENTS...` as a client of the server; returns what it prints last, as JSON.

    PortAudio is not loaded into the process of the tests: its list of devices is made once per process, and a fault of
    it would end them all.
    """

    def run(name: str, *arguments: object, alsa: str = "clean", timeout: float = 60, quiet: bool = True) -> Any:
        process = start(server, name, *arguments, alsa=alsa)
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
            pytest.fail(f"{name} took longer than {timeout} s\n{output}\n{errors}")
        assert process.returncode == 0, f"{name} ended with {process.returncode}\n{output}\n{errors}"
        if quiet:
            errors = without_gaps(errors)
            assert errors == "", errors
        return json.loads(output.splitlines()[-1])

    return run


def without_gaps(errors: str) -> str:
    """Leaves out that sound has gaps, which a machine with other things to do may cause."""
    return "".join(line for line in errors.splitlines(keepends=True) if "has gaps again and again" not in line)


def start(server: SoundServer, name: str, *arguments: object, alsa: str = "clean") -> subprocess.Popen[str]:
    path = [str(TESTS / "support"), os.environ.get("PYTHONPATH")]  # for sound_tools
    command = [sys.executable, "-X", "faulthandler", str(PROGRAMS / f"{name}.py"), *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**server.environment(alsa), "PYTHONPATH": os.pathsep.join(filter(None, path))},
    )
