"""WorkerThread: a device stream in a thread of this process, where no other process is wanted or can be had."""

from __future__ import annotations

import asyncio
import mmap
import queue
import threading
from collections.abc import Callable
from typing import Any

from livekit_utils._kernels.quiet import quiet_sound_libraries
from livekit_utils._runtime.threads import start_thread
from livekit_utils.devices.backend import portaudio
from livekit_utils.devices.backend.portaudio_stream import PortAudioStream
from livekit_utils.devices.backend.request import DeviceError, DeviceRequest
from livekit_utils.devices.backend.worker import Worker

# PortAudio is not made for several threads.
_PORTAUDIO = threading.Lock()

_END_S = 2.0


class WorkerThread(Worker):
    """Starts the thread and waits until the device is open.

    What a hanging sound server holds up is left to the thread, and to the end of the process.

    Raises:
        DeviceError: It cannot be opened, or that takes longer than `timeout_s`.
        ImportError: PyAudio is not installed, or does not load.
    """

    def __init__(self, request: DeviceRequest, timeout_s: float) -> None:
        self._stream = PortAudioStream(request, self._wake)
        self._opened = threading.Event()
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waking = False
        portaudio.load()
        start_thread("sound device", self._run)
        if not self._opened.wait(timeout_s):
            self._stopping.set()
            raise DeviceError(f"cannot open {request.wanted}: the sound system did not answer within {timeout_s:g} s")
        if self._error is not None:
            raise self._error
        self.memory = self._stream.memory

    def listen(
        self, loop: asyncio.AbstractEventLoop, on_wake: Callable[[], None], on_end: Callable[[str], None]
    ) -> None:
        self._on_wake, self._on_end = on_wake, on_end
        self._waking = False
        self._loop = loop

    def leave(self) -> None:
        self._loop = None

    def close(self) -> None:
        self._stopping.set()
        self._ended.wait(_END_S)

    # -- in the thread of the stream ----------------------------------------------------------------------------------

    def _run(self) -> None:
        reason: str | None = None
        try:
            with _PORTAUDIO:
                quiet_sound_libraries()
                self.info = self._stream.open(lambda num_bytes: mmap.mmap(-1, num_bytes))
            self._opened.set()
            reason = self._stream.watch(self._stopping.wait)
            if reason is None:
                self._ended.wait(self._stream.fade_out())
        except BaseException as error:
            self._error, reason = error, repr(error)
        finally:
            self._opened.set()
            if reason is not None:
                self._call(lambda: self._on_end(reason))
            try:
                with _PORTAUDIO:
                    self._stream.close()
            finally:
                self._ended.set()

    # -- in the thread of the sound card ------------------------------------------------------------------------------

    def _wake(self) -> None:
        if not self._waking:
            self._waking = True
            self._call(self._woken)

    def _woken(self) -> None:
        self._waking = False
        if self._loop is not None:
            self._on_wake()

    def _call(self, callback: Callable[[], None]) -> None:
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(callback)
        except RuntimeError:
            self._loop = None  # it is closed, and nobody listens any more


def list_devices(timeout_s: float) -> list[dict[str, Any]]:
    """The devices that PortAudio knew when the first of those that are open now was opened; all of now, if none is.

    Raises:
        DeviceError: The sound system does not answer.
        ImportError: PyAudio is not installed, or does not load.
    """
    pyaudio = portaudio.load()
    result: queue.SimpleQueue[list[dict[str, Any]] | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            with _PORTAUDIO:
                quiet_sound_libraries()
                opened = pyaudio.PyAudio()
                try:
                    devices = portaudio.list_devices(opened)
                finally:
                    opened.terminate()
            result.put(devices)
        except BaseException as error:  # for the caller, whatever it is
            result.put(error)

    start_thread("list sound devices", run)
    try:
        devices = result.get(timeout=timeout_s)
    except queue.Empty:
        raise DeviceError(f"the sound system did not answer within {timeout_s:g} s") from None
    if isinstance(devices, OSError):
        raise DeviceError(f"cannot list the sound devices: {devices}") from devices
    if isinstance(devices, BaseException):
        raise devices
    return devices
