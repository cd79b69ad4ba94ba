"""FinishedStreams remembers which streams have ended, without keeping them alive."""

from __future__ import annotations

import weakref
from collections import deque

# Objects that cannot be referred to weakly are remembered by their id, the last ones only.
_MAX_IDS = 1000


class FinishedStreams:
    """A set of objects by identity, which does not keep them alive.

    An object that takes no weak references is known by its id for as long as it is among the last `_MAX_IDS`. Another
    object may get that id later: `in` is then wrongly true, and the owner must be able to bear that.
    """

    def __init__(self) -> None:
        self._references: dict[int, weakref.ref[object]] = {}
        self._ids: deque[int] = deque(maxlen=_MAX_IDS)

    def __contains__(self, stream: object) -> bool:
        reference = self._references.get(id(stream))
        return (reference is not None and reference() is stream) or id(stream) in self._ids

    def __len__(self) -> int:
        return len(self._references) + len(self._ids)

    def add(self, stream: object) -> None:
        key, references = id(stream), self._references
        try:
            # The callback must not hold this object: streams may outlive it.
            references[key] = weakref.ref(stream, lambda reference: _forget(references, key, reference))
        except TypeError:
            if key not in self._ids:
                self._ids.append(key)


def _forget(references: dict[int, weakref.ref[object]], key: int, reference: weakref.ref[object]) -> None:
    if references.get(key) is reference:
        del references[key]
