"""The virtual devices themselves, under PortAudio without us, and PulseAudio's own programs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.devices.server.conftest import start
from tests.support.paths import BESIDE
from tests.support.sound_server import DEVICES, SoundServer
from tests.support.sound_tools import Recording, find_ramp, pitch, play, ramp, record

Open = Callable[..., "Stream"]

pytestmark = pytest.mark.timeout(60)


class Stream:
    """The program portaudio_stream.py."""

    def __init__(
        self, server: SoundServer, file: Path, side: str, device: str, rate: int, channels: int, blocks_per_second: int
    ) -> None:
        self.file, self.channels = file, channels
        self.process = start(server, "portaudio_stream", side, device, rate, channels, blocks_per_second, file)

    def ask(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def moves(self, for_s: float = 0.3) -> bool:
        """Whether blocks come and go."""
        before = self.ask()["num_callbacks"]
        time.sleep(for_s)
        return bool(self.ask()["num_callbacks"] > before)

    def until(self, *, is_active: bool | None = None, moves: bool | None = None, timeout: float = 5) -> None:
        deadline = time.monotonic() + timeout
        while (is_active is not None and self.ask()["is_active"] != is_active) or (
            moves is not None and self.moves(0.05) != moves
        ):
            assert time.monotonic() < deadline, self.ask()

    def end(self) -> np.ndarray[Any, Any]:
        """What is in its file."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(10) == 0
        return np.fromfile(self.file, np.int16).reshape(-1, self.channels)

    def close(self) -> None:
        with self.process:
            self.process.kill()


@pytest.fixture
def open_stream(server: SoundServer, tmp_path: Path) -> Iterator[Open]:
    streams: list[Stream] = []

    def begin(
        side: str, device: str, rate: int = 48_000, channels: int = 1, blocks_per_second: int = 100, sound: Any = ()
    ) -> Stream:
        file = tmp_path / f"{len(streams)}.raw"
        np.asarray(sound, np.int16).tofile(file)
        streams.append(Stream(server, file, side, device, rate, channels, blocks_per_second))
        assert streams[-1].answer() == {"error": None}
        return streams[-1]

    yield begin
    for stream in streams:
        stream.close()


def test_portaudio_lists_the_devices(run_program: Callable[..., Any]) -> None:
    listed = run_program("portaudio_list", quiet=False)
    for side, direction in (("inputs", "in"), ("outputs", "out")):
        expected = [name for name, (where, _) in DEVICES.items() if where == direction]
        assert listed[side] == expected + ["dead"] * (side == "inputs") + ["default"]


def test_configurations(server: SoundServer) -> None:
    results = {}
    for alsa in ("noisy", "empty", "missing"):
        process = start(server, "portaudio_list", alsa=alsa)
        output, errors = process.communicate(timeout=30)
        results[alsa] = process.returncode, json.loads(output or "{}"), len(errors.splitlines())
    assert results["noisy"][0] == results["empty"][0] == 0
    assert {*DEVICES, "dead"} <= {*results["noisy"][1]["inputs"], *results["noisy"][1]["outputs"]}
    assert results["noisy"][2] > 30
    assert results["empty"][1] == {"inputs": [], "outputs": []}
    # Without a configuration of ALSA, PortAudio 19.6 ends the process; newer ones find nothing.
    assert results["missing"][0] < 0 or results["missing"][:2] == (0, {"inputs": [], "outputs": []})


@pytest.mark.parametrize(
    ("device", "source", "rate", "channels"),
    [("speaker", "speaker.monitor", 48_000, 2), ("phone44", "phone44.monitor", 44_100, 2)],
)
def test_a_ramp_played_by_portaudio_is_heard_unchanged(
    server: SoundServer, open_stream: Open, device: str, source: str, rate: int, channels: int
) -> None:
    samples = ramp(rate)
    with Recording(source, rate, channels, server.environment()) as recording:
        # Long blocks, so that none comes too late on a busy machine.
        open_stream("output", device, rate, channels, 10, np.repeat(samples, channels))
        time.sleep(1.5)
        heard = recording.stop()
    for channel in range(channels):
        report = find_ramp(heard[:, channel], rate)
        assert report.is_intact, report


