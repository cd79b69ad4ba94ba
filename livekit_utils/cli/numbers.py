"""Reads numbers as people write them: 16k, 44.1kHz, -3dB."""

from __future__ import annotations

import re
from typing import Any

import click

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?|[-+]?(?:inf|nan)", re.IGNORECASE)

# 31 years.
_MAX_SECONDS = 1e9

# dB: what the mixer's fixed point holds.
MIN_GAIN_DB, MAX_GAIN_DB = -120.0, 40.0

# Hz: more than a file can tell.
MAX_RATE = 1_073_741_823

# What stands behind a rate, and the factor that it means.
_RATES = {"": 1, "hz": 1, "k": 1000, "khz": 1000}


def is_number(text: str, unit: str = "") -> bool:
    """Returns whether a text is a number, behind which a unit may stand, in any case."""
    return bool(_NUMBER.fullmatch(_without(text, unit)))


def _without(text: str, unit: str) -> str:
    text = text.strip()
    return text[: -len(unit)].rstrip() if unit and text.lower().endswith(unit.lower()) else text


def parse_number(text: str, unit: str = "") -> float:
    """Returns a number, behind which a unit may stand, in any case.

    Raises:
        ValueError: It is none.
    """
    rest = _without(text, unit)
    if not _NUMBER.fullmatch(rest):
        raise ValueError(f"expected a number, got {text!r:.80}")
    return float(rest)


def parse_hertz(text: str) -> float:
    """Returns Hz of "16000", "16k" or "44.1 kHz".

    Raises:
        ValueError: It is none of these.
    """
    number = text.strip().lower()
    unit = next(unit for unit in ("khz", "hz", "k", "") if number.endswith(unit))
    return parse_number(number.removesuffix(unit)) * _RATES[unit]


class Number(click.ParamType):  # type: ignore[type-arg]
    """A number of a range, with or without its unit.

    Args:
        least: The lowest that is taken.
        most: The highest.
        above: Whether `least` itself is not taken.
    """

    name = "NUMBER"
    unit = ""
    expected = "a number"

    def __init__(self, least: float, most: float, *, above: bool = False) -> None:
        self._least, self._most, self._above = least, most, above

    def parse(self, text: str) -> float:
        """Returns the number.

        Raises:
            ValueError, OverflowError: It is none.
        """
        return parse_number(text, self.unit)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if not isinstance(value, str):
            return value  # the default
        try:
            number = self.parse(value)
        except (ValueError, OverflowError):
            self.fail(f"expected {self.expected}, got {value!r:.80}", param, ctx)
        if self._least <= number <= self._most and not (self._above and number == self._least):
            return number
        above = "above " if self._above else ""
        expected = f"{above}{_written(self._least)} to {_written(self._most)} {self.unit}".rstrip()
        self.fail(f"expected {expected}, got {value:.80}", param, ctx)


def _written(number: float) -> str:
    return f"{number:.10g}"


class Count(Number):
    """A whole number."""

    name = "N"
    expected = "a whole number"

    def parse(self, text: str) -> int:
        return _parse_whole(text)


class Rate(Number):
    """A sample rate in whole Hz, as 16000, 16k or 44.1kHz."""

    name = "HZ"
    unit = "Hz"
    expected = "a rate in Hz, as 16000 or 16k"

    def __init__(self, least: int = 1, most: int = MAX_RATE) -> None:
        super().__init__(least, most)

    def parse(self, text: str) -> int:
        try:
            return _parse_whole(text)
        except ValueError:
            hertz = parse_hertz(text)
        if hertz != round(hertz):
            raise ValueError(f"expected whole Hz, got {text!r:.80}")
        return round(hertz)


class Frequency(Number):
    """A frequency in Hz, as 440 or 1.5k."""

    name = "FREQ"
    unit = "Hz"
    expected = "a frequency in Hz, as 440 or 1.5k"

    def parse(self, text: str) -> float:
        return parse_hertz(text)


class Seconds(Number):
    """A time in seconds, as 1.5 or 1.5s."""

    name = "SECONDS"
    unit = "s"
    expected = "seconds, as 1.5"

    def __init__(self, least: float = 0, most: float = _MAX_SECONDS, *, above: bool = False) -> None:
        super().__init__(least, most, above=above)


class Decibels(Number):
    """A gain, as -3 or -3dB."""

    name = unit = "dB"
    expected = "a gain in dB, as -3"


def _parse_whole(text: str) -> int:
    if not re.fullmatch(r"\s*[-+]?[0-9]{1,30}\s*", text):
        raise ValueError(f"expected a whole number, got {text!r:.80}")
    return int(text)
