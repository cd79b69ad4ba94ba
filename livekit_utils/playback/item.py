"""Item is what is played at a place of the timeline."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Item(NamedTuple, Generic[T]):
    """A block of sound or a picture. Times are seconds of the timeline."""

    content: T
    start: float
    end: float
    num_bytes: int
