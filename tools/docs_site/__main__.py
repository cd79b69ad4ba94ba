"""Gathers the sources of the site in build/docs/source, for Sphinx: `python -m tools.docs_site`.

They are docs, README.md and the like, the changelog with what is not released yet, the examples, and the reference.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.docs_site.flow import flow
from tools.docs_site.reference import write_reference
from tools.docs_site.run import as_installed, run_steps
from tools.docs_site.source import ROOT

WORK = ROOT / "build" / "docs"
# Pages that lie elsewhere in the tree.
PAGES = {
    "README.md": "readme.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
KINDS = {"added": "Added", "changed": "Changed", "fixed": "Fixed", "removed": "Removed"}


def main(arguments: list[str]) -> None:
    source, extra = WORK / "source", WORK / "extra"
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.copytree(ROOT / "docs", source, ignore=shutil.ignore_patterns("__pycache__", "*.wav"))
    extra.mkdir()
    for name, page in PAGES.items():
        (source / page).write_text(moved((ROOT / name).read_text("utf-8")), "utf-8")
    (source / "changelog.md").write_text(changelog(), "utf-8")
    (source / "examples.md").write_text(examples(source / "programs"), "utf-8")
    decisions = source / "decisions" / "README.md"
    decisions.write_text(f"{decisions.read_text('utf-8')}\n```{{toctree}}\n:hidden:\n:glob:\n\n0*\n```\n", "utf-8")
    write_reference(source / "reference")
    guides = source / "guides" / "index.md"
    guides.write_text(guides.read_text("utf-8") + further(source), "utf-8")
    tutorial = source / "tutorial.md"
    if "--quick" not in arguments:
        draw_voices(source / "voice.png", extra)
        text = run_steps(tutorial.read_text("utf-8"), WORK / "steps", source / "tutorial", "tutorial")
        tutorial.write_text(text, "utf-8")
        (extra / "tutorial").mkdir()
        for sound in (source / "tutorial").glob("*.wav"):
            shutil.copy(sound, extra / "tutorial")
    for page in source.rglob("*.md"):
        page.write_text(drawn(_to_examples(page.read_text("utf-8"))), "utf-8")


def draw_voices(picture: Path, sounds: Path) -> None:
    """Draws the picture of the page on voices, and writes its sounds, with the package that is installed."""
    shutil.copytree(ROOT / "tools", WORK / "tools")
    command = [sys.executable, "-m", "tools.draw_voice", str(picture)]
    subprocess.run(command, cwd=WORK, env=as_installed(), check=True)
    for sound in picture.parent.glob("voice-*.wav"):
        shutil.move(sound, sounds)


def further(source: Path) -> str:
    """A table of contents of the pages in docs that no other one names."""
    named = "\n".join(page.read_text("utf-8") for page in (source / "index.md", source / "guides" / "index.md"))
    tables = re.findall(r"```{toctree}\n(.*?)```", named, re.S)
    known = {Path(line.strip()).stem for table in tables for line in table.splitlines()} | {"index"}
    pages = [page.stem for page in sorted(source.glob("*.md")) if page.stem not in known]
    if not pages:
        return ""
    return "\n".join(
        ["", "**More**", "", "```{toctree}", ":maxdepth: 1", "", *(f"../{page}" for page in pages), "```", ""]
    )


def moved(text: str) -> str:
    """The links of a page at the root of the tree, as they are on the site."""
    for name, page in PAGES.items():
        text = text.replace(f"]({name}", f"]({page}")
    text = text.replace("](docs/decisions)", "](decisions/README.md)").replace("](docs/", "](")
    text = text.replace("](CHANGELOG.md)", "](changelog.md)")
    text = re.sub(r"\]\(examples/[^)]*\)", "](examples.md)", text)
    return re.sub(r"\[([^\]]+)\]\(changelog\.d/[^)]*\)", r"`\1`", text)


def _to_examples(text: str) -> str:
    """The links of a page in docs to the examples, as they are on the site."""
    return re.sub(r"\]\(((?:\.\./)*)\.\./examples/[^)]*\)", r"](\1examples.md)", text)


def drawn(text: str) -> str:
    """Flow charts as HTML, and the paths of frames in a form for wide and one for narrow screens."""
    text = re.sub(r"```mermaid\n(.*?)```", lambda found: flow(found[1]), text, flags=re.S)
    return re.sub(
        r"!\[([^\]]*)\]\(((?:\.\./)?paths/\w+)\.svg\)",
        r"![\1](\2.svg){.when-wide} ![\1](\2-narrow.svg){.when-narrow}",
        text,
    )


def changelog() -> str:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    parts = ["# Changelog", "", "## Not released yet", ""]
    for kind, title in KINDS.items():
        fragments = sorted((ROOT / "changelog.d").glob(f"*.{kind}.md"))
        if fragments:
            parts += [f"### {title}", ""]
            for fragment in fragments:
                lines = fragment.read_text("utf-8").strip().splitlines()
                parts += ["- " + "\n  ".join(lines)]
            parts.append("")
    return "\n".join(parts) + text.partition("# Changelog")[2]


def examples(folder: Path) -> str:
    folder.mkdir()
    parts = ["# Programs", "", "They lie in `examples`, and run as they are.", ""]
    for path in sorted((ROOT / "examples").rglob("*")):
        if path.suffix in (".py", ".c"):
            shutil.copy(path, folder)
            language = "python" if path.suffix == ".py" else "c"
            parts += [f"## {path.relative_to(ROOT / 'examples')}", "", f"```{{literalinclude}} programs/{path.name}"]
            parts += [f":language: {language}", "```", ""]
    return "\n".join(parts)


if __name__ == "__main__":
    main(sys.argv[1:])
