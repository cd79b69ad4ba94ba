"""What other libraries are called with: arithmetic without denormal numbers."""

from __future__ import annotations

import sys
import threading

import pytest

from livekit_utils._kernels.denormals import call_flushed

LEAST = sys.float_info.min


def half(number: float) -> float:
    return number / 2


def test_denormal_results_are_zero_during_the_call_only() -> None:
    assert call_flushed(half, LEAST) == 0
    assert half(LEAST) > 0


def test_arguments_and_the_result_pass() -> None:
    assert call_flushed(max, 1, 3, 2) == 3


def test_denormal_numbers_are_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        call_flushed(divmod, 1, 0)
    assert half(LEAST) > 0


def test_a_call_within_a_call_leaves_the_mode_of_the_outer_one() -> None:
    def outer() -> tuple[float, float]:
        return call_flushed(half, LEAST), half(LEAST)

    assert call_flushed(outer) == (0, 0)


def test_other_threads_keep_denormal_numbers() -> None:
    halves: list[float] = []
    flushed = threading.Event()

    def elsewhere() -> None:
        assert flushed.wait(60)
        halves.append(half(LEAST))

    thread = threading.Thread(target=elsewhere)
    thread.start()  # before the call: a new thread has the mode of the one that starts it

    def here() -> None:
        flushed.set()
        thread.join()

    call_flushed(here)
    assert halves[0] > 0
