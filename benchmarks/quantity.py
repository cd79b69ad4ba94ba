"""Quantity: what is measured of every contender of an experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchmarks.target import Target

Unit = Literal["second", "byte", "integer"]


@dataclass(frozen=True)
class Quantity:
    name: str = ""
    """Follows the experiment's name in the row's; empty where there is only one."""
    unit: Unit = "second"
    targets: tuple[Target, ...] = ()
