"""`python -m benchmarks`."""

from __future__ import annotations

import sys

_NEEDED = {"matplotlib", "numpy", "pyperf", "rich", "samplerate", "typer"}


def main() -> None:
    try:
        from benchmarks.command import app
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in _NEEDED:
            raise
        print(f'error: {name} is not installed: pip install ".[bench]"', file=sys.stderr)
        sys.exit(1)
    app(prog_name="python -m benchmarks")


if __name__ == "__main__":
    main()
