"""Devices where there is nothing of Linux: on Windows, and on any system made to look like it."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from livekit_utils import AudioFrame, AudioStream, DeviceError, DeviceState, LocalAudioTrack, MediaDevices
from tests.support.fake_pyaudio import FakePyAudio, install

# What the standard library has on some systems only, and the devices' code could come to use.
UNIX_ONLY = [
    (os, ["RTLD_NOLOAD", "RTLD_NOW", "RTLD_LAZY", "RTLD_GLOBAL", "memfd_create", "MFD_CLOEXEC", "set_blocking", "fork",
          "killpg", "setsid", "getuid", "mkfifo", "eventfd", "sched_setscheduler", "nice", "posix_spawn"]),
    (signal, ["SIGKILL", "SIGHUP", "SIGUSR1", "pthread_sigmask"]),
    (socket, ["MSG_DONTWAIT", "send_fds"]),
]  # fmt: skip
NO_MODULES = ["resource", "fcntl", "termios", "pwd", "_posixshmem"]

CDLL = ctypes.CDLL


class WindowsCDLL(CDLL):
    """As ctypes loads there: by a name, which it looks into."""

    def __init__(self, name: Any, *rest: Any, **options: Any) -> None:
        if "/" in name or "\\" in name:  # a TypeError for None
            raise FileNotFoundError(f"Could not find module {name!r}")
        raise FileNotFoundError(f"Could not find module {name!r}")


class WindowsPopen(subprocess.Popen):  # type: ignore[type-arg]
    """As subprocess refuses there what is for POSIX."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        if options.get("pass_fds"):
            raise ValueError("pass_fds not supported on Windows.")
        super().__init__(*arguments, **options)


class Com:
    """ole32, which counts for each thread."""

    def __init__(self) -> None:
        self.ole32 = self
        self.threads: list[int] = []  # in which COM is initialised

    def CoInitializeEx(self, reserved: None, mode: int) -> int:
        assert (reserved, mode) == (None, 0)
        self.threads.append(threading.get_ident())
        return 0

    def CoUninitialize(self) -> None:
        self.threads.remove(threading.get_ident())


@pytest.fixture
def pyaudio(monkeypatch: pytest.MonkeyPatch) -> FakePyAudio:
    if sys.platform != "win32":
        monkeypatch.setattr(sys, "platform", "win32")
        monkeypatch.setattr(ctypes, "CDLL", WindowsCDLL)
        monkeypatch.setattr(subprocess, "Popen", WindowsPopen)
        monkeypatch.setattr(ctypes, "windll", Com(), raising=False)
        for module, names in UNIX_ONLY:
            for name in names:
                monkeypatch.delattr(module, name, raising=False)
        for name in NO_MODULES:
            monkeypatch.setitem(sys.modules, name, None)
    return install(monkeypatch)


def test_devices_are_listed(pyaudio: FakePyAudio) -> None:
    devices = MediaDevices()
    assert [device["name"] for device in devices.list_input_devices()] == ["Microphone"]
    assert [device["name"] for device in devices.list_output_devices()] == ["Speaker"]
    assert (devices.default_input_device(), devices.default_output_device()) == (0, 1)
    assert pyaudio.num_open == 0


@pytest.mark.parametrize(
    ("failure", "kind"), [(OSError("no host API"), DeviceError), (TypeError("a NoneType"), TypeError)]
)
def test_whatever_a_listing_raises_is_said_at_once(pyaudio: FakePyAudio, failure: Exception, kind: Any) -> None:
    pyaudio.failure = failure
    with pytest.raises(kind, match=str(failure)) as caught:
        MediaDevices().list_input_devices()
    assert failure in (caught.value, caught.value.__cause__)
    assert pyaudio.num_open == 0


