"""What all tests share: repeatable randomness, counted references, a second interpreter."""

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import livekit_utils
from tests.support.dispositions import default_for_children
from tests.support.held_up import say_repeated
from tests.support.randomness import SEED, Rand

settings.register_profile(
    "default",
    deadline=None,
    max_examples=50,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=1000)
LOOP = os.environ.get("LIVEKIT_UTILS_LOOP", "asyncio")
if LOOP == "uvloop":
    import uvloop

    # What asyncio.run makes. Virtual time has a loop of its own.
    asyncio.events.new_event_loop = asyncio.new_event_loop = uvloop.new_event_loop

settings.load_profile(os.environ.get("LIVEKIT_UTILS_HYPOTHESIS", "default"))


@pytest.fixture(scope="session", autouse=True)
def signals_of_children() -> Iterator[None]:
    """No test sees whether it runs in the background."""
    with default_for_children():
        yield


TESTS_SET_UP = count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if next(TESTS_SET_UP) % 100 == 0:
        pass_over_what_there_is()


@pytest.fixture(autouse=True)
def exact_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources set their timers a little early, because a real loop's are late. In virtual time none is, so that what
    should come at some time comes at that time; tests/tracks/test_audio_source_early.py is about the rest."""
    if "livekit_utils.tracks.audio_source" in sys.modules:  # else the test has nothing to do with it
        monkeypatch.setattr("livekit_utils.tracks.audio_source._EARLY_S", 0.0)
        monkeypatch.setattr("livekit_utils._runtime.loop_timers._EARLY_S", 0.0)


def pytest_collection_finish() -> None:
    pass_over_what_there_is()


def pass_over_what_there_is() -> None:
    """The garbage collector passes over it for good: thousands of tests, all modules, and what pytest keeps of each
    test that was run. Some tests collect again and again, which takes each time as long as there is much."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    say_repeated(terminalreporter)


def pytest_report_header() -> str:
    return f"LIVEKIT_UTILS_SEED={SEED} LIVEKIT_UTILS_LOOP={LOOP}"


@pytest.fixture
def rand() -> Rand:
    print(f"LIVEKIT_UTILS_SEED={SEED}")
    return Rand(SEED)


@pytest.fixture
def checkref() -> Callable[..., AbstractContextManager[None]]:
    """`with checkref(a, b):` fails where the block leaves more or fewer references to a or b behind."""

    @contextmanager
    def check(*objects: Any) -> Iterator[None]:
        gc.collect()
        before = [sys.getrefcount(item) for item in objects]
        yield
        gc.collect()
        assert [sys.getrefcount(item) for item in objects] == before

    return check


@pytest.fixture
def interpreter() -> Callable[..., subprocess.Popen[str]]:
    """Starts another Python on the same installed package; environment variables as keyword arguments."""

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        package = str(Path(livekit_utils.__file__).parent.parent)
        path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
        return subprocess.Popen(
            [sys.executable, "-X", "faulthandler", *arguments],
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def run_python(interpreter: Callable[..., subprocess.Popen[str]]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python arguments...` to its end."""

    def run(*arguments: str, timeout: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
        with interpreter(*arguments, **environment) as process:
            try:
                output, errors = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    return run
