"""Classes and functions under the path that users import them from."""

from __future__ import annotations

from typing import TypeVar, get_type_hints

__all__ = ["public"]

T = TypeVar("T")


def public(item: T) -> T:
    """Decorates a public class or function: help, tracebacks and pickles call it `livekit_utils.Name`.

    A pickle names that path only, so it can be loaded wherever the class lies in a later version. Put it above
    `dataclass`, which looks up the class's module. The name must be in the table of `livekit_utils/__init__.py`.
    """
    if isinstance(item, type) and item.__annotations__:
        # As text they would be looked up in `livekit_utils`, which does not have all that the class's module has.
        types = get_type_hints(item, include_extras=True)
        item.__annotations__ = {name: types[name] for name in item.__annotations__}
    item.__module__ = "livekit_utils"
    return item
