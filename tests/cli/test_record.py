"""`livekit-utils record` keeps what it has recorded, and agrees with the clock."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")

import soundfile
from rich.console import Console

from livekit_utils.cli.recording import Recording
from livekit_utils.cli.view.summary import Summary
from livekit_utils.files.recording_file import RecordingFile
from tests.support.cli_commands import load, names
from tests.support.sound_card import SoundCard, plug_in, refusal
from tests.support.virtual_time import run

# Two microphones that deliver in real time: 20 ms of a sound that is 1000 everywhere, or 2000.
PYAUDIO = """
import importlib.machinery, os, threading, time

paInt16, paContinue = 8, 0

class Stream:
    def __init__(self, stream_callback, rate, channels, frames_per_buffer, input_device_index=0, **options):
        self.value = (1000 * ((input_device_index or 0) + 1)).to_bytes(2, "little")
        self.callback, self.channels = stream_callback, channels
        self.block, self.rate = frames_per_buffer or 960, rate
        self.active = False

    def start_stream(self):
        self.active = True
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        at = time.monotonic()
        while self.active and os.environ.get("SILENT_DEVICE") is None:
            at += self.block / self.rate
            time.sleep(max(0, at - time.monotonic()))
            data = self.value * (self.block * self.channels)
            times = {"current_time": 1.0, "input_buffer_adc_time": 0.99, "output_buffer_dac_time": 1.01}
            self.callback(data, self.block, times, 0)

    def is_active(self):
        return self.active

    def close(self):
        self.active = False

class PyAudio:
    def terminate(self): pass
    def get_host_api_count(self): return 1
    def get_host_api_info_by_index(self, index): return {"name": "ALSA"}
    def get_device_count(self): return 2
    def get_device_info_by_index(self, index):
        return {
            "index": index, "name": ("Microphone", "Headset")[index], "hostApi": 0, "defaultSampleRate": 48000.0,
            "maxInputChannels": 2, "maxOutputChannels": 0,
            "defaultLowInputLatency": 0.003, "defaultLowOutputLatency": 0.004,
            "defaultHighInputLatency": 0.03, "defaultHighOutputLatency": 0.04,
        }
    def get_default_input_device_info(self): return self.get_device_info_by_index(0)
    def get_default_output_device_info(self): raise OSError("none")
    def is_format_supported(self, *arguments, **options): return True
    def open(self, **options): return Stream(**options)
"""

# A limit of the system for the size of files would be one for the memory of the device, too.
FULL_DISK = """
import errno
from livekit_utils.files.growing_file import GrowingFile
append = GrowingFile.append
def limited(self, data):
    room = {} - self.size
    append(self, memoryview(data)[:room])
    if len(data) > room:
        raise OSError(errno.ENOSPC, "No space left on device")
GrowingFile.append = limited
"""

Start = Callable[..., Any]

DEVICES: dict[str, tuple[str, ...]] = {"one": (), "two": ("--device", "Microphone", "--device", "Headset")}
devices = pytest.mark.parametrize("devices", list(DEVICES))


def check(samples: np.ndarray, devices: str) -> None:
    """Each side has the sound of its device, or silence, where a busy machine had it begin late or held it up. When
    there is silence, and how long, is shown in virtual time, below and in test_record_sides.py."""
    assert samples.shape[1] == (1 if devices == "one" else 2)
    for side, value in enumerate((1000, 2000)[: samples.shape[1]]):
        assert set(samples[:, side]) <= {0, value}
    assert samples.any()


def without_gaps(errors: str) -> str:
    """Leaves out what is said of sound that a busy machine has held up."""
    held_up = ("stood still, and then gave old sound", "has gaps again and again")
    return "".join(line for line in errors.splitlines(keepends=True) if not any(text in line for text in held_up))


def begins(path: Path) -> np.ndarray:
    """The first seconds of a file, which may be growing; nothing where it has no whole header yet."""
    try:
        with soundfile.SoundFile(path) as file:
            return file.read(10 * 48_000, dtype="int16", always_2d=True)
    except soundfile.LibsndfileError:
        return np.zeros((0, 1), np.int16)


def has_all_sides(path: Path) -> bool:
    return bool((np.abs(begins(path).astype(int)) > 500).any(axis=0).all())


posix_only = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture
def start(interpreter: Callable[..., Any], tmp_path: Path) -> Iterator[Start]:
    """Starts `record` with that microphone."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "pyaudio.py").write_text(PYAUDIO)
    started = []

    def run(*arguments: object, limit: int | None = None, **variables: str) -> Any:
        code = "from livekit_utils.__main__ import main\nmain()"
        if limit is not None:
            code = FULL_DISK.format(limit) + code
        variables["PYTHONPATH"] = os.pathsep.join([str(modules), *sys.path])
        process = interpreter("-c", code, "record", *map(str, arguments), "--no-processing", **variables)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def wait_for_sound(process: Any, path: Path, num_bytes: int = 50_000) -> None:
    deadline = time.monotonic() + 60
    while not (path.exists() and path.stat().st_size > num_bytes and has_all_sides(path)):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
@devices
def test_signals_end_a_recording(tmp_path: Path, start: Start, number: signal.Signals, devices: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    process = start(out / "a.wav", "--json", *DEVICES[devices])
    wait_for_sound(process, out / "a.wav")
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, without_gaps(errors)) == (0, "")
    samples = load(out / "a.wav")
    assert samples.size > 20_000
    assert samples.any(axis=0).all()
    check(samples, devices)
    (report,) = json.loads(output)["files"]
    assert (report["frames"], report["channels"]) == samples.shape
    assert (report["format"], report["subtype"]) == ("WAV", "PCM_16")
    assert names(out) == {"a.wav"}


