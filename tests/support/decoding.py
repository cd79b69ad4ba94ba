"""Virtual time for code that reads media files: the clock stands still while a thread decodes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import selectors
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from tests.support import virtual_time

T = TypeVar("T")

_DECODERS = tuple(f"livekit_utils {name}" for name in ("AudioFile", "AudioStreamDecoder", "MediaPlayer"))


def decoding_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(_DECODERS)]


def no_thread_is_left() -> bool:
    """Whether the threads that decode end, as they do when nobody reads."""
    threads = decoding_threads()
    for thread in threads:
        thread.join(10)
    return not any(thread.is_alive() for thread in threads)


@contextlib.contextmanager
def nothing_is_left() -> Iterator[None]:
    """Fails where the block leaves a thread or a file descriptor behind. Those of earlier tests may go meanwhile."""
    gc.collect()
    before = _descriptors()
    yield
    assert no_thread_is_left()
    left = _descriptors() - before
    assert not left, left


def _descriptors() -> set[tuple[str, str]]:
    """Each with what it is open on, because one that is closed leaves its number to others."""
    found = set()
    for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []:
        with contextlib.suppress(FileNotFoundError):  # that of the listing
            found.add((number, os.readlink(f"/proc/self/fd/{number}")))
    return found


class _WaitingSelector(virtual_time.JumpingSelector):
    """Lets the clock jump only when no thread decodes: such a thread never waits for a reader."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout != 0:
            assert no_thread_is_left()
            if events := selectors.DefaultSelector.select(self, 0):
                return events
        return super().select(timeout)


class _AheadSelector(_WaitingSelector):
    """Lets no turn of the loop begin while a thread decodes, as where the threads are much faster than the loop."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert no_thread_is_left()
        return super().select(timeout)


def run_from(begin_s: float, main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine in virtual time that begins then, as asyncio.run does: it may leave tasks behind."""

    class Selector(_WaitingSelector):
        def __init__(self) -> None:
            super().__init__()
            self.now = begin_s

    with asyncio.Runner(loop_factory=lambda: virtual_time.VirtualTimeLoop(Selector)) as runner:
        return runner.run(main)


def run(main: Coroutine[Any, Any, T], *, all_is_ahead: bool = False) -> T:
    """Runs a coroutine as `virtual_time.run` does.

    Args:
        all_is_ahead: Whether all for which there is room has been decoded at every turn of the loop. Otherwise it
            depends on the threads, turn by turn.
    """
    return virtual_time.run(main, selector=_AheadSelector if all_is_ahead else _WaitingSelector)
