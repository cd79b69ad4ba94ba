"""The example plugin, compiled as its README says, and the example script."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import wave
from array import array
from pathlib import Path
from typing import Any

import pytest

from livekit_utils import AudioFilter, AudioFrame, get_include
from tests.support.audio_filters import compiled
from tests.support.paths import BESIDE
from tests.support.randomness import Rand

EXAMPLE = BESIDE / "examples" / "audio_filter"

pytestmark = pytest.mark.skipif(not EXAMPLE.is_dir(), reason="the examples do not lie beside the tests")


def scaled(samples: bytes, gain: float) -> bytes:
    return array("h", (max(-32768, min(32767, round(gain * x))) for x in array("h", samples))).tobytes()


@pytest.mark.parametrize("defines", [(), ("-DGAIN_V2",)], ids=["v1", "v2"])
def test_the_plugin(rand: Rand, defines: tuple[str, ...]) -> None:
    path = compiled(EXAMPLE / "gain.c", *defines, "-lm")
    samples = rand.pcm(9600)
    frame = AudioFrame(samples, 48000, 2, 4800)
    with AudioFilter("gain", path) as gain:
        for factor in (0.25, 4, 0):
            assert gain.process(frame, options={"gain": factor}).data.tobytes() == scaled(samples, factor)
            assert gain.flush() is None
        assert gain.process(frame).data.tobytes() == samples


def test_version_2_is_exported_where_it_is_asked_for() -> None:
    for defines, exported in ((), False), (("-DGAIN_V2",), True):
        library = ctypes.CDLL(str(compiled(EXAMPLE / "gain.c", *defines, "-lm")))
        for name in ("audio_filter_create_v2", "audio_filter_process_int16_v2"):
            assert hasattr(library, name) is exported


def test_the_command_of_the_readme(tmp_path: Path) -> None:
    (command,) = [
        line.strip() for line in (EXAMPLE / "README.md").read_text().splitlines() if line.startswith("    cc ")
    ]
    if shutil.which("cc") is None or shutil.which("sh") is None:
        pytest.skip("no C compiler")
    include = command[command.index('-I"$(') : command.index(')"') + 2]
    command = command.replace(include, f'-I"{get_include()}"')
    shutil.copy(EXAMPLE / "gain.c", tmp_path)
    process = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (0, "")
    AudioFilter("gain", tmp_path / "gain.so").close()


def test_the_script(tmp_path: Path, rand: Rand, run_python: Any) -> None:
    samples = rand.pcm(2 * 20_011)
    with wave.open(str(tmp_path / "in.wav"), "wb") as writer:
        writer.setparams((2, 2, 16000, 0, "NONE", ""))
        writer.writeframes(samples)
    path = compiled(EXAMPLE / "gain.c", "-lm")
    files = str(tmp_path / "in.wav"), str(tmp_path / "out.wav")
    process = run_python(str(EXAMPLE / "filter_wav.py"), str(path), *files, '{"gain": 0.5}')
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
    with wave.open(files[1]) as reader:
        assert reader.getparams()[:4] == (2, 2, 16000, 20_011)
        assert reader.readframes(30_000) == scaled(samples, 0.5)
    process = run_python(str(EXAMPLE / "filter_wav.py"), str(path))
    assert process.returncode == 1
    assert "filter_wav.py PLUGIN IN.wav" in process.stderr
