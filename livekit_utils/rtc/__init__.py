"""The names of `livekit_utils` under the path of LiveKit's own package: `from livekit_utils import rtc`."""

import livekit_utils as _root
from livekit_utils import __all__ as __all__


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(_root, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
