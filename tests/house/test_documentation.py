"""Every example in a docstring or in the README runs."""

from __future__ import annotations

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
from tests.support.paths import BESIDE

README = BESIDE / "README.md"
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


@pytest.mark.parametrize("name", [name for name in livekit_utils.__all__ if callable(getattr(livekit_utils, name))])
def test_examples_of_a_public_name(name: str) -> None:
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


@pytest.mark.skipif(not README.exists(), reason="the README is not beside the tests")
@pytest.mark.parametrize("page", ["README.md", "docs/files.md"])
def test_a_page_runs_when_pasted(page: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (BESIDE / page).read_text(), re.DOTALL)
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
