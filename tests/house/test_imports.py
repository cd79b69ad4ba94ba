"""What an import gives, costs and pulls in."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import pydoc
import subprocess
import sys

import pytest

import livekit_utils

OPTIONAL = {"livekit_utils.cli"}
MODULES = [
    info.name
    for info in pkgutil.walk_packages(livekit_utils.__path__, "livekit_utils.")
    if not any(info.name == name or info.name.startswith(name + ".") for name in OPTIONAL)
]


def run(code: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# A process for each module, forked from one that has loaded what others made: that takes three quarters of the time.
ALONE = """
import asyncio, numpy, os, sys, traceback

for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            __import__(name)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    if os.waitpid(child, 0)[1] != 0:
        print(name)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_each_module_alone() -> None:
    command = [sys.executable, "-W", "error", "-c", ALONE, *MODULES]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


HEAVY = {
    "av",
    "numpy",
    "pyaudio",
    "samplerate",
    "scipy",
    "matplotlib",
    "soundfile",
    "click",
    "typer",
    "rich",
    "typing_extensions",
}


LIGHT = {"livekit_utils", "importlib", "importlib._bootstrap", "importlib._bootstrap_external", "warnings"}
# `_types` is what `types` is made of, from Python 3.14 on.
RTC = {"livekit_utils.rtc", "livekit_utils.rtc._names", "__future__", "importlib.machinery", "types", "_types"}


@pytest.mark.parametrize(("name", "light"), [("livekit_utils", LIGHT), ("livekit_utils.rtc", LIGHT | RTC)])
def test_an_import_is_light(name: str, light: set[str]) -> None:
    code = f"import sys; before = {{*sys.modules}}; import {name}; print(*{{*sys.modules}} - before)"
    assert set(run(code).split()) <= light


# Each takes a millisecond or more, and is for what few programs do: open a device, load a plugin, show a notebook.
SELDOM = {"ctypes", "html", "json", "numbers", "random", "shutil", "tempfile"}


def test_all_names_leave_the_heavy_modules_alone() -> None:
    code = "import sys; from livekit_utils import *; import livekit_utils.rtc.utils; print(' '.join(sys.modules))"
    assert not HEAVY & set(run(code).split())


def test_the_names_of_a_voice_agent_leave_what_is_seldom_used_alone() -> None:
    names = "AudioFrame, AudioMixer, AudioSource, AudioStream, AVSynchronizer, MediaDevices, VideoFrame, VideoStream"
    found = set(run(f"import sys; from livekit_utils import {names}; print(' '.join(sys.modules))").split())
    assert not (HEAVY | SELDOM) & found


def test_every_name_is_documented() -> None:
    for name in livekit_utils.__all__:
        assert getattr(livekit_utils, name).__doc__, name
    for name in MODULES:
        assert importlib.import_module(name).__doc__ or name == "livekit_utils._kernels._cyutility", (
            name
        )  # Cython's own


def test_every_property_is_documented() -> None:
    found = set()
    for name in livekit_utils.__all__:
        item = getattr(livekit_utils, name)
        bases = item.__mro__ if isinstance(item, type) else ()
        for base in (base for base in bases if base.__module__ != "builtins"):
            for key, member in vars(base).items():
                if not key.startswith("_") and (isinstance(member, property) or inspect.isgetsetdescriptor(member)):
                    found.add(f"{base.__name__}.{key}")
                    assert member.__doc__, f"{base.__name__}.{key}"
    assert {"AudioFrame.sample_rate", "AudioFrame.data", "RingBuffer.capacity"} <= found
    assert "sample_rate\n |      Samples per second and channel." in pydoc.plain(
        pydoc.render_doc(livekit_utils.AudioFrame)
    )
