"""What the targets of the Makefile do to an environment and to a system, with programs in place of the real ones."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import SOURCE

MAKEFILE = SOURCE / "Makefile"

pytestmark = [
    pytest.mark.skipif(not MAKEFILE.is_file(), reason="the source tree does not lie beside the tests"),
    pytest.mark.skipif(sys.platform == "win32" or shutil.which("make") is None, reason="needs make and a shell"),
]

# The install in place is theirs.
IN_PLACE = {"develop", "bench", "instructions"}
# They prepare nothing, or an environment of their own.
OTHERS = {"help", "bare", "clean", "test-sdk", "test-agents"}


def targets() -> set[str]:
    (line,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE)
    return set(line.split()) - OTHERS


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.mark.parametrize("target", sorted(targets()) if MAKEFILE.is_file() else [])
def test_an_install_in_place_stays_as_it_is(tmp_path: Path, target: str) -> None:
    shutil.copy(MAKEFILE, tmp_path)
    # The first thing a target does is to prepare the environment that all the rest goes to.
    script(tmp_path / "tools" / "prepare.sh", 'echo "prepares $VENV"; exit 1')
    environment = {name: value for name, value in os.environ.items() if name != "VENV" and not name.startswith("MAKE")}

    def prepared() -> str:
        command = ["make", "--silent", target]
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        return result.stdout

    assert prepared() == "prepares .venv\n"
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "in-place").touch()
    assert prepared() == ("prepares .venv\n" if target in IN_PLACE else "prepares .venv-copy\n")
    # Nor does any later line of it, or of what it builds on, name the other one.
    if target not in IN_PLACE:
        said = subprocess.run(
            ["make", "--dry-run", target], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
        )
        assert said.returncode == 0, said.stderr
        assert re.findall(r"\.venv/.*", said.stdout) == []


@pytest.mark.parametrize("who", ["nobody", "one whom sudo refuses"])
@pytest.mark.parametrize("compiler", ["sh", "sh -e", "no-such-compiler"])
def test_who_may_install_nothing_gets_a_line_to_hand_on(tmp_path: Path, compiler: str, who: str) -> None:
    programs = tmp_path / "programs"
    for name in ("sh", "dirname", "grep"):
        found = shutil.which(name)
        assert found is not None
        programs.mkdir(exist_ok=True)
        (programs / name).symlink_to(found)
    # A Python with its headers, and not one of the packages for devices.
    script(programs / "python3", 'case "$2" in *version_info*print*|*print*) echo 3.11 ;; esac')
    script(programs / "id", "echo 1000")
    script(programs / "dpkg-query", "exit 1")
    script(programs / "apt-get", 'echo "apt-get was called" >&2; exit 100')
    if who != "nobody":
        script(programs / "sudo", "exit 1")
    (tmp_path / "tools").mkdir()
    shutil.copy(SOURCE / "tools" / "prepare.sh", tmp_path / "tools")
    script(tmp_path / "tools" / "fetch_pipewire.sh", "")
    script(tmp_path / ".venv" / "bin" / "python", "")
    result = subprocess.run(
        [str(programs / "sh"), "tools/prepare.sh", "devices"],
        cwd=tmp_path,
        env={"PATH": str(programs), "CC": compiler},
        capture_output=True,
        text=True,
        timeout=60,
    )
    needed = "" if compiler.startswith("sh") else " gcc libc6-dev"
    sound = " portaudio19-dev pulseaudio pulseaudio-utils libasound2-plugins"
    assert f"\napt-get install{needed}{sound}\n" in result.stdout
    assert result.stderr == ""
    # Without a compiler there is nothing to go on with; without sound there is.
    assert result.returncode == (1 if needed else 0)
    assert ("without these packages some tests are skipped" in result.stdout) == (not needed)
