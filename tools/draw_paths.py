"""Draws the pictures of the data path for the documentation: docs/paths/*.svg. Standard library only.

Each comes in two forms: rows from left to right, and, for telephones, one column.
A picture is a list of rows from left to right. Each box has a title and a line of small print; the arrow to the next
one may have a label. Boxes of a kind have one colour.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

WIDTH, HEIGHT, GAP, TOP = 190, 62, 92, 30
COLOURS = {"yours": "#fff4d6", "loop": "#dcebfa", "compiled": "#dff3e1", "device": "#ececec"}
LEGEND = {"yours": "your code", "loop": "in the event loop", "compiled": "compiled", "device": "another process"}

Box = tuple[str, str, str, str]  # kind, title, small print, label of the arrow that follows

PICTURES: dict[str, tuple[str, list[list[Box]]]] = {
    "mixer": (
        "Frames through AudioMixer",
        [
            [
                ("yours", "a stream", "frames or events", ""),
                ("loop", "its task", "converts if it must", "one copy"),
                ("compiled", "its queue", "with gain and level", ""),
            ],
            [
                ("yours", "another stream", "of any rate", ""),
                ("loop", "its task", "converts if it must", "one copy"),
                ("compiled", "its queue", "with gain and level", ""),
            ],
            [
                ("loop", "the last arrival", "or the timer, for a late one", "all queues"),
                ("compiled", "the exact sum", "saturated once", ""),
                ("yours", "async for block", "an AudioFrame", ""),
            ],
        ],
    ),
    "source": (
        "Frames from AudioSource to AudioStream",
        [
            [
                ("yours", "capture_frame", "waits while it is full", "one copy"),
                ("compiled", "the queue", "of the source", ""),
                ("loop", "one timer", "counts samples, 10 ms", ""),
            ],
            [
                ("compiled", "rate and channels", "as this stream asks", ""),
                ("loop", "filter, processor", "if there is one", ""),
                ("yours", "async for event", "one such row per stream", ""),
            ],
        ],
    ),
    "synchronizer": (
        "Pictures and sound through AVSynchronizer",
        [
            [
                ("yours", "push(audio, end)", "", ""),
                ("loop", "the audio source", "plays in real time", "what is heard"),
                ("loop", "the media clock", "where the sound is now", ""),
            ],
            [
                ("yours", "push(picture, time)", "waits while it is full", ""),
                ("loop", "the queue", "late ones are dropped", "when it is time"),
                ("loop", "the video source", "shows the picture", ""),
            ],
        ],
    ),
    "devices": (
        "A microphone and a speaker of MediaDevices",
        [
            [
                ("device", "the microphone", "PortAudio", "shared memory"),
                ("compiled", "the ring", "no locks, counted losses", ""),
                ("loop", "InputCapture", "echo, noise, gain", "10 ms"),
                ("yours", "capture.source", "tracks and streams on it", ""),
            ],
            [
                ("yours", "add_track", "any number", "frames"),
                ("loop", "OutputPlayer", "one queue for each, mixed", ""),
                ("compiled", "the ring", "what is kept ready", "shared memory"),
                ("device", "the speaker", "PortAudio", ""),
            ],
        ],
    ),
}


def draw(title: str, rows: list[list[Box]]) -> str:
    """Rows from left to right."""
    columns = max(len(row) for row in rows)
    width = columns * WIDTH + (columns - 1) * GAP + 20
    height = TOP + len(rows) * (HEIGHT + 26) + 34
    parts = []
    for i, row in enumerate(rows):
        y = TOP + i * (HEIGHT + 26)
        for j, (kind, name, small, label) in enumerate(row):
            x = 10 + j * (WIDTH + GAP)
            parts.append(box(x, y, WIDTH, kind, name, small))
            if j + 1 < len(row):
                line = y + HEIGHT / 2
                parts.append(arrow(f"M{x + WIDTH + 3} {line}H{x + WIDTH + GAP - 3}"))
                parts.append(text(x + WIDTH + GAP / 2, line - 7, 10, "#444", label))
    return page(title, width, height, parts, legend(rows, 10, height - 24, 10_000))


def draw_narrow(title: str, rows: list[list[Box]]) -> str:
    """One row below the other, each from top to bottom."""
    width, step = 340, HEIGHT + 38
    parts = []
    y = TOP + 4
    for row in rows:
        for j, (kind, name, small, label) in enumerate(row):
            parts.append(box(20, y, width - 40, kind, name, small))
            if j + 1 < len(row):
                parts.append(arrow(f"M{width / 2} {y + HEIGHT + 3}V{y + step - 3}"))
                parts.append(text(width / 2 + 60, y + HEIGHT + 24, 12, "#444", label))
            y += step
    return page(title, width, y + 36, parts, legend(rows, 20, y - 10, width))


def page(title: str, width: float, height: float, *parts: list[str]) -> str:
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="sans-serif" role="img">',
        f"<title>{escape(title)}</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#444"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="10" y="19" font-size="14" font-weight="bold" fill="#222">{escape(title)}</text>',
    ]
    return "\n".join([*head, *(line for part in parts for line in part), "</svg>", ""])


def box(x: float, y: float, width: float, kind: str, name: str, small: str) -> str:
    middle = x + width / 2
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="7" fill="{COLOURS[kind]}" stroke="#777"/>'
        + text(middle, y + 27, 15, "#111", name)
        + text(middle, y + 47, 12, "#555", small)
    )


def arrow(path: str) -> str:
    return f'<path d="{path}" stroke="#444" stroke-width="1.5" marker-end="url(#tip)"/>'


def legend(rows: list[list[Box]], left: float, y: float, width: float) -> list[str]:
    kinds = [kind for kind in COLOURS if any(box[0] == kind for row in rows for box in row)]
    parts = []
    x = left
    for kind in kinds:
        step = 34 + 8 * len(LEGEND[kind])
        if x + step > width:
            x, y = left, y + 22
        parts.append(
            f'<rect x="{x}" y="{y}" width="14" height="14" rx="3" fill="{COLOURS[kind]}" stroke="#777"/>'
            f'<text x="{x + 20}" y="{y + 11.5}" font-size="12" fill="#333">{LEGEND[kind]}</text>'
        )
        x += step
    return parts


def text(x: float, y: float, size: int, colour: str, words: str) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="middle" fill="{colour}">{escape(words)}</text>'


def main() -> None:
    folder = Path(__file__).parent.parent / "docs" / "paths"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (title, rows) in PICTURES.items():
        (folder / f"{name}.svg").write_text(draw(title, rows))
        (folder / f"{name}-narrow.svg").write_text(draw_narrow(title, rows))


if __name__ == "__main__":
    main()
