"""A stream through a plugin: starting, filtering, bypassing, ending."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import json
import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from livekit_utils import (
    AudioFilter,
    AudioFilterError,
    AudioFilterSession,
    AudioFilterState,
    AudioFrame,
    AudioStreamInfo,
    combine_audio_frames,
)
from tests.support.audio_filters import Plugin, filtered, until
from tests.support.randomness import Rand


def frame_of(samples: bytes, sample_rate: int = 48000, num_channels: int = 1) -> AudioFrame:
    return AudioFrame(samples, sample_rate, num_channels, len(samples) // (2 * num_channels))


def bytes_of(frames: list[AudioFrame]) -> bytes:
    return combine_audio_frames(frames).data.tobytes() if frames else b""


def cuts(rand: Rand, samples: bytes, frame_bytes: int) -> Iterator[bytes]:
    at = 0
    while at < len(samples):
        size = frame_bytes * rand.choice((0, 1, 100, 480, 481, rand.randrange(3000)))
        yield samples[at : at + size]
        at += size


def open_session(
    plugin: Plugin, sample_rate: int = 48000, num_channels: int = 1, **arguments: Any
) -> AudioFilterSession:
    """A session of a filter that is closed already."""
    with AudioFilter(plugin.id, plugin.path) as opened:
        return opened.create_session(sample_rate, num_channels, **arguments)


def active(session: AudioFilterSession) -> AudioFilterSession:
    until(lambda: session.state is not AudioFilterState.STARTING)
    assert session.state is AudioFilterState.ACTIVE
    return session


# -- active -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sample_rate", "num_channels"), [(48000, 1), (48000, 2), (11025, 1), (44100, 8)])
def test_exact_however_it_is_cut(tmp_path: Path, rand: Rand, sample_rate: int, num_channels: int) -> None:
    session = active(open_session(Plugin(tmp_path), sample_rate, num_channels))
    block = sample_rate // 100
    pushed, result = b"", b""
    for _ in range(3):
        samples = rand.pcm(num_channels * rand.randrange(20 * block))
        since = 0
        for cut in cuts(rand, samples, 2 * num_channels):
            frames = session.push(frame_of(cut, sample_rate, num_channels))
            since += len(cut) // (2 * num_channels)
            assert [frame.samples_per_channel for frame in frames] == [block] * (since // block)
            since %= block
            result += bytes_of(frames)
        frames = session.flush()
        assert [frame.samples_per_channel for frame in frames] == [since] * bool(since)
        result += bytes_of(frames)
        pushed += samples
        assert len(result) == len(pushed)
        assert session.flush() == []
        if since:  # the plugin has seen the silence that filled the block up
            expected = filtered(samples)
            assert result[-len(samples) :][2 * num_channels :] == expected[2 * num_channels :]
    session.close()


def test_one_stretch_is_exact(tmp_path: Path, rand: Rand) -> None:
    session = active(open_session(Plugin(tmp_path, "WITH_V2")))
    samples = rand.pcm(20_000)
    frames = [frame for cut in cuts(rand, samples, 2) for frame in session.push(frame_of(cut))]
    assert bytes_of(frames + session.flush()) == filtered(samples)
    session.close()


def test_frames_own_their_samples(tmp_path: Path) -> None:
    session = active(open_session(Plugin(tmp_path)))
    data = bytearray(b"\1\0" * 700)
    (first,) = session.push(frame_of(data))
    data[:] = bytes(1400)
    first.data[0] = 77
    data.extend(b"not borrowed")
    (rest,) = session.flush()
    assert first.data.tolist() == [77] + [0] * 479
    assert rest.data.tolist() == [0] * 220
    session.close()


def test_frames_of_another_format(tmp_path: Path) -> None:
    session = active(open_session(Plugin(tmp_path)))
    session.push(frame_of(b"\1\0" * 100))
    wrong: Any
    for wrong in (frame_of(bytes(960), 16000), frame_of(bytes(960), 48000, 2)):
        with pytest.raises(ValueError, match="frame: expected 48000 Hz and 1 channels, got"):
            session.push(wrong)
    for wrong in (None, b"", 1):
        with pytest.raises(TypeError, match="expected an AudioFrame"):
            session.push(wrong)
    assert bytes_of(session.flush()) == filtered(b"\1\0" * 100)
    session.close()


def test_frames_of_another_library(tmp_path: Path) -> None:
    class Foreign:
        data = memoryview(bytes(960)).cast("h")
        sample_rate, num_channels, samples_per_channel = 48000, 1, 480

    session = active(open_session(Plugin(tmp_path)))
    assert len(session.push(Foreign())) == 1  # type: ignore[arg-type]
    session.close()


def test_arguments_out_of_range(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path)
    wrong: Any
    with AudioFilter(plugin.id, plugin.path) as opened:
        for wrong in (-1, 0, 99, 768_001, 2**70):
            with pytest.raises(ValueError, match="sample_rate: expected 100 to 768000"):
                opened.create_session(wrong, 1)
        for wrong in (-1, 0, 129, 2**70):
            with pytest.raises(ValueError, match="num_channels: expected 1 to 128"):
                opened.create_session(48000, wrong)
        for wrong in (None, "48000", 48000.0):
            with pytest.raises(TypeError):
                opened.create_session(wrong, 1)
            with pytest.raises(TypeError):
                opened.create_session(48000, wrong)
        with pytest.raises(ValueError, match="timeout_ms"):
            opened.create_session(48000, 1, timeout_ms=0)
        for wrong in ({}, "{}"):
            with pytest.raises(TypeError, match="expected an AudioStreamInfo"):
                opened.create_session(48000, 1, stream_info=wrong)
    plugin.wait_for("unload")
    assert plugin.calls == ["load", "unload"]


# -- starting ---------------------------------------------------------------------------------------------------------


def test_what_is_pushed_while_it_starts_is_held_and_filtered(tmp_path: Path, rand: Rand) -> None:
    plugin = Plugin(tmp_path, "HANGS_CREATE")
    session = open_session(plugin)
    samples = rand.pcm(1000)
    data = bytearray(samples)
    assert session.push(frame_of(data[:1400])) == session.flush() == session.push(frame_of(data[1400:])) == []
    assert session.state is AudioFilterState.STARTING
    data[:] = bytes(2000)
    plugin.go_on()
    until(lambda: session.state is AudioFilterState.ACTIVE)
    frames = session.push(frame_of(samples))
    assert [frame.samples_per_channel for frame in frames] == [480] * 4
    assert bytes_of(frames + session.flush()) == filtered(samples * 2)
    session.close()


def test_flush_gives_what_was_held(tmp_path: Path, rand: Rand) -> None:
    plugin = Plugin(tmp_path, "HANGS_CREATE")
    session = open_session(plugin)
    samples = rand.pcm(1000)
    assert session.push(frame_of(samples)) == []
    plugin.go_on()
    until(lambda: session.state is AudioFilterState.ACTIVE)
    assert bytes_of(session.flush()) == filtered(samples)
    session.close()


def test_ready_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plugin = Plugin(tmp_path, "HANGS_CREATE")
    session = open_session(plugin)
    said: list[str] = []

    def fail() -> None:
        said.append("fails")
        raise ZeroDivisionError("of the callback")

    session.on_ready(fail)
    session.on_ready(lambda: said.append(session.state))
    assert said == []
    plugin.go_on()
    until(lambda: len(said) == 2)
    assert said == ["fails", "active"]
    assert "of the callback" in caplog.text
    session.on_ready(lambda: said.append("at once"))
    session.close()
    assert said == ["fails", "active", "at once"]


def test_closing_is_an_end_of_starting(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "HANGS_CREATE")
    session = open_session(plugin)
    said: list[str] = []
    session.on_ready(lambda: said.append(session.state))
    session.push(frame_of(bytes(100)))
    plugin.wait_for("creating")
    session.close()
    assert said == ["closed"]
    plugin.go_on()
    plugin.wait_for("unload")
    assert [call.split()[0] for call in plugin.calls] == ["load", "on_load", "creating", "create", "destroy", "unload"]
    assert said == ["closed"]


def test_waiting_until_ready(tmp_path: Path) -> None:
    async def main() -> None:
        plugin = Plugin(tmp_path, "HANGS_CREATE")
        session = open_session(plugin)
        impatient = asyncio.create_task(session.wait_ready())
        await asyncio.sleep(0.05)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        plugin.go_on()
        await asyncio.gather(session.wait_ready(), asyncio.to_thread(asyncio.run, session.wait_ready()))
        assert session.state is AudioFilterState.ACTIVE
        await session.wait_ready()
        session.close()
        with pytest.raises(RuntimeError, match="closed"):
            await session.wait_ready()

        refused = open_session(Plugin(tmp_path, "CREATES_NULL"))
        for _ in range(2):
            with pytest.raises(AudioFilterError, match="returned NULL"):
                await refused.wait_ready()
        await refused.aclose()

    asyncio.run(main(), debug=True)


def test_the_loop_that_waited_is_gone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plugin = Plugin(tmp_path, "HANGS_CREATE")
    session = open_session(plugin)

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.wait_ready(), 0.01)

    asyncio.run(main())
    plugin.go_on()
    active(session).close()
    assert caplog.text == ""


# -- bypassed ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("define", "reason"),
    [
        ("CREATES_NULL", "audio_filter_create returned NULL"),
        ("REFUSES", "audio_filter_on_load returned -7"),
        ("HANGS_CREATE", "its session did not start within 200 ms"),
        ("HANGS_ON_LOAD", "its session did not start within 200 ms"),
    ],
)
def test_bypass_is_exact_and_said_once(
    tmp_path: Path, rand: Rand, caplog: pytest.LogCaptureFixture, define: str, reason: str
) -> None:
    plugin = Plugin(tmp_path, define)
    hangs = define.startswith("HANGS")
    session = open_session(plugin, num_channels=2, timeout_ms=200 if hangs else 60_000)
    samples = rand.pcm(2 * 20_000)
    result = []
    for i, cut in enumerate(cuts(rand, samples, 4)):
        if i == 3:
            until(lambda: session.state is AudioFilterState.BYPASSED)
            until(lambda: caplog.records)  # the thread that changes the state logs after it
        frame = frame_of(cut, 48000, 2)
        frames = session.push(frame)
        if i >= 3:
            assert frames[-1] is frame
        result += frames
    result += session.flush()
    assert bytes_of(result) == samples
    assert str(session.last_error) == f"'{plugin.id}': {reason}"
    assert [(r.name, r.levelno) for r in caplog.records] == [("livekit_utils", logging.WARNING)]
    assert reason in caplog.text
    with pytest.raises(ValueError, match="frame: expected"):
        session.push(frame_of(b"", 48000, 1))
    if not hangs:
        plugin.wait_for("unload")  # until then, it is asked again
    session.update_stream_info(AudioStreamInfo())
    session.close()
    assert str(session.last_error).endswith(reason)
    plugin.go_on()
    plugin.wait_for("unload")
    assert plugin.count("create") == (define in ("CREATES_NULL", "HANGS_CREATE"))
    assert plugin.count("destroy") == (define == "HANGS_CREATE")
    assert len(caplog.records) == 1


# -- stream info ------------------------------------------------------------------------------------------------------


def test_stream_info_arrives(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path)
    info = AudioStreamInfo("wss://a", "RM_1", 'night "train" ä', "guest", "PA_1", "TR_1")
    session = active(open_session(plugin, options={"a": 1}, stream_info=info))
    session.update_stream_info(AudioStreamInfo(track_id="TR_2"))
    keys = ["url", "roomId", "roomName", "participantIdentity", "participantId", "trackId"]
    first = dict(zip(keys, ["wss://a", "RM_1", 'night "train" ä', "guest", "PA_1", "TR_1"], strict=True))
    second = {**dict.fromkeys(keys, ""), "trackId": "TR_2"}
    texts = [json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in (first, second)]
    assert plugin.calls[2:] == [f'create 48000 {{"a":1}} {texts[0]}', f"update_stream_info {texts[1]}"]
    with pytest.raises(TypeError, match="stream_info: expected an AudioStreamInfo, got"):
        session.update_stream_info({})  # type: ignore[arg-type]
    session.close()
    with pytest.raises(RuntimeError, match="closed"):
        session.update_stream_info(info)


class Halting:
    """The plugin's session, whose `process` is at work until it is released."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.entered, self.release = threading.Event(), threading.Event()
        self.calls: list[str] = []

    def process(self, samples: bytearray) -> bytearray:
        self.entered.set()
        assert self.release.wait(60)
        result: bytearray = self.session.process(samples)
        self.calls.append("processed")
        return result

    def update_stream_info(self, text: str) -> None:
        self.calls.append(json.loads(text)["roomId"])
        self.session.update_stream_info(text)

    def destroy(self) -> None:
        self.session.destroy()