@posix_only
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
@devices
def test_a_recording_that_is_killed(tmp_path: Path, start: Start, suffix: str, devices: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    path = out / f"a.{suffix}"
    process = start(path, *DEVICES[devices])
    wait_for_sound(process, path, {"wav": 50_000, "flac": 200, "ogg": 2000}[suffix])
    process.kill()
    process.communicate(timeout=60)
    samples = begins(path)
    assert len(samples) > 4000
    assert has_all_sides(path)
    if suffix != "ogg":
        check(samples, devices)
    assert names(out) == {path.name}


@posix_only
@pytest.mark.parametrize("suffix", ["wav", "flac"])
@devices
def test_a_disk_that_is_full(tmp_path: Path, start: Start, suffix: str, devices: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    path = out / f"a.{suffix}"
    process = start(path, *DEVICES[devices], limit={"wav": 100_000, "flac": 500 if devices == "one" else 1500}[suffix])
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")
    said, error = without_gaps(errors).splitlines()
    assert said == f"recording {path} ends here, and is kept: No space left on device"
    assert error == f"error: {path}: No space left on device; what was recorded until then is kept"
    check(load(path), devices)
    assert load(path).size > 10_000


@posix_only
@devices
def test_nothing_recorded(tmp_path: Path, start: Start, devices: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    process = start(out / "a.wav", "--seconds", 0.1, *DEVICES[devices], SILENT_DEVICE="1")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")
    assert errors.splitlines()[-2:] == [
        "error: no sound comes from 'Microphone': the device never started to move",
        f"error: {out / 'a.wav'}: nothing was recorded, and there is no file",
    ]
    assert names(out) == set()


# -- in virtual time ---------------------------------------------------------------------------------------------------


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SoundCard:
    pytest.importorskip("pyaudio", reason="PyAudio is not installed")
    return plug_in(monkeypatch, SoundCard())


def record(path: Path, seconds: float, gaps: bool, during: Callable[[], Any], rate: int = 48000) -> np.ndarray:
    """Records while `during` runs; ends as with Ctrl-C when that returns."""

    file = RecordingFile(path, rate, 1)
    track = Summary("a", rate, 1, 0)
    recording = Recording(file, track, round(seconds * rate), gaps)

    async def main() -> None:
        ctrl_c: Any = SimpleNamespace(is_set=False, expect=lambda: None)
        task = asyncio.create_task(recording.run(None, False, Console(quiet=True), ctrl_c))
        await during()
        ctrl_c.is_set = True
        await task

    run(main())
    file.close()
    assert track.meter.num_values == file.samples_per_channel
    return load(path)[:, 0]


async def be_away(card: SoundCard, seconds: float) -> None:
    """The device plays 1000, is lost after a second, and back later with 2000."""
    await asyncio.sleep(0)
    card.workers[0].incoming = np.full(48000, 1000, np.int16).tobytes()
    await asyncio.sleep(1.001)
    num_workers = len(card.workers)
    card.workers[-1].lose()
    card.refusals += [refusal()] * 1000
    await asyncio.sleep(seconds)
    card.incoming = np.full(48000, 2000, np.int16).tobytes()
    card.refusals.clear()
    for _ in range(300):
        await asyncio.sleep(0.01)
        if len(card.workers) > num_workers:
            break


@pytest.mark.parametrize("seconds", [0.3, 2.5, 600.0])
def test_a_gap_is_silence(card: SoundCard, tmp_path: Path, seconds: float) -> None:
    async def during() -> None:
        await be_away(card, seconds)
        await asyncio.sleep(1.2)

    samples = record(tmp_path / "a.wav", 0, True, during)
    first, second = card.workers
    begin = round((second.start - first.start) * 48000)
    assert (samples[:48000] == 1000).all()
    assert (samples[48000:begin] == 0).all()
    at = int(np.argmax(samples == 2000))
    assert abs(at - begin) <= 1
    assert (samples[at : at + 48000] == 2000).all()


def test_without_gaps(card: SoundCard, tmp_path: Path) -> None:
    async def during() -> None:
        await be_away(card, 5)
        await asyncio.sleep(1.2)

    samples = record(tmp_path / "a.wav", 0, False, during)
    assert abs(int(np.argmax(samples == 2000)) - 48000) <= 960


def test_the_length_is_that_of_the_clock(card: SoundCard, tmp_path: Path) -> None:
    """Also if the device is away at the end, or sound comes back behind it."""

    async def ends_away() -> None:
        await be_away(card, 10)
        assert len(card.workers) == 1

    assert len(record(tmp_path / "a.wav", 3, True, ends_away)) == 3 * 48000

    async def comes_back() -> None:
        await be_away(card, 1.0)
        await asyncio.sleep(5)

    card.workers.clear()
    card.refusals.clear()
    samples = record(tmp_path / "b.wav", 3, True, comes_back)
    assert len(samples) == 3 * 48000
    assert (samples[-4000:] == 2000).all() or (samples[-4000:] == 0).all()


def test_ctrl_c_while_the_device_is_away(card: SoundCard, tmp_path: Path) -> None:
    async def during() -> None:
        await asyncio.sleep(1.0)
        card.refusals += [refusal()] * 1000
        card.workers[0].lose()
        await asyncio.sleep(10)

    assert len(record(tmp_path / "a.wav", 0, True, during)) == pytest.approx(11 * 48000, abs=48000 // 5)
    (tmp_path / "a.wav").unlink()
    card.workers.clear()
    card.refusals.clear()
    assert len(record(tmp_path / "a.wav", 0, False, during)) == pytest.approx(48000, abs=4800)
