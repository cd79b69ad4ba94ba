"""Small linters over the source tree, where it lies beside the tests."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import SOURCE

CSRC, PACKAGE, TESTS = SOURCE / "csrc", SOURCE / "livekit_utils", SOURCE / "tests"
WORDS = (
    "convert",
    "pcm",
    "g711",
    "level",
    "channels",
    "limiter",
    "linear",
    "high_pass",
    "polyphase",
    "variable_ratio",
    "sine",
    "dtmf",
    "loudness",
    "short_spectrum",
    "overlap_add",
    "echo_power",
    "noise_floor",
    "noise_fill",
    "upper_band",
    "give_back",
    "denormals",
    "ring_buffer",
    "plugin",
    "quiet",
    "pixels",
    "simd",
)
# Kernels that other compiled modules call, and the tests that reach them.
CALLED = {
    "concat": "frames/test_combine_audio_frames.py",
    "mix": "kernels/test_mix.py",
    "conceal": "telephony/test_concealment.py",
    "fft": "kernels/test_short_spectrum.py",
    "packed": "kernels/test_pixels.py",
    "chroma": "kernels/test_pixels.py",
    "yuv": "kernels/test_pixels.py",
    "scale": "kernels/test_pixels.py",
}

# What a C file may include of the functions that print and end the process.
EXCEPTIONS = {"plugin.c": {"stdio.h", "stdlib.h"}}  # flushes stdout when a library hangs while the process ends

pytestmark = pytest.mark.skipif(
    not (CSRC.is_dir() and PACKAGE.is_dir()), reason="the source tree does not lie beside the tests"
)


def code_of(path: Path) -> str:
    """A C file without its comments and string literals."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', " ", path.read_text(), flags=re.S)


def files(folder: Path, *suffixes: str) -> list[Path]:
    found = [path for path in sorted(folder.rglob("*")) if path.suffix in suffixes and "build" not in path.parts]
    assert found, f"no {suffixes} in {folder}"
    return found


def name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def test_c_knows_no_python_and_owns_no_memory() -> None:
    for path in files(CSRC, ".c", ".h"):
        includes = re.findall(r'#\s*include\s*[<"]([^">]+)', path.read_text())
        assert "Python.h" not in includes, name(path)
        forbidden = {"stdlib.h", "stdio.h", "malloc.h"} - EXCEPTIONS.get(path.name, set())
        assert not set(includes) & forbidden, name(path)
        calls = re.findall(r"\b(malloc|calloc|realloc|free|alloca|\w*printf|puts|abort|exit)\s*\(", code_of(path))
        assert not calls, f"{name(path)} calls {calls}"


def test_every_external_name_has_the_prefix() -> None:
    for path in files(CSRC, ".h"):
        code = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", code_of(path), flags=re.M)
        for function in re.findall(r"^[a-z][\w ]*[ *](\w+)\(", code, flags=re.M):
            assert function.startswith("lku_"), f"{name(path)}: {function}"


@pytest.mark.parametrize("word", WORDS)
def test_a_kernel_word_has_all_its_files(word: str) -> None:
    for path in (
        CSRC / f"{word}.c",
        CSRC / f"{word}.h",
        PACKAGE / "_kernels" / f"{word}.pyx",
        PACKAGE / "_kernels" / f"{word}.pyi",
        TESTS / "kernels" / f"test_{word}.py",
    ):
        assert path.is_file(), name(path)


def test_every_c_file_is_a_kernel_word() -> None:
    assert {path.stem for path in files(CSRC, ".c")} == {*WORDS, *CALLED}


@pytest.mark.parametrize("word", CALLED)
def test_a_kernel_that_others_call_has_its_files(word: str) -> None:
    for path in (CSRC / f"{word}.c", CSRC / f"{word}.h", TESTS / CALLED[word]):
        assert path.is_file(), name(path)


def test_no_error_is_swallowed() -> None:
    silent = re.compile(
        r"^[ \t]*except\b[^\n]*:[ \t]*(?:#[^\n]*)?(?:\n\s*(?:#[^\n]*)?)*\s*(?:pass|continue|\.\.\.)\s*$", re.M
    )
    for path in files(PACKAGE, ".py", ".pyx", ".pxd"):
        found = silent.search(path.read_text())
        assert not found, f"{name(path)}: {found and found.group().strip()}"


