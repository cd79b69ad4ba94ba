"""Runs in the process that looks after one device stream, started by WorkerProcess; imports no more than it needs."""

from __future__ import annotations

import ctypes
import gc
import json
import mmap
import os
import select
import signal
import socket
import sys
import time
from dataclasses import asdict
from typing import Any

from livekit_utils._kernels.quiet import quiet_sound_libraries
from livekit_utils.devices.backend import portaudio
from livekit_utils.devices.backend.portaudio_stream import PortAudioStream
from livekit_utils.devices.backend.request import DeviceError, DeviceRequest

# A sound server that ends can make PortAudio print a million lines per second; files of this process end here.
_MAX_STDERR_BYTES = 65536


def main(arguments: list[str]) -> None:
    """Runs `list SOCKET` or `stream SOCKET MEMORY REQUEST`: file descriptors, and a DeviceRequest as JSON."""
    # A terminal sends these to all processes of a command; the application ends this one.
    for name in ("SIGINT", "SIGHUP", "SIGQUIT"):
        if name in signal.Signals.__members__:
            signal.signal(signal.Signals[name], signal.SIG_IGN)
    status = 1
    try:
        application = socket.socket(fileno=int(arguments[1]))
        if arguments[0] == "list":
            _list(application)
        else:
            _stream(application, int(arguments[2]), DeviceRequest.from_json(arguments[3]))
        status = 0
    except BrokenPipeError:
        status = 0  # the application has gone
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)  # to standard error, which has no buffer
    finally:
        # PortAudio's own clean-up hangs with a sound server that hangs; that of the system does not.
        os._exit(status)


def _list(application: socket.socket) -> None:
    try:
        pyaudio = portaudio.load()
        quiet_sound_libraries()
        answer: dict[str, Any] = {"devices": portaudio.list_devices(pyaudio.PyAudio())}
    except ImportError as error:
        answer = {"import_error": str(error)}
    except OSError as error:
        answer = {"error": f"cannot list the sound devices: {error}", "code": None, "device": None}
    _say(application, answer)


def _stream(application: socket.socket, memory_file: int, request: DeviceRequest) -> None:
    # The callbacks make no reference cycles, and a collection would delay them.
    gc.disable()
    reported = False

    def wake() -> None:
        if not reported:
            return  # the first thing that is sent is the answer
        try:
            application.send(b"\n", socket.MSG_DONTWAIT)
        except OSError:
            return  # the application is stalled and has many wakes to read, or has gone, which the watch notices

    def make_memory(num_bytes: int) -> mmap.mmap:
        os.ftruncate(memory_file, num_bytes)
        _limit_files()
        return mmap.mmap(memory_file, num_bytes)

    # PyAudio calls PyGILState_Ensure before each block and PyGILState_Release after it. A thread without a Python state
    # gets a new one each time: 11 us a block, against 0.3 us for a thread that has one (measured with Python 3.11).
    # So the sound card's thread calls PyGILState_Ensure once more before its first block and never releases it. Its
    # state lives as long as the thread, which ends with this process.
    stream = PortAudioStream(request, wake, ctypes.pythonapi.PyGILState_Ensure)
    try:
        portaudio.load()
        quiet_sound_libraries()
        _say(application, asdict(stream.open(make_memory)))
        reported = True
    except ImportError as error:
        _say(application, {"import_error": str(error)})
        return
    except DeviceError as error:
        _say(application, {"error": str(error), "code": error.code, "device": error.device})
        return

    def wait(timeout_s: float) -> bool:
        # The application sends nothing, so the socket is readable only when the application has closed it.
        return bool(select.select([application], [], [], timeout_s)[0])

    reason = stream.watch(wait)
    if reason is None:
        time.sleep(stream.fade_out())
    else:
        _say(application, {"ended": reason})


def _say(application: socket.socket, message: dict[str, Any]) -> None:
    application.settimeout(1)
    application.sendall(json.dumps(message).encode() + b"\n")
    application.settimeout(None)  # with a timeout, `send` would wait for room in spite of MSG_DONTWAIT


def _limit_files() -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_STDERR_BYTES, _MAX_STDERR_BYTES))
