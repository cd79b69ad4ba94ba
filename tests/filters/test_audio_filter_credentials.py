"""A plugin that creates no session for a stream of a server that `on_load` was not told of, as LiveKit's own does."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from livekit_utils import AudioFilter, AudioFilterError, AudioFilterState, AudioFrame, AudioStreamInfo
from tests.support.audio_filters import Plugin, filtered, until

FRAME = AudioFrame(b"\x01\x00\x05\x00" * 240, 48000, 1, 480)


def in_loop(test: Callable[..., Any]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    return Plugin(tmp_path, "CREATES_FOR_KNOWN_URL", "WITH_UPDATE_TOKEN")


@in_loop
async def test_an_empty_url_is_that_of_the_credentials(plugin: Plugin) -> None:
    with await AudioFilter.load(plugin.id, plugin.path) as opened:
        opened.update_credentials("wss://a", "token")
        for info in (None, AudioStreamInfo(room_name="r"), AudioStreamInfo(url="wss://a")):
            async with opened.create_session(48000, 1, stream_info=info) as session:
                await session.wait_ready()
                assert bytes(session.push(FRAME)[0].data) == filtered(bytes(FRAME.data))
                session.update_stream_info(AudioStreamInfo(room_name="later"))
        plugin.wait_for("destroy", 3)
    assert 'update_stream_info {"url":"wss://a","roomId":"","roomName":"later"' in "\n".join(plugin.calls)


def test_a_frame_alone_has_a_stream_too(plugin: Plugin) -> None:
    with AudioFilter(plugin.id, plugin.path) as opened:
        opened.update_credentials("wss://a", "token")
        with pytest.raises(AudioFilterError, match="returned NULL"):
            opened.process(FRAME, stream_info=AudioStreamInfo(url="wss://b"))
        out = opened.process(FRAME, stream_info=AudioStreamInfo(url="wss://a", room_name="r"))
        assert bytes(out.data) == filtered(bytes(FRAME.data))
        with pytest.raises(TypeError, match="stream_info: expected an AudioStreamInfo"):
            opened.process(FRAME, stream_info="r")  # type: ignore[arg-type]


@in_loop
async def test_a_stream_info_that_comes_late_retries(plugin: Plugin) -> None:
    with await AudioFilter.load(plugin.id, plugin.path) as opened:
        opened.update_credentials("wss://a", "token")
        async with opened.create_session(48000, 1, stream_info=AudioStreamInfo(url="wss://b")) as session:
            with pytest.raises(AudioFilterError, match="returned NULL"):
                await session.wait_ready()
            assert session.push(FRAME) == [FRAME]
            session.update_stream_info(AudioStreamInfo(url="wss://c"))
            plugin.wait_for("create", 2)
            session.update_stream_info(AudioStreamInfo(url="wss://a"))
            until(lambda: session.state is AudioFilterState.ACTIVE)
            assert session.last_error is None
            assert bytes(session.push(FRAME)[0].data) == filtered(bytes(FRAME.data))
    plugin.wait_for("destroy")


@in_loop
async def test_credentials_that_come_late_retry(plugin: Plugin) -> None:
    with await AudioFilter.load(plugin.id, plugin.path) as opened:
        async with opened.create_session(48000, 1) as session:
            with pytest.raises(AudioFilterError, match="returned NULL"):
                await session.wait_ready()
            session.update_credentials("wss://a", "token")
            session.update_stream_info(AudioStreamInfo(room_name="r"))
            until(lambda: session.state is AudioFilterState.ACTIVE)


@in_loop
async def test_closing_while_it_retries(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "CREATES_FOR_KNOWN_URL", "HANGS_CREATE")
    plugin.go_on()
    with await AudioFilter.load(plugin.id, plugin.path) as opened:
        opened.update_credentials("wss://a", "token")
        session = opened.create_session(48000, 1, stream_info=AudioStreamInfo(url="wss://b"))
        with pytest.raises(AudioFilterError, match="returned NULL"):
            await session.wait_ready()
        plugin.hang_again()
        session.update_stream_info(AudioStreamInfo(url="wss://a"))
        plugin.wait_for("creating", 2)
        closing = asyncio.create_task(session.aclose(timeout_ms=60_000))
        await asyncio.sleep(0)
        assert session.state is AudioFilterState.CLOSED
        plugin.go_on()
        await closing
    plugin.wait_for("destroy")
    plugin.wait_for("unload")


@pytest.mark.parametrize(("defines", "unchanged"), [((), 0), (("PASSES_THROUGH",), 3)])
@in_loop
async def test_what_passes_unchanged_is_counted(tmp_path: Path, defines: tuple[str, ...], unchanged: int) -> None:
    plugin = Plugin(tmp_path, *defines)
    with await AudioFilter.load(plugin.id, plugin.path) as opened:
        async with opened.create_session(48000, 1) as session:
            await session.wait_ready()
            session.push(AudioFrame.create(48000, 1, 480))  # silence tells nothing
            for _ in range(3):
                session.push(FRAME)
            stats = session.stats()
            assert (stats.num_blocks, stats.num_unchanged_blocks) == (3, unchanged)
