"""Copies the docstrings of the public compiled classes into their stubs, where editors look for them.

`python tools/stub_docstrings.py` writes them, and needs the compiled package and ruff. With `--check` it fails where
one is stale.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
MODULES = ("livekit_utils._kernels.ring_buffer", "livekit_utils.frames.audio_frame")

Documented = ast.ClassDef | ast.FunctionDef


def stub_of(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.pyi"


def pairs(module: str, tree: ast.Module) -> list[tuple[str, Documented, object]]:
    """Every public class, function and member of a stub, with its name and the compiled item."""
    compiled = importlib.import_module(module)
    found: list[tuple[str, Documented, object]] = []
    for node in tree.body:
        if isinstance(node, Documented) and not node.name.startswith("_"):
            item = getattr(compiled, node.name)
            found.append((node.name, node, item))
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    found.append((f"{node.name}.{member.name}", member, inspect.getattr_static(item, member.name)))
    return found


def docstring_of(item: object) -> str | None:
    return inspect.getdoc(getattr(item, "__func__", item))


def stale(module: str) -> list[str]:
    """The names whose docstring in the stub is not that of the compiled module."""
    tree = ast.parse(stub_of(module).read_text("utf-8"))
    wrong, seen = [], set()
    for name, node, item in pairs(module, tree):
        text = docstring_of(item)
        if name not in seen and text is not None and (ast.get_docstring(node) or "").split() != text.split():
            wrong.append(name)
        seen.add(name)
    return wrong


def write(module: str) -> None:
    path = stub_of(module)
    tree = ast.parse(path.read_text("utf-8"))
    seen = set()
    for name, node, item in pairs(module, tree):
        text = docstring_of(item)
        if text is None or name in seen:
            continue
        seen.add(name)
        if ast.get_docstring(node) is not None:
            node.body.pop(0)
        indent = "    " * (1 + name.count("."))
        lines = [f"{indent}{line}" if line and number else line for number, line in enumerate(text.splitlines())]
        body = "\n".join(lines) + (f"\n{indent}" if len(lines) > 1 else "")
        node.body = [ast.Expr(ast.Constant(body)), *(part for part in node.body if not is_ellipsis(part))]
    code = ast.unparse(tree) + "\n"
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(path), "-"]
    path.write_text(subprocess.run(command, input=code, capture_output=True, text=True, check=True).stdout, "utf-8")


def is_ellipsis(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...


def main(arguments: list[str]) -> None:
    if arguments not in ([], ["--check"]):
        raise SystemExit("usage: python tools/stub_docstrings.py [--check]")
    for module in MODULES:
        if not arguments:
            write(module)
        if names := stale(module):
            raise SystemExit(f"stale in {stub_of(module)}: {', '.join(names)}; run `python tools/stub_docstrings.py`")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1:])
