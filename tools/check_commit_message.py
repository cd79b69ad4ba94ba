"""Checks the form of a commit message: `check_commit_message.py FILE`, as git's hook commit-msg calls it."""

from __future__ import annotations

import sys
from pathlib import Path

MAX_SUBJECT = 72

# Git and its hosts make these.
_MADE = ("Merge ", "Revert ", "fixup! ", "squash! ")


def complaints(message: str) -> list[str]:
    """What is wrong with a message; nothing where it is right."""
    lines = [line for line in message.splitlines() if not line.startswith("#")]
    while lines and not lines[0].strip():
        del lines[0]
    if not lines:
        return ["the message is empty"]
    subject = lines[0]
    if subject.startswith(_MADE):
        return []
    found = []
    if len(subject) > MAX_SUBJECT:
        found.append(f"expected a subject of at most {MAX_SUBJECT} characters, got {len(subject)}")
    if subject.endswith("."):
        found.append("expected a subject without a full stop")
    if len(lines) > 1 and lines[1].strip():
        found.append("expected an empty line between the subject and the body")
    return found


if __name__ == "__main__":
    found = complaints(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for complaint in found:
        print(f"commit message: {complaint}", file=sys.stderr)
    sys.exit(bool(found))
