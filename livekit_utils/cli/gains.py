"""Reads the options that give each input a number: --gain and --offset."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.numbers import MAX_GAIN_DB, MIN_GAIN_DB, is_number, parse_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# A day.
_MAX_OFFSET_S = 86_400.0


def parse_gains(options: Sequence[str], inputs: Sequence[Path]) -> list[float]:
    """Returns the gain of each input in decibels.

    An input is named by its path, its file name, that without suffix, or by its number from 1.

    Args:
        options: Values of --gain: "NAME=dB", or "dB" for all inputs that are not named.
        inputs: The paths of the inputs.

    Raises:
        CliError: An option is neither, or names no input, or several inputs.
    """
    return _parse(_GAIN, options, inputs)


def parse_offsets(options: Sequence[str], inputs: Sequence[Path]) -> list[float]:
    """Returns when each input begins, in seconds of the mix.

    Args:
        options: Values of --offset, "NAME=SECONDS".
        inputs: The paths of the inputs.

    Raises:
        CliError: As `parse_gains`.
    """
    return _parse(_OFFSET, options, inputs)


class _PerInput(NamedTuple):
    """An option that gives inputs a number."""

    option: str
    what: str
    form: str
    unit: str
    symbol: str
    least: float
    most: float
    for_all: bool
    """Whether a number without a name is that of all inputs that are not named."""


_GAIN = _PerInput("--gain", "gain", "NAME=dB", "decibels", "dB", MIN_GAIN_DB, MAX_GAIN_DB, True)
_OFFSET = _PerInput("--offset", "offset", "NAME=SECONDS", "seconds", "s", 0, _MAX_OFFSET_S, False)


def _parse(kind: _PerInput, options: Sequence[str], inputs: Sequence[Path]) -> list[float]:
    values: dict[int, float] = {}
    of_others: float | None = None
    for option in options:
        name, equals, number = option.rpartition("=")
        if not equals:
            of_others = _of_all(kind, option, of_others)
            continue
        value = _parse_value(kind, name, number)
        index = _find_input(kind.option, name, inputs)
        if index in values:
            raise CliError(f"{kind.option} {name}: expected one {kind.what} for {inputs[index]}, got two")
        values[index] = value
    return [values.get(index, of_others or 0.0) for index in range(len(inputs))]


def _of_all(kind: _PerInput, option: str, before: float | None) -> float:
    if not kind.for_all or not is_number(option, kind.symbol):
        raise CliError(f"{kind.option}: expected {kind.form}, got {option!r:.80}")
    if before is not None:
        raise CliError(f"{kind.option}: expected one {kind.what} for all inputs, got two")
    return _parse_value(kind, "", option)


def _parse_value(kind: _PerInput, name: str, number: str) -> float:
    where = f"{kind.option} {name}".rstrip()
    try:
        value = parse_number(number, kind.symbol)
    except ValueError:
        raise CliError(f"{where}: expected a number of {kind.unit}, got {number!r:.80}") from None
    if not kind.least <= value <= kind.most:
        raise CliError(f"{where}: expected {kind.least:.0f} to {kind.most:.0f} {kind.symbol}, got {number:.80}")
    return value


def _find_input(option: str, name: str, inputs: Sequence[Path]) -> int:
    for names in ([str(path) for path in inputs], [path.name for path in inputs], [path.stem for path in inputs]):
        if names.count(name) > 1:
            found = ", ".join(str(path) for path, other in zip(inputs, names, strict=True) if other == name)
            numbers = " or ".join(str(index + 1) for index, other in enumerate(names) if other == name)
            raise CliError(
                f"{option} {name}: expected the name of one input, got that of {found}; number {numbers} names one"
            )
        if name in names:
            return names.index(name)
    if name.isascii() and name.isdigit() and 1 <= int(name[:9]) <= len(inputs):
        return int(name) - 1
    known = ", ".join(path.name for path in inputs)
    raise CliError(f"{option} {name}: expected the name of an input ({known}), got {name!r:.80}")
