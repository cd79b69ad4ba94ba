"""What an import gives, costs and pulls in."""

from __future__ import annotations

import importlib
import pkgutil
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


@pytest.mark.parametrize("name", MODULES)
def test_each_module_alone(name: str) -> None:
    run(f"import {name}")


HEAVY = {"numpy", "pyaudio", "samplerate", "scipy", "matplotlib", "soundfile", "typer", "rich", "typing_extensions"}


def test_an_import_is_light() -> None:
    loaded = set(run("import sys, livekit_utils; print(' '.join(sys.modules))").split())
    assert not loaded & (HEAVY | {"asyncio", "logging", "livekit_utils.frames.audio_frame"})


def test_all_names_leave_the_heavy_modules_alone() -> None:
    code = "import sys; from livekit_utils import *; import livekit_utils.rtc.utils; print(' '.join(sys.modules))"
    assert not HEAVY & set(run(code).split())


def test_names_that_are_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'AudioMixr'"):
        livekit_utils.AudioMixr  # noqa: B018
    assert set(livekit_utils.__all__) <= set(dir(livekit_utils))
    assert set(livekit_utils.__all__) == set(livekit_utils._HOMES)


def test_the_documented_paths() -> None:
    from livekit_utils import (
        AudioFrame,
        AudioMixer,
        AudioResampler,
        AudioResamplerQuality,
        VideoBufferType,
        VideoFrame,
        combine_audio_frames,
        rtc,
    )
    from livekit_utils.rtc.utils import combine_audio_frames as also
    from livekit_utils.rtc.utils import sine_wave_generator

    assert also is combine_audio_frames
    for item in (AudioFrame, AudioMixer, AudioResampler, AudioResamplerQuality, VideoBufferType, VideoFrame):
        assert getattr(rtc, item.__name__) is item
    assert rtc.sine_wave_generator is sine_wave_generator
    assert rtc.__all__ == livekit_utils.__all__


def test_every_name_is_documented() -> None:
    for name in livekit_utils.__all__:
        assert getattr(livekit_utils, name).__doc__, name
    for name in MODULES:
        assert importlib.import_module(name).__doc__, name
