import gc
import threading
from pathlib import Path
from typing import Any

import pytest

from livekit_utils._kernels.plugin import PluginLibrary, PluginSession
from tests.support.audio_filters import Plugin, filtered, is_mapped, until
from tests.support.buffers import RefusesWrongData, assert_not_borrowed, at_odd_address
from tests.support.randomness import Rand

REQUIRED = (
    "audio_filter_on_load",
    "audio_filter_create",
    "audio_filter_destroy",
    "audio_filter_process_int16",
    "audio_filter_process_float",
    "audio_filter_update_stream_info",
)


def start(folder: Path, *defines: str) -> tuple[Plugin, PluginLibrary, PluginSession]:
    plugin = Plugin(folder, *defines)
    library = PluginLibrary(str(plugin.path))
    session = library.create(48000, "{}", '{"url":""}')
    assert session is not None
    return plugin, library, session


class TestRefusals(RefusesWrongData):
    @pytest.fixture(autouse=True)
    def session(self, tmp_path: Path) -> Any:
        plugin, library, session = start(tmp_path)
        type(self).call = staticmethod(session.process)
        yield
        session.destroy()
        library.close()
        assert plugin.calls == ["load", 'create 48000 {} {"url":""}', "destroy", "unload"]


def test_the_life_of_a_library(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "WITH_UPDATE_TOKEN")
    library = PluginLibrary(str(plugin.path))
    assert (library.missing, library.has_update_token, library.num_sessions) == ((), True, 0)
    assert library.on_load('{"url":"ä"}') == 0
    session = library.create(16000, '{"gain":1}', '{"url":""}')
    assert session is not None
    assert library.num_sessions == 1
    session.update_stream_info('{"url":"b"}')
    library.update_token("url", "token")
    with pytest.raises(RuntimeError, match="1 sessions, 0 calls"):
        library.close()
    session.destroy()
    session.destroy()
    assert (library.num_sessions, session.destroyed) == (0, True)
    assert is_mapped(plugin.path)
    library.close()
    library.close()
    assert library.closed
    assert not is_mapped(plugin.path)
    assert plugin.calls == [
        "load",
        'on_load {"url":"ä"}',
        'create 16000 {"gain":1} {"url":""}',
        'update_stream_info {"url":"b"}',
        "update_token url token",
        "destroy",
        "unload",
    ]


def test_after_the_end(tmp_path: Path) -> None:
    _, library, session = start(tmp_path)
    session.destroy()
    for call in (lambda: session.process(bytes(4)), lambda: session.update_stream_info("{}")):
        with pytest.raises(RuntimeError, match="destroyed"):
            call()
    library.close()
    for call in (lambda: library.create(1, "", ""), lambda: library.on_load(""), lambda: library.update_token("", "")):
        with pytest.raises(RuntimeError, match="closed"):
            call()


def test_objects_that_were_not_initialised() -> None:
    session = PluginSession()
    session.destroy()
    with pytest.raises(RuntimeError, match="destroyed"):
        session.process(bytes(2))
    library = PluginLibrary.__new__(PluginLibrary)
    library.close()
    assert library.missing == REQUIRED
    with pytest.raises(RuntimeError, match="closed"):
        library.on_load("{}")


def test_initialised_twice(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path)
    library = PluginLibrary(str(plugin.path))
    with pytest.raises(RuntimeError, match="initialised already"):
        library.__init__(str(plugin.path))  # type: ignore[misc]
    library.close()
    with pytest.raises(RuntimeError, match="initialised already"):
        library.__init__(str(plugin.path))  # type: ignore[misc]
    assert plugin.calls == ["load", "unload"]


def test_what_does_not_load(tmp_path: Path) -> None:
    text = tmp_path / "text.so"
    text.write_text("no library\n" * 100)
    for path in (tmp_path / "missing.so", tmp_path, text):
        with pytest.raises(OSError, match=path.name):
            PluginLibrary(str(path))
    with pytest.raises(OSError, match="aaaa"):
        PluginLibrary(str(tmp_path / ("a" * 5000)))  # a reason that does not fit
    with pytest.raises(ValueError, match="NUL"):
        PluginLibrary("a\0b")
    with pytest.raises(TypeError):
        PluginLibrary(None)  # type: ignore[arg-type]


def test_a_symbol_that_nobody_has_is_found_when_loading(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "UNBOUND")
    with pytest.raises(OSError, match="nobody_has_this"):
        PluginLibrary(str(plugin.path))


