"""Checks of arguments, with one form of message: the name, what was expected, and what came.

A wrong type is a TypeError, a value out of range a ValueError: "num_channels: expected 1 to 128, got 0".
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Set
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from fractions import Fraction

MAX_INT = 2**31 - 1

# Long enough for any pause or timeout that is meant (24 days), and exact as a float.
MAX_MS = float(MAX_INT)

# Of a frame that is mixed or streamed.
MAX_CHANNELS = 128

_MAX_FRAME_SIZE_MS = 60_000

E = TypeVar("E", bound=Enum)


def check_int(name: str, value: int, least: int, most: int = MAX_INT) -> int:
    """An integer from `least` to `most`; integers of numpy are welcome, floats are not."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an int from {least} to {most}, got {_described(value)}") from None
    if not least <= number <= most:
        raise ValueError(f"{name}: expected {least} to {most}, got {_shortened(number)}")
    return number


def check_number(
    name: str, value: float | Fraction, least: float = -math.inf, most: float = math.inf, *, above: bool = False
) -> float:
    """A number from `least` to `most`, as a float, never NaN; infinite only where a bound is.

    Args:
        above: The number must be above `least`, not equal to it.
    """
    if not isinstance(value, (int, float)):
        from numbers import Real  # fractions, numpy's float32

        if not isinstance(value, Real):
            raise TypeError(f"{name}: expected {_range(least, most, above)}, got {_described(value)}")
    try:
        number = float(value)
    except OverflowError:  # an int of hundreds of digits
        number = math.inf if value > 0 else -math.inf
    if not least <= number <= most or (above and number == least):
        raise ValueError(f"{name}: expected {_range(least, most, above)}, got {_shortened(value)}")
    return number


def check_finite(name: str, value: float | Fraction, least: float = -math.inf, most: float = math.inf) -> float:
    """A number from `least` to `most`, never infinite."""
    if type(value) is float and least <= value <= most and math.isfinite(value):
        return value  # what comes with every frame
    number = check_number(name, value, least, most)
    if math.isinf(number):
        raise ValueError(f"{name}: expected a finite number, got {_shortened(value)}")
    return number


def check_ms(name: str, value: float, most: float = MAX_MS, *, above: bool = False) -> float:
    """A time in milliseconds, from 0 (above 0 with `above`) to `most`."""
    return check_number(name, value, 0, most, above=above)


def check_frame_size(sample_rate: int, size_ms: float) -> int:
    """The length of frames in milliseconds, up to 60000; returns it in samples per channel, one at least."""
    number = check_number("frame_size_ms", size_ms, 0, _MAX_FRAME_SIZE_MS, above=True)
    size = int(sample_rate * number / 1000 + 1e-9)
    if size < 1:
        raise ValueError(f"frame_size_ms: expected at least one sample at {sample_rate} Hz, got {size_ms}")
    return size


def check_choice(name: str, value: object, enum: type[E]) -> E:
    """A member of an enum, or the value of one."""
    try:
        return enum(value)
    except ValueError:
        error = ValueError if isinstance(value, (int, str)) else TypeError
        raise error(f"{name}: expected one of {_listed(enum)}, got {_described(value)}") from None


def check_type(name: str, value: object, kind: type, article: str = "a") -> None:
    """An instance of a class."""
    if not isinstance(value, kind):
        raise TypeError(f"{name}: expected {article} {kind.__name__}, got {_described(value)}")


def check_channels(name: str, value: Iterable[int] | None) -> tuple[int, ...] | None:
    """Numbers of channels to pick, from 0 and in order, or None for all."""
    if value is None:
        return None
    if isinstance(value, (str, bytes, Set, Mapping)) or not hasattr(value, "__iter__"):
        raise TypeError(f"{name}: expected a sequence of ints from 0, got {_described(value)}")
    picked = tuple(check_int(name, channel, 0, MAX_CHANNELS - 1) for channel in value)
    if not 1 <= len(picked) <= MAX_CHANNELS:
        raise ValueError(f"{name}: expected 1 to {MAX_CHANNELS} numbers, got {len(picked)}")
    return picked


def _range(least: float, most: float, above: bool) -> str:
    if math.isinf(least) and math.isinf(most):
        return "a number"
    if math.isinf(most):
        return f"a number above {least:g}" if above else f"a number from {least:g}"
    if math.isinf(least):
        return f"a number up to {most:g}"
    return f"a number above {least:g}, up to {most:g}" if above else f"a number from {least:g} to {most:g}"


def _listed(enum: Iterable[Enum]) -> str:
    return ", ".join(member.value if isinstance(member.value, str) else member.name for member in enum)


def _described(value: object) -> str:
    """A value and its type."""
    if value is None:
        return "None"
    return f"{_shortened(value)} ({type(value).__name__})"


def _shortened(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # the value's own code, or an int with too many digits to print
        return f"an object of type {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."
