"""A hook of mkdocs: a page of reference for every public name, from its docstring, and the navigation."""

from __future__ import annotations

import ast
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
    stub = BUILT / f"{module.replace('.', '/')}.pyi"
    if stub.exists() and (signature := constructor(stub, name)):
        # A compiled class does not tell how it is made.
        page = (
            f"# {name}\n\n```python\n{signature}\n```\n\n{page}"
            "    options:\n      show_root_heading: false\n      merge_init_into_class: false\n      filters: ['!^_']\n"
        )
    if name in PICTURES:
        page += f"\n## The data path\n\n![What a frame goes through](../paths/{PICTURES[name]}.svg)\n"
    return page


def constructor(stub: Path, name: str) -> str | None:
    """How a class of a stub is made."""
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                    del method.args.args[0]  # self
                    return f"{name}({ast.unparse(method.args)})"
    return None


def on_config(config: Any) -> Any:
    names = sorted(public_names(), key=str.lower)
    config.nav = [
        {"Overview": "index.md"},
        {"From LiveKit's own package": "switching.md"},
        {"Decisions": [f"decisions/{page.name}" for page in sorted(DECISIONS.glob("*.md"))]},
        {"Reference": [{name: f"reference/{name}.md"} for name in names]},
    ]
    return config


def on_files(files: Files, config: Any) -> Files:
    for name, module in public_names().items():
        files.append(File.generated(config, f"reference/{name}.md", content=page_for(name, module)))
    return files
