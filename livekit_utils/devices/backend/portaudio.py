"""PortAudio through PyAudio: lists devices, opens streams, and explains errors. The one place that imports PyAudio."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import locale
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from livekit_utils._runtime.install import install_line
from livekit_utils.devices.backend.request import MAX_DEVICE_CHANNELS, DeviceError, DeviceRequest

logger = logging.getLogger("livekit_utils")

_COINIT_MULTITHREADED = 0  # of the Windows API

# Numbers of PortAudio's errors.
_INVALID_RATE = -9997
_INVALID_CHANNELS = -9998

# What `list_devices` reads of a device besides its name.
_FIELDS = (
    "hostApi",
    "maxInputChannels",
    "maxOutputChannels",
    "defaultSampleRate",
    "defaultLowInputLatency",
    "defaultLowOutputLatency",
    "defaultHighInputLatency",
    "defaultHighOutputLatency",
)

# The rates that are tried when a device takes none of the usual ones, those closest to them first.
_OTHER_RATES = (32000, 96000, 24000, 88200, 16000, 192000, 22050, 12000, 11025, 8000, 176400, 64000, 384000)

_ADVICE = {
    -9999: "the sound system refused it: is it plugged in, and is the sound server (PulseAudio, PipeWire) running?",
    -9993: "the sound server has gone: is PulseAudio or PipeWire running?",
    -9996: "there is no such device",
    _INVALID_RATE: "it takes no sample rate that was tried",
    _INVALID_CHANNELS: "it does not have so many channels",
    -9985: "another program is using it",
}


def load() -> Any:
    """Returns the module `pyaudio`.

    Raises:
        ImportError: It is not installed, or PortAudio is not.
    """
    # Without this, libjack starts a server if one is installed.
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    try:
        import pyaudio
    except ImportError as error:
        raise ImportError(
            f"microphones and speakers need PyAudio: {install_line('devices')} ({error}). "
            "On Linux pip builds it from source; install PortAudio first: apt-get install portaudio19-dev"
        ) from error
    return pyaudio


@contextlib.contextmanager
def calling() -> Iterator[None]:
    """Prepares the thread for calls of PortAudio, in a `with` block around all of them.

    On Windows it initialises COM. PortAudio does so only in the thread that initialises PortAudio first, but WASAPI
    needs it in every thread that opens a stream. All threads join the multi-threaded apartment, so that they may use
    each other's objects.
    """
    if sys.platform != "win32":
        yield
        return
    ole32 = ctypes.windll.ole32
    initialised = ole32.CoInitializeEx(None, _COINIT_MULTITHREADED) >= 0
    try:
        yield
    finally:
        if initialised:
            ole32.CoUninitialize()


def list_devices(portaudio: Any) -> list[dict[str, Any]]:
    """Lists the devices of a `PyAudio` object, in the order of their indices.

    `hostapi` and the latencies are only for the user, under the keys that the module `sounddevice` has for them.
    """
    defaults = (_default_index(portaudio, "input"), _default_index(portaudio, "output"))
    host_apis = [_host_api(portaudio, i) for i in range(portaudio.get_host_api_count())]
    devices = []
    for index in range(portaudio.get_device_count()):
        info = _device_info(portaudio, index)
        if info is None:
            continue
        devices.append(
            {
                "name": _name(info["name"]),
                "index": index,
                "host_api": host_apis[info["hostApi"]],
                "max_input_channels": info["maxInputChannels"],
                "max_output_channels": info["maxOutputChannels"],
                "sample_rate": info["defaultSampleRate"],
                "is_default_input": index == defaults[0],
                "is_default_output": index == defaults[1],
                "hostapi": info["hostApi"],
                "default_low_input_latency": info["defaultLowInputLatency"],
                "default_low_output_latency": info["defaultLowOutputLatency"],
                "default_high_input_latency": info["defaultHighInputLatency"],
                "default_high_output_latency": info["defaultHighOutputLatency"],
            }
        )
    return devices


def _name(name: str | bytes) -> str:
    """Returns the name of a device as PortAudio has it, in UTF-8.

    PyAudio decodes it with the encoding of the locale if that works (on Windows a code page, with which almost anything
    does), then with UTF-8, and otherwise leaves it in bytes.
    """
    if isinstance(name, bytes):
        return name.decode(errors="replace")
    try:
        return name.encode(locale.getpreferredencoding(False)).decode()
    except UnicodeError:
        return name.encode(errors="replace").decode()  # without halves of surrogate pairs, which nobody can print


def _device_info(portaudio: Any, index: int) -> dict[str, Any] | None:
    """Returns what PyAudio says of a device; None for one that it cannot describe, which then does not hide the others.

    A PyAudio that decodes names in C fails at one that is not UTF-8. The other fields can be read all the same.
    """
    try:
        info: dict[str, Any] = portaudio.get_device_info_by_index(index)
        return info
    except UnicodeDecodeError as error:
        try:
            raw = importlib.import_module("pyaudio._portaudio").get_device_info(index)
            return {"index": index, "name": error.object, **{key: getattr(raw, key) for key in _FIELDS}}
        except (ImportError, AttributeError, OSError):
            logger.debug("sound device %d has a name that cannot be read: %r", index, error.object)
            return None
    except OSError as error:
        logger.debug("sound device %d cannot be described: %s", index, error)
        return None


def _host_api(portaudio: Any, index: int) -> str:
    try:
        return str(portaudio.get_host_api_info_by_index(index)["name"])
    except (UnicodeDecodeError, OSError):
        return f"host API {index}"


def _default_index(portaudio: Any, direction: str) -> int | None:
    try:
        return int(getattr(portaudio, f"get_default_{direction}_device_info")()["index"])
    except UnicodeDecodeError:  # only its name cannot be read
        return int(portaudio.get_default_host_api_info()[f"default{direction.capitalize()}Device"])
    except OSError:
        return None


def open_stream(
    pyaudio: Any,
    portaudio: Any,
    device: dict[str, Any],
    request: DeviceRequest,
    make_callback: Callable[[int, int], Callable[..., Any]],
) -> tuple[Any, int, int]:
    """Opens a stream without starting it, at the rate and channel count asked for, or the next ones that the device
    takes.

    Args:
        make_callback: Returns the stream's callback for a rate and a channel count.

    Returns:
        The stream, its sample rate and its channel count.

    Raises:
        DeviceError: The device takes no format that was tried.
    """
    refused: OSError | None = None
    for sample_rate, num_channels in _formats(device, request):
        try:
            side = "input" if request.is_input else "output"
            stream = portaudio.open(
                rate=sample_rate,
                channels=num_channels,
                format=pyaudio.paInt16,
                frames_per_buffer=request.block_size * sample_rate // request.sample_rate,
                start=False,
                stream_callback=make_callback(sample_rate, num_channels),
                **{side: True, f"{side}_device_index": device["index"]},
            )
            return stream, sample_rate, num_channels
        except OSError as error:
            refused = error
            if error_code(error) not in (_INVALID_RATE, _INVALID_CHANNELS):
                break
    assert refused is not None
    said = as_device_error(refused, request, device["name"])
    if said.code in (_INVALID_RATE, _INVALID_CHANNELS):
        tried = ", ".join(f"{rate} Hz x {channels}" for rate, channels in _formats(device, request))
        said = DeviceError(f"{said}; tried: {tried}", code=said.code, device=said.device)
    raise said from refused


def _formats(device: dict[str, Any], request: DeviceRequest) -> Iterable[tuple[int, int]]:
    """Yields the rates and channel counts to try, the best first."""
    most = device["max_input_channels" if request.is_input else "max_output_channels"]
    rates = dict.fromkeys((request.sample_rate, 48000, round(device["sample_rate"]), 44100, *_OTHER_RATES))
    # Some devices take no fewer channels than they have.
    channels = dict.fromkeys((request.num_channels, 2, most))
    for sample_rate in rates:
        for num_channels in channels:
            if request.min_channels <= num_channels <= min(most, MAX_DEVICE_CHANNELS):
                yield sample_rate, num_channels
    if most < request.min_channels:
        raise DeviceError(
            f"{device['name']!r} has {most} channels, but {request.min_channels} are needed",
            code=_INVALID_CHANNELS,
            device=device["name"],
        )


def error_code(error: BaseException) -> int | None:
    """Returns PortAudio's number of an error, which PyAudio puts first or second in `args`, or leaves out."""
    return next((arg for arg in error.args if isinstance(arg, int) and arg < 0), None)


def as_device_error(error: BaseException, request: DeviceRequest, name: str | None = None) -> DeviceError:
    """Returns an error with PortAudio's text, the device, and what to do about it."""
    code = error_code(error)
    text = next((arg for arg in error.args if isinstance(arg, str)), str(error))
    subject = request.wanted if name is None else f"{'input' if request.is_input else 'output'} device {name!r}"
    advice = _ADVICE.get(code) if code is not None else None
    message = f"cannot open {subject}: " + (f"{advice} (PortAudio {code}: {text})" if advice else f"{text}")
    return DeviceError(message, code=code, device=name if name is not None else _as_text(request.device))


def _as_text(device: int | str | None) -> str | None:
    return None if device is None else str(device)