@pytest.mark.parametrize(("device", "rate"), [("mic", 48_000), ("mic16", 16_000)])
def test_a_ramp_fed_to_a_microphone_is_captured_unchanged(
    server: SoundServer, open_stream: Open, device: str, rate: int
) -> None:
    stream = open_stream("input", device, rate)
    stream.until(moves=True)
    play(f"{device}_feed", ramp(rate), rate, server.environment())
    time.sleep(0.1)
    report = find_ramp(stream.end(), rate)
    assert report.is_intact, report


def test_the_stereo_microphone(server: SoundServer) -> None:
    sound = record("stereo", 0.5, num_channels=2, environment=server.environment())
    assert [pitch(sound[:, 0]), pitch(sound[:, 1])] == pytest.approx([440, 1000], abs=0.5)


def test_a_microphone_that_is_fed_nothing_is_silent(server: SoundServer) -> None:
    sound = record("mic", 0.3, environment=server.environment())
    assert len(sound) > 4800
    assert not sound.any()


def test_devices_that_do_not_work(server: SoundServer, open_stream: Open, tmp_path: Path) -> None:
    gone = Stream(server, tmp_path / "gone.raw", "input", "gone", 48_000, 1, 100)
    assert gone.answer() == {"error": -9999}
    gone.close()
    dead = open_stream("input", "dead", channels=2)
    time.sleep(0.5)
    answer = dead.ask()
    assert (answer["num_callbacks"], answer["is_active"]) == (0, True)


def test_a_lost_device(server: SoundServer, open_stream: Open) -> None:
    lost, other = open_stream("output", "speaker"), open_stream("input", "mic")
    for stream in (lost, other):
        stream.until(moves=True)
    server.lose("speaker")
    lost.until(is_active=False)
    assert not lost.moves()
    assert other.ask()["is_active"]
    assert other.moves()
    server.plug("speaker")
    assert not lost.moves()
    open_stream("output", "speaker").until(moves=True)


def test_an_unplugged_device(server: SoundServer, open_stream: Open, tmp_path: Path) -> None:
    """Its streams go on, elsewhere."""
    stream = open_stream("input", "mic16", 16_000)
    stream.until(moves=True)
    server.unplug("mic16")
    assert stream.moves()
    assert stream.ask()["is_active"]
    with pytest.raises(AssertionError, match="not there"):
        server.unplug("mic16")
    sound = tmp_path / "sound.raw"
    ramp(10 * 44_100 * 2).tofile(sound)
    command = ["pacat", "-d", "phone44", "--raw", "--latency-msec=200", str(sound)]
    with subprocess.Popen(command, env=server.environment()) as player:
        time.sleep(0.2)
        assert record("phone44.monitor", 0.2, 44_100, environment=server.environment()).any()
        server.unplug("phone44")
        time.sleep(0.2)
        assert record("speaker.monitor", 0.2, environment=server.environment()).any()
        player.kill()
    server.restore()
    for source in ("mic16", "phone44.monitor"):
        assert record(source, 0.2, environment=server.environment()).size


def test_a_frozen_server(server: SoundServer, open_stream: Open) -> None:
    streams = [open_stream("output", "speaker"), open_stream("input", "mic")]
    for stream in streams:
        stream.until(moves=True)
    server.freeze()
    assert not server.answers()
    for stream in streams:
        stream.until(moves=False)
        assert stream.ask()["is_active"]
    server.thaw()
    for stream in streams:
        stream.until(moves=True)
    assert server.answers()


def test_a_killed_server(server: SoundServer, open_stream: Open) -> None:
    streams = [open_stream("output", "speaker"), open_stream("input", "mic")]
    for stream in streams:
        stream.until(moves=True)
    server.kill()
    assert not server.answers()
    for stream in streams:
        stream.until(is_active=False)
    server.start()
    for stream in streams:
        assert not stream.ask()["is_active"]
    open_stream("output", "speaker").until(moves=True)


