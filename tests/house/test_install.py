"""What is said when the package is not whole: not compiled, or under the files of another package."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import livekit_utils
from livekit_utils._runtime.install import DISTRIBUTION, OVERLAID, install_line
from tests.support.paths import SOURCE

PACKAGE = Path(livekit_utils.__path__[0])

# What livekit-utils of the package index brings.
FOREIGN = {
    "__init__.py": "from .utils import *\n__all__ = [name for name in dir() if not name.startswith('_')]\n",
    "utils.py": "def helper():\n    pass\n",
}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the package's folder, without its compiled modules."""
    ignored = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    return Path(shutil.copytree(PACKAGE, tmp_path / "livekit_utils", ignore=ignored))


def test_a_foreign_package_over_ours(copied: Path) -> None:
    for name, text in FOREIGN.items():
        (copied / name).write_text(text)
    for code in ("import livekit_utils", "from livekit_utils import AudioFrame"):
        done = run(copied.parent, "-c", code)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == f"ImportError: {OVERLAID}"


def test_a_foreign_package_under_ours(copied: Path) -> None:
    (copied / "utils.py").write_text(FOREIGN["utils.py"])
    done = run(copied.parent, "-c", "import livekit_utils; print(livekit_utils.__version__)")
    assert done.stdout == f"{livekit_utils.__version__}\n"
    assert f"RuntimeWarning: {OVERLAID}" in done.stderr


def test_every_name_in_a_source_that_is_not_compiled(copied: Path) -> None:
    code = """
import livekit_utils
for name in livekit_utils.__all__:
    try:
        getattr(livekit_utils, name)
    except ImportError as error:
        if "is not there" not in str(error):
            print(name, error)
"""
    done = run(copied.parent, "-c", code)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("arguments", ["tone 440 1 out.wav", "convert a.wav b.wav", "mix a.wav b.wav", "info a.wav"])
def test_the_command_in_a_source_that_is_not_compiled(copied: Path, arguments: str) -> None:
    pytest.importorskip("click")
    done = run(copied.parent, "-m", "livekit_utils", *arguments.split())
    assert done.returncode == 1
    assert done.stderr.startswith("error: livekit_utils.")
    assert done.stderr.endswith(
        f" is not there: {copied} looks like the source, which is not compiled. "
        "Run Python from another directory, or `make develop` here.\n"
    )


@pytest.mark.parametrize("needed", ["click", "numpy"])
def test_the_command_without_what_it_needs(copied: Path, needed: str) -> None:
    block = f"import sys, runpy; sys.modules[{needed!r}] = None; runpy.run_module('livekit_utils', run_name='__main__')"
    done = run(copied.parent, "-c", block, "tone", "440", "1", "out.wav")
    assert done.returncode == 1
    assert done.stderr in (
        f"error: {needed} is not installed: {install_line('cli')}\n",
        f"error: livekit_utils{done.stderr.partition('livekit_utils')[2]}",
    )
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not (SOURCE / "livekit_utils").is_dir(), reason="the source is not here")
def test_an_install_line_is_written_once() -> None:
    for path in (SOURCE / "livekit_utils").rglob("*.py"):
        if path.name != "install.py":
            code = [line for line in path.read_text().splitlines() if "pip install" in line and "`" not in line]
            assert not [line for line in code if "livekit>=1.0" not in line], path


@pytest.mark.skipif(not (SOURCE / "pyproject.toml").is_file(), reason="the source is not here")
def test_the_distribution_has_one_name() -> None:
    assert f'\nname = "{DISTRIBUTION}"\n' in (SOURCE / "pyproject.toml").read_text()
