"""`livekit-utils record` with several devices, in virtual time: one clock, and a side for each."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")

from click.testing import CliRunner
from rich.console import Console

from livekit_utils.cli import app
from livekit_utils.cli.errors import CliError
from livekit_utils.cli.sides import Sides
from livekit_utils.cli.view.summary import Summary
from livekit_utils.files.growing_file import GrowingFile
from tests.support.cli_commands import load
from tests.support.long_runs import shortened
from tests.support.sound_card import SoundCard, plug_in, refusal
from tests.support.virtual_time import run

RATE = 48000


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SoundCard:
    pytest.importorskip("pyaudio", reason="PyAudio is not installed")
    return plug_in(monkeypatch, SoundCard())


def record(
    path: Path,
    during: Callable[[], Awaitable[None]],
    *,
    seconds: float | None = None,
    channels: int = 2,
    devices: tuple[str, ...] = ("one", "two"),
) -> Any:
    """Records while `during` runs; ends as with Ctrl-C when that returns."""
    track = Summary("a", RATE, channels, 0)

    async def main() -> None:
        ctrl_c: Any = SimpleNamespace(is_set=False, expect=lambda: None)
        task = asyncio.create_task(Sides(path, track, seconds, False).run(devices, False, Console(quiet=True), ctrl_c))
        waiting = asyncio.ensure_future(during())
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        ctrl_c.is_set = True
        if waiting.done():
            waiting.result()
        await task
        waiting.cancel()

    run(main())
    samples = load(path)
    assert track.samples_per_channel == len(samples)
    assert track.meter.num_values == samples.size
    assert (track.format, track.subtype) == ("WAV", "PCM_16")
    assert track.meter.peak == np.abs(samples.astype(int)).max()
    return samples


def filled(value: int, seconds: float) -> memoryview:
    return memoryview(np.full(round(seconds * RATE), value, np.int16).tobytes())


async def opened(card: SoundCard, number: int) -> None:
    """Returns when so many devices are, or were, open."""
    while len(card.workers) < number:  # noqa: ASYNC110
        await asyncio.sleep(0.001)


async def sound(card: SoundCard, *values: int, seconds: float = 100.0) -> None:
    """Has each device that is open deliver a value from now on."""
    await opened(card, len(values))
    for worker, value in zip(card.workers, values, strict=True):
        worker.incoming = filled(value, seconds)


def test_each_device_has_a_side(card: SoundCard, tmp_path: Path) -> None:
    async def during() -> None:
        await sound(card, 1000, 2000)
        await asyncio.sleep(5)

    samples = record(tmp_path / "a.wav", during)
    assert [request.device for request in card.requests] == ["one", "two"]
    assert len(samples) == pytest.approx(5 * RATE, abs=RATE // 10)
    for side, value in ((0, 1000), (1, 2000)):
        loud = np.flatnonzero(samples[:, side])
        assert set(samples[loud[0] : loud[-1] + 1, side]) == {value}
        assert loud[0] <= RATE // 20
        assert loud[-1] >= len(samples) - RATE // 20


def test_their_mix(card: SoundCard, tmp_path: Path) -> None:
    async def during() -> None:
        await sound(card, 1000, 2000, 30)
        await asyncio.sleep(2)

    track_peak = 3030
    path = tmp_path / "a.wav"
    track = Summary("a", RATE, 1, 0)

    async def main() -> None:
        ctrl_c: Any = SimpleNamespace(is_set=False, expect=lambda: None)
        sides = Sides(path, track, None, False)
        task = asyncio.create_task(sides.run(["a", "b", "c"], False, Console(quiet=True), ctrl_c))
        await during()
        ctrl_c.is_set = True
        await task

    run(main())
    samples = load(path)
    assert samples.shape[1] == 1
    assert samples.max() == track_peak
    assert np.count_nonzero(samples == track_peak) > 1.9 * RATE


@pytest.mark.parametrize("seconds", [0.5, 3.3333])
def test_the_length_is_exact(card: SoundCard, tmp_path: Path, seconds: float) -> None:
    """To the sample, and up to its end."""

    async def during() -> None:
        await sound(card, 1000, 2000)
        await asyncio.sleep(20)

    samples = record(tmp_path / "a.wav", during, seconds=seconds)
    assert len(samples) == round(seconds * RATE)
    assert (samples[-RATE // 4 :] == (1000, 2000)).all()


@pytest.mark.parametrize("away_s", [0.3, 2.5, 60.0])
def test_the_side_of_a_lost_device_is_silent(
    card: SoundCard, tmp_path: Path, away_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other side is not, and the device that takes its place is not heard there."""
    refused: set[str] = set()
    open_worker = card.open

    def with_refusals(request: Any, timeout_s: float) -> Any:
        if request.device in refused:
            card.requests.append(request)
            raise refusal()
        return open_worker(request, timeout_s)

    monkeypatch.setattr("livekit_utils.devices.backend.worker_process.WorkerProcess", with_refusals)

    async def during() -> None:
        await sound(card, 1000, 2000)
        await asyncio.sleep(3.001)
        refused.add("two")
        card.incoming = filled(500, 100)  # of the default device
        card.workers[1].lose()
        await asyncio.sleep(away_s)
        refused.clear()
        await opened(card, 3 + (away_s > 3))
        card.workers[-1].incoming = filled(3000, 10)
        await asyncio.sleep(4)

    samples = record(tmp_path / "a.wav", during)
    first, *_, last = card.workers
    assert len(card.workers) == (4 if away_s > 3 else 3)
    assert set(samples[RATE // 10 : -RATE // 10, 0]) == {1000}
    assert set(samples[:, 1]) == {0, 2000, 3000}
    again = int(np.argmax(samples[:, 1] == 3000))
    # The clock starts when the first sound is seen. What another stood in for is taken back when it is steady.
    begin = (last.start - first.start - 0.05) * RATE
    assert abs(again - begin) <= (RATE // 20 if away_s < 3 else RATE)
    assert (samples[again : again + RATE, 1] == 3000).all()
    lost = int(np.flatnonzero(samples[:, 1] == 2000)[-1])
    assert lost == pytest.approx(3 * RATE, abs=RATE // 10)


def test_devices_whose_clocks_differ(card: SoundCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clicks of the same moment lie within 10 ms of each other on both sides, after minutes at 600 ppm."""
    speeds = [1 + 300e-6, 1 - 300e-6]
    seconds = shortened(300)

    open_worker = card.open

    def with_a_clock(request: Any, timeout_s: float) -> Any:
        speed = speeds[len(card.workers)]
        worker = open_worker(request, timeout_s)
        worker.card = SimpleNamespace(**{**vars(card), "speed": speed})  # a clock of its own
        samples = np.zeros(seconds * RATE, np.int16)
        samples[(np.arange(1, seconds - 2) * RATE * speed).astype(int)] = 10_000
        worker.incoming = memoryview(samples.tobytes())
        return worker

    monkeypatch.setattr("livekit_utils.devices.backend.worker_process.WorkerProcess", with_a_clock)

    async def during() -> None:
        await asyncio.sleep(seconds - 1)

    samples = record(tmp_path / "a.wav", during)
    sides = []
    for side in (0, 1):
        loud = np.flatnonzero(np.abs(samples[:, side].astype(int)) > 4000)
        sides.append(loud[np.diff(loud, prepend=-RATE) > RATE // 2] / RATE)
    assert len(sides[0]) == len(sides[1]) > seconds - 5
    assert np.abs(sides[0] - sides[1]).max() < 0.010
    assert np.abs(np.diff(sides[0]) - 1).max() < 0.003


def test_a_device_that_never_starts(card: SoundCard, tmp_path: Path) -> None:
    """It is said, and what the other one gave is kept."""

    async def during() -> None:
        await sound(card, 1000, 0)
        card.workers[1].stop()
        await asyncio.sleep(3)
        card.workers[1].lose("the device never started to move")
        await asyncio.sleep(60)

    with pytest.raises(CliError, match="no sound comes from 'two'"):
        record(tmp_path / "a.wav", during)
    samples = load(tmp_path / "a.wav")
    assert np.count_nonzero(samples[:, 0] == 1000) > 2.8 * RATE
    assert not samples[:, 1].any()


def test_nothing_at_all(card: SoundCard, tmp_path: Path) -> None:
    async def during() -> None:
        await opened(card, 2)
        card.workers[0].lose("the device never started to move")
        card.workers[1].stop()
        await asyncio.sleep(60)

    with pytest.raises(CliError, match="no sound comes from 'one'") as caught:
        record(tmp_path / "a.wav", during)
    assert caught.value.__notes__ == [f"{tmp_path / 'a.wav'}: nothing was recorded, and there is no file"]
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_before_the_first_sound(card: SoundCard, tmp_path: Path) -> None:
    async def main() -> None:
        track = Summary("a", RATE, 2, 0)
        ctrl_c: Any = SimpleNamespace(is_set=True, expect=lambda: None)
        await Sides(tmp_path / "a.wav", track, None, False).run(["a", "b"], False, Console(quiet=True), ctrl_c)
        assert track.samples_per_channel == 0

    run(main())
    assert list(tmp_path.iterdir()) == []
    assert all(worker.num_closed for worker in card.workers)


def test_a_full_disk_ends_it(card: SoundCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append = GrowingFile.append

    def limited(self: GrowingFile, data: Any) -> None:
        append(self, memoryview(data)[: 100_000 - self.size])
        if self.size >= 100_000:
            raise OSError(28, os.strerror(28))

    monkeypatch.setattr(GrowingFile, "append", limited)

    async def during() -> None:
        await sound(card, 1000, 2000)
        for _ in range(600):
            await asyncio.sleep(1)
            time.sleep(0.02)  # noqa: ASYNC251 (the thread that writes has its turn)

    with pytest.raises(CliError, match="No space left on device; what was recorded until then is kept"):
        record(tmp_path / "a.wav", during)
    assert len(load(tmp_path / "a.wav")) == (100_000 - 80) // 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--channels", "3"], "error: --channels: expected 2, one for each device, or 1 for their mix, got 3"),
        (
            ["--no-gaps"],
            "error: --no-gaps: expected one device, because several are on one clock, got several",
        ),
        (["--rate", "200k"], "error: --rate: expected at most 192000 Hz of several devices, got 200000"),
    ],
)
def test_what_cannot_be(card: SoundCard, tmp_path: Path, arguments: list[str], message: str) -> None:
    path = tmp_path / "a.wav"
    result = CliRunner().invoke(app, ["record", str(path), "--device", "a", "--device", "b", *arguments])
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0].replace(f"{path}: ", "") == message
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be(card: SoundCard, tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    for name, message in (
        ("a.wav", "expected a new file, but it exists; --force replaces it"),
        ("a.mp3", "expected a name that ends in"),
        ("a.mp4", "expected a name that ends in"),
        ("no/a.wav", "expected an existing directory to write to"),
    ):
        result = CliRunner().invoke(app, ["record", str(tmp_path / name), "--device", "a", "--device", "b"])
        assert result.exit_code == 1
        assert result.stderr.startswith(f"error: {tmp_path / name}: {message}")
    assert not card.requests
