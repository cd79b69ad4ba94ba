"""LiveKit's `rtc` with the names of `livekit_utils` in it: `from livekit_utils import rtc`.

A name that `livekit_utils` has is ours. Every other name, and every submodule, is that of LiveKit's own package where
it is installed; it is imported when one of them is first used.
"""

from livekit_utils.rtc import _names


def __getattr__(name: str) -> object:
    value = _names.look_up("", name)
    if name != "__all__":  # it depends on what is installed
        globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_names.listed("")})
