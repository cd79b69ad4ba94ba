"""Calls: a task never runs beside a call, and no thread waits for another."""

from __future__ import annotations

import threading

import pytest

from livekit_utils._runtime.calls import Calls


def test_a_task_runs_at_once_if_no_call_is_under_way() -> None:
    calls, done = Calls(), []
    calls.when_none(lambda: done.append(1))
    assert done == [1]


def test_a_task_waits_for_the_last_call() -> None:
    calls, done = Calls(), []
    with calls:
        with calls:
            calls.when_none(lambda: done.append(1))
            calls.when_none(lambda: done.append(2))
        assert done == []
    assert done == [1, 2]
    with calls:
        pass
    assert done == [1, 2]


def test_a_call_that_raises_ends_as_well() -> None:
    calls, done = Calls(), []

    def fail() -> None:
        with calls:
            calls.when_none(lambda: done.append(1))
            raise OSError("on purpose")

    with pytest.raises(OSError, match="on purpose"):
        fail()
    assert done == [1]


def test_a_task_may_bring_another_and_may_raise() -> None:
    calls, done = Calls(), []

    def first() -> None:
        calls.when_none(lambda: done.append("second"))
        done.append("first")
        raise OSError("on purpose")

    with pytest.raises(OSError, match="on purpose"):
        calls.when_none(first)
    calls.when_none(lambda: done.append("third"))
    assert done == ["first", "second", "third"]


def test_the_thread_whose_call_ends_last_runs_the_task() -> None:
    calls = Calls()
    entered, leave, done = threading.Event(), threading.Event(), []

    def work() -> None:
        with calls:
            entered.set()
            assert leave.wait(60)

    thread = threading.Thread(target=work)
    thread.start()
    assert entered.wait(60)
    calls.when_none(lambda: done.append(threading.current_thread()))
    assert done == []
    leave.set()
    thread.join()
    assert done == [thread]


def test_threads_that_call_and_bring_tasks() -> None:
    """Every task runs once, and none beside a call or another task."""
    calls = Calls()
    num_calls = num_tasks = 0
    wrong, counting = [], threading.Lock()

    def task() -> None:
        nonlocal num_tasks
        with counting:
            num_tasks += 1
            wrong.append(num_calls)

    def work() -> None:
        nonlocal num_calls
        for i in range(300):
            with calls:
                with counting:
                    num_calls += 1
                if i % 3 == 0:
                    calls.when_none(task)
                with counting:
                    num_calls -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert num_tasks == 400
    assert not any(wrong)
