"""The register, and filtering without a stream."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from livekit_utils import (
    AudioFilter,
    AudioFilterError,
    AudioFilterLoadState,
    AudioFilterState,
    AudioFrame,
    NoiseCancellationOptions,
    combine_audio_frames,
)
from tests.support.audio_filters import Plugin, filtered, is_mapped, until
from tests.support.randomness import Rand


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    yield
    with pytest.raises(ValueError, match="none is loaded"):
        AudioFilter.get("")


def frame_of(samples: bytes, sample_rate: int = 48000, num_channels: int = 1) -> AudioFrame:
    return AudioFrame(samples, sample_rate, num_channels, len(samples) // (2 * num_channels))


# -- the register ---------------------------------------------------------------------------------------------------


def test_several_modules_at_once(tmp_path: Path) -> None:
    plugins = [Plugin(tmp_path) for _ in range(5)]
    filters = [AudioFilter(plugin.id, plugin.path) for plugin in plugins]
    for plugin, opened in zip(plugins, filters, strict=True):
        assert AudioFilter.get(plugin.id) is opened
        assert (opened.module_id, opened.path, opened.last_error) == (plugin.id, str(plugin.path), None)
        assert opened.state is AudioFilterLoadState.LOADED
    with pytest.raises(ValueError, match="got 'other'") as caught:
        AudioFilter.get("other")
    assert f"({', '.join(sorted(repr(plugin.id) for plugin in plugins))})" in str(caught.value)
    for opened in filters:
        opened.close()
        opened.close()
        assert opened.state is AudioFilterLoadState.CLOSED
        with pytest.raises(ValueError, match="got"):
            AudioFilter.get(opened.module_id)
    for plugin in plugins:
        plugin.wait_for("unload")
        assert plugin.calls == ["load", "unload"]


def test_the_same_id_and_file_share_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = Plugin(tmp_path)
    first = AudioFilter(plugin.id, plugin.path)
    link = tmp_path / "link.so"
    link.symlink_to(plugin.path)
    monkeypatch.chdir(tmp_path)
    second, third = AudioFilter(plugin.id, plugin.path.name), AudioFilter(plugin.id, link)
    assert AudioFilter.get(plugin.id) is first
    first.close()
    assert AudioFilter.get(plugin.id) is second
    second.close()
    third.process(frame_of(bytes(960)))
    with pytest.raises(ValueError, match=f"module_id: expected a new one, got '{plugin.id}', which is open as"):
        AudioFilter(plugin.id, Plugin(tmp_path).path)
    third.close()
    plugin.wait_for("unload")
    assert [call.split()[0] for call in plugin.calls] == ["load", "on_load", "create", "destroy", "unload"]


def test_unload_and_load_again(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path)
    for i in range(1, 4):
        with AudioFilter(plugin.id, plugin.path) as opened:
            opened.process(frame_of(bytes(960)))
            assert opened.state is AudioFilterLoadState.READY
            assert is_mapped(plugin.path)
        plugin.wait_for("unload", i)
        until(lambda: not is_mapped(plugin.path))
    assert [call.split()[0] for call in plugin.calls] == ["load", "on_load", "create", "destroy", "unload"] * 3


def test_many_threads_open_and_close_the_same(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path)
    barrier = threading.Barrier(8)

    def work(_: int) -> None:
        barrier.wait()
        for _ in range(20):
            with AudioFilter(plugin.id, plugin.path) as opened:
                assert AudioFilter.get(plugin.id).path == opened.path
                assert len(opened.process(frame_of(bytes(2000))).data) == 960

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    until(lambda: plugin.count("unload") == plugin.count("load"))
    assert plugin.count("create") == plugin.count("destroy") == 160
    assert not [call for call in plugin.calls if "DURING" in call]


def test_load_without_holding_up_the_loop(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path)

    async def main() -> None:
        opened, again = await asyncio.gather(*(AudioFilter.load(plugin.id, str(plugin.path)) for _ in range(2)))
        assert AudioFilter.get(plugin.id) in (opened, again)
        opened.close()
        again.close()

    asyncio.run(main())
    plugin.wait_for("unload")


def test_use_after_close(tmp_path: Path) -> None:
    opened = AudioFilter("a", Plugin(tmp_path).path)
    opened.process(frame_of(bytes(970)))
    opened.close()
    for call in (
        lambda: opened.process(frame_of(b"")),
        opened.flush,
        lambda: opened.create_session(48000, 1),
        lambda: opened.update_credentials("", ""),
    ):
        with pytest.raises(RuntimeError, match="this AudioFilter is closed"):
            call()
    assert "closed" in repr(opened)


# -- without a stream -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["WITH_V1", "WITH_V2"])
@pytest.mark.parametrize(("sample_rate", "num_channels"), [(48000, 1), (16000, 2), (22050, 1), (44100, 6), (100, 1)])
def test_process_is_exact_however_it_is_cut(
    tmp_path: Path, rand: Rand, version: str, sample_rate: int, num_channels: int
) -> None:
    plugin = Plugin(tmp_path, version)
    samples = rand.pcm(
        sample_rate // 100 * 7 * num_channels + rand.randrange(max(sample_rate // 100, 1)) * num_channels
    )
    with AudioFilter(plugin.id, plugin.path) as opened:
        for _ in range(3):
            frames, at = [], 0
            while at < len(samples):
                size = 2 * num_channels * rand.choice((0, 1, 7, sample_rate // 100, rand.randrange(2000)))
                frames.append(opened.process(frame_of(samples[at : at + size], sample_rate, num_channels)))
                at += size
            rest = opened.flush()
            result = combine_audio_frames(frames + ([rest] if rest else []))
            assert result.data.tobytes() == filtered(samples)
            assert (result.sample_rate, result.num_channels) == (sample_rate, num_channels)
            assert opened.flush() is None
        plugin.wait_for("destroy", 3)
    assert "VERSION 1" not in plugin.calls


def test_the_plugin_gets_blocks_of_10_ms(tmp_path: Path) -> None:
    with AudioFilter("a", Plugin(tmp_path, "COUNTS_SAMPLES").path) as opened:
        result = opened.process(frame_of(bytes(2 * 2 * 1000), 48000, 2))
        assert set(result.data.tolist()) == {960}
        rest = opened.flush()
        assert rest is not None
        assert (rest.samples_per_channel, set(rest.data.tolist())) == (40, {960})
        assert set(opened.process(frame_of(bytes(2 * 441), 22050)).data.tolist()) == {220}


def test_a_row_has_one_format_until_flush(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path)
    with AudioFilter(plugin.id, plugin.path) as opened:
        assert opened.process(frame_of(b"\1\0" * 10), options={"a": 1}).samples_per_channel == 0
        for wrong in (frame_of(bytes(4), 16000), frame_of(bytes(4), 48000, 2)):
            with pytest.raises(ValueError, match="frame: expected 48000 Hz and 1 channels"):
                opened.process(wrong)
        rest = opened.flush()
        assert rest is not None
        assert rest.data.tolist() == [1, *[0] * 9]
        opened.process(frame_of(bytes(4), 16000, 2), options={"a": 2})
    info = json.dumps(dict.fromkeys(CAMEL, ""), separators=(",", ":"))
    created = [call for call in plugin.calls if call.startswith("create")]
    assert created == [f'create 48000 {{"a":1}} {info}', f'create 16000 {{"a":2}} {info}']


CAMEL = ("url", "roomId", "roomName", "participantIdentity", "participantId", "trackId")


@pytest.mark.parametrize(
    ("define", "text"),
    [("CREATES_NULL", "audio_filter_create returned NULL"), ("REFUSES", "audio_filter_on_load returned -7")],
)
def test_a_plugin_that_refuses(tmp_path: Path, define: str, text: str) -> None:
    plugin = Plugin(tmp_path, define)
    with AudioFilter(plugin.id, plugin.path) as opened:
        for _ in range(2):
            with pytest.raises(AudioFilterError, match=f"^'{plugin.id}': {text}$"):
                opened.process(frame_of(bytes(960)))
        if define == "REFUSES":
            assert opened.state is AudioFilterLoadState.FAILED
            assert text in str(opened.last_error)
    plugin.wait_for("unload")


def test_a_plugin_that_changes_its_mind(tmp_path: Path) -> None:
    with AudioFilter("a", Plugin(tmp_path, "REFUSES_ONCE").path) as opened:
        with pytest.raises(AudioFilterError, match="on_load returned 3"):
            opened.process(frame_of(bytes(960)))
        assert opened.state is AudioFilterLoadState.FAILED
        assert opened.process(frame_of(bytes(960))).samples_per_channel == 480
        assert opened.state is AudioFilterLoadState.READY
        assert opened.last_error is None


def circle() -> dict[str, Any]:
    options: dict[str, Any] = {}
    options["self"] = options
    return options


def deep() -> dict[str, Any]:
    options: dict[str, Any] = {}
    for _ in range(100_000):
        options = {"a": options}
    return options


def test_options_that_are_no_json(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path)
    frame = frame_of(bytes(960))
    with AudioFilter(plugin.id, plugin.path) as opened:
        for make in (lambda o: opened.create_session(48000, 1, options=o), lambda o: opened.process(frame, options=o)):
            for wrong in ([], "{}", 1, NoiseCancellationOptions("a", {})):
                with pytest.raises(TypeError, match="options: expected a dict"):
                    make(wrong)
            for wrong in ({"a": {1}}, {"a": b"b"}, {(1, 2): 3}):
                with pytest.raises(TypeError, match="options: expected what JSON can express"):
                    make(wrong)
            for wrong in ({"a": math.nan}, {"a": [math.inf]}, {"a": "\ud800"}, circle(), deep()):
                with pytest.raises(ValueError, match="options: expected what JSON can express"):
                    make(wrong)
    plugin.wait_for("unload")
    assert plugin.count("create") == 0


def test_options_arrive_as_they_are(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path)
    options = {"text": 'ä"\\\n\0€😀', "list": [1, 2.5, True, None, {}], "": ""}
    with AudioFilter(plugin.id, plugin.path) as opened:
        opened.process(frame_of(bytes(2)), options=options)
    (created,) = (call for call in plugin.calls if call.startswith("create"))
    text = created.removeprefix("create 48000 ").rpartition(" ")[0]
    assert json.loads(text) == options
    assert "ä" in text


# -- credentials ------------------------------------------------------------------------------------------------------


def test_credentials(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "WITH_UPDATE_TOKEN")
    with AudioFilter(plugin.id, plugin.path) as opened:
        opened.update_credentials("wss://old", "t0")
        opened.update_credentials('wss://host/?ä="', "t1")
        opened.process(frame_of(bytes(960)))
        assert plugin.calls[1] == 'on_load {"url":"wss://host/?ä=\\"","token":"t1"}'
        for i in range(2, 6):
            opened.update_credentials("wss://new", f"t{i}")
            plugin.wait_for("update_token", i - 1)
        opened.flush()
        opened.process(frame_of(bytes(960)))
    plugin.wait_for("unload")
    updates = [call for call in plugin.calls if call.startswith("update_token")]
    assert updates == [f"update_token wss://new t{i}" for i in range(2, 6)]
    assert plugin.count("on_load") == 1


def test_credentials_come_while_the_plugin_is_busy(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "WITH_UPDATE_TOKEN", "HANGS_ON_LOAD")
    with AudioFilter(plugin.id, plugin.path) as opened:
        session = opened.create_session(48000, 1)
        plugin.wait_for("loading")  # with the first credentials
        for i in range(1000):
            opened.update_credentials("u", f"t{i}")
        plugin.go_on()
        plugin.wait_for("update_token")
        until(lambda: opened.state is AudioFilterLoadState.READY)
        assert [call for call in plugin.calls if call.startswith("update_token")] == ["update_token u t999"]
        session.close()
    plugin.wait_for("unload")


def test_credentials_for_a_plugin_that_does_not_care(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path)
    with AudioFilter(plugin.id, plugin.path) as opened:
        opened.process(frame_of(bytes(960)))
        opened.update_credentials("a", "b")
        assert plugin.calls[1] == 'on_load {"url":"","token":""}'
        wrong: Any
        for wrong in (("a", None), (1, "b"), (b"a", "b")):
            with pytest.raises(TypeError, match=r"(url|token): expected a str"):
                opened.update_credentials(*wrong)
        for wrong in (("a\0", "b"), ("a", "\ud800")):
            with pytest.raises(ValueError, match="expected"):
                opened.update_credentials(*wrong)
    plugin.wait_for("unload")


def test_closed_while_it_processes(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "SLEEP_PROCESS=20")
    opened = AudioFilter(plugin.id, plugin.path)
    errors: list[str] = []

    def work() -> None:
        try:
            while True:
                opened.process(frame_of(bytes(9600)))
        except RuntimeError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    plugin.wait_for("create")
    opened.close()
    for thread in threads:
        thread.join()
    assert len(errors) == 3
    plugin.wait_for("unload")
    assert [call.split()[0] for call in plugin.calls] == ["load", "on_load", "create", "destroy", "unload"]


def test_a_session_state_is_no_filter_state(tmp_path: Path) -> None:
    with AudioFilter("a", Plugin(tmp_path).path) as opened:
        session = opened.create_session(8000, 1)
        until(lambda: session.state is AudioFilterState.ACTIVE)
        assert repr(session) == "AudioFilterSession('a', sample_rate=8000, num_channels=1, active)"
        assert opened.state is AudioFilterLoadState.READY
        assert repr(opened).endswith(", ready)")
        session.close()
