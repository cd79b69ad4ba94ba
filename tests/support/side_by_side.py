"""Tests side by side, in several processes. Those on devices are about time: they run one after the other, in one
process, and the processors serve them first. They wait most of their time, so that this costs the others little."""

from __future__ import annotations

import os

import pytest

DEVICES = "devices"

NICENESS = 5
"""A third of what the kernel gives a program otherwise, where both want a processor."""

LAST = 19
"""There is no lower priority."""

_AT_FIRST = os.nice(0) if hasattr(os, "nice") else 0


def on_devices(item: pytest.Item) -> bool:
    return any(mark.args == (DEVICES,) for mark in item.iter_markers("xdist_group"))


def give_way(item: pytest.Item) -> None:
    """Lowers the priority of this process for good, before the first test that is not on devices. Those on devices are
    handed out first, as many as they are, so that the process that gets them has run no other test yet."""
    if "PYTEST_XDIST_WORKER" in os.environ and hasattr(os, "nice") and not on_devices(item):
        os.nice(max(0, min(_AT_FIRST + NICENESS, LAST) - os.nice(0)))
