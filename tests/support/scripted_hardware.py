"""Hardware that a test scripts: devices that are plugged in and out, refuse formats, or never move, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from livekit_utils.devices.backend.choice import find_device, identify
from livekit_utils.devices.backend.portaudio import open_stream
from livekit_utils.devices.backend.request import DeviceRequest, OpenedDevice
from tests.support.sound_card import FakeWorker, SoundCard


@dataclass(eq=False)
class Device:
    """A device; the defaults are those of a stereo headset."""

    name: str
    inputs: int = 2
    outputs: int = 2
    is_default: bool = False
    present: bool = True
    dead: bool = False
    """It opens, and never moves."""
    starts_after_s: float = 0.0
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

    def plug_out(self, device: Device) -> None:
        device.present = False
        for worker in list(self.workers):
            if isinstance(worker, HardwareWorker) and worker.device is device and worker.listening:
                worker.lose()

    def open(self, request: DeviceRequest, timeout_s: float) -> FakeWorker:
        self.requests.append(request)
        there = [device for device in self.devices if device.present]
        listed = [self._describe(index, device) for index, device in enumerate(there)]
        found = find_device(listed, request)
        device = there[found["index"]]

        class PortAudio:
            def open(self, *, rate: int, channels: int, **options: Any) -> None:
                if device.rates is not None and rate not in device.rates:
                    raise OSError(-9997, "Invalid sample rate")

        _, rate, channels = open_stream(self, PortAudio(), found, request, lambda *_: None)
        known = identify(listed, found, request)
        self.opened.append(device)
        self.workers.append(HardwareWorker(self, request, device, rate, channels))
        info = self.workers[-1].info
        self.workers[-1].info = OpenedDevice(
            known.name, found["index"], known.host_api, rate, channels, info.ring_capacity, info.tap_capacity,
            known.ordinal, known.others,
        )  # fmt: skip
        return self.workers[-1]

    def _describe(self, index: int, device: Device) -> dict[str, Any]:
        return {
            "name": device.name, "index": index, "host_api": "ALSA", "max_input_channels": device.inputs,
            "max_output_channels": device.outputs, "sample_rate": device.sample_rate,
            "is_default_input": device.is_default, "is_default_output": device.is_default,
        }  # fmt: skip


class HardwareWorker(FakeWorker):
    def __init__(self, card: Hardware, request: DeviceRequest, device: Device, rate: int, channels: int) -> None:
        card.sample_rate, card.num_channels = rate, channels
        super().__init__(card, request)
        self.device = device

    def listen(
        self, loop: asyncio.AbstractEventLoop, on_wake: Callable[[], None], on_end: Callable[[str], None]
    ) -> None:
        super().listen(loop, on_wake, on_end)
        if self.device.dead:
            self.stop()
            self._timer = loop.call_later(3, self.lose, "the device never started to move")
        elif self.device.starts_after_s and not self.num_wakes:
            self.stop()
            self.start += self.device.starts_after_s
            self._set_timer()


