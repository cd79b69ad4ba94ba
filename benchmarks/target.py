"""Target: what a row should reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median

from benchmarks.contender import OURS

Values = Mapping[str, Mapping[str, Sequence[float]]]
"""By quantity, then by contender: one value per round."""


class TargetKind(Enum):
    RATIO = "ratio"
    """Ours divided by the contender's."""
    VALUE = "value"
    """Ours as it is."""
    EXCESS = "excess"
    """Ours minus the contender's, or minus another quantity of ours."""


@dataclass(frozen=True)
class Target:
    """At most `limit`, of the median over the rounds; stands in the row of the contender that it is measured by."""

    kind: TargetKind
    limit: float
    contender: str = OURS
    quantity: str | None = None
    """For an excess over ours: which quantity is subtracted."""

    @classmethod
    def ratio(cls, limit: float, contender: str) -> Target:
        return cls(TargetKind.RATIO, limit, contender)

    @classmethod
    def value(cls, limit: float) -> Target:
        return cls(TargetKind.VALUE, limit)

    @classmethod
    def excess(cls, limit: float, *, contender: str = OURS, quantity: str | None = None) -> Target:
        return cls(TargetKind.EXCESS, limit, contender, quantity)

    def reached(self, values: Values, quantity: str) -> float | None:
        """What is compared with the limit; None where the contender was left out."""
        ours = values[quantity][OURS]
        if self.kind is TargetKind.VALUE:
            return median(ours)
        theirs = values[self.quantity if self.quantity is not None else quantity].get(self.contender)
        if theirs is None:
            return None
        pairs = zip(ours, theirs, strict=True)
        if self.kind is TargetKind.RATIO:
            return median(mine / other for mine, other in pairs)
        return median(mine - other for mine, other in pairs)