@pytest.mark.parametrize(
    ("define", "missing"),
    [
        ("NO_SYMBOLS", REQUIRED),
        ("NO_FLOAT_AND_DESTROY", ("audio_filter_destroy", "audio_filter_process_float")),
        ("ONLY_V2", ("audio_filter_create", "audio_filter_process_int16", "audio_filter_process_float")),
    ],
)
def test_all_that_is_missing(tmp_path: Path, define: str, missing: tuple[str, ...]) -> None:
    library = PluginLibrary(str(Plugin(tmp_path, define).path))
    assert library.missing == missing
    with pytest.raises(RuntimeError, match=", ".join(missing)):
        library.create(48000, "{}", "{}")
    library.close()


def test_without_update_token(tmp_path: Path) -> None:
    library = PluginLibrary(str(Plugin(tmp_path).path))
    assert not library.has_update_token
    with pytest.raises(RuntimeError, match="no audio_filter_update_token"):
        library.update_token("", "")
    library.close()


def test_a_refused_session(tmp_path: Path) -> None:
    library = PluginLibrary(str(Plugin(tmp_path, "CREATES_NULL").path))
    assert library.create(48000, "{}", "{}") is None
    assert library.num_sessions == 0
    library.close()


def test_text_that_c_would_misread(tmp_path: Path) -> None:
    _, library, session = start(tmp_path, "WITH_UPDATE_TOKEN")
    for text in ("a\0b", "\ud800"):
        for call in (
            lambda text=text: library.on_load(text),
            lambda text=text: library.update_token(text, ""),
            lambda text=text: library.update_token("", text),
            lambda text=text: library.create(48000, text, ""),
            lambda text=text: library.create(48000, "", text),
            lambda text=text: session.update_stream_info(text),
        ):
            with pytest.raises(ValueError, match=r"NUL|surrogates"):
                call()
    for rate in (-1, 2**32):
        with pytest.raises(OverflowError):
            library.create(rate, "", "")
    session.destroy()
    library.close()


@pytest.mark.parametrize("version", ["WITH_V1", "WITH_V2"])
def test_samples(tmp_path: Path, rand: Rand, version: str) -> None:
    plugin, library, session = start(tmp_path, version)
    samples = rand.pcm(4800)
    result = bytearray()
    for i in range(0, 9600, 960):
        block = samples[i : i + 960]
        result += session.process(rand.choice((bytes, bytearray, at_odd_address))(block))
    assert result == filtered(samples)
    assert session.process(b"") == b""
    session.destroy()
    library.close()
    created = "create_v2" if version == "WITH_V2" else "create"
    assert [line.split(" ")[0] for line in plugin.calls] == ["load", created, "destroy", "unload"]


def test_output_that_is_not_written_is_silence(tmp_path: Path, rand: Rand) -> None:
    _, library, session = start(tmp_path, "WRITES_NOTHING")
    for num_samples in (1, 480, 5000):
        assert session.process(rand.pcm(num_samples)) == bytes(2 * num_samples)
    session.destroy()
    library.close()


def test_the_input_is_given_back(tmp_path: Path) -> None:
    _, library, session = start(tmp_path)
    data = bytearray(960)
    result = session.process(data)
    assert_not_borrowed(data, result)
    session.destroy()
    with pytest.raises(RuntimeError):
        session.process(data)
    assert_not_borrowed(data)
    library.close()


def test_destroy_waits_for_the_call_that_is_under_way(tmp_path: Path) -> None:
    plugin, library, session = start(tmp_path, "NOTES_PROCESS", "HANGS_PROCESS")
    thread = threading.Thread(target=session.process, args=(bytes(960),))
    thread.start()
    plugin.wait_for("processing")
    assert thread.is_alive(), "the GIL was held"
    destroying = threading.Thread(target=session.destroy)
    destroying.start()
    destroying.join(0.05)
    assert not session.destroyed
    plugin.go_on()
    destroying.join()
    thread.join()
    library.close()
    assert [line.split(" ")[0] for line in plugin.calls] == ["load", "create", "processing", "destroy", "unload"]


def test_a_destroy_that_hangs_holds_up_nobody_else(tmp_path: Path) -> None:
    plugin, library, session = start(tmp_path, "HANGS_DESTROY")
    thread = threading.Thread(target=session.destroy)
    thread.start()
    until(lambda: session.destroyed)
    with pytest.raises(RuntimeError, match="destroyed"):
        session.process(bytes(4))
    with pytest.raises(RuntimeError, match="1 sessions"):
        library.close()
    assert thread.is_alive()
    plugin.go_on()
    thread.join()
    library.close()


def test_a_session_keeps_its_library(tmp_path: Path) -> None:
    plugin, library, session = start(tmp_path)
    del library
    gc.collect()
    assert session.process(b"\1\0") == b"\1\0"
    session.destroy()
    assert is_mapped(plugin.path)  # nobody closed it
