"""Plugins that hang: who waits for them, and for how long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from livekit_utils import AudioFilter, AudioFilterError, AudioFilterState, AudioFrame
from tests.support.audio_filters import Plugin, is_mapped, until


async def the_loop_goes_on(work: Awaitable[object]) -> None:
    """While something waits, which is cancelled then; what it waits for ends only when the loop has come to say so."""
    task = asyncio.ensure_future(work)
    for _ in range(10):
        await asyncio.sleep(0.001)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_load_that_hangs(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "HANGS_LOAD")

    async def main() -> None:
        await the_loop_goes_on(AudioFilter.load(plugin.id, plugin.path, timeout_ms=60_000))
        with pytest.raises(AudioFilterError) as caught:
            await AudioFilter.load(plugin.id, plugin.path, timeout_ms=200)
        assert str(caught.value) == f"'{plugin.id}': {plugin.path} did not load within 200 ms"

    asyncio.run(main())
    assert plugin.calls == []
    with pytest.raises(ValueError, match="none is loaded"):
        AudioFilter.get(plugin.id)
    plugin.go_on()
    plugin.wait_for("unload")
    until(lambda: not is_mapped(plugin.path))
    # Once, or for each of the two attempts.
    assert plugin.calls in (["load", "unload"], ["load", "unload"] * 2)


def test_a_load_that_hangs_a_thread(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "HANGS_LOAD")
    with pytest.raises(AudioFilterError, match="did not load within 200 ms"):
        AudioFilter(plugin.id, plugin.path, timeout_ms=200)
    assert plugin.calls == []
    plugin.go_on()
    # Once more, and patiently.
    with AudioFilter(plugin.id, plugin.path, timeout_ms=60_000) as opened:
        assert opened.process(AudioFrame.create(48000, 1, 480)).samples_per_channel == 480
    until(lambda: not is_mapped(plugin.path))


def test_a_cancelled_load(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "HANGS_LOAD")

    async def main() -> None:
        task = asyncio.create_task(AudioFilter.load(plugin.id, plugin.path, timeout_ms=60_000))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    with pytest.raises(ValueError, match="none is loaded"):
        AudioFilter.get(plugin.id)
    plugin.go_on()
    plugin.wait_for("unload")
    assert plugin.calls == ["load", "unload"]


def test_one_who_waits_longer_gets_the_library(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "HANGS_LOAD")

    async def main() -> None:
        long = asyncio.create_task(AudioFilter.load(plugin.id, plugin.path, timeout_ms=60_000))
        with pytest.raises(AudioFilterError):
            await AudioFilter.load(plugin.id, plugin.path, timeout_ms=100)
        plugin.go_on()
        (await long).close()

    asyncio.run(main())
    plugin.wait_for("unload")
    assert plugin.calls == ["load", "unload"]


@pytest.mark.parametrize("define", ["HANGS_ON_LOAD", "HANGS_CREATE"])
def test_a_start_that_hangs(tmp_path: Path, define: str) -> None:
    plugin = Plugin(tmp_path, define)

    async def main() -> None:
        with await AudioFilter.load(plugin.id, plugin.path) as opened:
            session = opened.create_session(48000, 1, timeout_ms=60_000)
            assert session.state is AudioFilterState.STARTING
            await the_loop_goes_on(session.wait_ready())
            session.close()
            session = opened.create_session(48000, 1, timeout_ms=200)
            with pytest.raises(AudioFilterError, match="did not start within 200 ms"):
                await session.wait_ready()
            assert session.state is AudioFilterState.BYPASSED
            session.close()
        assert plugin.count("unload") == 0, "it waited for what was given up"
        plugin.go_on()
        await session.aclose(timeout_ms=60_000)

    asyncio.run(main())
    plugin.wait_for("unload")
    assert plugin.count("create") == plugin.count("destroy")
    assert plugin.count("create") == 0 or define == "HANGS_CREATE"


def test_offline_the_limit_is_that_of_the_filter(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "HANGS_CREATE")
    opened = AudioFilter(plugin.id, plugin.path, timeout_ms=60_000)
    opened._timeout_ms = 100  # that of its start was longer, for slow machines
    with opened:
        with pytest.raises(AudioFilterError, match="did not start within 100 ms"):
            opened.process(AudioFrame.create(48000, 1, 480))
        assert opened.flush() is None
    plugin.go_on()
    plugin.wait_for("unload")
    assert plugin.count("create") == plugin.count("destroy")


def test_an_unload_that_hangs(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "HANGS_UNLOAD")
    opened = AudioFilter(plugin.id, plugin.path)
    opened.close()
    assert plugin.count("unload") == 0
    plugin.go_on()
    plugin.wait_for("unload")


END = """
import sys, time
from livekit_utils import AudioFilter, AudioFilterError, AudioFrame
from livekit_utils._runtime import threads
path, where = sys.argv[1:]
if where in ("CLOSE", "NOTHING"):
    threads._GRACE_S = 60  # nothing hangs, and a machine may be slow
if where == "LOAD":
    try:
        AudioFilter("a", path, timeout_ms=200)
    except AudioFilterError as error:
        print(error)
else:
    opened = AudioFilter("a", path)
    session = opened.create_session(48000, 1, timeout_ms=200 if where in ("ON_LOAD", "CREATE") else 60_000)
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
    plugin = Plugin(tmp_path, f"HANGS_{where}")
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