def test_tasks_are_started_in_one_place() -> None:
    """Where no factory of the program's loop can begin them before their owner knows of them."""
    starts = re.compile(r"create_task\(|ensure_future\(|gather\(|TaskGroup\(|asyncio\.Task\(")
    package = SOURCE / "livekit_utils"
    found = {
        str(path.relative_to(package))
        for suffix in ("py", "pyx")
        for path in package.rglob(f"*.{suffix}")
        if any(starts.search(line) and ">>>" not in line for line in path.read_text(encoding="utf-8").splitlines())
    }
    # The command line has a loop of its own.
    assert {name for name in found if not name.startswith("cli/")} == {"_runtime/tasks.py"}


def test_figures_for_those_who_switch_stand_with_those_that_were_measured() -> None:
    pages = [SOURCE / "README.md", SOURCE / "docs" / "measured.md", *(SOURCE / "docs" / "guides").glob("*.md")]
    measured = "\n".join(page.read_text() for page in pages)
    text = (SOURCE / "docs" / "switching.md").read_text()
    figures = re.findall(r"(?<![\w.])\d+(?:\.\d+)? (?:ns|µs|MiB)\b", text)
    assert len(figures) >= 14
    assert not [figure for figure in figures if figure not in measured]


def test_every_documented_class_is_on_the_page_for_those_who_switch() -> None:
    text = (SOURCE / "docs" / "switching.md").read_text()
    for documented in sorted((TESTS / "documented").glob("test_*.py")):
        for names in re.findall(
            r"from livekit_utils import ([^(\n]+)|from livekit_utils import \((.*?)\)", documented.read_text(), re.S
        ):
            for public in re.findall(r"[A-Z]\w+|[a-z]\w*_\w+", re.sub("#.*", "", "".join(names))):
                assert f"`{public}" in text, public


def test_nothing_names_the_package_of_somebody_else_as_an_install() -> None:
    """The package index has another package called livekit-utils, with the same import name."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=SOURCE, capture_output=True, text=True)
    paths = [SOURCE / path for path in names.stdout.split("\0")] if names.returncode == 0 else [*SOURCE.rglob("*")]
    kinds = {".cfg", ".in", ".md", ".pyi", ".py", ".pyx", ".sh", ".svg", ".toml", ".txt", ".yaml", ".yml", ""}
    texts = [path for path in paths if path.suffix in kinds and path.is_file() and path.name != Path(__file__).name]
    texts = [path for path in texts if not name(path).startswith((".venv", "build"))]
    assert len(texts) > 100 or names.returncode
    for path in texts:
        text = path.read_bytes().decode("utf-8", "replace")
        assert not foreign_installs(text), f"{name(path)}: {foreign_installs(text)}"


# In parts, so that no line here reads as if it told anybody to install it.
STRANGER = "livekit" + "-utils"


def foreign_installs(text: str) -> list[str]:
    """Where a text installs livekit-utils from the package index, asks for its version, or links to it."""
    package = r"livekit[-_]utils(?![\w./-])"
    patterns = (
        rf"\b(?:pip|pipx|uv|poetry|conda)\b[^`\n]*\b(?:install|add|download|run)\b[^`\n;]*[\s\"']{package}",
        rf"pypi\.org/\w+/{package}",
        rf"(?:version|distribution|metadata|requires)\([\"']{package}",
        rf"\[project\]\s*name = [\"']{package}[\"']",
        rf"(?m)^\s*[\"']{package}(?:\[[\w,]*\]|\s*[=<>~!]=?[\d. ]+)+[\"'],?\s*$",
    )
    return [found.group() for pattern in patterns for found in re.finditer(pattern, text)]


def test_foreign_installs_are_found() -> None:
    for text in (
        f"pip install {STRANGER}",
        f'python -m pip install -U "{STRANGER}[cli]"',
        "uv add livekit_utils",
        "https://pypi.org/p/livekit-utils",
        'version("livekit-utils")',
        '[project]\nname = "livekit-utils"',
        '    "livekit-utils[cli]>=0.1",',
    ):
        assert foreign_installs(text), text
    for text in (
        'pip install ".[cli]" in the source folder of the package',
        "pip uninstall livekit-utils",
        "pip install livekit-media-utils",
        'livekit-utils = "livekit_utils.__main__:main"',
    ):
        assert not foreign_installs(text), text
