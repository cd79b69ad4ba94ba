"""The commands that use microphones and speakers, on a real sound server."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.sound_server import SoundServer

pytest.importorskip("click", reason="not installed: the extra cli")


_started: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Of a test that fails, either."""
    yield
    while _started:
        process = _started.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()


def command(
    server: SoundServer,
    *arguments: object,
    alsa: str = "clean",
    variables: dict[str, str] | None = None,
    ignored: str = "",
    **options: object,
) -> subprocess.Popen[str]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    words = [sys.executable, "-m", "livekit_utils", *map(str, arguments)]
    if ignored:  # as of what a shell runs in the background
        words = ["sh", "-c", f'trap "" {ignored}; exec {shlex.join(words)}']
    process = subprocess.Popen(
        words,
        env=server.environment(alsa) | {"COLUMNS": "200"} | (variables or {}),
        text=True,
        **streams,  # type: ignore[call-overload]
    )
    _started.append(process)
    return process


def finish(process: subprocess.Popen[str], status: int = 0, timeout: float = 30) -> tuple[str, str]:
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        pytest.fail(f"it does not end\n{output}\n{errors}")
    assert process.returncode == status, (output, errors)
    return output, errors


def sound(seconds: float, rate: int = 48000, first: int = 1) -> np.ndarray:
    return (np.arange(first, first + round(seconds * rate)) % 20_000 + 1).astype(np.int16)


def heard(path: Path) -> np.ndarray:
    samples = soundfile.read(path, dtype="int16", always_2d=True)[0][:, 0]
    there = np.flatnonzero(samples)
    return samples[there[0] : there[-1] + 1]


def wait_until_it_plays(server: SoundServer) -> None:
    """Some stream is before a speaker, besides those that make up the server's own devices."""
    words = ["pactl", "list", "sink-inputs"]
    deadline = time.monotonic() + 30
    while "ALSA plug-in" not in subprocess.run(words, env=server.environment(), capture_output=True, text=True).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def lines_until(process: subprocess.Popen[str], part: str) -> list[str]:
    """What it prints, up to the line with this part."""
    assert process.stdout is not None
    lines = []
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            lines.append(line)
            if part in line:
                return lines
    finally:
        watchdog.cancel()
    raise AssertionError(f"no line with {part!r} in {lines}")


def wait_until_it_records(path: Path) -> None:
    deadline = time.monotonic() + 15
    while not path.exists() or path.stat().st_size <= 30_000:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_is_played_is_recorded(server: SoundServer, tmp_path: Path) -> None:
    one, two, recorded = tmp_path / "one.wav", tmp_path / "two.wav", tmp_path / "recorded.wav"
    soundfile.write(one, sound(1.5), 48000)
    soundfile.write(two, np.full(24_000, 1000, np.int16), 48000)
    recording = command(server, "record", recorded, "--device", "speaker_monitor", "--no-processing", "--json")
    wait_until_it_records(recorded)
    _, errors = finish(command(server, "play", one, two, "--gain", "two=-6.0206", "--device", "speaker"))
    assert errors == ""
    time.sleep(0.3)
    recording.send_signal(signal.SIGINT)
    output, errors = finish(recording)
    assert errors == ""
    (report,) = json.loads(output)["files"]
    assert report["sample_rate"] == 48000
    expected = sound(1.5).astype(int)
    expected[:24_000] += 500
    assert np.abs(heard(recorded) - expected).max() <= 1


def test_a_recording_of_some_seconds(server: SoundServer, tmp_path: Path) -> None:
    recorded = tmp_path / "recorded.flac"
    arguments = ("--seconds", 0.5, "--device", "stereo", "--rate", 16000, "--channels", 2)
    _, errors = finish(command(server, "record", recorded, *arguments))
    assert errors == ""
    info = soundfile.info(recorded)
    assert (info.frames, info.samplerate, info.channels) == (8000, 16000, 2)
    _, errors = finish(command(server, "record", recorded, *arguments), status=1)
    assert "--force" in errors


