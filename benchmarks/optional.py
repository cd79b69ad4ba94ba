"""Packages that are only compared with: their contenders are left out where they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType

_left_out: dict[str, str] = {}


def load(name: str, package: str) -> ModuleType | None:
    """The module, or None where its package is not installed, which is then in `left_out`."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # Anything else that is missing is a broken installation.
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        leave_out(package, f'pip install "{package}"')
        return None


def sdk() -> ModuleType | None:
    """LiveKit's own package."""
    return load("livekit.rtc", "livekit")


def leave_out(what: str, remedy: str) -> None:
    _left_out[what] = f"left out: {what}, which is not installed; {remedy}"


def left_out() -> list[str]:
    """A line for everything that was missing so far."""
    return list(_left_out.values())
