"""Looks at the machine, for the command `doctor`."""

from __future__ import annotations

import json as json_module
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from livekit_utils import __version__
from livekit_utils._runtime.install import install_line
from livekit_utils.cli.errors import printable

# The distributions that are used where they are installed, and the extra that brings each.
_OPTIONAL = {
    "click": "cli",
    "rich": "cli",
    "soundfile": "files",
    "matplotlib": "cli",
    "av": "video",
    "PyAudio": "devices",
    "pywebrtc-audio": "devices",
    "distributed": "batch",
}
_REQUIRED = ("numpy", "samplerate")
_BESIDE = ("livekit", "uvloop")


def show_examination(json: bool) -> None:
    """Prints what was found. The arguments are those of the command.

    Raises:
        OSError: Standard output cannot be written.
    """
    found = _examine()
    if json:
        print(json_module.dumps(found, indent=2))
        return
    for title, figures in found.items():
        if isinstance(figures, dict):
            print(f"{title}:")
            for name, value in figures.items():
                print(printable(f"  {name}: {value if value is not None else 'not installed'}"))
        else:
            print(f"{title}:" + ("" if figures else " nothing"))
            for line in figures:
                print(printable(f"  {line}"))


def _examine() -> dict[str, Any]:
    devices, error = _list_devices()
    packages = {name: _version(name) for name in (*_REQUIRED, *_OPTIONAL, *_BESIDE)}
    return {
        "versions": {
            "livekit-utils": __version__,
            "Python": platform.python_version(),
            "system": platform.platform(),
            "processor": f"{platform.machine()}, {os.cpu_count()} seen",
            **_native(),
        },
        "packages": packages,
        "sound server": _sound_servers(),
        "devices": devices if error is None else [error],
        "next": _advice(packages, devices, error),
    }


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _native() -> dict[str, str]:
    """Returns what only runs where the compiled modules and libsndfile can be loaded."""
    figures = {}
    try:
        from livekit_utils._kernels import simd

        figures["SIMD level"] = f"{simd.level} of {simd.detected()}"
    except ImportError as error:
        figures["SIMD level"] = f"unknown: the compiled modules cannot be loaded ({error})"
    try:
        import soundfile

        figures["libsndfile"] = str(soundfile.__libsndfile_version__)
    except (ImportError, OSError) as error:
        figures["libsndfile"] = f"cannot be loaded ({error})"
    return figures


def _sound_servers() -> list[str]:
    """Returns the sound servers that this process would reach, by the sockets they listen at."""
    if not sys.platform.startswith("linux"):
        return [f"that of {platform.system()}"]
    directory = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    lines = [f"PULSE_SERVER is {os.environ['PULSE_SERVER']}"] if os.environ.get("PULSE_SERVER") else []
    for name, socket in (("PulseAudio or its replacement", "pulse/native"), ("PipeWire", "pipewire-0")):
        if os.path.exists(directory / socket):
            lines.append(f"{name} at {directory / socket}")
    cards = Path("/proc/asound/cards")
    if os.path.exists(cards) and "no soundcards" not in cards.read_text(errors="replace"):
        lines.append(f"ALSA, with {sum('[' in line for line in cards.read_text(errors='replace').splitlines())} cards")
    return lines


def _list_devices() -> tuple[list[str], str | None]:
    """Returns a line for each device; or none, and the reason."""
    try:
        from livekit_utils.devices.media_devices import MediaDevices

        machine = MediaDevices()
        found = [("in", machine.list_input_devices()), ("out", machine.list_output_devices())]
    except Exception as error:  # whatever is wrong with the sound system belongs in the report
        return [], f"{type(error).__name__}: {' '.join(str(error).split())}"
    lines = [
        f"{side}{'*' if device['is_default'] else ''} {device['index']}: {device['name']}, "
        f"{device['channels']} channels, {device['sample_rate']:.0f} Hz, {device['host_api']}"
        for side, devices in found
        for device in devices
    ]
    return lines, None


def _advice(packages: dict[str, str | None], devices: list[str], error: str | None) -> list[str]:
    lines = []
    missing = sorted({extra for name, extra in _OPTIONAL.items() if packages[name] is None})
    if missing:
        names = ", ".join(name for name in _OPTIONAL if packages[name] is None)
        lines.append(f"{names}: {install_line(','.join(missing))}, if you need them")
    if packages["PyAudio"] is not None and error is not None:
        lines.append("the devices cannot be listed: is a sound server running for this user?")
    elif packages["PyAudio"] is not None and not devices:
        lines.append("no sound devices: start a sound server (PipeWire, PulseAudio), or plug one in")
    return lines or ["nothing is missing; `livekit-utils meter` shows the microphone"]