@pytest.mark.parametrize("speed", [0.9, 0.7])
def test_a_device_with_a_clock_of_its_own(server: SoundServer, open_stream: Open, speed: float) -> None:
    with server.slow_speaker(speed):
        stream = open_stream("output", "slow", blocks_per_second=25)
        stream.until(moves=True)
        time.sleep(0.3)
        before = stream.ask()
        time.sleep(2)
        after = stream.ask()
    played_s = (after["num_callbacks"] - before["num_callbacks"]) / 25
    assert played_s / (after["at"] - before["at"]) == pytest.approx(speed, abs=0.06)
    with pytest.raises(RuntimeError):
        Recording("slow.monitor", environment=server.environment())


def test_several_side_by_side(server: SoundServer) -> None:
    with SoundServer() as other:
        assert other.pid != server.pid
        other.lose("speaker")
        other.freeze()
        assert server.answers()
        assert record("speaker.monitor", 0.1, environment=server.environment()).size
        other.thaw()
        assert other.answers()
    assert server.answers()


@pytest.mark.parametrize("fault", ["none", "kill", "freeze", "end"])
def test_nothing_is_left_behind(server: SoundServer, tmp_path: Path, fault: str) -> None:
    other = SoundServer()
    other.start()
    pid, folder = other.pid, other.folder
    assert (folder / "pulse" / "native").is_socket()
    if fault == "kill":
        other.kill()
    elif fault == "freeze":
        other.freeze()
    elif fault == "end":
        os.kill(pid or 0, 15)
    other.stop()
    other.stop()
    assert not Path(f"/proc/{pid}").exists()
    assert not folder.exists()


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv (util-linux) is not installed")
def test_it_ends_with_tests_that_are_ended_by_force(server: SoundServer) -> None:
    script = (
        "import os; from tests.support.sound_server import SoundServer; server = SoundServer(); server.start(); "
        "print(server.pid, server.folder, flush=True); os.kill(os.getpid(), 9)"
    )
    output = subprocess.run(
        [sys.executable, "-c", script], cwd=BESIDE, capture_output=True, text=True, timeout=30
    ).stdout
    pid, folder = output.split()
    shutil.rmtree(folder)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_server_that_ended_by_itself_is_started_again(server: SoundServer) -> None:
    assert server.pid is not None
    os.kill(server.pid, 15)
    deadline = time.monotonic() + 5
    while server.answers():
        assert time.monotonic() < deadline
    server.restore()
    assert server.answers()


def test_a_server_that_does_not_start_says_why(server: SoundServer) -> None:
    other = SoundServer()
    (other.folder / "start.pa").write_text("load-module module-that-is-not\n")
    with pytest.raises(RuntimeError, match="module-that-is-not"), other:
        pass
    assert not other.folder.exists()
    assert other.pid is None


def test_folders(server: SoundServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("a" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with SoundServer() as other:
        assert str(other.folder).startswith("/tmp/lku")
    assert not list(long.iterdir())
    monkeypatch.undo()
    with tempfile.TemporaryDirectory() as short:
        with SoundServer(Path(short, "x")) as other:
            assert other.folder == Path(short, "x")
        assert not list(Path(short).iterdir())


def test_the_users_own_settings_are_left_out(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PULSE_SINK", "PULSE_SOURCE", "PULSE_LATENCY_MSEC", "PULSE_PROP", "ALSA_CARD"):
        monkeypatch.setenv(name, "7")
        assert name not in server.environment()
    with SoundServer() as other:
        command = ["pactl", "info"]
        info = subprocess.run(command, env=other.environment(), capture_output=True, text=True, timeout=10).stdout
    assert "Default Sink: speaker" in info
    assert "Default Source: mic" in info
    assert f"Server String: unix:{other.folder}/pulse/native" in info
