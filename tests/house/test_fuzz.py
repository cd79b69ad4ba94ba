"""The fuzz targets run, and a C target finds a bound that is missing. `make fuzz` runs them for long."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.c_programs import CSRC, compile_kernels, in_one_process, link
from tests.support.paths import SOURCE

FUZZ = SOURCE / "fuzz"
PYTHON = sorted(path.stem for path in FUZZ.glob("*.py") if "\ndef fuzz(" in path.read_text(encoding="utf-8"))
C = sorted(path.stem for path in (FUZZ / "c").glob("*.c") if path.stem != "driver")

pytestmark = pytest.mark.skipif(not FUZZ.is_dir(), reason="the source tree does not lie beside the tests")


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """A folder with the targets, from which the source of the package is out of reach."""
    shutil.copytree(FUZZ, tmp_path / "fuzz")
    return tmp_path


@pytest.mark.parametrize("target", PYTHON)
def test_python_target(away: Path, rand: Any, target: str) -> None:
    command = [sys.executable, "-m", "fuzz", target, "--plain", "--runs", "40", "--seed", str(rand.randrange(2**31))]
    path = os.pathsep.join(filter(None, sys.path))
    result = subprocess.run(
        command, cwd=away, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert "40 inputs" in result.stdout


def build(target: str, folder: Path, objects: list[Path]) -> str:
    """A target with random inputs, of those kernels but the loader of plugins, which runs the code of others."""
    own = [(FUZZ / "c" / f"{name}.c").resolve() for name in (target, "driver")]
    kernels = [path for path in objects if path.stem != "plugin"]
    link(folder / target, "address", own, kernels)
    return str(folder / target)


@in_one_process
@pytest.mark.parametrize("target", C)
def test_c_target(kernels: Callable[[str], Path], tmp_path: Path, rand: Any, target: str) -> None:
    seed = str(rand.randrange(2**31))
    command = [build(target, tmp_path, sorted(kernels("address").glob("*.o"))), "0", seed, "300"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stdout) == (0, f"300 inputs of seed {seed}\n"), result.stderr


@in_one_process
def test_a_missing_bound_is_found(kernels: Callable[[str], Path], tmp_path: Path) -> None:
    code = (CSRC / "ring_buffer.c").read_text(encoding="utf-8")
    bound = "return n < ring->capacity ? n : ring->capacity;"
    assert bound in code
    broken = tmp_path / "ring_buffer.c"
    broken.write_text(code.replace(bound, "return (void)ring, n;"), encoding="utf-8")
    others = [path for path in sorted(kernels("address").glob("*.o")) if path.stem != "ring_buffer"]
    compile_kernels(tmp_path, "address", [broken])
    command = [build("ring_attach", tmp_path, [*others, tmp_path / "ring_buffer.o"]), "0", "1", "3000"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode != 0
