"""A hook of mkdocs: a page of reference for every public name, from its docstring, and the navigation."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

BUILT = Path(__file__).parent.parent / "build" / "docs"
DECISIONS = Path(__file__).parent.parent / "docs" / "decisions"

# A picture of the data path for those that have one.
PICTURES = {
    "AudioMixer": "mixer",
    "AudioSource": "source",
    "AudioStream": "source",
    "AVSynchronizer": "synchronizer",
    "MediaDevices": "devices",
    "InputCapture": "devices",
    "OutputPlayer": "devices",
}


def public_names() -> dict[str, str]:
    """Each name, and the module it is in."""
    sys.path.insert(0, str(BUILT))
    import livekit_utils

    return {name: f"livekit_utils.{livekit_utils._HOMES[name]}" for name in livekit_utils.__all__}


def page_for(name: str, module: str) -> str:
    page = f"::: {module}.{name}\n"
    if name in PICTURES:
        page += f"\n## The data path\n\n![What a frame goes through](../paths/{PICTURES[name]}.svg)\n"
    return page


def document(module: str) -> None:
    """Copies the docstrings of a compiled module into its stub, which is what the pages are made from.

    The compiled classes themselves do not tell their signatures, and give `livekit_utils` as their module.
    """
    stub = BUILT / f"{module.replace('.', '/')}.pyi"
    if not stub.exists():
        return
    compiled = importlib.import_module(module)
    tree = ast.parse(stub.read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and hasattr(compiled, node.name):
            item = getattr(compiled, node.name)
            add_docstring(node, item)
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    add_docstring(member, getattr(item, member.name))
    stub.write_text(ast.unparse(tree), "utf-8")


def add_docstring(node: ast.ClassDef | ast.FunctionDef, item: object) -> None:
    text = inspect.getdoc(item)
    if text and ast.get_docstring(node) is None:
        node.body.insert(0, ast.Expr(ast.Constant(text)))


def on_config(config: Any) -> Any:
    homes = public_names()
    for module in set(homes.values()):
        document(module)
    names = sorted(homes, key=str.lower)
    config.nav = [
        {"Overview": "index.md"},
        {"From LiveKit's own package": "switching.md"},
        {"Sound files": "files.md"},
        {"Telephone lines and byte streams": "telephony.md"},
        {"Pictures": "pictures.md"},
        {"Decisions": [f"decisions/{page.name}" for page in sorted(DECISIONS.glob("*.md"))]},
        {"Recordings": "recordings.md"},
        {"Clean sound in one line": "voice.md"},
        {"Reference": [{name: f"reference/{name}.md"} for name in names]},
    ]
    return config


def on_files(files: Files, config: Any) -> Files:
    for name, module in public_names().items():
        files.append(File.generated(config, f"reference/{name}.md", content=page_for(name, module)))
    return files
