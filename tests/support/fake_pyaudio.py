"""A module `pyaudio` with one microphone and one speaker, which move when the test moves them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest

TIMES = {"current_time": 1.0, "input_buffer_adc_time": 0.99, "output_buffer_dac_time": 1.01}


class FakeStream:
    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.callback: Callable[..., Any] = options["stream_callback"]
        self.active = False
        self.closed = threading.Event()

    def start_stream(self) -> None:
        self.active = True

    def is_active(self) -> bool:
        return self.active

    def close(self) -> None:
        self.active = False
        self.closed.set()

    def move(self, data: bytes | None, num_frames: int, flags: int = 0) -> bytes | None:
        """A block, as the sound card's thread brings or fetches it."""
        block: bytes | None = self.callback(data, num_frames, TIMES, flags)[0]
        return block


class FakePyAudio(ModuleType):
    """Stands for the module; `streams` are all that were opened."""

    paInt16, paContinue = 8, 0

    def __init__(self) -> None:
        super().__init__("pyaudio")
        self.__spec__ = ModuleSpec("pyaudio", None)
        self.streams: list[FakeStream] = []
        self.failure: BaseException | None = None  # raised by the next listing
        self.names: list[Any] = ["Microphone", "Speaker"]
        self.num_open = 0

    def PyAudio(self) -> FakePyAudio:
        self.num_open += 1
        return self

    def terminate(self) -> None:
        self.num_open -= 1

    def get_host_api_count(self) -> int:
        return 1

    def get_host_api_info_by_index(self, index: int) -> dict[str, Any]:
        return {"name": "Windows WASAPI"}

    def get_device_count(self) -> int:
        if self.failure is not None:
            raise self.failure
        return 2

    def get_device_info_by_index(self, index: int) -> dict[str, Any]:
        return {
            "index": index, "name": self.names[index], "hostApi": 0, "defaultSampleRate": 48000.0,
            "maxInputChannels": 2 * (index == 0), "maxOutputChannels": 2 * (index == 1),
            "defaultLowInputLatency": 0.003, "defaultLowOutputLatency": 0.004,
            "defaultHighInputLatency": 0.03, "defaultHighOutputLatency": 0.04,
        }  # fmt: skip

    def get_default_input_device_info(self) -> dict[str, Any]:
        return self.get_device_info_by_index(0)

    def get_default_output_device_info(self) -> dict[str, Any]:
        return self.get_device_info_by_index(1)

    def open(self, **options: Any) -> FakeStream:
        self.streams.append(FakeStream(options))
        return self.streams[-1]


def install(monkeypatch: pytest.MonkeyPatch) -> FakePyAudio:
    """Has `import pyaudio` give a new one."""
    fake = FakePyAudio()
    monkeypatch.setitem(sys.modules, "pyaudio", fake)
    return fake
