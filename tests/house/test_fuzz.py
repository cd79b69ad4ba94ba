"""The fuzz targets run, and a C target finds a bound that is missing. `make fuzz` runs them for long."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import SOURCE

FUZZ, CSRC = SOURCE / "fuzz", SOURCE / "csrc"
PYTHON = sorted(path.stem for path in FUZZ.glob("*.py") if "\ndef fuzz(" in path.read_text(encoding="utf-8"))
C = sorted(path.stem for path in (FUZZ / "c").glob("*.c") if path.stem != "driver")
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

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


def build(target: str, sources: Path, folder: Path) -> str:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("no C compiler")
    program = str(folder / target)
    kernels = [str(path) for path in sources.glob("*.c") if path.stem != "plugin"]
    own = [str(FUZZ / "c" / f"{name}.c") for name in (target, "driver")]
    flags = ["-std=c11", "-g", "-O1", "-ffp-contract=off", f"-I{sources}"]
    empty = folder / "empty.c"
    empty.write_text("int main(void) { return 0; }\n")
    if subprocess.run([compiler, *SANITIZERS, str(empty), "-o", program], capture_output=True).returncode:
        pytest.skip("no sanitizers here")
    subprocess.run([compiler, *flags, *SANITIZERS, *own, *kernels, "-lm", "-o", program], check=True)
    return program


@pytest.mark.parametrize("target", C)
def test_c_target(tmp_path: Path, rand: Any, target: str) -> None:
    seed = str(rand.randrange(2**31))
    command = [build(target, CSRC, tmp_path), "0", seed, "300"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stdout) == (0, f"300 inputs of seed {seed}\n"), result.stderr


def test_a_missing_bound_is_found(tmp_path: Path) -> None:
    broken = tmp_path / "csrc"
    shutil.copytree(CSRC, broken)
    ring = broken / "ring_buffer.c"
    code = ring.read_text(encoding="utf-8")
    bound = "return n < ring->capacity ? n : ring->capacity;"
    assert bound in code
    ring.write_text(code.replace(bound, "return n;"), encoding="utf-8")
    command = [build("ring_attach", broken, tmp_path), "0", "1", "3000"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode != 0
