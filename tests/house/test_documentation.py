"""Every example in a docstring, the README or a page of the docs runs."""

from __future__ import annotations

import ast
import asyncio
import doctest
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import livekit_utils
from tests.support import virtual_time
from tests.support.paths import BESIDE, SOURCE

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
    if name in ("AudioFrame", "MediaPlayer", "Recorder", "VideoFrame", "VideoFrameEvent"):
        pytest.importorskip("av")
    item = getattr(livekit_utils, name)
    # A class calls its module `livekit_utils`: doctest would look for it there, and for its methods elsewhere.
    public = {name: getattr(livekit_utils, name) for name in livekit_utils.__all__}
    found = doctest.DocTestFinder().find(item, name, module=False, globs=public)  # type: ignore[arg-type]
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in found:
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
    # A constant of the class has the docstring of its type.
    members = [member for member in vars(item).values() if member.__doc__ != type(member).__doc__]
    written = [member.__doc__ for member in [item, *members]]
    prompts = sum(len(re.findall(r"^ *>>> ", text, re.M)) for text in written if text)
    assert sum(len(test.examples) for test in found) >= prompts
    if name in WITH_EXAMPLES:
        assert prompts


def test_examples_of_everything_else() -> None:
    for name in MODULES:
        result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
        assert result.failed == 0, name


# Whose blocks of Python are programs; elsewhere they are parts of one, which only have to be Python.
PROGRAMS = ["README.md", "docs/batch.md", "docs/files.md", "docs/notebooks.md", "docs/telephony.md"]
PROGRAMS += sorted(f"docs/guides/{page.name}" for page in (SOURCE / "docs" / "guides").glob("*.md"))
PAGES = [SOURCE / "README.md", *sorted((SOURCE / "docs").rglob("*.md"))]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_blocks_of_a_document_run_when_pasted(tmp_path: Path, name: str) -> None:
    document = SOURCE / name
    if not document.exists():
        pytest.skip(f"{name} is not beside the tests")
    if name.startswith("docs/guides"):
        pytest.importorskip("soundfile")
        pytest.importorskip("pywebrtc_audio")
    blocks = re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)
    assert blocks or name.startswith("docs/guides")
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(SOURCE).as_posix())
def test_the_blocks_of_a_document_are_python_with_names_that_exist(page: Path) -> None:
    for block in re.findall(r"```py(?:thon)?\n(.*?)```", page.read_text(), re.DOTALL):
        tree = compile(block, str(page), "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("livekit_utils"):
                for alias in node.names:
                    if not hasattr(importlib.import_module(node.module or ""), alias.name):
                        importlib.import_module(f"{node.module}.{alias.name}")


@pytest.mark.skipif(not (SOURCE / "livekit_utils").is_dir(), reason="the source is not here")
def test_every_public_member_is_documented() -> None:
    """As the site reads it: from the source and the stubs, with the docstrings of fields."""
    command = [sys.executable, "-m", "tools.docs_site.source"]
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=True)
    assert not done.stdout.split()


@pytest.mark.skipif(not (SOURCE / "livekit_utils" / "frames" / "sdk.py").is_file(), reason="the source is not here")
def test_the_stubs_have_the_docstrings_of_the_compiled_classes(tmp_path: Path) -> None:
    # The source comes last: it may not be compiled.
    path = [found for found in sys.path if found and Path(found) not in (BESIDE, SOURCE)] + [str(SOURCE)]
    command = [sys.executable, "-c", "from tools.stub_docstrings import main; main(['--check'])"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_compiled_classes_tell_their_signatures() -> None:
    signatures = {
        "RingBuffer": "(capacity)",
        "AudioFrame": "(data, sample_rate, num_channels, samples_per_channel, *, userdata=None)",
        "combine_audio_frames": "(buffer)",
    }
    for name, signature in signatures.items():
        assert str(inspect.signature(getattr(livekit_utils, name))) == signature
