"""Mixes: the lines of a manifest that say what is mixed, and how."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from livekit_utils.batch.inputs import output_of, path_of, read_manifest
from livekit_utils.batch.job import MixInput

_OF_INPUT = ("gain_db", "offset_s", "snr_db", "loop")


def find_mixes(name: str) -> Iterator[tuple[str, list[MixInput], str, str]]:
    """Yields the mixes of a manifest: its place, its inputs, its output from the folder of the outputs, and its length.

    A line of JSON has `inputs`, a list of paths or of objects with `path`, `gain_db`, `offset_s`, `snr_db`, `loop`;
    `output`; and `length`. In a CSV file, each row is one input of the mix with its `output`, and the rows of one
    output follow each other.

    Args:
        name: The manifest.

    Raises:
        ValueError: A line is no mix.
        OSError: It cannot be read.
    """
    folder = os.path.dirname(name)
    lines = _grouped(name) if name.lower().endswith(".csv") else read_manifest(name)
    for where, fields in lines:
        inputs = fields.get("inputs")
        if not isinstance(inputs, list) or not inputs:
            raise ValueError(f"{where}: expected a list called inputs, got {sorted(fields)}")
        output = output_of(fields, where)
        if output is None:
            raise ValueError(f"{where}: expected an output, got {sorted(fields)}")
        try:
            mixed = [_input(item, folder, where) for item in inputs]
        except (ValueError, TypeError) as error:
            text = str(error)
            raise ValueError(text if text.startswith(where) else f"{where}: {text}") from None
        yield where, mixed, output, str(fields.get("length", "longest"))


def _grouped(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the rows of one output as one line."""
    held: dict[str, Any] = {}
    place = ""
    for where, row in read_manifest(name):
        if held and held["output"] != row.get("output"):
            yield place, held
            held = {}
        if not held:
            place, held = where, {**row, "inputs": []}
            held.setdefault("output", None)
        held["inputs"].append(_of_row(row, where))
    if held:
        yield place, held


def _of_row(row: Mapping[str, str], where: str) -> dict[str, Any]:
    try:
        numbers = {name: float(row[name]) for name in _OF_INPUT[:3] if name in row}
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    return {**row, **numbers, "loop": row.get("loop", "").lower() in ("1", "true", "yes")}


def _input(item: Any, folder: str, where: str) -> MixInput:
    if isinstance(item, str):
        return MixInput(os.path.join(folder, item))
    if not isinstance(item, dict):
        raise ValueError(f"expected a path or an object for an input, got {item!r}")
    options = {name: item[name] for name in _OF_INPUT if item.get(name) is not None}
    if not isinstance(options.get("loop", False), bool):
        raise ValueError(f"loop: expected true or false, got {options['loop']!r}")
    return MixInput(path_of(item, folder, where), **options)