@pytest.mark.parametrize(
    "arguments", [("record", "recorded.wav", "--seconds", 3), ("record", "recorded.wav"), ("meter",)]
)
def test_a_dead_device_ends_with_an_error(server: SoundServer, tmp_path: Path, arguments: tuple[object, ...]) -> None:
    _, errors = finish(command(server, *arguments, "--device", "dead", cwd=tmp_path), status=1, timeout=15)
    assert "error: no sound comes from 'dead': the device never started to move" in errors.splitlines()
    assert list(tmp_path.iterdir()) == []


def test_an_ordinary_null_sink_is_recorded_and_played_on_without_a_word(server: SoundServer, tmp_path: Path) -> None:
    """It starts late, and is not lost."""
    time.sleep(2)  # until it is idle
    _, errors = finish(command(server, "record", tmp_path / "out.wav", "--seconds", 1, "--device", "idle_monitor"))
    assert errors == ""
    tone = tmp_path / "tone.wav"
    soundfile.write(tone, sound(1), 48000)
    time.sleep(2)
    _, errors = finish(command(server, "play", tone, "--device", "idle"))
    assert errors == ""


def test_devices_are_listed(server: SoundServer) -> None:
    output, errors = finish(command(server, "devices"))
    assert errors == ""
    rows = [line.split() for line in output.splitlines()[1:]]
    assert ["in", "mic"] in [[row[0], row[2]] for row in rows]
    assert [row[0] for row in rows if "*" in row[0]] == ["in*", "out*"]
    output, errors = finish(command(server, "devices", "--json"))
    listed = json.loads(output)
    assert len(listed["inputs"]) + len(listed["outputs"]) == len(rows)
    output, _ = finish(command(server, "devices", alsa="empty"))
    assert output == "no sound devices\n"


def test_what_is_wrong_is_one_line(server: SoundServer, tmp_path: Path) -> None:
    tone = tmp_path / "tone.wav"
    soundfile.write(tone, sound(0.2), 48000)
    out = tmp_path / "out.wav"
    for arguments, alsa, part in (
        (("play", tone, "--device", "nothing"), "clean", "there is no output device 'nothing'"),
        (("play", tone, "--device", 99), "clean", "there is no output device 99"),
        (("record", out, "--device", "gone"), "clean", "'gone'"),
        (("record", out, "--device", "mon"), "clean", "fits several"),
        (("record", out), "empty", "there is no input device"),
        # An older PortAudio ends its process there; a newer one has no devices.
        (("meter",), "missing", ("SIGABRT", "there is no input device")),
    ):
        output, errors = finish(command(server, *arguments, alsa=alsa), status=1)
        assert output == ""
        assert any(word in errors for word in ([part] if isinstance(part, str) else part))
        assert errors.startswith("error: ")
        assert errors.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("ignored", "number"),
    [("", signal.SIGINT), ("", signal.SIGHUP), ("", signal.SIGQUIT), ("INT QUIT HUP", signal.SIGTERM)],
)
def test_signals_end_playing(server: SoundServer, tmp_path: Path, ignored: str, number: signal.Signals) -> None:
    """In the background and under nohup, too."""
    tone = tmp_path / "tone.wav"
    soundfile.write(tone, sound(60), 48000)
    process = command(server, "play", tone, "--device", "speaker", ignored=ignored)
    wait_until_it_plays(server)
    process.send_signal(number)
    assert finish(process, status=130, timeout=5) == ("", "interrupted\n")


def test_a_pipe_is_played_as_it_comes(server: SoundServer) -> None:
    ours, theirs = os.pipe()
    arguments = ("play", "-", "--raw", "s16le:48000", "--device", "speaker")
    process = command(server, *arguments, stdin=ours)
    os.close(ours)
    with os.fdopen(theirs, "wb") as pipe:
        for _ in range(30):
            pipe.write(sound(0.1).tobytes())
            pipe.flush()
        wait_until_it_plays(server)  # before the pipe has ended
    assert finish(process) == ("", "")


