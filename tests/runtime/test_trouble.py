"""Trouble: a fault is counted each time, and logged once per run."""

from __future__ import annotations

import pytest

from livekit_utils._runtime.trouble import Trouble


def test_each_run_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble("%s fails")
    for _ in range(3):
        for _ in range(10):
            trouble.failed("it")
        assert trouble.failing
        trouble.good()
        assert not trouble.failing
    assert trouble.count == 30
    assert [record.getMessage() for record in caplog.records] == ["it fails"] * 3


def test_runs_without_end_are_only_counted(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble("fails")
    news = []
    for _ in range(50):
        trouble.failed()
        news.append(trouble.good())
    assert len(caplog.records) == 5
    assert caplog.messages[-1] == "fails; further failures are only counted"
    news += [trouble.good() for _ in range(200)]
    assert news.count(True) == 1
    assert trouble.count == 50
    trouble.failed()
    assert len(caplog.records) == 6


def test_a_run_that_a_few_good_calls_do_not_end(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble("fails", num_good=500)
    for _ in range(100):
        trouble.failed()
        for _ in range(10):
            trouble.good()
    assert trouble.failing
    assert len(caplog.records) == 1
    assert [trouble.good() for _ in range(490)].count(True) == 1
    assert not trouble.failing
    trouble.failed()
    assert len(caplog.records) == 2


def test_a_fault_that_never_came_is_no_news() -> None:
    trouble = Trouble("fails")
    assert not any(trouble.good() for _ in range(300))
