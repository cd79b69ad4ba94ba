"""Every example in a docstring, the README or a page of the docs runs."""

from __future__ import annotations

import asyncio
import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import livekit_utils
from tests.support import virtual_time
from tests.support.paths import BESIDE

MODULES = [
    info.name
    for info in pkgutil.walk_packages(livekit_utils.__path__, "livekit_utils.")
    if not info.name.startswith("livekit_utils.cli") and not info.name.endswith("__main__")
]

WITH_EXAMPLES = {
    "AudioFile",
    "AudioFrame",
    "AudioMixer",
    "AudioResampler",
    "AudioSource",
    "AudioStreamDecoder",
    "RingBuffer",
    "VideoBufferType",
    "VideoFrame",
    "combine_audio_frames",
    "sine_wave_generator",
}


# Their examples depend on the time, and a busy machine is late.
IN_VIRTUAL_TIME = {"AVSynchronizer"}


@pytest.mark.parametrize("name", [name for name in livekit_utils.__all__ if callable(getattr(livekit_utils, name))])
def test_examples_of_a_public_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in IN_VIRTUAL_TIME:
        monkeypatch.setattr(asyncio, "run", virtual_time.run)
    if name in ("MediaPlayer", "Recorder"):
        pytest.importorskip("av")
    item = getattr(livekit_utils, name)
    # A class calls its module `livekit_utils`: doctest would look for it there, and for its methods elsewhere.
    public = {name: getattr(livekit_utils, name) for name in livekit_utils.__all__}
    found = doctest.DocTestFinder().find(item, name, module=False, globs=public)  # type: ignore[arg-type]
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in found:
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
    written = [member.__doc__ for member in [item, *vars(item).values()]]
    prompts = sum(len(re.findall(r"^ *>>> ", text, re.M)) for text in written if text)
    assert sum(len(test.examples) for test in found) >= prompts
    if name in WITH_EXAMPLES:
        assert prompts


def test_examples_of_everything_else() -> None:
    for name in MODULES:
        result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
        assert result.failed == 0, name


@pytest.mark.parametrize("name", ["README.md", "docs/batch.md", "docs/files.md", "docs/telephony.md"])
def test_the_blocks_of_a_document_run_when_pasted(tmp_path: Path, name: str) -> None:
    document = BESIDE / name
    if not document.exists():
        pytest.skip(f"{name} is not beside the tests")
    blocks = re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        result = subprocess.run(
            [sys.executable, "-c", block],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert result.returncode == 0, result.stderr
        # A comment behind a print says what it prints.
        said = re.findall(r"print\(.*\)  # (.*)", block)
        assert [line for line in result.stdout.splitlines() if line in said] == said