@pytest.mark.parametrize("closes", [False, True])
def test_stream_info_that_comes_while_the_plugin_is_at_work(tmp_path: Path, closes: bool) -> None:
    """The thread that tells it, which may be that of another event loop, does not wait for the plugin."""
    session = active(open_session(Plugin(tmp_path)))
    session._session = halting = Halting(session._session)  # type: ignore[assignment]

    def push() -> None:
        with contextlib.suppress(RuntimeError):  # closed in the meantime
            session.push(AudioFrame.create(48000, 1, 480))

    thread = threading.Thread(target=push)
    thread.start()
    try:
        assert halting.entered.wait(60)
        for i in range(2):
            session.update_stream_info(AudioStreamInfo(room_id=f"RM_{i}"))
        assert halting.calls == []
        if closes:
            session.close()
            until(lambda: halting.session.destroyed)
    finally:
        halting.release.set()
        thread.join()
    if not closes:
        assert halting.calls == ["processed", "RM_0", "RM_1"]
        session.update_stream_info(AudioStreamInfo(room_id="RM_2"))
        assert halting.calls[3:] == ["RM_2"]
        session.close()


def test_stream_info_that_comes_while_it_starts(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "HANGS_CREATE")
    session = open_session(plugin)
    plugin.wait_for("creating")
    for i in range(3):
        session.update_stream_info(AudioStreamInfo(room_id=f"RM_{i}"))
    plugin.go_on()
    active(session)
    assert plugin.count("update_stream_info") == 1
    assert "RM_2" in plugin.calls[-1]
    session.close()


