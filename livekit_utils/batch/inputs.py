"""Inputs: the sound files that a folder, a pattern, a list or a manifest names, one by one.

Nothing is collected: a folder of a million files is read as it is asked for, in the order of the names.
"""

from __future__ import annotations

import csv
import glob
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

SOUND_SUFFIXES = frozenset(
    (
        ".3gp",
        ".aac",
        ".ac3",
        ".aif",
        ".aifc",
        ".aiff",
        ".amr",
        ".ape",
        ".au",
        ".avi",
        ".caf",
        ".flac",
        ".flv",
        ".m4a",
        ".m4b",
        ".m4v",
        ".mka",
        ".mkv",
        ".mov",
        ".mp2",
        ".mp3",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".oga",
        ".ogg",
        ".ogv",
        ".opus",
        ".snd",
        ".spx",
        ".ts",
        ".w64",
        ".wav",
        ".wave",
        ".webm",
        ".wma",
        ".wmv",
        ".wv",
    )
)
"""What is taken of a folder: files whose names end in one of these. Others have to be named."""

MANIFEST_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv")

# What manifests call the path of a sound, ours first.
_NAMES = ("input", "audio_filepath", "path", "file", "audio")


@dataclass(frozen=True)
class Input:
    """A file that was found.

    Args:
        path: Where it is.
        tree: What its output is called, from the folder of the outputs, but for its suffix.
        output: The output that a manifest names instead, with its suffix; None for none.
    """

    path: str
    tree: str
    output: str | None = None


def find_inputs(
    names: list[str], standard_input: IO[bytes] | None, *, null: bool = False, leave_out: str = ""
) -> Iterator[Input]:
    """Yields the files that arguments name.

    Args:
        names: Folders, patterns, manifests, sound files, or "-" for names from standard input.
        standard_input: Names of files, a line each; None where it is closed.
        null: Whether a null byte ends each of these names, as `find -print0` writes them.
        leave_out: A folder that is not looked into: that of the outputs.

    Raises:
        ValueError: A pattern finds nothing, a manifest is none, or standard input is closed.
        OSError: A folder or a manifest cannot be read, or a file does not exist.
    """
    for name in names:
        if name == "-":
            if standard_input is None:
                raise ValueError("-: expected names from standard input, which is closed")
            yield from _listed(standard_input, null)
        elif os.path.isdir(name):
            yield from _walk(name, "", [], leave_out)
        elif glob.has_magic(name) and not os.path.exists(name):
            yield from _matches(name, leave_out)
        elif name.lower().endswith(MANIFEST_SUFFIXES):
            yield from (_of_fields(fields, os.path.dirname(name), where) for where, fields in read_manifest(name))
        else:
            os.stat(name)
            yield Input(name, _tree(name))


def _tree(path: str) -> str:
    """Returns where the output of a named file lies: in the folders that were named with it, as `cp --parents` does."""
    parts = os.path.normpath(os.path.splitdrive(path)[1]).split(os.sep)
    return os.path.join(*[part for part in parts if part not in ("", os.curdir, os.pardir)])


def _walk(folder: str, tree: str, above: list[tuple[int, int]], leave_out: str) -> Iterator[Input]:
    """Yields what is in a folder and those in it, in the order of their names, files first. Symbolic links are
    followed, but not into a folder that they are in. A folder that cannot be read is yielded itself."""
    try:
        found = os.stat(folder)
        here = (found.st_dev, found.st_ino)
        if here in above or os.path.realpath(folder) == leave_out:
            return
        with os.scandir(folder) as entries:
            listed = sorted((entry.name, _is_folder(entry)) for entry in entries if not entry.name.startswith("."))
    except OSError:
        if not above:  # the user has named it
            raise
        yield Input(folder, tree)  # fails when it is opened, and is named with the reason
        return
    for name, is_folder in listed:
        if not is_folder and os.path.splitext(name)[1].lower() in SOUND_SUFFIXES:
            yield Input(os.path.join(folder, name), os.path.join(tree, name))
    for name, is_folder in listed:
        if is_folder:
            yield from _walk(os.path.join(folder, name), os.path.join(tree, name), [*above, here], leave_out)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _matches(pattern: str, leave_out: str) -> Iterator[Input]:
    """Yields the files that a pattern finds, `**` over all folders; their tree begins where the pattern does."""
    root = pattern
    while glob.has_magic(root):
        root = os.path.dirname(root)
    is_empty = True
    for path in sorted(glob.iglob(pattern, recursive=True)):
        if os.path.isfile(path) and not os.path.realpath(path).startswith(os.path.join(leave_out or "\0", "")):
            is_empty = False
            yield Input(path, os.path.relpath(path, root or os.curdir))
    if is_empty:
        raise ValueError(f"{pattern}: expected a pattern that finds files, got none")


