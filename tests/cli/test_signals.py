"""Signals end a command in order, wherever it was started from."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")

from tests.support.cli_commands import names
from tests.support.sound_files import write_long_wav

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="open files are read from /proc")

# SIGINT is for Ctrl-C; the shell makes what it runs in the background ignore it, and SIGQUIT.
BACKGROUND = "INT QUIT"
NOHUP = "INT QUIT HUP"

Start = Callable[..., Any]


@pytest.fixture
def long_wav(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "long.wav"
    write_long_wav(path, 8000)
    return path


@pytest.fixture
def start(interpreter: Callable[..., Any]) -> Iterator[Start]:
    """Starts a command that ignores signals, and waits until it has a file open."""
    started = []

    def run(ignored: str, opened: Path, *arguments: object) -> Any:
        command = shlex.join([sys.executable, "-m", "livekit_utils", *map(str, arguments)])
        # Python is replaced by the shell, and that by the command: what is ignored stays so.
        code = "import os, sys; os.execvp('sh', ['sh', '-c', sys.argv[1]])"
        trap = f'trap "" {ignored}; ' if ignored else ""
        process = interpreter("-c", code, f"{trap}exec {command}")
        started.append(process)
        deadline = time.monotonic() + 60
        while not is_open(process.pid, opened):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def is_open(pid: int, path: Path) -> bool:
    """Whether a process has a file open, or one in a directory."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = Path(os.readlink(link))
        except OSError:
            continue
        if path in (target, target.parent):
            return True
    return False


def end(process: Any, number: signal.Signals) -> None:
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (130, "", "interrupted\n")


def commands(source: Path, out: Path) -> dict[str, tuple[Path, list[object]]]:
    """Each with what it opens."""
    return {
        "info": (source, ["info", source]),
        "tone": (out, ["tone", 440, 36_000, out / "t.wav"]),
        "mix": (out, ["mix", source, "-o", out / "t.wav"]),
        "resample": (out, ["resample", source, out / "t.flac", "--rate", 16_000]),
    }


@pytest.mark.parametrize("ignored", ["", BACKGROUND, NOHUP])
@pytest.mark.parametrize("command", ["info", "tone", "mix", "resample"])
def test_sigterm_ends_a_command(long_wav: Path, tmp_path: Path, start: Start, command: str, ignored: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    opened, arguments = commands(long_wav, out)[command]
    end(start(ignored, opened, *arguments), signal.SIGTERM)
    assert names(out) == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("command", ["info", "mix"])
def test_other_signals_end_a_command(
    long_wav: Path, tmp_path: Path, start: Start, command: str, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    opened, arguments = commands(long_wav, out)[command]
    end(start("", opened, *arguments), number)
    assert names(out) == set()


def test_what_is_ignored_stays_so(long_wav: Path, tmp_path: Path, start: Start) -> None:
    out = tmp_path / "out"
    out.mkdir()
    process = start(NOHUP, out, "mix", long_wav, "-o", out / "t.wav")

    def size() -> int:
        return sum(path.stat().st_size for path in out.iterdir())

    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        before = size()
        process.send_signal(number)
        deadline = time.monotonic() + 60
        while size() < before + 1_000_000:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
    end(process, signal.SIGTERM)
    assert names(out) == set()


def test_while_it_is_loaded(interpreter: Callable[..., Any]) -> None:
    code = (
        "import builtins, signal\n"
        "from livekit_utils.__main__ import main\n"
        "old = builtins.__import__\n"
        "def slow(name, *rest):\n"
        "    if name == 'livekit_utils.cli': signal.raise_signal(signal.SIGTERM)\n"
        "    return old(name, *rest)\n"
        "builtins.__import__ = slow\n"
        "main()\n"
    )
    with interpreter("-c", code) as process:
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (130, "", "")


def test_children_of_tests_have_default_dispositions(interpreter: Callable[..., Any]) -> None:
    """Where the tests themselves run in the background, too."""
    inner = "import signal; print(*(signal.getsignal(n).name for n in (signal.SIGHUP, signal.SIGQUIT)))"
    code = (
        "import signal, subprocess, sys\n"
        "for number in (signal.SIGHUP, signal.SIGQUIT): signal.signal(number, signal.SIG_IGN)\n"
        f"command = [sys.executable, '-c', {inner!r}]\n"
        "from tests.support.dispositions import default_for_children\n"
        "subprocess.run(command)\n"
        "with default_for_children():\n"
        "    subprocess.run(command)\n"
        "    for number in (signal.SIGHUP, signal.SIGQUIT): signal.raise_signal(number)\n"
        "subprocess.run(command)\n"
    )
    with interpreter("-c", code, PYTHONPATH=os.pathsep.join(sys.path)) as process:
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert output.splitlines() == ["SIG_IGN SIG_IGN", "SIG_DFL SIG_DFL", "SIG_IGN SIG_IGN"]
