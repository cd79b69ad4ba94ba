"""Devices and servers that go away and come back."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.devices.server.conftest import start, without_gaps
from tests.support.sound_server import SoundServer

# The promises are 1 s and 2 s; the machine is shared.
NOTICED_S, BACK_S, CLOSED_S = 1.5, 3.0, 3.0


class Watched:
    """The program watch.py, and what it says."""

    def __init__(self, server: SoundServer, where: str) -> None:
        self.server = server
        self.process = start(server, "watch", where)
        self._lines: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.said: list[dict[str, Any]] = []

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))

    def wait_for(self, who: str, state: str | None, timeout: float = 15) -> dict[str, Any]:
        """The next time that it says so."""
        for line in self.said:
            if (line["who"], line.get("state")) == (who, state):
                self.said.remove(line)
                return line
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                self.process.kill()
                streams = self.server.streams()
                pytest.fail(f"{who} did not become {state}; {self.process.communicate()[1]}\n{self.said}\n{streams}")
            if (line["who"], line.get("state")) == (who, state):
                return line
            self.said.append(line)

    def close(self) -> None:
        with self.process:
            self.process.kill()
            self._reader.join()

    def end(self) -> dict[str, Any]:
        """Has it close everything; returns what is left."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        last = self.wait_for("end", None)
        assert self.process.wait(10) == 0
        assert self.process.stderr is not None
        # Of PortAudio's own lines those in this process cannot be silenced.
        lines = without_gaps(self.process.stderr.read()).splitlines()
        printed = [line for line in lines if not line.startswith("Expression ")]
        return last | {"printed": printed}


@pytest.fixture
def watched(server: SoundServer) -> Iterator[Callable[[str], Watched]]:
    programs: list[Watched] = []

    def begin(where: str) -> Watched:
        programs.append(Watched(server, where))
        programs[-1].wait_for("ear", "sound")
        return programs[-1]

    yield begin
    for program in programs:
        program.close()


FAULTS = {
    "kill": (lambda server: server.kill(), lambda server: server.start()),
    "lose": (lambda server: server.lose("speaker"), lambda server: server.plug("speaker")),
    "freeze": (lambda server: server.freeze(), lambda server: server.thaw()),
}


@pytest.mark.parametrize(
    ("where", "fault", "times"),
    [
        ("isolated", "kill", 3),
        ("isolated", "lose", 3),
        ("isolated", "freeze", 3),
        ("inside", "kill", 1),
        ("inside", "lose", 1),
        ("inside", "freeze", 1),
    ],
)
def test_sound_comes_back(
    server: SoundServer, watched: Callable[[str], Watched], where: str, fault: str, times: int
) -> None:
    program = watched(where)
    break_it, mend_it = FAULTS[fault]
    held = []
    for _ in range(times):
        time.sleep(0.4)  # one that has just started may be slow, and gets three seconds
        broken = time.monotonic()
        break_it(server)
        for who in ("capture", "player"):
            lost = program.wait_for(who, "lost")
            assert lost["at"] - broken < NOTICED_S, lost
            assert lost["reason"]
        time.sleep(0.5)
        mend_it(server)
        mended = time.monotonic()
        for who in ("capture", "player"):
            program.wait_for(who, "recovered")
        sound = program.wait_for("ear", "sound")
        assert sound["at"] - mended < BACK_S
        # No old backlog; what a busy machine has the player keep ready is less.
        assert sound["queued_ms"] <= 250
        held.append(sound["holdings"])
    end = program.end()
    assert end["reopened"] == [times, times]
    assert len(end["printed"]) == 2 * times  # once for each loss
    assert all(": lost: " in line for line in end["printed"])
    assert end["closing_s"] < CLOSED_S
    assert end["slowest_s"] < 0.5  # the event loop went on
    assert end["tasks"] == 1
    assert end["holdings"]["children"] == 0
    # One may have been heard while the other was still away.
    for key in ("files", "threads", "children"):
        assert held[-1][key] <= max(earlier[key] for earlier in held[:-1] or held), held


def test_a_server_that_hangs_does_not_hold_up_the_end(server: SoundServer, watched: Callable[[str], Watched]) -> None:
    program = watched("isolated")
    server.freeze()
    end = program.end()
    assert end["closing_s"] < CLOSED_S
    assert end["slowest_s"] < 0.5
    assert end["holdings"]["children"] == 0


def test_a_server_that_hangs_is_said(server: SoundServer, run_program: Callable[..., Any]) -> None:
    server.freeze()
    results = run_program("wrong_devices", "isolated", "input", "output")
    assert all("did not answer" in result["error"] for result in results), results
    assert all(result["seconds"] < 7 for result in results)


def test_a_device_that_never_moves_is_lost(run_program: Callable[..., Any]) -> None:
    result = run_program("dead_device", timeout=30, quiet=False)
    assert result["states"][0] == ["lost", "the device never started to move"]
    assert result["closing_s"] < CLOSED_S


def test_the_application_may_just_end(server: SoundServer, watched: Callable[[str], Watched]) -> None:
    """What it started ends by itself."""
    program = watched("isolated")
    children = Path(f"/proc/{program.process.pid}/task/{program.process.pid}/children").read_text().split()
    assert len(children) == 2
    program.process.kill()
    program.process.wait()
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)
