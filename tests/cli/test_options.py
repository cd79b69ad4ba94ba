"""Numbers and names that no command can use are refused in one line, or as wrong usage."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")

from livekit_utils.cli import COMMANDS, app
from livekit_utils.cli.numbers import Number
from livekit_utils.cli.sound_devices import parse_device
from tests.support.cli_commands import invoke, noise, save
from tests.support.randomness import SEED

# Nothing takes the first ones; some options take some of the others.
NO_NUMBERS = ["", " ", "abc", "1,5", "0x10", "1_0", "nan", "inf", "-inf", "1e400", "\u0661"]
NUMBERS = ["0", "-1", "1e308", "1e-308", "9" * 400, "9" * 5000, str(2**31), str(2**63), "-" + "9" * 30,
           "0.5", "1", "129", "7k", *NO_NUMBERS]  # fmt: skip

# What each command needs beside the option. No device is opened.
CALLS = {
    "mix": ["a.wav", "-o", "o.wav", "--force"],
    "convert": ["a.wav", "o.wav", "--force"],
    "resample": ["a.wav", "o.wav", "--force", "--rate=8k"],
    "batch": ["in", "out", "--dry-run"],
    "tone": ["440", "0.01", "o.wav", "--force"],
    "play": ["a.wav"],
    "record": ["o.wav", "--force", "--seconds=0.1"],
    "meter": ["--seconds=0.1"],
    "info": ["a.wav"],
}
# Options that are texts with numbers in them, and how one is written.
TEXTS = {"gain": ["{}", "1={}", "a={}", "a.wav={}"], "offset": ["1={}"], "normalize": ["{}", "{}dB", "{}LUFS"],
         "pick": ["{}", "0,{}"], "raw": ["s16le:{}", "s16le:8000:{}"], "encoding": ["{}"]}  # fmt: skip


def options_with_numbers() -> Iterator[tuple[str, str, str]]:
    """Yields each option and argument of each command that takes a number, and how it is written."""
    for command in CALLS:
        for param in app.get_command(None, command).params:
            if isinstance(param.type, Number):
                name = param.opts[-1]
                yield command, name if name.startswith("-") else param.make_metavar(None), "{}"
            for form in TEXTS.get(param.name, []) if not isinstance(param.type, Number) else []:
                yield command, param.opts[-1], form


OPTIONS = sorted(set(options_with_numbers()))


def test_all_options_with_numbers_are_tried() -> None:
    """A new one of another type is to be a Number, or one of the texts."""
    known = {(command, name) for command, name, _ in OPTIONS}
    words = {"--quality", "--engine", "--format", "--plot", "--output", "--device", "--scheduler"}
    for command in COMMANDS:
        for param in app.get_command(None, command).params:
            takes_value = param.param_type_name == "option" and not param.is_flag and param.name != "help"
            name = max(param.opts, key=len)
            assert not takes_value or name in words or (command, name) in known, (command, name)


@pytest.mark.parametrize(("command", "name", "form"), OPTIONS, ids=map(" ".join, OPTIONS))
def test_numbers_are_used_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, name: str, form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "a.wav", noise(SEED, 100))
    (tmp_path / "in").mkdir()
    save(tmp_path / "in" / "a.wav", noise(SEED, 100))
    monkeypatch.setitem(__import__("sys").modules, "pyaudio", None)
    for number in NUMBERS:
        value = form.replace("{}", number)
        if name.startswith("-"):
            arguments = [command, *CALLS[command], f"{name}={value}"]
            if name == "--raw":
                arguments = [text.replace("a.wav", "a.raw") for text in arguments]
                (tmp_path / "a.raw").write_bytes(bytes(400))
        else:
            place = ["FREQ", "SECONDS"].index(name)
            arguments = [command, "--force", "--", *CALLS[command][:3]]
            arguments[3 + place] = value
        result = invoke(*arguments)
        assert result.exit_code in (0, 1, 2), (arguments, result)
        takes_none = number in NO_NUMBERS and not (number == "1,5" and name == "--pick")
        if result.exit_code == 0:
            assert not takes_none, (arguments, result)
            continue
        assert result.output == "", (arguments, result)
        assert result.errors.startswith("error: "), (arguments, result)
        assert result.errors.count("\n") == 1, (arguments, result)
        assert len(result.errors) < 400, (arguments, result)
        assert not re.search("sample_rate|num_channels|duration|_db|_ms", result.errors), (arguments, result)
        if "PyAudio" in result.errors:
            assert not takes_none, (arguments, result)
        else:
            named = (name, "a.raw", "--rate") if name == "--raw" else (name,)
            assert any(name in result.errors for name in named), (arguments, result)
            assert re.search("expected|is not one of", result.errors), (arguments, result)


@pytest.mark.parametrize(
    ("text", "device"),
    [("7", 7), ("-1", -1), ("--8", "--8"), ("²", "²"), ("٣", "٣"), ("9" * 5000, "9" * 5000), ("-", "-"), ("", ""),
     ("USB 2", "USB 2"), (None, None)],
)  # fmt: skip
def test_devices(text: str | None, device: int | str | None) -> None:
    assert parse_device(text) == device
