"""WorkerProcess: runs a device stream in a process of its own.

If a sound server stops answering there, a thread of PortAudio spins, or native code crashes, the process can be ended
and the device opened again. And a GIL that the application holds for long is not heard.
"""

from __future__ import annotations

import asyncio
import json
import logging
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from livekit_utils.devices.backend.memory import DeviceMemory
from livekit_utils.devices.backend.request import DeviceError, DeviceRequest, OpenedDevice
from livekit_utils.devices.backend.worker import Worker

logger = logging.getLogger("livekit_utils")

# The folder of this package comes last, so that nothing in it hides a module of Python's own.
_START = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from livekit_utils.devices.backend.worker_main import main; main(sys.argv[2:])"
)
_PACKAGE_HOME = str(Path(__file__).parents[3])

# The byte that the process sends for a wake.
_WAKE = ord("\n")

# A process that was asked to end gets this long, for its fade-out of 30 ms and the sound system; then it is killed.
_END_S = 0.5

# Lines of PortAudio's and the sound system's output that are logged per process, at DEBUG.
_MAX_NOTES = 20


class WorkerProcess(Worker):
    """Starts the process, and waits until the device is open there.

    Raises:
        DeviceError: The device cannot be opened, or that takes longer than `timeout_s`.
        ImportError: PyAudio is not installed, or does not load.
    """

    def __init__(self, request: DeviceRequest, timeout_s: float) -> None:
        self._socket, far_end = socket.socketpair()
        self._notes = _open_notes()
        self._process: subprocess.Popen[bytes] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._received = bytearray(4096)
        self._last_words = b""
        self._closed = False
        try:
            with far_end, _memory_for(request) as memory:
                self._process = _start(["stream", request.to_json()], [far_end.fileno(), memory.fileno()], self._notes)
                far_end.close()
                answer = _receive(self._socket, self._process, request, timeout_s)
                self.info = OpenedDevice(**answer)
                mapped = mmap.mmap(memory.fileno(), 0)
                self.memory = DeviceMemory.attach(mapped, self.info.ring_capacity, self.info.tap_capacity)
        except BaseException:
            self.close()
            raise
        self._socket.setblocking(False)

    def listen(
        self, loop: asyncio.AbstractEventLoop, on_wake: Callable[[], None], on_end: Callable[[str], None]
    ) -> None:
        self._loop, self._on_wake, self._on_end = loop, on_wake, on_end
        loop.add_reader(self._socket, self._on_readable)

    def leave(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
        self._loop = None

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._socket.close()  # the process ends when it notices
        if self._process is not None:
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        _log_notes(self._notes)

    def _on_readable(self) -> None:
        """Reads what the process sends: a byte for each wake, and before its end the reason as JSON."""
        try:
            num_received = self._socket.recv_into(self._received)
        except BlockingIOError:
            return
        except OSError:
            num_received = 0
        if num_received:
            if num_received > 1 or self._received[0] != _WAKE:
                self._last_words += self._received[:num_received].replace(b"\n", b"")
            self._on_wake()
            return
        self.leave()
        self._on_end(end_reason(self._last_words))


def end_reason(last_words: bytes) -> str:
    """Returns why the device ended, from the last words of its process, which may be empty or cut off."""
    try:
        reason: str = json.loads(last_words)["ended"]
    except (ValueError, TypeError, KeyError):
        return "the process that looks after it ended"
    return reason


def list_devices(timeout_s: float) -> list[dict[str, Any]]:
    """Lists the devices of this moment, in a new process: PortAudio makes its list only once per process.

    Raises:
        DeviceError: The sound system does not answer, or has ended the process.
        ImportError: PyAudio is not installed, or does not load.
    """
    near_end, far_end = socket.socketpair()
    with near_end:
        notes = _open_notes()
        with far_end:
            process = _start(["list"], [far_end.fileno()], notes)
        try:
            devices: list[dict[str, Any]] = _receive(near_end, process, None, timeout_s)["devices"]
            return devices
        finally:
            process.kill()
            process.wait()
            _log_notes(notes)


def _shared_memory() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("livekit_utils", os.MFD_CLOEXEC), "r+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)


def _memory_for(request: DeviceRequest) -> IO[bytes]:
    try:
        return _shared_memory()
    except OSError as error:
        raise DeviceError(f"cannot open {request.wanted}: there is no memory to share with it: {error}") from error


def _open_notes() -> IO[bytes] | None:
    """Returns a file for what a process prints; None where there is neither memory nor a folder for it."""
    try:
        return _shared_memory()
    except OSError as error:
        logger.debug("what the sound system prints is not kept: %s", error)
        return None


def _start(words: list[str], files: list[int], notes: IO[bytes] | None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-c", _START, _PACKAGE_HOME, *words[:1], *map(str, files), *words[1:]]
    try:
        # In a process group of its own: a Ctrl-C in the terminal is for the application, which then ends it.
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if notes is None else notes,
            pass_fds=files,
            process_group=0,
        )
    except OSError as error:
        raise DeviceError(f"cannot start a process for a sound device: {error}") from error


def _receive(
    near_end: socket.socket, process: subprocess.Popen[bytes], request: DeviceRequest | None, timeout_s: float
) -> dict[str, Any]:
    """Waits for the first line that the process sends, and returns it as a dictionary.

    Raises:
        DeviceError: It does not come in time, or reports a failure.
        ImportError: It reports that PyAudio does not load.
    """
    subject = "cannot list the sound devices" if request is None else f"cannot open {request.wanted}"
    deadline = time.monotonic() + timeout_s
    received = b""
    while not received.endswith(b"\n"):
        near_end.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            some = near_end.recv(65536)
        except TimeoutError:
            raise DeviceError(
                f"{subject}: the sound system did not answer within {timeout_s:g} s; is the sound server hanging?"
            ) from None
        if not some:
            raise DeviceError(f"{subject}: {_end_of(process)}")
        received += some
    answer: dict[str, Any] = json.loads(received.splitlines()[0])
    if "import_error" in answer:
        raise ImportError(answer["import_error"])
    if "error" in answer:
        raise DeviceError(answer["error"], code=answer["code"], device=answer["device"])
    return answer


def _end_of(process: subprocess.Popen[bytes]) -> str:
    try:
        status = process.wait(_END_S)
    except subprocess.TimeoutExpired:
        return "the process that looks after it hangs"
    if status < 0:
        name = signal.Signals(-status).name
        return f"the sound system ended the process ({name}); is there a configuration of ALSA or another sound system?"
    return f"the process that looks after it ended with status {status}"


def _log_notes(notes: IO[bytes] | None) -> None:
    """Logs what PortAudio and the sound system printed in the process."""
    if notes is None:
        return
    notes.seek(0)
    lines = notes.read(65536).decode(errors="replace").splitlines()
    notes.close()
    for line in lines[:_MAX_NOTES]:
        logger.debug("sound system: %s", line)
