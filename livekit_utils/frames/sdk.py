"""LiveKit's own package, the SDK: the one place that imports it."""

from __future__ import annotations

import importlib
from typing import Any


def load(submodule: str = "") -> Any:
    """The module `livekit.rtc`, or a submodule of it.

    Raises:
        ModuleNotFoundError: The SDK is not installed, and `name` is "livekit"; or it has no such submodule.
        ImportError: The SDK does not load, which is the cause, or is too old.
    """
    try:
        sdk = importlib.import_module("livekit.rtc")
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name in ("livekit", "livekit.rtc"):
            raise ModuleNotFoundError(
                'LiveKit\'s own package is not installed: pip install "livekit>=1.0"', name="livekit"
            ) from error
        raise ImportError(
            f"LiveKit's own package is installed, but does not load ({type(error).__name__}: {error}): "
            'pip install --force-reinstall "livekit>=1.0"',
            name="livekit.rtc",
        ) from error
    if sdk.__name__ != "livekit.rtc":
        raise ImportError(
            f"sys.modules has {sdk.__name__} in the place of livekit.rtc, whose names are not to be had then"
        )
    version = getattr(sdk, "__version__", "")
    if version.startswith("0."):
        raise ImportError(f'expected LiveKit\'s own package from 1.0 on, got {version}: pip install "livekit>=1.0"')
    return importlib.import_module(f"livekit.rtc.{submodule}") if submodule else sdk


def is_audio_track(track: Any) -> bool:
    """Whether an object is an audio track of the SDK; asks without an import of it."""
    kind = type(track)
    return kind.__module__.partition(".")[0] == "livekit" and kind.__name__.endswith("AudioTrack")


def open_audio_stream(track: Any, sample_rate: int, num_channels: int) -> Any:
    """Returns the SDK's AudioStream on one of its tracks, in the format asked for.

    Raises:
        ImportError: The SDK is not installed.
    """
    return load().AudioStream(track, sample_rate=sample_rate, num_channels=num_channels)
