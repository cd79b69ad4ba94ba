"""class_beside_sdk lets `isinstance` take an object of this package for one of the LiveKit SDK's."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["class_beside_sdk", "sdk_class"]

# The class to show, by the real one and the SDK's. Classes live as long as a program does, so they are never taken out.
_shown: dict[tuple[type, type], type] = {}


def sdk_class(module: str, name: str) -> type | None:
    """Returns a class of the SDK, if that module of it is imported; None otherwise. It imports nothing."""
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) else None


def class_beside_sdk(real: type, module: str, name: str) -> type:
    """Returns what `__class__` shows for an object of class `real`.

    That is `real` itself, or while the SDK is imported, a class that derives from `real` and from the SDK's class of
    this name.

    `isinstance` asks `__class__` where the type itself does not match, and `functools.singledispatch` asks only
    `__class__`. The type of the object stays `real`.
    """
    theirs = sdk_class(module, name)
    if theirs is None or issubclass(real, theirs):
        return real
    shown = _shown.get((real, theirs))
    if shown is None:
        shown = _shown.setdefault((real, theirs), _derive(real, theirs))
    return shown


def _derive(real: type, theirs: type) -> type:
    metaclass = _Shown if type(real) is type else type("_Shown", (_Shown, type(real)), {})
    namespace = {
        "__module__": real.__module__,
        "__qualname__": real.__qualname__,
        "__doc__": real.__doc__,
        "__slots__": (),
    }
    # type.__new__ passes by what the user's metaclass does with each new class, _Unannounced by `__init_subclass__`.
    shown: Any = type.__new__(metaclass, real.__name__, (_Unannounced, real, theirs), namespace)
    type.__setattr__(shown, "_real", real)
    return shown  # type: ignore[no-any-return]


class _Shown(type):
    """The type of a class that is only shown: what is done to it, is done to the real class."""

    _real: type

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls._real(*args, **kwargs)

    def __setattr__(cls, name: str, value: Any) -> None:
        setattr(cls._real, name, value)

    def __delattr__(cls, name: str) -> None:
        delattr(cls._real, name)


class _Unannounced:
    __slots__ = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        pass
