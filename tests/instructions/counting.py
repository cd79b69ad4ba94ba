"""Counts the instructions of the hot paths, and knows how many are allowed."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from livekit_utils._kernels import simd

TOLERANCE = 0.03
"""How far above what is allowed a count may be: another numpy, or hashes of addresses."""

# Of each path: before it is counted, and counted.
_WARM_UP, _COUNT = 50, 400

_ALLOWED = Path(__file__).with_name("allowed.json")

# The instructions of a kernel depend on it, and valgrind knows none above.
_LEVEL = "avx2"


def interpreter() -> str:
    """Returns the name of what executes the paths; another one takes other instructions."""
    major = np.__version__.split(".")[0]
    compiler = platform.python_compiler()
    return f"{platform.python_implementation()} {platform.python_version()} ({compiler}), numpy {major}"


def cannot_count() -> str | None:
    """Returns why nothing can be counted here; None where it can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "instructions are counted on Linux for x86-64"
    if simd.detected() == "baseline":
        return f"this machine has no {_LEVEL}"
    try:
        subprocess.run(["valgrind", "--version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"valgrind: {error}"
    return None


def count_instructions() -> dict[str, int]:
    """Returns the instructions of one turn of each path, by its name."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "out"
        environment = {
            **os.environ,
            "PYTHONHASHSEED": "0",
            "LIVEKIT_UTILS_SIMD": _LEVEL,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        run = subprocess.run(
            [
                *("valgrind", "--tool=callgrind", "--dump-before=getpgrp", f"--callgrind-out-file={out}"),
                *(sys.executable, "-m", "tests.instructions.under_valgrind", str(_WARM_UP), str(_COUNT)),
            ],
            cwd=Path(__file__).parents[2],
            env=environment,
            capture_output=True,
            text=True,
        )
        if run.returncode:
            raise RuntimeError(f"valgrind failed with {run.returncode}:\n{run.stdout}{run.stderr}")
        # The dump that begins a path ends what was before it.
        return {name: _total(Path(f"{out}.{2 * i + 2}")) // _COUNT for i, name in enumerate(run.stdout.split())}


def _total(dump: Path) -> int:
    found = re.search(r"^totals: (\d+)", dump.read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{dump}: no total")
    return int(found[1])


def allowed() -> dict[str, int] | None:
    """Returns the counts that this interpreter had when they were written down; None where they never were."""
    every: dict[str, dict[str, int]] = json.loads(_ALLOWED.read_text())
    return every.get(interpreter())


def allow(counts: dict[str, int]) -> None:
    """Writes counts down for this interpreter."""
    every = json.loads(_ALLOWED.read_text()) if _ALLOWED.exists() else {}
    every[interpreter()] = counts
    _ALLOWED.write_text(json.dumps(every, indent=4, sort_keys=True) + "\n")
