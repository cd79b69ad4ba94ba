"""Compiles the kernels with the programs in c/, without Python, and runs them under the sanitizers."""

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import livekit_utils
from tests.support.paths import BESIDE, TESTS

CSRC = Path(os.environ.get("LIVEKIT_UTILS_CSRC") or BESIDE / "csrc")
INCLUDES = [f"-I{CSRC.resolve()}", f"-I{livekit_utils.get_include()}"]
PROGRAMS = sorted(path.stem for path in (TESTS / "c").glob("test_*.c"))

STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror"]
STRICT += ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
DL = ["-ldl"] if platform.system() == "Linux" else []
BUILDS = {
    "address": ["-O2", "-g", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"],
    "thread": ["-O2", "-g", "-fsanitize=thread"],
    "plain": ["-O3"],
}
RUNS = [(program, build) for program in PROGRAMS for build in ("address", "plain")] + [("test_ring_threads", "thread")]

pytestmark = pytest.mark.skipif(not CSRC.is_dir(), reason="no csrc folder beside the tests (LIVEKIT_UTILS_CSRC)")


def compiler() -> str:
    found = shutil.which(os.environ.get("CC", "cc"))
    if found is None:
        pytest.skip("no C compiler")
    return found


def run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )


def skip_without_runtime(flags: list[str], folder: Path) -> None:
    """Skips where an empty program does not build or run with these flags."""
    (folder / "empty.c").write_text("int main(void) { return 0; }\n")
    for command in ([compiler(), *flags, "empty.c", "-o", "empty"], [*prefix(), "./empty"]):
        process = run(command, folder)
        if process.returncode != 0:
            pytest.skip(f"{' '.join(flags)} does not work here: {process.stderr.strip()[-200:]}")


def prefix() -> list[str]:
    """Without address randomisation, which some thread sanitizers do not stand."""
    setarch = shutil.which("setarch")
    plain = [setarch, platform.machine(), "-R"] if setarch else []
    return plain if plain and subprocess.run([*plain, "true"], capture_output=True, check=False).returncode == 0 else []


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: Any) -> Callable[[str], Path]:
    """A folder with all kernels as objects, compiled once per build."""
    folders: dict[str, Path] = {}

    def build(name: str) -> Path:
        if name not in folders:
            folder = tmp_path_factory.mktemp(name)
            skip_without_runtime(BUILDS[name], folder)
            sources = [str(path.resolve()) for path in sorted(CSRC.glob("*.c"))]
            process = run([compiler(), *STRICT, *BUILDS[name], *INCLUDES, "-c", *sources], folder)
            assert (process.returncode, process.stderr) == (0, "")
            folders[name] = folder
        return folders[name]

    return build


@pytest.mark.parametrize(("program", "build"), RUNS, ids=[f"{program}-{build}" for program, build in RUNS])
def test_program(kernels: Callable[[str], Path], rand: Any, program: str, build: str) -> None:
    folder = kernels(build)
    objects = [path.name for path in folder.glob("*.o") if not path.name.startswith("test_")]
    command = [compiler(), *STRICT, *BUILDS[build], *INCLUDES, str(TESTS.resolve() / "c" / f"{program}.c")]
    process = run([*command, *objects, "-o", program, "-lm", *DL, "-pthread"], folder)
    assert (process.returncode, process.stderr) == (0, "")
    seed = str(rand.randrange(2**32))
    process = run([*prefix(), f"./{program}", seed], folder, UBSAN_OPTIONS="print_stacktrace=1")
    assert (process.returncode, process.stdout, process.stderr) == (0, f"seed {seed}\n", "")


def test_the_header_for_plugins_stands_alone(tmp_path: Path) -> None:
    text = '#include "livekit_audio_filter.h"\n' * 2 + "int main(void) { return 0; }\n"
    for name, standards in (("c", ("c99", "c11")), ("c++", ("c++11", "c++20"))):
        if shutil.which(name if name == "c++" else "cc") is None:
            pytest.skip(f"no compiler for {name}")
        for standard in standards:
            (tmp_path / "alone").write_text(text)
            command = [name if name == "c++" else compiler(), "-x", name, f"-std={standard}", "-Wall", "-Wextra"]
            process = run([*command, "-Wpedantic", "-Werror", *INCLUDES, "-fsyntax-only", "alone"], tmp_path)
            assert (process.returncode, process.stderr) == (0, "")


def test_every_c_file_has_a_program() -> None:
    assert {path.stem for path in CSRC.glob("*.c")} - {"simd"} <= {name.removeprefix("test_") for name in PROGRAMS}


@pytest.mark.parametrize("header", sorted(path.name for path in CSRC.glob("*.h")))
def test_a_header_stands_alone(tmp_path: Path, header: str) -> None:
    (tmp_path / "alone.c").write_text(f'#include "{header}"\n#include "{header}"\nint main(void) {{ return 0; }}\n')
    command = [compiler(), *STRICT, f"-I{CSRC.resolve()}", "-fsyntax-only", "alone.c"]
    process = run(command, tmp_path)
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.parametrize("level", ["-O0", "-O3"])
@pytest.mark.parametrize("name", ["gcc", "clang"])
def test_compiles_without_a_warning(tmp_path: Path, name: str, level: str) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    sources = [str(path.resolve()) for path in sorted(CSRC.glob("*.c"))]
    process = run([name, *STRICT, level, *INCLUDES, "-c", *sources], tmp_path)
    assert (process.returncode, process.stderr) == (0, "")
