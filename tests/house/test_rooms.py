"""The contract between the rooms: who may import whom. pyproject.toml states it, import-linter checks it."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import BESIDE, SOURCE

PACKAGE = SOURCE / "livekit_utils"
COMPILED = (".pyx", ".pxd")

beside_the_source = pytest.mark.skipif(
    not (PACKAGE / "_kernels" / "borrow.pxd").is_file(), reason="the source tree does not lie beside the tests"
)


def test_import_linter_keeps_the_contracts(run_python: Callable[..., Any]) -> None:
    result = run_python(
        "-c",
        "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(sys.argv[1], no_cache=True))",
        str(BESIDE / "pyproject.toml"),
        timeout=240,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", result.stdout), result.stdout


# import-linter reads no Cython, so imports from, and of, compiled modules are checked here by the same contracts.


def contracts(kind: str) -> list[dict[str, Any]]:
    settings = tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))
    return [contract for contract in settings["tool"]["importlinter"]["contracts"] if contract["type"] == kind]


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def named(path: Path) -> list[tuple[str, list[str]]]:
    """What a file imports: each module with the names that are taken from it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        found = []
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: relative import in line {node.lineno}"
                found.append((node.module or "", [alias.name for alias in node.names]))
            elif isinstance(node, ast.Import):
                found += [(alias.name, []) for alias in node.names]
        return found
    text = re.sub(r"#[^\n]*", "", text).replace("\\\n", " ")
    assert not re.search(r"^\s*from\s+\.", text, re.M), f"{path}: relative import"
    taken = re.findall(r"^\s*from\s+([\w.]+)\s+c?import\s+(\([^)]*\)|[^\n]+)", text, re.M)
    plain = re.findall(r"^\s*c?import\s+([^\n]+)", text, re.M)
    return [(module, re.findall(r"[\w.]+", names)) for module, names in taken] + [
        (name.split()[0], []) for names in plain for name in names.split(",")
    ]


def imports() -> dict[str, set[str]]:
    """Every module of the package, with the modules of the package that it imports or cimports."""
    paths = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", *COMPILED)]
    graph: dict[str, set[str]] = {module_of(path): set() for path in paths}
    for path in paths:
        for module, names in named(path):
            targets = {f"{module}.{name}" for name in names} & graph.keys()
            if len(targets) < len(names) or not names:
                targets |= {module} & graph.keys()
            graph[module_of(path)] |= targets - {module_of(path)}
    return graph


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@beside_the_source
def test_a_kernel_knows_no_room_above_it() -> None:
    for path in (PACKAGE / "_kernels").rglob("*"):
        if path.suffix in (".py", *COMPILED):
            for module, _ in named(path):
                assert not re.match(r"livekit_utils(?!\._kernels\b)", module), f"{path.name} imports {module}"


@beside_the_source
def test_compiled_modules_import_from_the_floors_below() -> None:
    [contract] = contracts("layers")
    floors = {
        name.strip(): floor for floor, layer in enumerate(reversed(contract["layers"])) for name in layer.split("|")
    }
    graph = imports()
    assert {"_kernels", "frames", "mixing"} <= {room(module) for module in graph}
    for importer, targets in graph.items():
        for target in targets:
            if room(importer) in floors and room(target) in floors and room(importer) != room(target):
                assert floors[room(target)] < floors[room(importer)], f"{importer} imports {target}"


@beside_the_source
def test_no_forbidden_module_is_reached_through_a_compiled_one() -> None:
    graph = imports()
    assert contracts("forbidden")
    for contract in contracts("forbidden"):
        reached: dict[str, str] = {}
        waiting = [module for module in graph if module.startswith(tuple(contract["source_modules"]))]
        while waiting:
            importer = waiting.pop()
            for target in graph[importer] - reached.keys():
                reached[target] = importer
                waiting.append(target)
        for target, importer in reached.items():
            assert not target.startswith(tuple(contract["forbidden_modules"])), f"{importer} imports {target}"


@beside_the_source
def test_no_import_circle_with_compiled_modules() -> None:
    graph = imports()
    # Take away what imports nothing that is left, and what nothing that is left imports. Circles remain.
    while True:
        imported = set().union(*graph.values())
        kept = {module for module, targets in graph.items() if module in imported and targets & graph.keys()}
        if kept == graph.keys():
            break
        graph = {module: graph[module] & kept for module in kept}
    assert not graph, f"circle: {graph}"
