"""Writes the stubs through which type checkers see the public names, from the tables in livekit_utils/__init__.py and
livekit_utils/rtc/_names.py.

`python tools/face.py` writes them, `python tools/face.py --check` fails where one is stale. It reads the tables from
the source, which need not be compiled.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "livekit_utils"
HEAD = "# Written by tools/face.py from the tables of names.\n\n"
LINE_LENGTH = 120


def table(path: Path, name: str) -> dict[str, tuple[str, ...]]:
    """A table of names by module, in a source file."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            found: dict[str, tuple[str, ...]] = ast.literal_eval(node.value)
            return found
    raise SystemExit(f"{path} has no table {name}")


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
    public = table(PACKAGE / "__init__.py", "_PUBLIC")
    names = sorted((name for names in public.values() for name in names), key=lambda name: (kind(name), name))
    exported = "\n__all__ = [\n" + "".join(f'    "{name}",\n' for name in names) + "]\n"
    root = "".join(import_line(f"livekit_utils.{module}", names) for module, names in sorted(public.items()))
    return {PACKAGE / "__init__.pyi": f"{HEAD}{root}{exported}\n__version__: str\n", **rtc_stubs()}


def rtc_stubs() -> dict[Path, str]:
    """The stubs of `livekit_utils.rtc` and its submodules: LiveKit's names, where it is installed, and ours instead of
    those that both have. Of two imports of a name, mypy takes the first and pyright the last: so ours come twice."""
    head = f"{HEAD}# mypy: disable-error-code=assignment\n\n"
    submodules = table(PACKAGE / "rtc" / "_names.py", "SUBMODULES")
    ours = "from livekit_utils import *\n"
    files = {"__init__": f"{head}{ours}from livekit.rtc import *\n{ours}{exporting('livekit_utils.rtc', submodules)}"}
    for name, names in submodules.items():
        ours = exporting("livekit_utils", names)
        files[name] = f"{head}{ours}from livekit.rtc.{name} import *\n{ours}"
    return {PACKAGE / "rtc" / f"{name}.pyi": text for name, text in files.items()}


def exporting(module: str, names: Iterable[str]) -> str:
    return "".join(f"from {module} import {name} as {name}\n" for name in names)


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
