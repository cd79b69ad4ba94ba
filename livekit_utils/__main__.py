"""`python -m livekit_utils`, and the console script `livekit-utils`."""

from __future__ import annotations

import io
import signal
import sys
from typing import NoReturn

_OPTIONAL = {"typer", "rich", "soundfile", "matplotlib"}


def main() -> None:
    """Runs the command line; its packages come with the extra `cli`."""
    try:
        signal.signal(signal.SIGTERM, _terminate)
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A file's name may hold what the terminal's encoding cannot show.
            sys.stdout.reconfigure(errors="backslashreplace")
        from livekit_utils.cli import app
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in _OPTIONAL:
            raise
        print(f'error: {error.name} is not installed: pip install "livekit-utils[cli]"', file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    app(prog_name="livekit-utils")


def _terminate(signum: int, frame: object) -> NoReturn:
    # By an exception, so that no unfinished file stays behind.
    sys.exit(128 + signum)


if __name__ == "__main__":
    main()
