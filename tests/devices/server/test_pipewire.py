"""Speakers of a PipeWire, which takes sound in bursts."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.devices.server.conftest import PROGRAMS
from tests.support.paths import TESTS
from tests.support.pipewire_server import DEVICES, PipeWireServer, missing


@pytest.fixture
def server() -> Iterator[PipeWireServer]:
    reason = missing()
    if reason is None and importlib.util.find_spec("pyaudio") is None:
        reason = "not installed: PyAudio"
    if reason is not None:
        pytest.skip(f"no PipeWire: {reason}")
    with PipeWireServer() as server:
        yield server


def start(server: PipeWireServer, name: str, *arguments: object) -> subprocess.Popen[str]:
    path = [str(TESTS / "support"), os.environ.get("PYTHONPATH")]
    command = [sys.executable, str(PROGRAMS / f"{name}.py"), *map(str, arguments)]
    environment = {**server.environment(), "PYTHONPATH": os.pathsep.join(filter(None, path))}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def end(process: subprocess.Popen[str]) -> Any:
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return json.loads(output.splitlines()[-1])


def test_portaudio_lists_the_devices(server: PipeWireServer) -> None:
    listed = end(start(server, "portaudio_list"))
    for side, direction in (("inputs", "capture"), ("outputs", "playback")):
        expected = [name for name, (where, _) in DEVICES.items() if where == direction]
        assert listed[side] == [*expected, "default"]


def test_two_side_by_side_and_nothing_is_left(server: PipeWireServer) -> None:
    with PipeWireServer() as other:
        folder: Path = other.folder
        assert folder != server.folder
        assert len(end(start(other, "portaudio_list"))["outputs"]) == 5
    assert not folder.exists()


@pytest.mark.parametrize("kind", ["live", "read"])
@pytest.mark.parametrize("quantum", [2048, 4096])
def test_bursts_are_played_without_gaps(server: PipeWireServer, quantum: int, kind: str) -> None:
    server.set_quantum(quantum)
    result = end(start(server, "bursts", 480, 3, kind))
    # A machine that is busy may cause one; a depth that is too small causes them all the time.
    assert result["gaps_ms"] <= 30, result
    assert result["depth_ms"] >= quantum / 48, result


def test_bursts_that_begin_while_sound_is_played(server: PipeWireServer) -> None:
    server.set_quantum(256)
    process = start(server, "bursts", 480, 3, "live")
    assert process.stdout is not None
    assert process.stdout.readline() == '"playing"\n'
    time.sleep(1)
    server.set_quantum(4096)
    result = end(process)
    assert result["depth_ms"] >= 4096 / 48, result
    assert result["gaps_ms"] + result["early_gaps_ms"] <= 300, result
