"""`livekit_utils.rtc` where LiveKit's own package is missing, broken or too old; see tests/sdk for where it is not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

INSTALL = 'pip install "livekit>=1.0"'

# What makes of a directory on the path a package that fails, and what the error then says.
BROKEN = {
    "half installed": ({"livekit/rtc/__init__.py": "from . import room"}, "ImportError"),
    "without protobuf": ({"livekit/rtc/__init__.py": "import no_such_protobuf"}, "No module named 'no_such_protobuf'"),
    "with a library for another machine": ({"livekit/rtc/__init__.py": "raise OSError('wrong ELF class')"}, "ELF"),
    "no Python": ({"livekit/rtc/__init__.py": "def"}, "SyntaxError"),
    "too old": ({"livekit/rtc/__init__.py": "__version__ = '0.18.1'"}, "from 1.0 on, got 0.18.1"),
}
MISSING = {
    "no package": {},
    "another part of it": {"livekit/api/__init__.py": ""},
    "another package of the name": {"livekit/__init__.py": ""},
}


def run(code: str, folder: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs a program that finds only these files of LiveKit's package."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    # The installed package, if there is one, is hidden behind a regular package, or by None.
    start = f"""
import importlib, sys, types
sys.path.insert(0, {str(folder)!r})
if {bool(files)}:
    package = sys.modules["livekit"] = types.ModuleType("livekit")
    package.__path__ = [{str(folder / "livekit")!r}]
else:
    sys.modules["livekit"] = None
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-W", "error", "-c", start + code]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)


def output(code: str, folder: Path, files: dict[str, str]) -> str:
    result = run(code, folder, files)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("files", MISSING.values(), ids=MISSING)
class TestWithoutLiveKit:
    def test_ours_are_there(self, files: dict[str, str], tmp_path: Path) -> None:
        code = """
from livekit_utils import rtc
from livekit_utils.rtc import *
from livekit_utils.rtc.audio_frame import AudioFrame as Frame
from livekit_utils.rtc.utils import *
import livekit_utils.rtc.media_devices as devices
import livekit_utils
assert rtc.__all__ == livekit_utils.__all__ and {*rtc.__all__} <= {*dir(rtc)}
assert rtc.AudioFrame is AudioFrame is Frame is rtc.audio_frame.AudioFrame is livekit_utils.AudioFrame
assert rtc.utils.sine_wave_generator is sine_wave_generator
assert devices.BLOCKSIZE == 2400 and "OutputPlayer" in dir(devices)
for name, names in livekit_utils.rtc._names.SUBMODULES.items():
    if names:
        module = importlib.import_module("livekit_utils.rtc." + name)
        assert module.__name__ == "livekit_utils.rtc." + name
        assert module.__all__ == sorted(names)
"""
        output(code, tmp_path, files)

    def test_theirs_are_not(self, files: dict[str, str], tmp_path: Path) -> None:
        code = """
from livekit_utils import rtc
import livekit_utils.rtc.track
print(hasattr(rtc, "Room"), hasattr(rtc.track, "RemoteTrack"), hasattr(rtc, "__wrapped__"), "Room" in dir(rtc))
"""
        assert output(code, tmp_path, files).split() == ["False"] * 4

    @pytest.mark.parametrize(
        ("statement", "error"),
        [
            ("rtc.Room", "AttributeError: module 'livekit_utils.rtc' has no attribute 'Room'; "),
            ("rtc.track.RemoteTrack", "AttributeError: module 'livekit_utils.rtc.track' has no attribute "),
            ("from livekit_utils.rtc import Room", "ModuleNotFoundError: livekit_utils.rtc.Room is not in "),
            ("from livekit_utils.rtc.room import Room", "ModuleNotFoundError: livekit_utils.rtc.room is not in "),
            ("from livekit_utils.rtc.utils import Stats", "ModuleNotFoundError: livekit_utils.rtc.utils.Stats is not "),
            ("import livekit_utils.rtc.participant", "ModuleNotFoundError: livekit_utils.rtc.participant is not in "),
            ("import livekit_utils.rtc.nonsense", "ModuleNotFoundError: livekit_utils.rtc.nonsense is not in "),
        ],
    )
    def test_the_error_says_what_to_install(
        self, files: dict[str, str], tmp_path: Path, statement: str, error: str
    ) -> None:
        result = run(f"from livekit_utils import rtc\n{statement}", tmp_path, files)
        last = result.stderr.splitlines()[-1]
        assert last.startswith(error), result.stderr
        assert INSTALL in last, result.stderr


@pytest.mark.parametrize(("files", "said"), BROKEN.values(), ids=BROKEN)
class TestBroken:
    def test_ours_are_there(self, files: dict[str, str], said: str, tmp_path: Path) -> None:
        code = """
from livekit_utils import rtc
from livekit_utils.rtc.audio_frame import AudioFrame
import pydoc
assert rtc.AudioFrame is AudioFrame
assert "AudioMixer" in dir(rtc)
print(hasattr(rtc, "Room"))
"""
        assert output(code, tmp_path, files) == "False\n"

    @pytest.mark.parametrize(
        "statement",
        [
            "rtc.Room",
            "from livekit_utils.rtc import Room",
            "from livekit_utils.rtc import *",
            "import livekit_utils.rtc.room",
            "rtc.to_livekit(rtc.AudioFrame.create(48000, 1, 480))",
        ],
    )
    def test_the_error_says_why_and_what_to_install(
        self, files: dict[str, str], said: str, tmp_path: Path, statement: str
    ) -> None:
        result = run(f"from livekit_utils import rtc\n{statement}", tmp_path, files)
        last = result.stderr.splitlines()[-1]
        assert re.match("AttributeError" if statement == "rtc.Room" else "ImportError", last), result.stderr
        assert said in last
        assert '"livekit>=1.0"' in last
        if "got 0.18.1" not in said:
            assert "The above exception was the direct cause" in result.stderr
