"""What constructors check."""

from __future__ import annotations

import math
import operator
from numbers import Real
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

MAX_INT = 2**31 - 1


def check_int(name: str, value: int, least: int, most: int = MAX_INT) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"expected {name} as an int, got {type(value).__name__}") from None
    if not least <= number <= most:
        raise ValueError(f"expected a {name} of {least} to {most}, got {value}")
    return number


def check_number(name: str, value: float | Fraction) -> float:
    if not isinstance(value, Real):
        raise TypeError(f"expected {name} as a number, got {type(value).__name__}")
    try:
        return float(value)
    except OverflowError:  # an int of hundreds of digits
        return math.inf if value > 0 else -math.inf


def check_finite(name: str, value: float | Fraction) -> float:
    number = check_number(name, value)
    if not math.isfinite(number):
        raise ValueError(f"expected a finite {name}, got {number}")
    return number


def check_ms(name: str, value: float, most: float = float(MAX_INT)) -> float:
    """A time that may be 0; NaN fails the comparison."""
    number = check_number(name, value)
    if not 0 <= number <= most:
        raise ValueError(f"expected a {name} of 0 to {most:g}, got {value}")
    return number