def test_a_pipe_that_stands_still_does_not_hold_up_an_interruption(server: SoundServer) -> None:
    ours, theirs = os.pipe()
    process = command(server, "play", "-", "--raw", "s16le:48000", "--device", "speaker", stdin=ours)
    os.close(ours)
    with os.fdopen(theirs, "wb") as pipe:
        pipe.write(sound(1.0).tobytes())
        pipe.flush()
        wait_until_it_plays(server)
        process.send_signal(signal.SIGINT)
        assert finish(process, status=130, timeout=5) == ("", "interrupted\n")


def test_sigterm_in_the_background_saves_a_recording(server: SoundServer, tmp_path: Path) -> None:
    recorded = tmp_path / "recorded.wav"
    process = command(server, "record", recorded, "--device", "stereo", "--no-processing", ignored="INT QUIT HUP")
    wait_until_it_records(recorded)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        process.send_signal(number)
    finish(process)
    assert len(soundfile.read(recorded)[0]) > 10_000
    assert [path.name for path in tmp_path.iterdir()] == ["recorded.wav"]


def test_what_is_clipped_is_said_after_playing(server: SoundServer, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "hot.wav", np.full(4800, 1.25), 48000, subtype="FLOAT")
    _, errors = finish(command(server, "play", tmp_path / "hot.wav", "--device", "speaker"))
    assert errors == "clipped on reading: 4800 samples of hot.wav, which peaks at +1.9 dBFS; --gain hot=-2\n"
    _, errors = finish(command(server, "play", tmp_path / "hot.wav", "--device", "speaker", "--gain", "hot=-2"))
    assert errors == ""


def test_the_meter_shows_levels(server: SoundServer) -> None:
    output, errors = finish(command(server, "meter", "--seconds", 2.3, "--device", "stereo"))
    assert errors == ""
    assert len(output.splitlines()) == 2
    for line in output.splitlines():
        assert line.startswith("peak")
        assert "speech" in line
        assert "gain" in line
        assert float(line.split()[1]) > -60


def test_the_meter_on_a_terminal_ends_with_ctrl_c(server: SoundServer) -> None:
    try:
        master, slave = pty.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo-terminal can be had: {error}")
    process = command(server, "meter", "--device", "stereo", "--no-processing", stdout=slave, stderr=slave)
    os.close(slave)
    shown = b""
    deadline = time.monotonic() + 15
    while b"RMS" not in shown and time.monotonic() < deadline:
        shown += os.read(master, 4096)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    os.close(master)
    assert b"stereo" in shown
    assert b"Traceback" not in shown


def test_a_microphone_that_is_lost_shows_in_the_meter(server: SoundServer) -> None:
    process = command(server, "meter", "--device", "stereo")
    lines_until(process, "running")
    server.kill()
    assert "  lost" in lines_until(process, "peak  -inf dB")[-1]
    server.start()
    lines_until(process, "recovered")
    process.send_signal(signal.SIGINT)
    _, errors = finish(process)
    lost, back = errors.splitlines()
    assert lost.startswith("microphone 'stereo': lost: ")
    assert back.startswith("stereo: open again after ")


def test_a_recording_outlives_its_device_and_an_impatient_ctrl_c(server: SoundServer, tmp_path: Path) -> None:
    recorded = tmp_path / "recorded.wav"
    process = command(server, "record", recorded, "--device", "stereo", "--no-processing")
    wait_until_it_records(recorded)
    server.kill()
    time.sleep(1)
    before = recorded.stat().st_size
    server.start()
    deadline = time.monotonic() + 20
    while recorded.stat().st_size < before + 300_000:  # with the silence of a second and more
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)  # or some would be one
    _, errors = finish(process)
    assert [line.split(": ")[0] for line in errors.splitlines()] == ["microphone 'stereo'", "stereo"]
    samples = soundfile.read(recorded, dtype="int16")[0]
    assert 2 * len(samples) >= before + 300_000
    silent = np.flatnonzero(np.diff(np.flatnonzero(samples)) > 40_000)
    assert len(silent) == 1  # the gap
    assert [path.name for path in tmp_path.iterdir()] == ["recorded.wav"]


