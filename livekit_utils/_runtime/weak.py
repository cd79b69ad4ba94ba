"""Callbacks that do not keep the object of their method alive."""

from __future__ import annotations

import weakref
from collections.abc import Callable


def unless_gone(method: Callable[[], object]) -> Callable[[], None]:
    """Returns a callback that calls a bound method, or does nothing if the method's object is gone."""
    reference = weakref.WeakMethod(method)

    def call() -> None:
        bound = reference()
        if bound is not None:
            bound()

    return call
