"""Experiment: contenders that do the same work, and the check that they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.contender import OURS, Contender
from benchmarks.quantity import Quantity


@dataclass(frozen=True)
class Experiment:
    """What is measured side by side.

    The names of experiments, quantities and contenders name the rows, by which results are compared over the years:
    a row that measures something else needs another name.
    """

    name: str
    contenders: tuple[Contender, ...]
    check: Callable[[], None]
    """Raises a DisagreementError where the contenders' results differ by more than they may."""
    rounds: int
    quantities: tuple[Quantity, ...] = (Quantity(),)

    def __post_init__(self) -> None:
        if self.contenders[0].name != OURS:
            raise ValueError(f"{self.name}: the first contender is ours")

    def row_name(self, quantity: Quantity) -> str:
        return f"{self.name}/{quantity.name}" if quantity.name else self.name
