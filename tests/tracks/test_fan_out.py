"""FanOut: whoever listens gets everything, and nobody is kept alive by it."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from livekit_utils.tracks.fan_out import FanOut


class Listener:
    def __init__(self, on_item: Callable[[Any], None] | None = None) -> None:
        self.heard: list[Any] = []
        self.on_item = on_item

    def _receive(self, item: Any) -> None:
        self.heard.append(item)
        if self.on_item is not None:
            self.on_item(item)

    def _on_idle(self) -> None:
        self.heard.append("idle")

    def _end(self) -> None:
        self.heard.append("end")


def test_everybody_gets_everything_in_order() -> None:
    fan_out: FanOut[int] = FanOut()
    listeners = [Listener() for _ in range(3)]
    for i, listener in enumerate(listeners):
        fan_out.receive(i)
        fan_out.attach(listener)
    assert len(fan_out) == 3
    fan_out.receive(10)
    fan_out.idle()
    fan_out.receive(11)
    fan_out.end()
    assert [listener.heard for listener in listeners] == [
        [1, 2, 10, "idle", 11, "end"],
        [2, 10, "idle", 11, "end"],
        [10, "idle", 11, "end"],
    ]


def test_the_end_comes_once_and_to_latecomers_at_once() -> None:
    fan_out: FanOut[int] = FanOut()
    early, late = Listener(), Listener()
    fan_out.attach(early)
    fan_out.end()
    fan_out.end()
    fan_out.receive(1)
    fan_out.idle()
    fan_out.attach(late)
    fan_out.receive(2)
    assert early.heard == late.heard == ["end"]
    assert len(fan_out) == 0


def test_detached_is_detached() -> None:
    fan_out: FanOut[int] = FanOut()
    stays, goes = Listener(), Listener()
    fan_out.attach(goes)
    fan_out.attach(stays)
    fan_out.detach(goes)
    fan_out.detach(goes)
    fan_out.detach(Listener())
    fan_out.receive(1)
    fan_out.end()
    assert (goes.heard, stays.heard) == ([], [1, "end"])


@pytest.mark.parametrize("cyclic", [False, True])
def test_a_dropped_listener_goes(cyclic: bool) -> None:
    fan_out: FanOut[int] = FanOut()
    stays, goes = Listener(), Listener()
    fan_out.attach(goes)
    fan_out.attach(stays)
    gone = weakref.ref(goes)
    if cyclic:
        goes.on_item = goes._receive
    del goes
    gc.collect()
    assert gone() is None
    assert len(fan_out) == 1
    fan_out.receive(1)
    assert stays.heard == [1]


def test_come_and_go_while_an_item_is_on_its_way() -> None:
    fan_out: FanOut[int] = FanOut()
    newcomers: list[Listener] = []

    def change(item: int) -> None:
        newcomers.append(Listener())
        fan_out.attach(newcomers[-1])
        fan_out.detach(first)

    first, last = Listener(change), Listener()
    fan_out.attach(first)
    fan_out.attach(last)
    for item in range(3):
        fan_out.receive(item)
    assert first.heard == [0]  # which it was given before it left
    assert last.heard == [0, 1, 2]
    assert [newcomer.heard for newcomer in newcomers] == [[1, 2]]


def test_the_end_while_an_item_is_on_its_way() -> None:
    fan_out: FanOut[int] = FanOut()
    first, last = Listener(lambda item: fan_out.end()), Listener()
    fan_out.attach(first)
    fan_out.attach(last)
    fan_out.receive(1)
    fan_out.receive(2)
    assert first.heard == [1, "end"]
    assert last.heard.count("end") == 1
    assert len(fan_out) == 0


def test_a_listener_dropped_by_the_one_before() -> None:
    fan_out: FanOut[int] = FanOut()
    others = [Listener()]
    first = Listener(lambda item: others.clear())
    fan_out.attach(first)
    fan_out.attach(others[0])
    fan_out.receive(1)
    fan_out.receive(2)
    assert first.heard == [1, 2]
    assert len(fan_out) == 1


@pytest.mark.parametrize("attaching", [True, False])
def test_the_garbage_collector_may_come_at_any_moment(attaching: bool) -> None:
    """A listener that is collected in the middle of attach or detach must not come back as a dead reference."""
    threshold = gc.get_threshold()
    for allocations in range(12):
        gc.collect()
        gc.disable()
        fan_out: FanOut[int] = FanOut()
        goes, detached, stays, new = Listener(), Listener(), Listener(), Listener()
        goes.on_item = goes._receive  # only the collector can free it
        for listener in (goes, detached, stays):
            fan_out.attach(listener)
        try:
            del goes, listener
            gc.set_threshold(gc.get_count()[0] + allocations)
            gc.enable()
            if attaching:
                fan_out.attach(new)
            else:
                fan_out.detach(detached)
        finally:
            gc.set_threshold(*threshold)
            gc.enable()
        gc.collect()
        assert len(fan_out) == (3 if attaching else 1), allocations


def test_threads_that_come_and_go() -> None:
    """Nobody who stays misses an item, and nobody who went is left in the list."""
    fan_out: FanOut[int] = FanOut()
    stays = Listener()
    fan_out.attach(stays)
    done = threading.Event()
    errors: list[BaseException] = []

    def come_and_go() -> None:
        try:
            while not done.is_set():
                mine = [Listener() for _ in range(3)]
                for listener in mine:
                    fan_out.attach(listener)
                fan_out.detach(mine[0])
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=come_and_go) for _ in range(3)]
        for thread in threads:
            thread.start()
        for item in range(3000):
            fan_out.receive(item)
        done.set()
        for thread in threads:
            thread.join(60)
    finally:
        done.set()
        sys.setswitchinterval(interval)
    assert not errors
    assert stays.heard == list(range(3000))
    gc.collect()
    assert len(fan_out) == 1
