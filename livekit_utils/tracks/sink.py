"""Sink: what listens to a source."""

from __future__ import annotations

from typing import Protocol, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)


class Sink(Protocol[T_contra]):
    """What listens. It raises nothing, keeps nobody waiting, and changes nothing that it is given."""

    def _receive(self, item: T_contra, /) -> None: ...

    def _rest(self) -> None:
        """Nothing has come for a while: what is held back for the sake of the next item should go out."""

    def _end(self) -> None:
        """Nothing will come any more."""
