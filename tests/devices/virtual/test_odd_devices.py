"""One odd device, or an odd machine, takes no other device away."""

from __future__ import annotations

import os
import sys
import tempfile
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from livekit_utils import DeviceError, MediaDevices
from livekit_utils.devices.backend import worker_process
from livekit_utils.devices.backend.worker_process import _open_notes, _shared_memory
from tests.support.fake_pyaudio import FakePyAudio, install


@pytest.fixture
def pyaudio(monkeypatch: pytest.MonkeyPatch) -> FakePyAudio:
    return install(monkeypatch)


def names() -> list[str]:
    devices = MediaDevices(isolated=False)
    return [device["name"] for device in devices.list_input_devices() + devices.list_output_devices()]


def test_names_that_are_not_utf_8(pyaudio: FakePyAudio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locale.getpreferredencoding", lambda do_setlocale=True: "utf-8")
    pyaudio.names = [b"M\xfcller", "half \ud83d of a pair"]
    assert names() == ["M\ufffdller", "half ? of a pair"]
    for name in names():
        name.encode()


class FailsToDecode:
    """A PyAudio that decodes names itself, and fails at one that is not UTF-8."""

    def __init__(self, pyaudio: FakePyAudio, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self.plain = pyaudio.get_device_info_by_index
        self.at = at
        monkeypatch.setattr(pyaudio, "get_device_info_by_index", self.describe)
        monkeypatch.setattr(
            pyaudio, "get_default_host_api_info", lambda: {"defaultInputDevice": 0, "defaultOutputDevice": 1}, False
        )

    def describe(self, index: int) -> dict[str, Any]:
        if index == self.at:
            b"M\xfcller".decode()
        return self.plain(index)


@pytest.mark.parametrize("at", [0, 1])
def test_a_pyaudio_that_fails_at_a_name_still_lists_the_others(
    pyaudio: FakePyAudio, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    FailsToDecode(pyaudio, monkeypatch, at)
    assert names() == [["Speaker"], ["Microphone"]][at]
    devices = MediaDevices(isolated=False)
    assert (devices.default_input_device(), devices.default_output_device()) == [(None, 1), (0, None)][at]


def test_a_pyaudio_that_fails_at_a_name_may_still_describe_the_device(
    pyaudio: FakePyAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = FailsToDecode(pyaudio, monkeypatch, 0)
    raw = ModuleType("pyaudio._portaudio")
    raw.get_device_info = lambda index: SimpleNamespace(**fails.plain(index))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyaudio._portaudio", raw)
    assert names() == ["M\ufffdller", "Speaker"]
    assert MediaDevices(isolated=False).default_input_device() == 0


def test_a_device_that_cannot_be_described(pyaudio: FakePyAudio, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = pyaudio.get_device_info_by_index

    def describe(index: int) -> dict[str, Any]:
        if index == 0:
            raise OSError(-9996, "Invalid device info")
        return plain(index)

    monkeypatch.setattr(pyaudio, "get_device_info_by_index", describe)
    assert names() == ["Speaker"]


@pytest.mark.parametrize("error", [OSError(-9979, "Invalid host API"), UnicodeDecodeError("utf-8", b"\xfc", 0, 1, "x")])
def test_a_host_api_without_a_name(pyaudio: FakePyAudio, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def describe(index: int) -> dict[str, Any]:
        raise error

    monkeypatch.setattr(pyaudio, "get_host_api_info_by_index", describe)
    (device,) = MediaDevices(isolated=False).list_input_devices()
    assert (device["name"], device["host_api"]) == ("Microphone", "host API 0")


@pytest.fixture
def no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be written to: as in a container whose file system is read-only."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(tempfile, "gettempdir", refuse)


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs memory that is a file")
def test_a_device_needs_no_folder_for_temporary_files(no_folder: None) -> None:
    with _shared_memory() as memory:
        memory.write(b"x")
    notes = _open_notes()
    assert notes is not None
    notes.close()


def test_where_there_is_no_memory_that_is_a_file_either(no_folder: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the sound system prints is not kept; a device needs memory, and says so."""
    pytest.importorskip("pyaudio", reason="PyAudio is not installed")
    monkeypatch.delattr(os, "memfd_create", raising=False)
    assert _open_notes() is None
    with worker_process._start(["-"], [], None) as process:
        process.kill()
    with pytest.raises(DeviceError, match=r"cannot open .*memory.*No usable temporary directory"):
        MediaDevices(isolated=True).open_output()._stream.open()
