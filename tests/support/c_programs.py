"""Compiles the C kernels, without Python, for programs that call them. Objects are compiled once per run and build."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import livekit_utils
from tests.support.paths import BESIDE

CSRC = Path(os.environ.get("LIVEKIT_UTILS_CSRC") or BESIDE / "csrc")
INCLUDES = [f"-I{CSRC.resolve()}", f"-I{livekit_utils.get_include()}"]

STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror"]
STRICT += ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
DL = ["-ldl"] if platform.system() == "Linux" else []
# Sanitizers look at what the source says; with more than -O1 they take much longer to compile and see less of it.
BUILDS = {
    "address": ["-O1", "-g", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"],
    "thread": ["-O1", "-g", "-fsanitize=thread"],
    "plain": ["-O3"],
}
# Where not all kernels are wanted.
PARTS = {"thread": ["ring_buffer"]}

# Where tests run side by side, those with this mark run in one process, so that nothing is compiled twice.
in_one_process = pytest.mark.xdist_group("C programs")


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


def compile_kernels(folder: Path, name: str, sources: list[Path]) -> None:
    """Puts their objects into the folder, without a warning."""
    paths = [str(path.resolve()) for path in sources]
    process = run([compiler(), *STRICT, *BUILDS[name], *INCLUDES, "-c", *paths], folder)
    assert (process.returncode, process.stderr) == (0, ""), process.stderr


def kernel_builder(new_folder: Callable[[str], Path]) -> Callable[[str], Path]:
    """A function of a build's name that returns a folder with the kernels as objects, and nothing else that ends
    with .o."""
    folders: dict[str, Path] = {}

    def build(name: str) -> Path:
        if name not in folders:
            folder = new_folder(name)
            skip_without_runtime(BUILDS[name], folder)
            words = PARTS.get(name, [path.stem for path in sorted(CSRC.glob("*.c"))])
            compile_kernels(folder, name, [CSRC / f"{word}.c" for word in words])
            folders[name] = folder
        return folders[name]

    return build


def link(program: Path, name: str, sources: list[Path], objects: list[Path], *flags: str) -> None:
    """Makes a program of sources and objects, without a warning. Its own flags come after those of the build."""
    command = [compiler(), *STRICT, *BUILDS[name], *flags, *INCLUDES, *map(str, sources), *map(str, objects)]
    process = run([*command, "-o", str(program), "-lm", *DL, "-pthread"], program.parent)
    assert (process.returncode, process.stderr) == (0, ""), process.stderr