def test_stream_info_is_checked() -> None:
    with pytest.raises(TypeError, match="room_id: expected a str, got 1"):
        AudioStreamInfo(room_id=1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="stream_info: expected what JSON can express"):
        AudioStreamInfo(room_id="\ud800")
    assert json.loads(AudioStreamInfo(room_id="a\0b").to_json())["roomId"] == "a\0b"
    assert AudioStreamInfo("a") == AudioStreamInfo(url="a")


# -- the end ----------------------------------------------------------------------------------------------------------


def test_sessions_are_counted_and_destroyed(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path)
    opened = AudioFilter(plugin.id, plugin.path)
    sessions = [opened.create_session(48000, 1) for _ in range(30)]
    for session in sessions:
        active(session)
    assert (plugin.count("on_load"), plugin.count("create")) == (1, 30)
    for session in sessions[:10]:
        session.close()
        session.close()
    plugin.wait_for("destroy", 10)
    opened.close()
    for session in sessions[10:]:
        assert len(session.push(frame_of(bytes(960)))) == 1  # the library is still there
        session.close()
    plugin.wait_for("unload")
    assert (plugin.count("destroy"), plugin.calls[-1]) == (30, "unload")


def test_after_close(tmp_path: Path) -> None:
    session = active(open_session(Plugin(tmp_path)))
    session.push(frame_of(bytes(100)))
    session.close()
    assert session.state is AudioFilterState.CLOSED
    assert session.last_error is None
    for call in (lambda: session.push(frame_of(b"")), session.flush):
        with pytest.raises(RuntimeError, match="this AudioFilterSession is closed"):
            call()


