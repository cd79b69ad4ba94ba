"""Signals come after the block, and not inside of what a library calls."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from livekit_utils._runtime.deferred_signals import deferred_signals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="raise_signal ends the process there")


@pytest.fixture(autouse=True)
def handlers_are_kept() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number in (signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, before[number])
    assert {number: signal.getsignal(number) for number in signal.valid_signals()} == before


def test_a_handler_runs_after_the_block() -> None:
    steps: list[object] = []
    signal.signal(signal.SIGUSR1, lambda signum, frame: steps.append(signum))

    def block() -> None:
        with deferred_signals():
            for number in (signal.SIGUSR1, signal.SIGINT, signal.SIGINT):
                signal.raise_signal(number)
            steps.append("end")

    with pytest.raises(KeyboardInterrupt):
        block()
    assert steps == ["end", signal.SIGUSR1]


def test_an_error_of_the_block_is_kept() -> None:
    def block(interrupted: bool) -> None:
        with deferred_signals():
            if interrupted:
                signal.raise_signal(signal.SIGINT)
            raise ValueError("mine")

    with pytest.raises(KeyboardInterrupt) as caught:
        block(True)
    assert isinstance(caught.value.__context__, ValueError)
    with pytest.raises(ValueError, match="mine"):
        block(False)


def test_blocks_may_be_nested() -> None:
    steps = []

    def block() -> None:
        with deferred_signals():
            with deferred_signals():
                signal.raise_signal(signal.SIGINT)
            steps.append("outer")

    with pytest.raises(KeyboardInterrupt):
        block()
    assert steps == ["outer"]


def test_ignored_signals_stay_ignored() -> None:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    with deferred_signals():
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
        signal.raise_signal(signal.SIGUSR1)


def test_in_another_thread_nothing_happens() -> None:
    seen = []

    def run() -> None:
        with deferred_signals():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
