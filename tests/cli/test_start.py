"""What a command imports when it starts: only what it uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")

from livekit_utils.cli import COMMANDS
from tests.support.cli_commands import invoke, noise, save
from tests.support.randomness import SEED

# Each of these costs a good part of what a command may take to start.
HEAVY = {"_hashlib", "asyncio", "av", "livekit", "matplotlib", "numpy", "pyaudio", "pydantic", "rich", "samplerate",
         "scipy", "soundfile", "typer"}  # fmt: skip

CODE = """
import sys
from livekit_utils.__main__ import main
try:
    main()
finally:
    print("modules", *sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "used"),
    [
        (["--version"], set()),
        (["--help"], set()),
        (["convert", "--help"], set()),
        (["mix", "--help"], set()),
        *(([command, "--help"], set()) for command in COMMANDS if command not in ("convert", "mix")),
        (["info", "a.wav"], {"numpy", "soundfile"}),
        (["info", "a.wav", "--json"], {"numpy", "soundfile"}),
        (["convert", "a.wav", "b.wav"], {"numpy", "soundfile"}),
        (["convert", "a.wav", "b.flac", "--rate", "16k", "--normalize", "-1"], {"numpy", "soundfile"}),
        (["resample", "a.wav", "b.wav", "--rate", "8k"], {"numpy", "soundfile"}),
        (["mix", "a.wav", "-o", "b.wav"], {"numpy", "soundfile"}),
        (["mix", "a.wav", "-o", "b.wav", "--rate", "16k", "--normalize", "-1"], {"numpy", "soundfile"}),
        (["tone", "440", "0.1", "b.wav"], {"numpy", "soundfile", "asyncio"}),
    ],
)
def test_a_command_imports_what_it_uses(
    tmp_path: Path,
    run_python: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    used: set[str],
) -> None:
    save(tmp_path / "a.wav", noise(SEED, 4800, 1, 8000))
    monkeypatch.chdir(tmp_path)
    result = run_python("-c", CODE, *arguments)
    assert result.returncode == 0, result.stderr
    modules = set(result.stderr.rpartition("modules ")[2].split())
    assert HEAVY & modules <= used


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_has_examples(name: str) -> None:
    for option in ("-h", "--help"):
        result = invoke(name, option)
        assert result.exit_code == 0
        assert f"\n    livekit-utils {name}" in result.output.partition("Examples:")[2]


def test_flags_take_no_value() -> None:
    lines = invoke("convert", "--help").output.splitlines()
    for flag in ("--trim", "--damaged", "--json", "--force"):
        (line,) = (line for line in lines if line.lstrip().startswith(flag))
        assert line.split()[1][0].isupper(), line  # the sentence that tells what it does


def test_wrong_usage_is_one_line() -> None:
    for arguments, message in [
        (["no-such"], "No such command 'no-such'; see livekit-utils --help"),
        (["mix", "a.wav"], "expected an output: OUT behind the inputs, or -o OUT; see livekit-utils mix --help"),
        (["convert", "a.wav"], "expected an output: OUT, or -o OUT; see livekit-utils convert --help"),
        (["convert", "a.wav", "b.wav", "-o", "c.wav"], "expected one output, got b.wav and --output c.wav; see "
                                                       "livekit-utils convert --help"),
        (["convert", "a.wav", "b.wav", "--rate", "16q"], "--rate: expected a rate in Hz, as 16000 or 16k, got "
                                                         "'16q'; see livekit-utils convert --help"),
    ]:  # fmt: skip
        result = invoke(*arguments)
        assert (result.exit_code, result.output, result.errors) == (2, "", f"error: {message}\n")
