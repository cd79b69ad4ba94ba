"""Compiles the kernels with the programs in c/, without Python, and runs them under the sanitizers."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.c_programs import CSRC, INCLUDES, STRICT, compiler, in_one_process, link, prefix, run
from tests.support.paths import TESTS

PROGRAMS = sorted(path.stem for path in (TESTS / "c").glob("test_*.c"))
RUNS = [(program, build) for program in PROGRAMS for build in ("address", "plain")] + [("test_ring_threads", "thread")]

pytestmark = pytest.mark.skipif(not CSRC.is_dir(), reason="no csrc folder beside the tests (LIVEKIT_UTILS_CSRC)")


@in_one_process
@pytest.mark.parametrize(("program", "build"), RUNS, ids=[f"{program}-{build}" for program, build in RUNS])
def test_program(kernels: Callable[[str], Path], rand: Any, program: str, build: str) -> None:
    folder = kernels(build)
    link(folder / program, build, [TESTS.resolve() / "c" / f"{program}.c"], sorted(folder.glob("*.o")))
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


# The kernels of `test_program` are compiled by cc with -O3, and without a warning too.
@pytest.mark.parametrize(("name", "level"), [("gcc", "-O0"), ("clang", "-O0"), ("clang", "-O3")])
def test_compiles_without_a_warning(tmp_path: Path, name: str, level: str) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    sources = [str(path.resolve()) for path in sorted(CSRC.glob("*.c"))]
    process = run([name, *STRICT, level, *INCLUDES, "-c", *sources], tmp_path)
    assert (process.returncode, process.stderr) == (0, "")
