"""WorkerThread: runs a device stream in a thread of this process, if no other process is wanted or possible."""

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

# Held while a stream is opened or closed, or devices are listed: PortAudio does not allow that in two threads at once.
_PORTAUDIO = threading.Lock()

# A thread that was asked to end is waited for this long; a sound server that hangs may hold it for longer.
_END_S = 2.0


class WorkerThread(Worker):
    """Starts the thread, and waits until the device is open.

    Where a sound server hangs, the thread is left behind; it ends with the call that hangs, or with the program.

    Raises:
        DeviceError: The device cannot be opened, or that takes longer than `timeout_s`.
        ImportError: PyAudio is not installed, or does not load.
    """

    def __init__(self, request: DeviceRequest, timeout_s: float) -> None:
        self._signal = LoopSignal()
        self._stream = PortAudioStream(request, self._signal.wake)
        self._opened = threading.Event()
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._error: BaseException | None = None
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
        self._signal.listen(loop, on_wake, on_end)

    def leave(self) -> None:
        self._signal.leave()

    def close(self) -> None:
        self._stopping.set()
        self._ended.wait(_END_S)

    def _run(self) -> None:
        with portaudio.calling():
            self._look_after()

    def _look_after(self) -> None:
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
                self._signal.end(reason)
            try:
                with _PORTAUDIO:
                    self._stream.close()
            finally:
                self._ended.set()


class LoopSignal:
    """Tells an event loop that a device has taken or delivered a block, and that it has ended.

    `listen` and `leave` belong to the loop's thread, `wake` and `end` to any other. Nothing that comes before `listen`,
    or while it runs, is lost: `listen` sets the loop first and then has it look once at everything.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending = False  # the loop has been told and has not looked yet
        self._reason: str | None = None  # of the end

    def listen(
        self, loop: asyncio.AbstractEventLoop, on_wake: Callable[[], None], on_end: Callable[[str], None]
    ) -> None:
        self._on_wake, self._on_end = on_wake, on_end
        self._loop = loop
        loop.call_soon(self._look)

    def leave(self) -> None:
        self._loop = None

    def wake(self) -> None:
        """Has `on_wake` called in the loop; once for all calls that come before the loop gets to it."""
        if not self._pending:
            self._pending = True
            self._tell()

    def end(self, reason: str) -> None:
        """Has `on_end` called in the loop, after a last `on_wake`."""
        self._reason = reason
        self._tell()

    def _tell(self) -> None:
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._look)
        except RuntimeError:
            self._loop = None  # it is closed, and nobody listens any more

    def _look(self) -> None:
        self._pending = False
        if self._loop is None:
            return
        reason = self._reason
        try:
            self._on_wake()
        finally:
            if reason is not None and self._loop is not None:
                self.leave()
                self._on_end(reason)


def list_devices(timeout_s: float) -> list[dict[str, Any]]:
    """Lists the devices of this moment; while any is open, those of the moment when the first one was opened, because
    PortAudio makes its list when it is initialised.

    Raises:
        DeviceError: The sound system does not answer.
        ImportError: PyAudio is not installed, or does not load.
    """
    pyaudio = portaudio.load()
    result: queue.SimpleQueue[list[dict[str, Any]] | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            with _PORTAUDIO, portaudio.calling():
                quiet_sound_libraries()
                opened = pyaudio.PyAudio()
                try:
                    devices = portaudio.list_devices(opened)
                finally:
                    opened.terminate()
            result.put(devices)
        except BaseException as error:  # the caller raises it
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