def test_aclose_waits_for_the_plugin(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plugin, hanging_plugin = (Plugin(tmp_path, "HANGS_DESTROY") for _ in range(2))

    async def main() -> None:
        session = open_session(plugin)
        await session.wait_ready()
        closing = asyncio.create_task(session.aclose(timeout_ms=60_000))
        await asyncio.sleep(0.05)
        assert not closing.done()
        plugin.go_on()
        await closing
        assert plugin.count("destroy") == 1
        assert caplog.text == ""
        hanging = open_session(hanging_plugin)
        await hanging.wait_ready()
        await hanging.aclose(timeout_ms=50)
        await hanging.aclose(timeout_ms=50)

    asyncio.run(main())
    hanging_plugin.go_on()
    assert "has not ended its session within 50 ms" in caplog.text


def test_aclose_while_it_starts(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "HANGS_CREATE")
    session = open_session(plugin)
    plugin.wait_for("creating")

    async def main() -> None:
        closing = asyncio.create_task(session.aclose(timeout_ms=60_000))
        await asyncio.sleep(0.05)
        assert not closing.done()
        plugin.go_on()
        await closing

    asyncio.run(main())
    assert plugin.count("create") == plugin.count("destroy") == 1


def test_closed_while_it_processes(tmp_path: Path) -> None:
    for _ in range(5):
        plugin = Plugin(tmp_path, "SLEEP_PROCESS=5")
        session = active(open_session(plugin))
        errors: list[BaseException] = []

        def repeat(call: Callable[[], object], errors: list[BaseException] = errors) -> None:
            try:
                while True:
                    call()
            except RuntimeError as error:
                errors.append(error)

        calls: list[Callable[[], object]] = [
            functools.partial(session.push, frame_of(bytes(2000))),
            functools.partial(session.update_stream_info, AudioStreamInfo()),
            functools.partial(session.update_stream_info, AudioStreamInfo("url")),
        ]
        threads = [threading.Thread(target=repeat, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        plugin.wait_for("update_stream_info", 3)
        session.close()
        for thread in threads:
            thread.join()
        plugin.wait_for("unload")
        assert len(errors) == 3
        assert not [call for call in plugin.calls if "DURING" in call]
        assert plugin.calls[-2:] == ["destroy", "unload"]


def test_a_forgotten_session_is_closed(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path)
    session = active(open_session(plugin))
    gone = weakref.ref(session)
    gc.collect()
    gc.disable()
    try:
        until(lambda: not [t for t in threading.enumerate() if repr(plugin.id) in t.name])
        del session
        assert gone() is None, "only the garbage collector finds it"
    finally:
        gc.enable()
    plugin.wait_for("unload")
