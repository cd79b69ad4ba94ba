"""The way of a frame through the package stays short. `python -m tools.frame_path` prints it."""

from __future__ import annotations

import pytest

from tests.support.sound_card import SoundCard, plug_in
from tools.frame_path import Path, microphone_path

# A frame of 10 ms from a microphone with echo cancelling, through source and track, to a stream's reader. Three of the
# modules do what the canceller cannot do by itself: it works in a low band, looks for speech when it is asked, and the
# noise of the room is kept behind it.
_MOST_MODULES = 21
_MOST_CHANGES = 40


def test_the_way_of_a_microphone_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyaudio", reason="PyAudio is not installed")
    pytest.importorskip("pywebrtc_audio", reason="pywebrtc-audio is not installed")
    path = microphone_path(plug_in(monkeypatch, SoundCard()))
    # It is the whole way: both of its ends, and what lies between them.
    assert path.calls[0] == ("devices.input_capture", "InputCapture._on_wake")
    assert {"devices.speaker_tap", "voice.echo_reference", "tracks.audio_source", "tracks.audio_stream"} <= set(
        path.modules
    )
    assert len(path.modules) <= _MOST_MODULES, path.modules
    assert path.num_changes <= _MOST_CHANGES, path.calls


def test_the_changes_are_counted() -> None:
    path = Path([("a", "f"), ("a", "g"), ("b", "f"), ("a", "f")])
    assert (path.modules, path.num_changes) == (["a", "b"], 2)
