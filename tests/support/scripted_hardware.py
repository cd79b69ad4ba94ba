"""Hardware that a test scripts: devices that are plugged in and out, refuse formats, or never move, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from livekit_utils.devices.backend.choice import find_device, identify
from livekit_utils.devices.backend.memory import ZERO_SAMPLES
from livekit_utils.devices.backend.portaudio import open_stream
from livekit_utils.devices.backend.request import DeviceRequest, OpenedDevice
from tests.support.sound_card import FakeWorker, SoundCard


@dataclass(eq=False)
class Device:
    """A device; the defaults are those of a stereo headset."""

    name: str
    value: int = 1
    """All that its microphone hears, as int16 values."""
    inputs: int = 2
    outputs: int = 2
    is_default: bool = False
    present: bool = True
    dead: bool = False
    """It opens, and never moves."""
    max_blocks: int | None = None
    """It moves this many blocks whenever it was opened, and no more."""
    late_s: float = 0.0
    """It moves first when so long has passed since it was opened."""
    part: Callable[[int], float] = lambda block_size: 1.0
    """The part of its samples that it moves, at a block size."""
    rates: tuple[int, ...] | None = None
    """The rates that it takes; None for all."""
    sample_rate: float = 48000.0
    """The one that it says to be its own."""


class Hardware(SoundCard):
    """The devices of a machine, in the order of their indices."""

    paInt16 = 8

    def __init__(self, *devices: Device) -> None:
        super().__init__()
        self.devices = list(devices)
        self.opened: list[Device] = []  # in the order of the openings
        self.asked: list[tuple[float, DeviceRequest]] = []  # and when

    def plug_out(self, device: Device) -> None:
        device.present = False
        for worker in list(self.workers):
            if isinstance(worker, HardwareWorker) and worker.device is device and worker.listening:
                worker.lose()

    def open(self, request: DeviceRequest, timeout_s: float) -> FakeWorker:
        request = DeviceRequest.from_json(request.to_json())  # as on the way to another process
        self.requests.append(request)
        self.asked.append((asyncio.get_running_loop().time(), request))
        there = [device for device in self.devices if device.present]
        listed = [self._describe(index, device) for index, device in enumerate(there)]
        found = find_device(listed, request)
        device = there[found["index"]]

        class PortAudio:
            def open(self, *, rate: int, channels: int, **options: Any) -> None:
                if channels > (device.inputs if request.is_input else device.outputs):
                    raise OSError(-9998, "Invalid number of channels")
                if device.rates is not None and rate not in device.rates:
                    raise OSError(-9997, "Invalid sample rate")

        _, rate, channels = open_stream(self, PortAudio(), found, request, lambda *_: None)
        self.opened.append(device)
        known = identify(listed, found, request)
        worker = HardwareWorker(self, request, device, rate, channels)
        worker.info = OpenedDevice(
            known.name, found["index"], known.host_api, rate, channels, worker.info.ring_capacity,
            worker.info.tap_capacity, known.ordinal, list(known.others),
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def _describe(self, index: int, device: Device) -> dict[str, Any]:
        return {
            "name": device.name, "index": index, "host_api": "ALSA", "max_input_channels": device.inputs,
            "max_output_channels": device.outputs, "sample_rate": device.sample_rate,
            "is_default_input": device.is_default, "is_default_output": device.is_default,
        }  # fmt: skip


class HardwareWorker(FakeWorker):
    """Moves the sound of a device, and gives up one that does not move for 3 s, as the real one does."""

    def __init__(self, card: Hardware, request: DeviceRequest, device: Device, rate: int, channels: int) -> None:
        card.sample_rate, card.num_channels = rate, channels
        super().__init__(card, request)
        self.device = device
        self.opened_at = asyncio.get_running_loop().time()
        self.num_moved = 0  # blocks

    def _set_timer(self) -> None:
        device = self.device
        if device.dead or (device.max_blocks is not None and self.num_moved >= device.max_blocks):
            self._timer = self.loop.call_later(3, self.lose, "the device stopped moving")
            return
        wait_s = self.block / self.info.sample_rate / device.part(self.block)
        self._timer = self.loop.call_at(max(self.loop.time(), self.opened_at + device.late_s) + wait_s, self._call_back)

    def _call_back(self) -> None:
        self.num_moved += 1
        if self.is_input:
            if not self.device.value:
                self.memory.words[ZERO_SAMPLES] += self.block
            self.incoming = np.full(self.block * self.info.num_channels, self.device.value, np.int16).tobytes()
        super()._call_back()
