"""`python -m livekit_utils`, and the console script `livekit-utils`."""

from __future__ import annotations

import io
import os
import sys

from livekit_utils._runtime.ending_signals import interrupt_on_ending_signals
from livekit_utils._runtime.install import install_line, not_compiled

_NEEDED = {"click", "rich", "soundfile", "matplotlib", "numpy", "samplerate"}

# numpy's linear algebra, which no command needs, would start a thread per processor: half of the time that numpy takes
# to be imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def open_closed_streams() -> None:
    """Opens those of the standard streams that were closed, so that no file gets their number, and using them is an
    error: "Bad file descriptor"."""
    for number, name, flags, mode in (
        (0, "stdin", os.O_WRONLY, "r"),
        (1, "stdout", os.O_RDONLY, "w"),
        (2, "stderr", os.O_WRONLY, "w"),
    ):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # gets the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115


def flush_output() -> None:
    """Writes what is left for standard output, and ends the program with an error where that cannot be."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # click has ended the program for it
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the interpreter tries once more
        print(f"error: standard output: {error.strerror}", file=sys.stderr)
        sys.exit(1)


def main() -> None:
    """Runs the command line; its packages come with the extra `cli`."""
    open_closed_streams()
    try:
        interrupt_on_ending_signals()
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A file's name may hold what the terminal's encoding cannot show.
            sys.stdout.reconfigure(errors="backslashreplace")
        from livekit_utils.cli import app

        try:
            app(prog_name="livekit-utils")
        finally:
            flush_output()
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name == "livekit_utils":
            print(f"error: {not_compiled(error.name or '', os.path.dirname(__file__))}", file=sys.stderr)
            sys.exit(1)
        if name not in _NEEDED:
            raise
        print(f"error: {name} is not installed: {install_line('cli')}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
