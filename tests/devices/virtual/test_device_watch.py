"""When a stream counts as lost: it never starts, it stops, or it is only late. The clock is the test's."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from itertools import count
from types import SimpleNamespace

import pytest

from livekit_utils.devices.backend import portaudio_stream
from livekit_utils.devices.backend.memory import MOVED, ZERO_SAMPLES
from livekit_utils.devices.backend.portaudio_stream import PortAudioStream
from livekit_utils.devices.backend.request import DeviceRequest
from tests.support.fake_pyaudio import FakePyAudio, install

BLOCK = 480
both_sides = pytest.mark.parametrize("is_input", [True, False])


class Clock:
    """Stands for the module `time`; moves when the stream's watch waits, with the callbacks of that time."""

    def __init__(self, pyaudio: FakePyAudio, is_input: bool, callbacks: Iterable[float], until_s: float) -> None:
        self.pyaudio, self.data = pyaudio, bytes(2 * BLOCK) if is_input else None
        self.callbacks, self.until_s = iter(callbacks), until_s
        self.gap_at_s = float("inf")  # the callback at this time is told of a gap
        self.next = next(self.callbacks, float("inf"))
        self.now = 0.0

    def monotonic_ns(self) -> int:
        return 10**9 + round(self.now * 1e9)

    def wait(self, seconds: float) -> bool:
        """Returns whether the application wants the end."""
        end = self.now + seconds
        while self.next <= end:
            self.now = self.next
            self.pyaudio.streams[0].move(self.data, BLOCK, 4 if self.now == self.gap_at_s else 0)
            self.next = next(self.callbacks, float("inf"))
        self.now = end
        return self.now >= self.until_s


def watch(
    monkeypatch: pytest.MonkeyPatch,
    is_input: bool,
    callbacks: Iterable[float],
    until_s: float = 60,
    gap_at_s: float = float("inf"),
) -> tuple[str | None, float, PortAudioStream]:
    """Returns how the stream ended, when, and the stream."""
    clock = Clock(install(monkeypatch), is_input, callbacks, until_s)
    clock.gap_at_s = gap_at_s
    monkeypatch.setattr(portaudio_stream, "time", SimpleNamespace(monotonic_ns=clock.monotonic_ns))
    request = DeviceRequest(is_input, None, None, 48000, 1, 1, BLOCK, 500)
    stream = PortAudioStream(request, lambda: None)
    stream.open(lambda num_bytes: mmap.mmap(-1, num_bytes))
    reason = stream.watch(clock.wait)
    moved = bool(stream.memory.words[MOVED])
    stream.close()
    return reason, clock.now, SimpleNamespace(moved=moved, words=stream.memory.words)  # type: ignore[return-value]


def steady(start_s: float = 0.0, end_s: float = 1e9) -> Iterable[float]:
    for n in count():
        if start_s + n * 0.01 > end_s:
            return
        yield start_s + n * 0.01


@both_sides
def test_a_device_that_never_moves_is_lost_after_3_s(monkeypatch: pytest.MonkeyPatch, is_input: bool) -> None:
    reason, at_s, stream = watch(monkeypatch, is_input, [])
    assert reason == "the device never started to move"
    assert at_s == pytest.approx(3.0, abs=0.2)
    assert not stream.moved


@pytest.mark.parametrize(("is_input", "num_first"), [(True, 1), (True, 5), (False, 1), (False, 3)])
def test_an_idle_null_sink_of_pulseaudio_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, is_input: bool, num_first: int
) -> None:
    """It takes some blocks at once, and the next one when its two seconds of silence are over."""
    reason, _, stream = watch(monkeypatch, is_input, [*[0.05] * num_first, *steady(2.0, 60)])
    assert reason is None
    assert stream.moved


def test_the_blocks_that_fill_a_speakers_buffers_are_no_sound_that_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    reason, at_s, stream = watch(monkeypatch, False, [0.01, 0.012, 0.014])
    assert reason == "the device never started to move"
    assert at_s == pytest.approx(3.0, abs=0.2)
    assert not stream.moved


@both_sides
def test_a_device_in_steady_motion_that_stops_is_lost_soon(monkeypatch: pytest.MonkeyPatch, is_input: bool) -> None:
    for end_s in (0.2, 5):
        reason, at_s, stream = watch(monkeypatch, is_input, steady(0, end_s))
        assert reason == "the device stopped moving"
        assert at_s == pytest.approx(end_s + 0.5, abs=0.2)
        assert stream.moved


@both_sides
def test_a_null_sink_that_stands_still_after_a_gap_is_not_lost(monkeypatch: pytest.MonkeyPatch, is_input: bool) -> None:
    """It begins anew, with two seconds of silence. One that stands still for longer is lost."""
    callbacks = [*steady(0, 5), 5.1, *steady(7.1, 60)]
    assert watch(monkeypatch, is_input, callbacks, gap_at_s=5.1)[0] is None
    reason, at_s, _ = watch(monkeypatch, is_input, callbacks)
    assert (reason, at_s) == ("the device stopped moving", pytest.approx(5.6, abs=0.2))
    reason, at_s, _ = watch(monkeypatch, is_input, [*steady(0, 5), 5.1], gap_at_s=5.1)
    assert (reason, at_s) == ("the device stopped moving", pytest.approx(8.1, abs=0.2))


@both_sides
@pytest.mark.parametrize("period_s", [0.085, 0.34, 2.0])
def test_a_device_that_moves_in_bursts_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, is_input: bool, period_s: float
) -> None:
    bursts = (n // 8 * period_s for n in count())
    assert watch(monkeypatch, is_input, bursts)[0] is None


@both_sides
def test_a_machine_that_was_stalled_takes_no_device_away(monkeypatch: pytest.MonkeyPatch, is_input: bool) -> None:
    clock = Clock(install(monkeypatch), is_input, [*steady(0, 5), *steady(9, 60)], 60)
    monkeypatch.setattr(portaudio_stream, "time", SimpleNamespace(monotonic_ns=clock.monotonic_ns))
    stream = PortAudioStream(DeviceRequest(is_input, None, None, 48000, 1, 1, BLOCK, 500), lambda: None)
    stream.open(lambda num_bytes: mmap.mmap(-1, num_bytes))
    # The watch itself is stalled from 5 s to 8.8 s.
    assert stream.watch(lambda seconds: clock.wait(3.8 if 4.95 <= clock.now < 5.05 else seconds)) is None
    stream.close()


def test_zeros_of_a_microphone_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, stream = watch(monkeypatch, True, steady(0, 5), until_s=1)
    assert stream.words[ZERO_SAMPLES] == pytest.approx(105 * BLOCK, abs=6 * BLOCK)
