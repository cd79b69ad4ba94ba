"""Reads numbers as people write them: 16k, 44.1kHz, -3dB."""

from __future__ import annotations

import re
from typing import Any

import click

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?|[-+]?(?:inf|nan)", re.IGNORECASE)

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


class Rate(click.ParamType):  # type: ignore[type-arg]
    """A sample rate in whole Hz, as 16000, 16k or 44.1kHz."""

    name = "HZ"

    def get_metavar(self, param: Any, ctx: Any = None) -> str:
        return "HZ"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        if isinstance(value, int):
            return value
        text = str(value)
        try:
            if re.fullmatch(r"[-+]?[0-9]{1,30}", text):
                return int(text)
            hertz = parse_hertz(text)
            if hertz != round(hertz):
                raise ValueError(f"expected whole Hz, got {text!r:.80}")
        except (ValueError, OverflowError):
            self.fail(f"expected a rate in Hz, as 16000 or 16k, got {text!r:.80}", param, ctx)
        return round(hertz)


class Frequency(click.ParamType):  # type: ignore[type-arg]
    """A frequency in Hz, as 440 or 1.5k."""

    name = "HZ"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        try:
            return parse_hertz(str(value))
        except ValueError:
            self.fail(f"expected a frequency in Hz, as 440 or 1.5k, got {value!r:.80}", param, ctx)
