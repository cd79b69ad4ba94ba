"""Tells whether the machine itself stood still, and repeats a test about real time that failed meanwhile.

Devices are tested on a real sound server, by the real clock. Where the host of a virtual machine takes its processors
away, or other programs do, sound is late through no fault of anybody here, and a test that fails then has shown
nothing. A process that does nothing but sleep measures it. A test that fails on a machine that kept time has failed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol  # as the plugins do that repeat tests

# Where somebody waited for a processor for more than this part of the time, other programs had them. On two processors
# it is 13 % over a run of the suite, and 35 % with two of them at once. That holds up what computes, and not a process
# that mostly sleeps.
WAITING_SHARE = 0.2

_PRESSURE = Path("/proc/pressure/cpu")  # of Linux; its first line ends in the microseconds that somebody waited

# A sleep of 5 ms that ends so many seconds late shows that the machine was held up.
HELD_UP_S = 0.025

MAX_ATTEMPTS = 5

# Before the next attempt the machine is to keep time for so long; it is waited for that at most so long.
_CALM_S = 1.0
_PATIENCE_S = 15.0

# The name of what a report says of an attempt that did not count; the summary of the tests lists it.
REPEATED = "repeated"

_SLEEP = f"""
import os, time
parent = os.getppid()
while os.getppid() == parent:
    end = time.monotonic() + 0.005
    time.sleep(0.005)
    late_s = time.monotonic() - end
    if late_s > {HELD_UP_S}:
        print(late_s, flush=True)
"""


def waited_s() -> float:
    """Returns for how long somebody has waited for a processor; always 0.0 where the system does not tell."""
    try:
        return int(_PRESSURE.read_text().splitlines()[0].rpartition("total=")[2]) / 1e6
    except OSError:
        return 0.0


class MachineWatch:
    """`longest_s` is the longest time that the machine was held up since the last look, 0.0 if it was not; and
    `waiting_share` the part of the time in which somebody waited for a processor."""

    def __init__(self) -> None:
        self._since = time.monotonic(), waited_s()
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen([sys.executable, "-I", "-S", "-c", _SLEEP], stdout=self._said)
        self._read_to = 0

    def longest_s(self) -> float:
        self._said.seek(self._read_to)
        said = self._said.read()
        whole = said[: said.rfind("\n") + 1]
        self._read_to += len(whole)
        return max(map(float, whole.split()), default=0.0)

    def waiting_share(self) -> float:
        """The part of the time since the last look in which somebody waited for a processor."""
        (began, waited_before), self._since = self._since, (time.monotonic(), waited_s())
        return (self._since[1] - waited_before) / max(self._since[0] - began, 0.001)

    def trouble(self) -> str:
        """Says what held the machine up since the last look; empty if nothing did."""
        longest_s, share = self.longest_s(), self.waiting_share()
        if longest_s:
            return f"the machine was held up for {longest_s:.3f} s"
        return f"somebody waited for a processor {share:.0%} of the time" if share > WAITING_SHARE else ""

    def wait_for_calm(self) -> None:
        """Returns when the machine has kept time for a while, or does not find to it."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            time.sleep(_CALM_S)
            if not self.trouble():
                return

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._said.close()


def say_repeated(reporter: pytest.TerminalReporter) -> None:
    """Lists the attempts that did not count."""
    reports = [report for kind in ("passed", "failed", "skipped") for report in reporter.stats.get(kind, [])]
    for report in reports:
        for name, text in report.user_properties if report.when == "call" else ():
            if name == REPEATED:
                reporter.write_line(f"REPEATED {text}")


@contextmanager
def machine_watch() -> Iterator[MachineWatch]:
    watch = MachineWatch()
    try:
        yield watch
    finally:
        watch.close()


def run_in_real_time(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Runs a test as `pytest_runtest_protocol` does, and repeats it if it failed while the machine was held up."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    with machine_watch() as watch:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
            trouble = watch.trouble()
            if attempt == MAX_ATTEMPTS or not trouble or not any(report.failed for report in reports):
                break
            item.user_properties.append((REPEATED, f"{item.nodeid}: {trouble}"))
            item._initrequest()  # type: ignore[attr-defined]
            watch.wait_for_calm()
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