def test_a_name_in_utf_8_that_pyaudio_took_for_the_code_page_of_windows(
    pyaudio: FakePyAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locale.getpreferredencoding", lambda do_setlocale=True: "cp1252")
    pyaudio.names = ["Mikrofon für Gäste".encode().decode("cp1252"), "Haut-parleur épais"]
    assert MediaDevices().list_input_devices()[0]["name"] == "Mikrofon für Gäste"
    assert MediaDevices().list_output_devices()[0]["name"] == "Haut-parleur épais"
    pyaudio.names = ["Микрофон".encode(), "Lautsprecher für Gäste".encode("latin-1")]  # it could not decode them
    assert MediaDevices().list_input_devices()[0]["name"] == "Микрофон"
    assert MediaDevices().list_output_devices()[0]["name"] == "Lautsprecher f\ufffdr G\ufffdste"


def test_a_microphone_is_heard(pyaudio: FakePyAudio) -> None:
    async def main() -> None:
        devices = MediaDevices(blocksize=480)
        capture = await devices.aopen_input(
            enable_aec=False, noise_suppression=False, high_pass_filter=False, auto_gain_control=False
        )
        async with capture:
            assert capture.state is DeviceState.OPENING
            changes = capture.state_changes()
            stream = AudioStream(LocalAudioTrack.create_audio_track("microphone", capture.source))
            for value in range(1, 6):
                block = value.to_bytes(2, "little") * 480
                await asyncio.to_thread(pyaudio.streams[0].move, block, 480)
                event = await asyncio.wait_for(anext(stream), 30)
                assert bytes(event.frame.data) == block
            assert (await asyncio.wait_for(anext(changes), 30)).state is DeviceState.RUNNING
            await stream.aclose()
        assert not pyaudio.streams[0].active
        await capture.source.aclose()

    asyncio.run(main())
    assert pyaudio.num_open == 0


def test_a_speaker_plays(pyaudio: FakePyAudio) -> None:
    sound = bytes(range(1, 241)) * 40  # 100 ms

    async def frames() -> AsyncIterator[AudioFrame]:
        for i in range(0, len(sound), 960):
            yield AudioFrame(sound[i : i + 960], 48000, 1, 480)

    async def main() -> bytes:
        heard = b""
        async with MediaDevices(blocksize=480).open_output() as player:
            await player.start()
            assert player.state is DeviceState.OPENING
            player.add_stream(frames())
            playing = asyncio.create_task(player.wait_for_playout())
            while not playing.done():
                heard += await asyncio.to_thread(pyaudio.streams[0].move, None, 480) or b""
                await asyncio.sleep(0)
        return heard

    heard = asyncio.run(asyncio.wait_for(main(), 60))
    assert heard.strip(b"\0") == sound.strip(b"\0")
    assert pyaudio.num_open == 0


@pytest.mark.skipif(sys.platform == "win32", reason="looks at a stand-in for ole32")
def test_each_thread_that_calls_portaudio_has_com(pyaudio: FakePyAudio, monkeypatch: pytest.MonkeyPatch) -> None:
    com: Com = ctypes.windll  # type: ignore[attr-defined]
    seen: list[int] = []

    def note(function: Any) -> Any:
        def noted(*arguments: Any, **options: Any) -> Any:
            assert threading.get_ident() in com.threads
            seen.append(threading.get_ident())
            return function(*arguments, **options)

        return noted

    for name in ("PyAudio", "open", "terminate"):
        monkeypatch.setattr(pyaudio, name, note(getattr(pyaudio, name)))
    MediaDevices().list_input_devices()

    async def main() -> None:
        players = [MediaDevices().open_output() for _ in range(2)]
        for player in players:
            await player.start()
        for player in players:
            await player.aclose()

    asyncio.run(main())
    assert len(seen) == 2 + 2 * 3
    assert len(set(seen[2:])) == 2
    assert not com.threads


def test_a_process_per_device_is_refused_in_words(pyaudio: FakePyAudio) -> None:
    with pytest.raises(ValueError, match=r"isolated: expected False or None .* got True"):
        MediaDevices(isolated=True)
