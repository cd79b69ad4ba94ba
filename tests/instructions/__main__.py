"""Prints the instructions of the hot paths beside those that are allowed."""

from __future__ import annotations

import sys

from tests.instructions.counting import allow, allowed, cannot_count, count_instructions, interpreter


def main() -> int:
    why = cannot_count()
    if why is not None:
        print(why, file=sys.stderr)
        return 1
    counts = count_instructions()
    before = allowed() or {}
    print(interpreter())
    print(f"{'path':20} {'now':>8} {'allowed':>8}")
    for name, count in counts.items():
        change = f"{count / before[name] - 1:+.1%}" if name in before else ""
        print(f"{name:20} {count:8} {before.get(name, ''):>8} {change}")
    if "--update" in sys.argv[1:]:
        allow(counts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