def test_two_microphones_have_a_side_each(server: SoundServer, tmp_path: Path) -> None:
    """One of them is lost, and comes back; the other one goes on."""
    recorded = tmp_path / "recorded.wav"
    wave = (8000 * np.sin(2 * np.pi * 700 / 48000 * np.arange(30 * 48000))).astype(np.int16)
    feeding = subprocess.Popen(
        ["pacat", "--playback", "-d", "mic_feed", "--format=s16le", "--rate=48000", "--channels=1"],
        stdin=subprocess.PIPE,
        env=server.environment(),
    )
    feed = threading.Thread(target=feeding.communicate, args=(wave.tobytes(),))
    feed.start()
    try:
        process = command(
            server, "record", recorded, "--device", "mic", "--device", "stereo", "--no-processing", "--seconds", 8,
            "--json",
        )  # fmt: skip
        wait_until_it_records(recorded)
        time.sleep(2)
        server.end_recordings("stereo")
        server.unplug("stereo")
        time.sleep(1.5)
        server.plug("stereo")
        output, errors = finish(process)
    finally:
        feeding.kill()
        feed.join()
    assert [line.split(": ")[0] for line in errors.splitlines()] == ["microphone 'stereo'", "stereo"]
    (report,) = json.loads(output)["files"]
    assert (report["frames"], report["channels"]) == (8 * 48000, 2)
    left, right = soundfile.read(recorded, dtype="int16")[0].T.astype(float)

    def has(sound: np.ndarray, hertz: float) -> bool:
        part = sound[24_000:48_000]
        return bool(abs(np.exp(-2j * np.pi * hertz / 48000 * np.arange(len(part))) @ part) / len(part) > 300)

    assert [has(left, hertz) for hertz in (700, 440, 1000)] == [True, False, False]
    assert [has(right, hertz) for hertz in (700, 440, 1000)] == [False, True, True]
    assert [has(right[-72_000:], hertz) for hertz in (700, 440, 1000)] == [False, True, True]
    heard_at = [np.flatnonzero(side) for side in (left, right)]
    lost = np.flatnonzero(np.diff(heard_at[1]) > 24_000)
    assert len(lost) == 1
    assert 1.2 < np.diff(heard_at[1])[lost[0]] / 48000 < 5
    assert np.diff(heard_at[0]).max() < 4800
    assert [path.name for path in tmp_path.iterdir()] == ["recorded.wav"]


def test_what_is_lost_while_a_file_plays_goes_on(server: SoundServer, tmp_path: Path) -> None:
    tone = tmp_path / "tone.wav"
    soundfile.write(tone, sound(2), 48000)
    process = command(server, "play", tone, "--device", "speaker")
    wait_until_it_plays(server)
    server.kill()
    server.start()
    output, errors = finish(process)
    assert output == ""
    lost, back = errors.splitlines()
    assert lost.startswith("speaker 'speaker': lost: ")
    assert back.startswith("speaker: open again after ")


def test_a_pyaudio_that_does_not_load_is_one_line(server: SoundServer, tmp_path: Path) -> None:
    (tmp_path / "pyaudio.py").write_text("raise ImportError('no libportaudio')")
    tone = tmp_path / "tone.wav"
    soundfile.write(tone, sound(0.2), 48000)
    for arguments in (("devices",), ("record", tmp_path / "out.wav"), ("play", tone), ("meter",)):
        process = command(server, *arguments, variables={"PYTHONPATH": str(tmp_path)})
        output, errors = finish(process, status=1)
        assert output == ""
        assert errors.startswith("error: ")
        assert 'pip install ".[devices]"' in errors
        assert errors.count("\n") == 1


def test_a_name_is_no_markup(server: SoundServer, tmp_path: Path) -> None:
    name = "odd [/b] [red]" + 100 * "x"
    clean = Path(server.environment()["ALSA_CONFIG_PATH"])
    odd = tmp_path / "alsa.conf"
    odd.write_text(clean.read_text() + f'pcm."{name}" {{ type asym capture.pcm {{ type pulse device "stereo" }} }}\n')
    output, errors = finish(command(server, "devices", variables={"ALSA_CONFIG_PATH": str(odd), "COLUMNS": ""}))
    assert errors == ""
    assert name in output
