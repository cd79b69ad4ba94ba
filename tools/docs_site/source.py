"""Reads the public names from the source: signatures, docstrings and members, of Python files and of stubs."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "livekit_utils"

Function = ast.FunctionDef | ast.AsyncFunctionDef

# What readers see in place of a name that is private.
_SHOWN = {"_Frame": "AudioFrame", "_AudioSink": "AudioSource", "_VideoSink": "VideoSource", "_Convertible[T_co]": "Any"}

_PROTOCOLS = (
    ("__aenter__", "`async with`"),
    ("__enter__", "`with`"),
    ("__aiter__", "`async for`"),
    ("__iter__", "`for`"),
    ("__len__", "`len()`"),
    ("__getitem__", "`[…]`"),
    ("__buffer__", "the buffer protocol"),
    ("__eq__", "`==`"),
)


@dataclass
class Member:
    """A member of a class, or a function: what it is called like, and what is said about it."""

    name: str
    kind: str  # class, function, method, property, attribute, data
    signature: str
    doc: str
    options: list[str]


@dataclass
class Name:
    """A public name with its members."""

    name: str
    module: str
    what: Member
    members: list[Member]
    used_in: list[str]  # `async with` and the like


def table() -> dict[str, str]:
    """Every public name, and the module it is in."""
    for node in ast.parse((PACKAGE / "__init__.py").read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_PUBLIC":
            return {name: module for module, names in ast.literal_eval(node.value).items() for name in names}
    raise SystemExit("livekit_utils/__init__.py has no table of names")


@cache
def tree(module: str) -> ast.Module:
    path = PACKAGE / f"{module.replace('.', '/')}.pyi"
    path = path if path.exists() else path.with_suffix(".py")
    return ast.parse(path.read_text("utf-8"))


def read(name: str, module: str) -> Name:
    nodes = tree(module).body
    for number, node in enumerate(nodes):
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _class(name, module, node)
        if isinstance(node, Function) and node.name == name and not _is_overload(node):
            return Name(name, module, _function(node, "function"), [], [])
        target = node.target if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [None])[0]
        if isinstance(target, ast.Name) and target.id == name:
            value = getattr(node, "value", None)
            doc = _doc_after(nodes, number) or _comment_above(module, name)
            options = [f":value: {ast.unparse(value)}"] if value else []
            return Name(name, module, Member(name, "data", "", doc, options), [], [])
    raise SystemExit(f"{module} does not define {name}")


def _class(name: str, module: str, node: ast.ClassDef) -> Name:
    chain = list(_bases(module, node))
    members: dict[str, Member] = {}
    for owner in chain:
        for member in _members(owner):
            known = members.setdefault(member.name, member)
            known.doc = known.doc or member.doc
    has = {part.name for owner in chain for part in owner.body if isinstance(part, Function)}
    used = [text for method, text in _PROTOCOLS if method in has]
    makers = (part for owner in chain for part in owner.body if isinstance(part, Function) and part.name == "__init__")
    made = next(makers, None)
    signature = _arguments(made) if made else ""
    what = Member(name, "class", signature, _doc(node), [])
    return Name(name, module, what, list(members.values()), used)


def _bases(module: str, node: ast.ClassDef) -> Iterator[ast.ClassDef]:
    """The class and its bases in this package."""
    yield node
    for base in node.bases:
        name = ast.unparse(base).partition("[")[0]
        found = _find(module, name)
        if found is not None:
            yield from _bases(*found)


def _find(module: str, name: str) -> tuple[str, ast.ClassDef] | None:
    for part in ast.walk(tree(module)):
        if isinstance(part, ast.ClassDef) and part.name == name:
            return module, part
        if isinstance(part, ast.ImportFrom) and name in {alias.name for alias in part.names}:
            home = (part.module or "").removeprefix("livekit_utils.")
            return _find(home, name) if home != part.module else None
    return None


def _members(node: ast.ClassDef) -> Iterator[Member]:
    for number, part in enumerate(node.body):
        if isinstance(part, Function) and _is_shown(part) and not _is_overload(part):
            decorators = [ast.unparse(decorator) for decorator in part.decorator_list]
            if any(decorator.endswith((".setter", ".deleter")) for decorator in decorators):
                continue
            if any(decorator in ("property", "abstractproperty") for decorator in decorators):
                options = [f":type: {_shown(ast.unparse(part.returns))}"] if part.returns else []
                yield Member(part.name, "property", "", _doc(part), options)
            else:
                yield _function(part, "method")
        elif (
            isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and not part.target.id.startswith("_")
        ):
            options = [f":type: {_shown(ast.unparse(part.annotation))}"]
            yield Member(part.target.id, "attribute", "", _doc_after(node.body, number), options)
        elif isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name):
            name = part.targets[0].id
            if not name.startswith("_") and name != "ValueType":
                options = [f":value: {ast.unparse(part.value)}"]
                yield Member(name, "attribute", "", _doc_after(node.body, number), options)


def _is_shown(node: Function) -> bool:
    """Whether a method has a place on the page: a special one, if it has an example."""
    is_special = node.name.startswith("__") and ">>> " in (ast.get_docstring(node) or "")
    return is_special or not node.name.startswith("_")


def _function(node: Function, kind: str) -> Member:
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    options = [f":{word}:" for word in ("classmethod", "staticmethod") if word in decorators]
    if isinstance(node, ast.AsyncFunctionDef):
        options.append(":async:")
    returns = f" -> {_shown(ast.unparse(node.returns))}" if node.returns else ""
    return Member(node.name, kind, f"{_arguments(node, kind)}{returns}", _doc(node), options)


def _arguments(node: Function, kind: str = "method") -> str:
    arguments = node.args
    is_static = any(ast.unparse(decorator) == "staticmethod" for decorator in node.decorator_list)
    if kind == "method" and not is_static:
        first = arguments.posonlyargs or arguments.args
        if first:
            first.pop(0)
    # An argument that is private is not for callers.
    kept = [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if a.arg[0] != "_"]
    arguments.kwonlyargs, arguments.kw_defaults = [a for a, _ in kept], [d for _, d in kept]
    return f"({_shown(ast.unparse(arguments))})"


def _shown(text: str) -> str:
    for private, public in _SHOWN.items():
        text = text.replace(private, public)
    return text


def _is_overload(node: Function) -> bool:
    last = "overload" in {ast.unparse(decorator) for decorator in node.decorator_list}
    return last and ast.get_docstring(node) is None and node.name != "to_ndarray"


def _doc(node: ast.ClassDef | Function) -> str:
    return ast.get_docstring(node) or ""


def _doc_after(nodes: list[ast.stmt], number: int) -> str:
    after = nodes[number + 1] if number + 1 < len(nodes) else None
    if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
        return inspect.cleandoc(after.value.value)
    return ""


def _comment_above(module: str, name: str) -> str:
    lines = (PACKAGE / f"{module.replace('.', '/')}.py").read_text("utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith((f"{name} ", f"{name}:")))
    inline = lines[at].partition("#")[2].strip()
    if inline:
        return inline
    above = []
    while at and lines[at - 1].startswith("#"):
        at -= 1
        above.insert(0, lines[at].lstrip("# "))
    return " ".join(above)


def undocumented() -> list[str]:
    """The public names and members without a docstring."""
    names = [read(name, module) for name, module in table().items()]
    missing = [name.name for name in names if not name.what.doc]
    return missing + [f"{name.name}.{member.name}" for name in names for member in name.members if not member.doc]


if __name__ == "__main__":
    print("\n".join(undocumented()), end="")
