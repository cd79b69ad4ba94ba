"""Writes the pages of the reference, as MyST: a page for every public name, a group for every room."""

from __future__ import annotations

import re
from pathlib import Path

from tools.docs_site.source import Member, Name, read, table

# The rooms of the package in the order in which a reader meets them, with what the group is called. Rooms that are not
# here come last.
GROUPS = {
    "frames": "Frames",
    "mixing": "Mixing",
    "conversion": "Resampling",
    "tracks": "Sources, tracks and streams",
    "files": "Sound files",
    "recording": "Recording",
    "playback": "Playing media files",
    "sync": "Pictures with their sound",
    "devices": "Microphones and speakers",
    "voice": "Voices",
    "telephony": "Telephone lines and byte streams",
    "signals": "Signals and measurements",
    "filters": "Processors and filter plugins",
    "_kernels": "Between threads and processes",
}

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

_SECTIONS = re.compile(r"^(Args|Returns|Yields|Raises|Attributes|Example|Examples|Note):$")
_LEAD = re.compile(r"^(Threads|Ownership|Reader|Writer): ")


def write_reference(folder: Path) -> None:
    groups: dict[str, list[Name]] = {room: [] for room in GROUPS}
    for name, module in sorted(table().items(), key=lambda item: item[0].lower()):
        groups.setdefault(module.split(".")[0], []).append(read(name, module))
    folder.mkdir(parents=True, exist_ok=True)
    index = ["# Reference", "", "Every public name, by subject. All are imported from `livekit_utils`.", ""]
    for room, names in groups.items():
        if not names:
            continue
        page, title = room.strip("_"), GROUPS.get(room, room.capitalize())
        index += [f"## [{title}](group-{page}.md)", "", *_list_of(names), ""]
        (folder / f"group-{page}.md").write_text(_group(title, names), "utf-8")
        for name in names:
            (folder / f"{name.name}.md").write_text(_page(name), "utf-8")
    pages = [f"group-{room.strip('_')}" for room, names in groups.items() if names]
    index += ["```{toctree}", ":hidden:", "", *pages, "```", ""]
    (folder / "index.md").write_text("\n".join(index), "utf-8")


def _list_of(names: list[Name]) -> list[str]:
    return [f"- [`{name.name}`]({name.name}.md): {summary(name.what.doc)}" for name in names]


def _group(title: str, names: list[Name]) -> str:
    pages = [name.name for name in names]
    return "\n".join([f"# {title}", "", *_list_of(names), "", "```{toctree}", ":hidden:", "", *pages, "```", ""])


def summary(doc: str) -> str:
    first = " ".join(doc.partition("\n\n")[0].split())
    return first if len(first) < 200 else f"{first.partition('. ')[0].rstrip('.')}."


def _page(name: Name) -> str:
    body = markdown(name.what.doc)
    if name.used_in:
        body += ["", f"Works with {', '.join(name.used_in)}."]
    for member in name.members:
        body += ["", *_directive(member, 5, [*member.options])]
    lines = [f"# {name.name}", "", *_directive(name.what, 7, [*name.what.options, ":module: livekit_utils"], body)]
    if name.name in PICTURES:
        lines += ["", "## The data path", "", f"![What a frame goes through](../paths/{PICTURES[name.name]}.svg)"]
    return "\n".join([*lines, ""])


def _directive(member: Member, ticks: int, options: list[str], body: list[str] | None = None) -> list[str]:
    fence = "`" * ticks
    body = markdown(member.doc) if body is None else body
    return [f"{fence}{{py:{member.kind}}} {member.name}{member.signature}", *options, "", *body, fence]


def markdown(doc: str) -> list[str]:
    """Turns a docstring into Markdown: its sections into fields, its examples into blocks of code."""
    out: list[str] = []
    section, lines = "", doc.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        heading = _SECTIONS.match(line)
        if heading:
            section = heading[1]
            if section.startswith("Example"):
                out += ["", "**Example**", ""]
            elif section == "Note":
                out += [""]
            at += 1
            continue
        if line and not line[0].isspace():
            section = ""
        if line.lstrip().startswith(">>>"):
            block = []
            while at < len(lines) and lines[at].strip():
                block.append(lines[at])
                at += 1
            indent = len(block[0]) - len(block[0].lstrip())
            out += ["", "```pycon", *(part[indent:] for part in block), "```", ""]
            continue
        out += _field(section, line) if section else [_LEAD.sub(r"**\1:** ", line)]
        at += 1
    return out


def _field(section: str, line: str) -> list[str]:
    text = line.strip()
    if not text:
        return [""]
    continued = line.startswith("        ")
    if continued:
        return [f"    {text}"]
    if section in ("Args", "Attributes"):
        name, _, rest = text.partition(": ")
        return [f":{'param' if section == 'Args' else 'ivar'} {name}: {rest}"]
    if section == "Raises":
        name, _, rest = text.partition(": ")
        return [f":raises {name}: {rest}"]
    if section in ("Returns", "Yields"):
        return [f":{section.lower()}: {text}"]
    return [text]
