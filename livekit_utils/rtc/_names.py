"""Where the names of `livekit_utils.rtc` and its submodules come from: `livekit_utils` first, then LiveKit's package.

`from livekit_utils.rtc import Room` first asks for the attribute, and then for a submodule of that name. So `look_up`
raises AttributeError, which `hasattr` understands, and the finder raises the ImportError that the statement shows.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

import livekit_utils as _ours

TYPE_CHECKING = False  # `typing` costs more than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence

_RTC = "livekit_utils.rtc"

# The submodules of LiveKit's package, and our names in them. Those with names are here without that package too; one
# that is not in this table is found where the installed package has it. `python tools/face.py` writes a stub for each.
SUBMODULES = {
    "apm": ("AudioProcessingModule",),
    "audio_filter": ("AudioFilter",),
    "audio_frame": ("AudioFrame",),
    "audio_mixer": ("AudioMixer",),
    "audio_resampler": ("AudioResampler", "AudioResamplerQuality"),
    "audio_source": ("AudioSource",),
    "audio_stream": ("AudioFrameEvent", "AudioStream", "NoiseCancellationOptions"),
    "data_stream": (),
    "data_track": (),
    "e2ee": (),
    "encoded_video": (),
    "event_emitter": (),
    "frame_processor": ("FrameProcessor",),
    "jupyter": (),
    "log": (),
    "media_devices": (
        "BLOCKSIZE",
        "DEFAULT_CHANNELS",
        "DEFAULT_SAMPLE_RATE",
        "FRAME_SAMPLES",
        "InputCapture",
        "MediaDevices",
        "OutputPlayer",
    ),
    "participant": (),
    "platform_audio": (),
    "room": (),
    "rpc": (),
    "synchronizer": ("AVSynchronizer",),
    "track": ("LocalAudioTrack", "LocalVideoTrack", "Track"),
    "track_publication": (),
    "transcription": (),
    "utils": ("combine_audio_frames", "sine_wave_generator"),
    "version": (),
    "video_frame": ("VideoFrame",),
    "video_source": ("VideoSource",),
    "video_stream": ("VideoFrameEvent", "VideoStream"),
}


def look_up(path: str, name: str) -> object:
    """Returns an attribute of `livekit_utils.rtc`, whose path is "", or of a submodule.

    Raises:
        AttributeError: Neither package has it, or LiveKit's is not installed or does not load, which is the cause.
        ImportError: `__all__` is asked for, and LiveKit's package does not load.
    """
    if name in _own(path):
        return getattr(_ours, name)
    if name == "__all__":
        return _exported(path)
    if not path and name in SUBMODULES:
        return import_module(f"{_RTC}.{name}")
    missing = f"module {_joined(_RTC, path)!r} has no attribute {name!r}"
    if name.startswith("__") and name != "__version__":
        raise AttributeError(missing)  # Python asks for these, of any module
    try:
        theirs = _sdk(path)
    except ImportError as error:
        raise AttributeError(f"{missing}; {error}") from error
    try:
        value = getattr(theirs, name)
    except AttributeError:
        raise AttributeError(f"{missing}; neither has {_version()}") from None
    if not path and isinstance(value, ModuleType) and value.__name__ == f"livekit.rtc.{name}":
        return import_module(f"{_RTC}.{name}")
    # What a submodule has imported itself is ours as well; what has one of our names by chance is not.
    if path and name in _ours.__all__ and value is getattr(_sdk(), name, None):
        return getattr(_ours, name)
    return value


def listed(path: str) -> set[str]:
    """Returns the names for `dir`: ours, and those of LiveKit's package if it loads."""
    names = {*_own(path)} if path else {*_own(path), *SUBMODULES}
    try:
        return names | {name for name in dir(_sdk(path)) if not name.startswith("_")}
    except ImportError:
        return names


def _own(path: str) -> Sequence[str]:
    return SUBMODULES.get(path, ()) if path else _ours.__all__


def _exported(path: str) -> list[str]:
    """Returns the names of `from livekit_utils.rtc import *`: ours, and LiveKit's where it is installed.

    It is no error that LiveKit's package is not there. That it is there and does not load is one: a name that is left
    out without a word is a NameError elsewhere, which does not tell why.
    """
    try:
        theirs = _sdk(path)
    except ModuleNotFoundError as error:
        if error.name not in ("livekit", _joined("livekit.rtc", path)):
            raise
        return sorted(_own(path))
    public = [name for name in vars(theirs) if not name.startswith("_")]
    return sorted({*_own(path), *getattr(theirs, "__all__", public)})


def _sdk(path: str = "") -> ModuleType:
    from livekit_utils.frames.sdk import load

    module: ModuleType = load(path)
    return module


def _version() -> str:
    return f"livekit {getattr(_sdk(), '__version__', 'of an unknown version')}"


def _joined(module: str, path: str) -> str:
    return f"{module}.{path}" if path else module


class Submodule(ModuleType):
    """A submodule of `livekit_utils.rtc`."""

    def __getattr__(self, name: str) -> object:
        value = look_up(self.__name__.removeprefix(f"{_RTC}."), name)
        if name != "__all__":
            setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *listed(self.__name__.removeprefix(f"{_RTC}."))})


class Finder:
    """Finds the submodules of `livekit_utils.rtc` that are no files."""

    @staticmethod
    def find_spec(fullname: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        if not fullname.startswith(f"{_RTC}."):
            return None
        submodule = fullname.removeprefix(f"{_RTC}.")
        if not _own(submodule):
            try:
                _sdk(submodule)
            except ModuleNotFoundError as error:
                if error.name == "livekit":
                    message = f"{fullname} is not in livekit_utils; {error}"
                elif error.name is not None and f"livekit.rtc.{submodule}".startswith(error.name):
                    message = f"no module or name {fullname!r}; neither has {_version()}"
                else:
                    raise  # the submodule is there, and needs another package
                raise ModuleNotFoundError(message, name=error.name) from error
        # As packages, so that `from livekit_utils.rtc.track import RemoteTrack` asks here for the error to show.
        return ModuleSpec(fullname, Finder, is_package=True)  # type: ignore[arg-type] # its methods are static

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType:
        return Submodule(spec.name, f"`{spec.name.replace('_utils', '', 1)}` with the names of livekit_utils in it.")

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        pass


sys.meta_path.append(Finder)
