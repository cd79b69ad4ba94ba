"""Microphones and speakers on a real sound server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.mark.parametrize("inside", [[], ["inside"]])
def test_devices_are_listed_by_name(run_program: Run, inside: list[str]) -> None:
    listed = run_program("list_devices", *inside)
    inputs = [device["name"] for device in listed["inputs"]]
    outputs = [device["name"] for device in listed["outputs"]]
    expected = [
        "speaker_monitor",
        "mic",
        "mic16",
        "phone44_monitor",
        "stereo",
        "idle_monitor",
        "gone",
        "dead",
        "default",
    ]
    assert inputs == expected
    assert outputs == ["speaker", "mic_feed", "mic16_feed", "phone44", "idle", "slow", "default"]
    assert [device["index"] for device in listed["inputs"] if device["is_default"]] == [listed["default_input"]]
    assert [device["index"] for device in listed["outputs"] if device["is_default"]] == [listed["default_output"]]
    for device in listed["inputs"] + listed["outputs"]:
        assert device["channels"] >= 1
        assert device["sample_rate"] > 0
        assert device["host_api"] == "ALSA"
        assert device["hostapi"] >= 0
        assert device["default_samplerate"] == device["sample_rate"]
        for side in ("input", "output"):
            has_side = device[f"max_{side}_channels"] > 0
            low, high = (device[f"default_{level}_{side}_latency"] for level in ("low", "high"))
            assert 0 <= low <= high if has_side else low <= 0 and high <= 0


@pytest.mark.parametrize("inside", [[], ["inside"]])
def test_nothing_of_the_sound_system_is_printed(run_program: Run, inside: list[str]) -> None:
    listed = run_program("list_devices", *inside, alsa="noisy", quiet=True)
    assert len(listed["inputs"]) > 1


def test_a_machine_without_devices(run_program: Run) -> None:
    listed = run_program("list_devices", alsa="empty")
    assert listed == {"inputs": [], "outputs": [], "default_input": None, "default_output": None}
    results = run_program("wrong_devices", "isolated", "input", "output", "input=0", alsa="empty")
    assert all("there is no" in result["error"] for result in results)
    assert {result["code"] for result in results} == {-9996}


def test_a_machine_without_a_configuration(run_program: Run) -> None:
    """An older PortAudio ends the process there; a newer one has no devices."""
    results = run_program("wrong_devices", "isolated", "input", "output", alsa="missing")
    assert len({"SIGABRT" in result["error"] for result in results}) == 1
    assert all("SIGABRT" in result["error"] or "there is no" in result["error"] for result in results)


@pytest.mark.parametrize("where", ["isolated", "inside"])
def test_devices_that_cannot_be_opened(run_program: Run, where: str) -> None:
    attempts = ["input=99", "output=99", "input=nothing", "input=gone", "input=speaker", "output=stereo"]
    attempts += ["input=mic1", "input=mon", "output=SPEAKER"]
    # In this process, PortAudio's own lines cannot be silenced.
    answers = run_program("wrong_devices", where, *attempts, quiet=where == "isolated")
    results = {f"{answer['side']}={answer['device']}": answer for answer in answers}
    for word in ("input=99", "output=99", "input=nothing"):
        assert results[word]["code"] == -9996
        assert "there is no" in results[word]["error"]
        assert "'mic'" in results[word]["error"] or "'speaker'" in results[word]["error"]
    assert results["input=gone"]["code"] == -9999
    assert "'gone'" in results["input=gone"]["error"]
    assert "sound server" in results["input=gone"]["error"]
    assert results["input=speaker"]["error"] is None or "only an output" in results["input=speaker"]["error"]
    assert "only an input" in results["output=stereo"]["error"]
    assert results["input=mic1"]["error"] is None  # a part of one name
    assert "fits several" in results["input=mon"]["error"]
    assert results["output=SPEAKER"]["error"] is None


@pytest.mark.parametrize("where", ["isolated", "inside"])
@pytest.mark.parametrize("block", [480, 1000, 2400])
def test_a_ramp_comes_back_unchanged(run_program: Run, where: str, block: int) -> None:
    # A machine with other things to do as well may come late by more than the default bridges.
    result = run_program("loopback", block, 2, where, 400)
    assert result["ramp"]["is_intact"], result
    assert (result["gap_ms"], result["dropped_ms"]) == (0, 0), result
    assert result["frame_sizes"] == [480]
    assert result["tasks"] == 1


def test_other_formats(run_program: Run) -> None:
    results = run_program("formats", timeout=90)
    assert results["channel left"] == pytest.approx(440, abs=3)
    assert results["channel right"] == pytest.approx(1000, abs=3)
    assert results["stereo in"] == pytest.approx([440, 1000], abs=3)
    assert results["stereo in at 16 kHz"] == pytest.approx(1000, abs=3)
    assert results["stereo in at 44.1 kHz"] == pytest.approx(440, abs=3)
    for name in ("out 48000 2", "out 44100 2"):
        assert results[name]["pitches"] == pytest.approx([440, 1000], abs=3)
    for name in ("out 16000 1", "out phone44"):
        assert results[name]["pitches"] == pytest.approx([440, 440], abs=3)
    for name, result in results.items():
        if name.startswith("out"):
            assert result["seconds"] == pytest.approx(1, abs=0.01), name


def test_a_gil_that_is_held_is_not_heard(run_program: Run) -> None:
    check_not_heard(run_program("busy", 2000, "gil", 1), held_s=1)


def test_a_loop_that_is_held_up_is_not_heard(run_program: Run) -> None:
    check_not_heard(run_program("busy", 500, "loop", 0.3), held_s=0.3)


def check_not_heard(result: dict[str, float], held_s: float) -> None:
    """It would be heard for about as long as it lasts. Where the machine itself has the sound server or the process of
    the device wait, which is heard as well, the ring had sound for it all the same."""
    assert result["held_s"] >= 0.99 * held_s
    assert result["gap_ms"] == 0, result
    assert result["silence_ms"] < 1000 * held_s / 4, result


def test_the_answers_of_an_agent_are_heard_by_itself(run_program: Run) -> None:
    result = run_program("turn", 480, 3, "plain")
    assert result["num_heard"] == 3, result
    parts = ("microphone_ms", "capture_ms", "processing_ms", "speaking_ms", "speaker_ms")
    assert all(result[part] >= 0 for part in parts), result
    assert result["speaker_ms"] < result["whole_ms"] < 500, result


@pytest.mark.parametrize("first", ["output", "input"])
def test_echo_is_cancelled_whichever_is_opened_first(run_program: Run, first: str) -> None:
    pytest.importorskip("pywebrtc_audio", reason="not installed: pywebrtc-audio")
    result = run_program("echo", first, 5, 480)
    assert result["reduction_db"] >= 30, result


def test_old_sound_of_a_microphone_that_was_stopped_is_not_played_out(run_program: Run) -> None:
    result = run_program("stopped", 1.5)
    assert result["num_reopened"] == 0, result
    assert 700 <= result["after_ms"] <= 1250, result
    assert result["dropped_ms"] >= 1000, result
    (note,) = (note for note in result["notes"] if "microphone" in note)
    assert "stood still" in note
    assert "not taken in time" not in note
