"""Plugins that hang: who waits for them, and for how long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from livekit_utils import AudioFilter, AudioFilterError, AudioFilterState, AudioFrame
from tests.support.audio_filters import Plugin, is_mapped, until

T = TypeVar("T")


async def while_ticking(work: Awaitable[T]) -> tuple[T | BaseException, int]:
    """The result or error, and how often an event loop came round meanwhile, which would be every 5 ms."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    ticker = asyncio.create_task(tick())
    (result,) = await asyncio.gather(work, return_exceptions=True)
    ticker.cancel()
    return result, ticks


def test_a_load_that_hangs(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "SLEEP_LOAD=1500")

    async def main() -> None:
        result, ticks = await while_ticking(AudioFilter.load(plugin.id, plugin.path, timeout_ms=200))
        assert isinstance(result, AudioFilterError)
        assert str(result) == f"'{plugin.id}': {plugin.path} did not load within 200 ms"
        assert ticks >= 10

    asyncio.run(main())
    assert plugin.calls == []
    with pytest.raises(ValueError, match="none is loaded"):
        AudioFilter.get(plugin.id)
    plugin.wait_for("unload")
    until(lambda: not is_mapped(plugin.path))
    assert plugin.calls == ["load", "unload"]


def test_a_load_that_hangs_a_thread(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "SLEEP_LOAD=1500")
    with pytest.raises(AudioFilterError, match="did not load within 200 ms"):
        AudioFilter(plugin.id, plugin.path, timeout_ms=200)
    assert plugin.calls == []
    # Once more, and patiently.
    with AudioFilter(plugin.id, plugin.path, timeout_ms=60_000) as opened:
        assert opened.process(AudioFrame.create(48000, 1, 480)).samples_per_channel == 480
    until(lambda: not is_mapped(plugin.path))


def test_a_cancelled_load(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "SLEEP_LOAD=500")

    async def main() -> None:
        task = asyncio.create_task(AudioFilter.load(plugin.id, plugin.path))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    with pytest.raises(ValueError, match="none is loaded"):
        AudioFilter.get(plugin.id)
    plugin.wait_for("unload")
    assert plugin.calls == ["load", "unload"]


def test_one_who_waits_longer_gets_the_library(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "SLEEP_LOAD=800")

    async def main() -> None:
        short, long = await asyncio.gather(
            AudioFilter.load(plugin.id, plugin.path, timeout_ms=100),
            AudioFilter.load(plugin.id, plugin.path, timeout_ms=60_000),
            return_exceptions=True,
        )
        assert isinstance(short, AudioFilterError)
        assert isinstance(long, AudioFilter)
        long.close()

    asyncio.run(main())
    plugin.wait_for("unload")
    assert plugin.calls == ["load", "unload"]


@pytest.mark.parametrize("define", ["SLEEP_ON_LOAD=3000", "SLEEP_CREATE=3000"])
def test_a_start_that_hangs(tmp_path: Path, define: str) -> None:
    plugin = Plugin(tmp_path, define)

    async def main() -> None:
        with await AudioFilter.load(plugin.id, plugin.path) as opened:
            session = opened.create_session(48000, 1, timeout_ms=200)
            assert session.state is AudioFilterState.STARTING
            result, ticks = await while_ticking(session.wait_ready())
            assert isinstance(result, AudioFilterError)
            assert "did not start within 200 ms" in str(result)
            assert ticks >= 10
            assert session.state is AudioFilterState.BYPASSED
            await session.aclose(timeout_ms=10_000)
        assert plugin.count("unload") == 0, "it waited for what was given up"

    asyncio.run(main())
    plugin.wait_for("unload")
    assert plugin.count("create") == plugin.count("destroy")
    assert plugin.count("create") == 0 or define == "SLEEP_CREATE=3000"


def test_offline_the_limit_is_that_of_the_filter(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "SLEEP_CREATE=1000")
    with AudioFilter(plugin.id, plugin.path, timeout_ms=400) as opened:
        with pytest.raises(AudioFilterError, match="did not start within 400 ms"):
            opened.process(AudioFrame.create(48000, 1, 480))
        assert opened.flush() is None
    plugin.wait_for("unload")
    assert plugin.count("create") == plugin.count("destroy")


def test_an_unload_that_hangs(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "SLEEP_UNLOAD=1500")
    opened = AudioFilter(plugin.id, plugin.path)
    opened.close()
    assert plugin.count("unload") == 0
    plugin.wait_for("unload")


END = """
import sys, time
from livekit_utils import AudioFilter, AudioFilterError, AudioFrame
path, where = sys.argv[1:]
if where == "LOAD":
    try:
        AudioFilter("a", path, timeout_ms=200)
    except AudioFilterError as error:
        print(error)
else:
    opened = AudioFilter("a", path)
    session = opened.create_session(48000, 1, timeout_ms=200)
    while session.state == "starting":
        time.sleep(0.01)
    if where == "CLOSE":
        time.sleep(0.1)
    if where != "NOTHING":
        session.close()
        opened.close()
    time.sleep(0.2)
print("end")
sys.exit(7)
"""


@pytest.mark.parametrize("where", ["LOAD", "UNLOAD", "ON_LOAD", "CREATE", "DESTROY"])
def test_a_program_ends_although_a_plugin_hangs(tmp_path: Path, run_python: Any, where: str) -> None:
    plugin = Plugin(tmp_path, f"SLEEP_{where}=120000")
    began = time.monotonic()
    process = run_python("-c", END, str(plugin.path), where, timeout=100)
    assert process.returncode == 7
    assert process.stdout.endswith("end\n")
    assert "Traceback" not in process.stderr
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("where", ["CLOSE", "NOTHING"])
def test_a_program_ends_cleanly(tmp_path: Path, run_python: Any, where: str) -> None:
    plugin = Plugin(tmp_path)
    process = run_python("-c", END, str(plugin.path), where)
    assert (process.returncode, process.stdout, process.stderr) == (7, "end\n", "")
    assert plugin.count("destroy") == (where == "CLOSE")
    assert plugin.count("unload") == 1


def test_what_was_closed_last_is_destroyed_before_the_program_ends(tmp_path: Path, run_python: Any) -> None:
    plugin = Plugin(tmp_path, "SLEEP_DESTROY=200")
    code = END.replace("time.sleep(0.2)\nprint", "pass\nprint")
    process = run_python("-c", code, str(plugin.path), "CLOSE")
    assert (process.returncode, process.stdout, process.stderr) == (7, "end\n", "")
    assert plugin.calls[-2:] == ["destroy", "unload"]
