"""Writes the stubs through which type checkers see the public names, from the table in livekit_utils/__init__.py.

`python tools/face.py` writes them, `python tools/face.py --check` fails where one is stale. It reads the table from the
source, which need not be compiled.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "livekit_utils"
HEAD = "# Written by tools/face.py from the table in livekit_utils/__init__.py.\n\n"
LINE_LENGTH = 120


def public_names() -> dict[str, tuple[str, ...]]:
    """The table: the public names of each module."""
    for node in ast.parse((PACKAGE / "__init__.py").read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["_PUBLIC"]:
            table: dict[str, tuple[str, ...]] = ast.literal_eval(node.value)
            return table
    raise SystemExit("livekit_utils/__init__.py has no table _PUBLIC")


def kind(name: str) -> int:
    """0 for a constant, 1 for a class, 2 for a function: the order in which ruff sorts names."""
    return 0 if name.isupper() else 1 if name[0].isupper() else 2


def import_line(module: str, names: Iterable[str]) -> str:
    names = sorted(names, key=lambda name: (kind(name), name.lower()))
    line = f"from {module} import {', '.join(names)}\n"
    if len(line) <= LINE_LENGTH + 1:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")\n"


def stubs() -> dict[Path, str]:
    """What each stub is to hold."""
    table = public_names()
    names = sorted((name for names in table.values() for name in names), key=lambda name: (kind(name), name))
    exported = "\n__all__ = [\n" + "".join(f'    "{name}",\n' for name in names) + "]\n"
    root = "".join(import_line(f"livekit_utils.{module}", names) for module, names in sorted(table.items()))
    return {
        PACKAGE / "__init__.pyi": f"{HEAD}{root}{exported}\n__version__: str\n",
        PACKAGE / "rtc" / "__init__.pyi": f"{HEAD}{import_line('livekit_utils', names)}{exported}",
    }


def main(arguments: list[str]) -> None:
    if arguments not in ([], ["--check"]):
        raise SystemExit("usage: python tools/face.py [--check]")
    stale = [path for path, text in stubs().items() if not path.exists() or path.read_text("utf-8") != text]
    if arguments and stale:
        raise SystemExit(f"stale: {', '.join(map(str, stale))}; run `python tools/face.py`")
    for path in stale:
        path.write_text(stubs()[path], "utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
