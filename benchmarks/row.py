"""Row: one contender's result."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

import pyperf  # type: ignore[import-untyped]

from benchmarks.contender import OURS
from benchmarks.quantity import Quantity
from benchmarks.target import Target


@dataclass(frozen=True)
class Row:
    name: str
    contender: str
    quantity: Quantity
    loops: int
    inner_loops: int
    values: list[float]
    """One for each round."""
    ours: list[float]
    """Ours of the same rounds."""
    target: Target | None
    reached: float | None
    """What is compared with the target's limit."""

    @property
    def is_ours(self) -> bool:
        return self.contender == OURS

    @property
    def met(self) -> bool | None:
        """Whether the target is; None where there is none."""
        if self.target is None or self.reached is None:
            return None
        return self.reached <= self.target.limit

    @cached_property
    def ratios(self) -> list[float]:
        """Ours divided by this contender's, round by round."""
        return [ours / this for ours, this in zip(self.ours, self.values, strict=True)]

    @property
    def ratio(self) -> float:
        return median(self.ratios)

    def benchmark(self, metadata: dict[str, Any]) -> Any:
        """As pyperf's Benchmark, which knows the statistics and the file format."""
        metadata = {
            **metadata,
            "name": f"{self.name}/{self.contender}",
            "unit": self.quantity.unit,
            "loops": self.loops,
            "inner_loops": self.inner_loops,
        }
        if not self.is_ours:
            metadata["ours_divided_by_this"] = self.ratio
        if self.target is not None and self.reached is not None:
            metadata["target_kind"] = self.target.kind.value
            metadata["target_limit"] = self.target.limit
            metadata["target_reached"] = self.reached
            metadata["target_met"] = "yes" if self.met else "no"
        return pyperf.Benchmark([pyperf.Run(self.values, metadata=metadata, collect_metadata=False)])
