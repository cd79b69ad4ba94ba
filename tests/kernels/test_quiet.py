"""ALSA and JACK print nothing any more where their handlers are set."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from livekit_utils._kernels.quiet import quiet_sound_libraries

LIST = """if True:
    import sys
    import pyaudio
    from livekit_utils._kernels.quiet import quiet_sound_libraries
    num_set = quiet_sound_libraries() if sys.argv[1] == "quiet" else 0
    pyaudio.PyAudio().terminate()
    print(num_set)
"""


def test_a_process_without_sound_libraries() -> None:
    program = "from livekit_utils._kernels.quiet import quiet_sound_libraries; print(quiet_sound_libraries())"
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert process.stdout == "0\n"


@pytest.mark.skipif(sys.platform == "linux", reason="there, the libraries may be loaded")
def test_other_systems_have_nothing_to_set() -> None:
    assert quiet_sound_libraries() == 0


@pytest.mark.skipif(
    sys.platform != "linux" or importlib.util.find_spec("pyaudio") is None, reason="needs PyAudio on Linux"
)
def test_a_listing_prints_nothing() -> None:
    printed = {}
    for how in ("loud", "quiet"):
        process = subprocess.run(
            [sys.executable, "-c", LIST, how], capture_output=True, text=True, timeout=60, check=True
        )
        printed[how] = process.stderr
    if "ALSA" not in printed["loud"]:
        pytest.skip("ALSA has no complaints on this machine")
    assert int(process.stdout) >= 1
    assert "ALSA" not in printed["quiet"]