def _listed(file: IO[bytes], null: bool) -> Iterator[Input]:
    end, rest = (b"\0" if null else b"\n"), b""
    read = getattr(file, "read1", file.read)  # what there is, and not all of it
    while chunk := read(1 << 16):
        *names, rest = (rest + chunk).split(end)
        for name in names:
            yield from _one_listed(name)
    yield from _one_listed(rest)


def _one_listed(name: bytes) -> Iterator[Input]:
    path = os.fsdecode(name)
    if path:
        yield Input(path, _tree(path))


def read_manifest(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the lines of a manifest, each with its place: objects of JSON, one a line, or rows of a CSV file. The
    first row of that names the columns, one of which is the input; or there is one column without a name.

    Raises:
        ValueError: A line is none.
        OSError: It cannot be read.
    """
    with open(name, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        yield from (_rows if name.lower().endswith(".csv") else _objects)(name, file)


def _objects(name: str, file: io.TextIOWrapper) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{name}: line {number}: expected an object of JSON, got {line[:60]!r}: {error}") from None
        if not isinstance(fields, dict):
            raise ValueError(f"{name}: line {number}: expected an object of JSON, got {line[:60]!r}")
        yield f"{name}: line {number}", fields


def _rows(name: str, file: io.TextIOWrapper) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.reader(file)
    try:
        header = next(reader, [])
        columns = [column.strip() for column in header]
        if not set(columns) & {*_NAMES, "inputs"}:
            if len(columns) != 1 or _is_split(header[0]):
                text = f"expected a column called {', '.join(_NAMES)} in the first row, with commas between columns"
                raise ValueError(f"{name}: {text}, got {columns}")
            columns = ["input"]
            yield f"{name}: line 1", {"input": header[0]}
        for row in reader:
            if row:
                yield f"{name}: line {reader.line_num}", _named(columns, row)
    except csv.Error as error:
        raise ValueError(f"{name}: line {reader.line_num}: expected a row of CSV: {error}") from None


def _is_split(header: str) -> bool:
    """Returns whether a row that is no list of paths names columns with something else than commas between them."""
    return any(not {column.strip() for column in header.split(mark)}.isdisjoint(_NAMES) for mark in ";\t|")


def _named(columns: list[str], row: list[str]) -> dict[str, Any]:
    return {column: value for column, value in zip(columns, row, strict=False) if value}


def path_of(fields: Mapping[str, Any], folder: str, where: str) -> str:
    """Returns the path of the sound that a line of a manifest names, from the folder of the manifest.

    Raises:
        ValueError: It names none.
    """
    path = next((fields[name] for name in _NAMES if isinstance(fields.get(name), str)), None)
    if not path:
        raise ValueError(f"{where}: expected a path called {', '.join(_NAMES)}, got {sorted(fields)}")
    return os.path.join(folder, path)


def _of_fields(fields: dict[str, Any], folder: str, where: str) -> Input:
    path = path_of(fields, folder, where)
    return Input(path, _tree(os.path.relpath(path, folder or os.curdir)), output_of(fields, where))


def output_of(fields: Mapping[str, Any], where: str) -> str | None:
    """Returns the output that a line of a manifest names, from the folder of the outputs; None for none.

    Raises:
        ValueError: It lies somewhere else.
    """
    output = fields.get("output")
    if output is None:
        return None
    if not isinstance(output, str) or os.path.isabs(output) or os.pardir in output.split(os.sep) or not output:
        raise ValueError(f"{where}: output: expected a path in the folder of the outputs, got {output!r}")
    return output
