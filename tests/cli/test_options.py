"""Numbers and names that no command can use are refused in one line, or as wrong usage."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")

from livekit_utils.cli.sound_devices import parse_device
from tests.support.cli_commands import invoke, noise, save
from tests.support.randomness import SEED

NUMBERS = ["0", "-1", "nan", "inf", "-inf", "1e308", "1e-308", "1e400", "9" * 400, str(2**31), str(2**63), str(2**64),
           "-" + "9" * 30, "9" * 5000]  # fmt: skip
OPTIONS = {
    "tone freq": ["tone", "{}", "0.01", "o.wav"],
    "tone seconds": ["tone", "440", "{}", "o.wav"],
    "tone rate": ["tone", "440", "0.00001", "o.wav", "--rate={}"],
    "tone amplitude": ["tone", "440", "0.01", "o.wav", "--amplitude={}"],
    "resample rate": ["resample", "a.wav", "o.wav", "--rate={}"],
    "mix rate": ["mix", "a.wav", "-o", "o.wav", "--rate={}"],
    "mix channels": ["mix", "a.wav", "-o", "o.wav", "--channels={}"],
    "mix gain": ["mix", "a.wav", "-o", "o.wav", "--gain=a={}"],
    "play gain": ["play", "a.wav", "--device=no such device", "--gain=a={}"],
    "record seconds": ["record", "o.wav", "--device=no such device", "--seconds={}"],
    "record rate": ["record", "o.wav", "--device=no such device", "--rate={}"],
    "record channels": ["record", "o.wav", "--device=no such device", "--channels={}"],
    "record device": ["record", "o.wav", "--seconds=0.01", "--device={}"],
    "meter seconds": ["meter", "--device=no such device", "--seconds={}"],
    "meter device": ["meter", "--seconds=0.1", "--device={}"],
    "play device": ["play", "a.wav", "--device={}"],
}


@pytest.mark.parametrize("name", OPTIONS)
def test_numbers_are_used_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "a.wav", noise(SEED, 100))
    if OPTIONS[name][0] in ("play", "record", "meter"):
        monkeypatch.setitem(__import__("sys").modules, "pyaudio", None)  # no device is opened
    for number in NUMBERS:
        (tmp_path / "o.wav").unlink(missing_ok=True)
        arguments = [part.replace("{}", number) for part in OPTIONS[name]]
        if number.startswith("-") and name in ("tone freq", "tone seconds"):
            arguments.insert(1, "--")
        result = invoke(*arguments)
        assert result.exit_code in (0, 1, 2), (number, result)
        if result.exit_code == 1:
            assert result.errors.startswith("error: "), (number, result)
            assert result.errors.count("\n") == 1, (number, result)


@pytest.mark.parametrize(
    ("text", "device"),
    [("7", 7), ("-1", -1), ("--8", "--8"), ("²", "²"), ("٣", "٣"), ("9" * 5000, "9" * 5000), ("-", "-"), ("", ""),
     ("USB 2", "USB 2"), (None, None)],
)  # fmt: skip
def test_devices(text: str | None, device: int | str | None) -> None:
    assert parse_device(text) == device
