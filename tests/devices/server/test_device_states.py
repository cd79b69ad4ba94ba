"""States that are true, and a choice that survives, on a real sound server."""

from __future__ import annotations

import json
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.devices.server.conftest import start
from tests.support.sound_server import SoundServer

both_sides = pytest.mark.parametrize(("side", "device"), [("input", "phone44_monitor"), ("output", "phone44")])


class Device:
    """The program states.py."""

    def __init__(self, server: SoundServer, *arguments: str) -> None:
        self.process = start(server, "states", *arguments)
        self._lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def next(self, timeout: float = 15) -> dict[str, Any]:
        """The next thing that it says."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            line = None
        if line is None:
            self.process.kill()
            pytest.fail(f"it said nothing more; stderr: {self.process.communicate()[1]}")
        return line

    def says_nothing_for(self, seconds: float) -> None:
        with pytest.raises(queue.Empty):
            pytest.fail(f"it said {self._lines.get(timeout=seconds)}")

    def end(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.next()["state"] == "closed"
        return self.next()

    def close(self) -> None:
        with self.process:
            self.process.kill()
            self._reader.join()


@pytest.fixture
def open_device(server: SoundServer) -> Iterator[Callable[..., Device]]:
    opened: list[Device] = []

    def begin(*arguments: str) -> Device:
        opened.append(Device(server, *arguments))
        return opened[-1]

    yield begin
    for device in opened:
        device.close()


@pytest.mark.parametrize("where", ["isolated", "inside"])
@pytest.mark.parametrize(("side", "device"), [("input", "idle_monitor"), ("output", "idle")])
def test_an_ordinary_null_sink_starts_late_and_is_not_lost(
    where: str, side: str, device: str, open_device: Callable[..., Device]
) -> None:
    opened = open_device(where, side, device)
    assert opened.next()["state"] == "running"
    opened.says_nothing_for(4)
    assert opened.end() == {"device": device, "num_reopened": 0}


@pytest.mark.parametrize(
    ("where", "side", "device"),
    [
        ("isolated", "input", "phone44_monitor"),
        ("isolated", "output", "phone44"),
        ("inside", "input", "phone44_monitor"),
    ],
)
def test_the_device_chosen_is_taken_back_from_the_default(
    where: str, side: str, device: str, server: SoundServer, open_device: Callable[..., Device]
) -> None:
    opened = open_device(where, side, device)
    assert opened.next()["state"] == "running"
    time.sleep(0.5)
    server.lose("phone44")
    assert opened.next()["state"] == "lost"
    change = opened.next()
    assert (change["state"], change["device"], change["is_substitute"]) == ("recovered", "default", True)
    assert f"in place of '{device}'" in change["reason"]
    opened.says_nothing_for(4)
    server.plug("phone44")
    change = opened.next()
    assert (change["state"], change["device"], change["is_substitute"]) == ("recovered", device, False)
    assert "taken back from 'default'" in change["reason"]
    opened.says_nothing_for(3)
    assert opened.end() == {"device": device, "num_reopened": 2}


def test_a_dead_device_is_said_once_and_replaced(open_device: Callable[..., Device]) -> None:
    opened = open_device("isolated", "input", "dead")
    change = opened.next()
    assert (change["state"], change["reason"]) == ("lost", "the device never started to move")
    change = opened.next()
    assert (change["state"], change["device"]) == ("recovered", "default")
    opened.says_nothing_for(7)
    opened.end()


@both_sides
def test_no_folder_for_temporary_files_is_needed(side: str, device: str, open_device: Callable[..., Device]) -> None:
    opened = open_device("isolated", side, device, "no-folder")
    assert opened.next()["state"] == "running"
    opened.end()


def test_a_name_that_is_not_utf_8_takes_no_other_device_away(
    run_program: Callable[..., Any], server: SoundServer
) -> None:
    clean, odd = (server.folder / f"alsa-{kind}.conf" for kind in ("clean", "odd"))
    shutil.copy(clean, odd)
    with open(odd, "ab") as file:
        file.write(b'pcm."M\xfcller" { type asym capture.pcm { type pulse device "mic" } }\n')
    before, after = (run_program("list_devices", alsa=alsa)["inputs"] for alsa in ("clean", "odd"))
    names = [[device["name"] for device in devices] for devices in (before, after)]
    assert names[1] == [*names[0][:-1], "M\ufffdller", names[0][-1]]
