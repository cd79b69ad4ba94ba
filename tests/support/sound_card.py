"""A sound card in virtual time: the device's side of the memory that a microphone or speaker shares."""

from __future__ import annotations

import asyncio
import importlib.util
import mmap
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from livekit_utils import DeviceError
from livekit_utils.devices.backend.memory import (
    CALLBACK_NS,
    CALLBACKS,
    LATENCY_NS,
    MOVED,
    DeviceMemory,
    ring_capacities,
)
from livekit_utils.devices.backend.renderer import DeviceRenderer
from livekit_utils.devices.backend.request import DeviceRequest, OpenedDevice
from livekit_utils.devices.backend.worker import Worker


class SoundCard:
    """Opens any device that is asked for, in the loop that runs.

    Args:
        sample_rate, num_channels: What its devices do, whatever they are asked for; None for that.
        speed: How fast its clock runs.
        latency_s: What it says of itself.
        lateness: Seconds by which its n-th block comes late; the one after is in time again.
    """

    def __init__(
        self,
        sample_rate: int | None = None,
        num_channels: int | None = None,
        speed: float = 1.0,
        latency_s: float = 0.02,
        lateness: Callable[[int], float] = lambda n: 0.0,
    ) -> None:
        self.sample_rate, self.num_channels = sample_rate, num_channels
        self.speed, self.latency_s, self.lateness = speed, latency_s, lateness
        self.requests: list[DeviceRequest] = []
        self.workers: list[FakeWorker] = []
        self.refusals: list[Exception] = []  # of the next attempts to open
        self.heard: list[bytes] = []  # what speakers were given, block by block
        self.incoming: bytes | memoryview = b""  # what a microphone that is opened hears first; then silence

    def open(self, request: DeviceRequest, timeout_s: float) -> FakeWorker:
        self.requests.append(request)
        if self.refusals:
            raise self.refusals.pop(0)
        self.workers.append(FakeWorker(self, request))
        return self.workers[-1]

    @property
    def sound(self) -> np.ndarray[Any, Any]:
        """All that speakers were given, of shape (samples, channels)."""
        return np.frombuffer(b"".join(self.heard), np.int16).reshape(-1, self.workers[-1].info.num_channels)


class FakeWorker(Worker):
    def __init__(self, card: SoundCard, request: DeviceRequest) -> None:
        rate, channels = card.sample_rate or request.sample_rate, card.num_channels or request.num_channels
        sizes = ring_capacities(rate, channels, request.ring_ms)
        self.card, self.is_input = card, request.is_input
        self.block = (request.block_size or request.sample_rate // 100) * rate // request.sample_rate
        self.info = OpenedDevice(str(request.device or "default"), 0, "fake", rate, channels, *sizes)
        self.memory = DeviceMemory.create(mmap.mmap(-1, DeviceMemory.num_bytes(*sizes)), *sizes)
        self.memory.words[LATENCY_NS] = round(card.latency_s * 1e9)
        self.renderer = DeviceRenderer(self.memory, rate, channels)
        self.incoming = card.incoming  # of a microphone: what it hears next; then silence
        self.listening = False
        self.num_closed = 0
        self.num_wakes = 0
        self.num_blocks = 0
        self._timer: asyncio.TimerHandle | None = None

    def listen(
        self, loop: asyncio.AbstractEventLoop, on_wake: Callable[[], None], on_end: Callable[[str], None]
    ) -> None:
        self.loop, self.on_wake, self.on_end, self.listening = loop, on_wake, on_end, True
        if self._timer is None:
            self.start, self.num_blocks = loop.time(), 0
            self._set_timer()

    def leave(self) -> None:
        self.listening = False

    def close(self) -> None:
        self.num_closed += 1
        self.stop()

    def stop(self) -> None:
        """It moves no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def lose(self, reason: str = "pulled out") -> None:
        self.stop()
        self.on_end(reason)

    def _set_timer(self) -> None:
        period_s = self.block / self.info.sample_rate / self.card.speed
        number = self.num_blocks + 1
        self._timer = self.loop.call_at(self.start + number * period_s + self.card.lateness(number), self._call_back)

    def _call_back(self) -> None:
        self.num_blocks += 1
        self.memory.words[CALLBACKS] += 1
        self.memory.words[CALLBACK_NS] = round(self.loop.time() * 1e9)
        self.memory.words[MOVED] = 1
        num_bytes = self.block * self.info.num_channels * 2
        if self.is_input:
            block, self.incoming = bytes(self.incoming[:num_bytes]), self.incoming[num_bytes:]
            self.memory.ring.write(block.ljust(num_bytes, b"\0"))
        else:
            self.card.heard.append(self.renderer.render(self.block, round(self.loop.time() * 1e9)))
        self._set_timer()
        if self.is_input or self.renderer.is_low:
            self.num_wakes += 1
            if self.listening:
                self.on_wake()


def plug_in(monkeypatch: pytest.MonkeyPatch, card: SoundCard) -> SoundCard:
    """Has all devices be this card's, and nothing wait for threads, which virtual time does not know."""

    async def at_once(name: str, function: Callable[[], Any], discard: Callable[[Any], None] | None = None) -> Any:
        result = function()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            if discard is not None:
                discard(result)
            raise
        return result

    if importlib.util.find_spec("pyaudio") is None:  # MediaDevices looks whether it is there; nothing of it is used
        module = ModuleType("pyaudio")
        module.__spec__ = ModuleSpec("pyaudio", None)
        monkeypatch.setitem(sys.modules, "pyaudio", module)
    monkeypatch.setattr("livekit_utils.devices.backend.worker_process.WorkerProcess", card.open)
    monkeypatch.setattr("livekit_utils.devices.backend.worker_thread.WorkerThread", card.open)
    monkeypatch.setattr("livekit_utils.devices.device_stream.in_thread", at_once)
    return card


def refusal(text: str = "gone", code: int = -9996) -> DeviceError:
    return DeviceError(text, code=code)
