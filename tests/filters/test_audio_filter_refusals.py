"""What does not load, and why."""

from __future__ import annotations

import asyncio
import ctypes.util
import math
import os
from pathlib import Path
from typing import Any

import pytest

from livekit_utils import AudioFilter, AudioFilterError, AudioFrame
from tests.support.audio_filters import Plugin, is_mapped, until


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "missing.so"
    with pytest.raises(FileNotFoundError) as caught:
        AudioFilter("a", path)
    assert caught.value.filename == str(path)
    with pytest.raises(FileNotFoundError):
        asyncio.run(AudioFilter.load("a", path))
    with pytest.raises(FileNotFoundError):
        AudioFilter("a", "")


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        AudioFilter("a", tmp_path)


def test_a_text_file(tmp_path: Path) -> None:
    path = tmp_path / "text.so"
    for content in ("", "x", "no library\n" * 1000):
        path.write_text(content)
        with pytest.raises(AudioFilterError, match=rf"'a': {path} does not load: .*text\.so"):
            AudioFilter("a", path)


def test_a_pipe(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AudioFilterError, match="pipe is not a regular file"):
        AudioFilter("a", tmp_path / "pipe")


def test_a_library_that_is_cut_off(tmp_path: Path) -> None:
    """Loaded nevertheless, it would end the process."""
    whole = Plugin(tmp_path).path.read_bytes()
    if whole[:4] != b"\x7fELF":
        pytest.skip("no ELF files here")
    refused = 0
    for size in [*range(0, len(whole), 97), len(whole) - 1]:
        path = tmp_path / f"cut_{size}.so"  # never the same: a mapped file must not be written to
        path.write_bytes(whole[:size])
        try:
            AudioFilter("a", path).close()
        except AudioFilterError as error:
            assert f"{path} does not load: " in str(error)  # noqa: PT017
            refused += "the file is cut off" in str(error)
    assert refused > 10
    plugin = Plugin(tmp_path)
    path = tmp_path / "half.so"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AudioFilterError, match=r"its dependency .* does not load: the file is cut off"):
        AudioFilter(plugin.id, plugin.path, [path])


def test_a_library_that_is_no_filter() -> None:
    name = ctypes.util.find_library("m")
    path = next((p for p in Path("/").glob(f"lib*/**/{name}") if p.is_file()), None) if name else None
    if path is None:
        pytest.skip("libm is nowhere to be found")
    with pytest.raises(AudioFilterError) as caught:
        AudioFilter("a", str(path))
    assert str(caught.value) == (
        f"'a': {path} is no audio filter, it lacks audio_filter_on_load, audio_filter_create, audio_filter_destroy, "
        "audio_filter_process_int16, audio_filter_process_float, audio_filter_update_stream_info"
    )


def test_a_filter_that_lacks_functions_is_unloaded(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "NO_FLOAT_AND_DESTROY")
    with pytest.raises(AudioFilterError, match=r"lacks audio_filter_destroy, audio_filter_process_float$"):
        AudioFilter(plugin.id, plugin.path)
    assert plugin.calls == ["load", "unload"]


def test_a_symbol_that_nobody_has(tmp_path: Path) -> None:
    with pytest.raises(AudioFilterError, match="nobody_has_this"):
        AudioFilter("a", Plugin(tmp_path, "UNBOUND").path)


def test_dependencies(tmp_path: Path) -> None:
    plugin = Plugin(tmp_path, "NEEDS_DEPENDENCY")
    with pytest.raises(AudioFilterError, match="libdependency_of_tests"):
        AudioFilter(plugin.id, plugin.path)
    other = Plugin(tmp_path)
    text = tmp_path / "text.so"
    text.write_text("no library")
    for wrong in (text, tmp_path / "missing.so", "missing_library.so"):
        with pytest.raises(AudioFilterError, match=rf"its dependency {wrong} does not load"):
            AudioFilter(plugin.id, plugin.path, [other.path, wrong])
    assert other.calls == ["load", "unload"] * 3

    with AudioFilter(plugin.id, plugin.path, [str(other.path), plugin.dependency]) as opened:
        assert opened.process(AudioFrame.create(48000, 1, 480)).data.tolist() == [1000] * 480
    until(lambda: not is_mapped(plugin.dependency))
    assert other.calls[6:] == ["load", "unload"]


def test_arguments_of_another_kind(tmp_path: Path) -> None:
    path = Plugin(tmp_path).path
    wrong: Any
    for wrong in (None, 1, b"a"):
        with pytest.raises(TypeError, match="module_id: expected a str"):
            AudioFilter(wrong, path)
    for wrong in (None, 1.5, str(path).encode()):
        with pytest.raises(TypeError):
            AudioFilter("a", wrong)
    for wrong in ("abc", path, b"abc"):
        with pytest.raises(TypeError, match="dependencies: expected a list"):
            AudioFilter("a", path, wrong)
    with pytest.raises(TypeError):
        AudioFilter("a", path, [None])  # type: ignore[list-item]
    for wrong in (0, -1, math.nan, math.inf, 1e12):
        with pytest.raises(ValueError, match="timeout_ms: expected a number above 0"):
            AudioFilter("a", path, timeout_ms=wrong)
    for text in ("a\0b", "\ud800"):
        with pytest.raises((ValueError, OSError)):
            AudioFilter("a", text)
        with pytest.raises((ValueError, AudioFilterError)):
            AudioFilter("a", path, [text])
