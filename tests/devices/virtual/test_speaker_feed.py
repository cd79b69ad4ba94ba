"""What the two sides of a speaker's memory store and look at, in which order."""

from __future__ import annotations

import mmap
from typing import Any

from livekit_utils.devices.backend.memory import CLEAR_FADE, CLEAR_TO, WAKE_BELOW, DeviceMemory, ring_capacities
from livekit_utils.devices.backend.renderer import DeviceRenderer
from livekit_utils.devices.backend.request import OpenedDevice
from livekit_utils.devices.device_stream import DeviceLink
from livekit_utils.devices.speaker_feed import SpeakerFeed


class RecordingWords:
    def __init__(self, words: Any, steps: list[str]) -> None:
        self._words, self._steps = words, steps

    def __getitem__(self, index: int) -> int:
        self._steps.append(f"look {index}")
        return int(self._words[index])

    def __setitem__(self, index: int, value: int) -> None:
        self._steps.append(f"store {index}")
        self._words[index] = value


class RecordingRing:
    def __init__(self, ring: Any, steps: list[str]) -> None:
        self._ring, self._steps = ring, steps

    def sync(self) -> None:
        self._steps.append("sync")
        self._ring.sync()

    def read_padded(self, num_values: int) -> bytes:
        self._steps.append("read")
        return bytes(self._ring.read_padded(num_values))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ring, name)


def open_both() -> tuple[SpeakerFeed, DeviceRenderer, list[str]]:
    sizes = ring_capacities(48000, 1, 500)
    memory: Any = DeviceMemory.create(mmap.mmap(-1, DeviceMemory.num_bytes(*sizes)), *sizes)
    steps: list[str] = []
    memory.words, memory.ring = RecordingWords(memory.words, steps), RecordingRing(memory.ring, steps)
    info = OpenedDevice("speaker", 0, "fake", 48000, 1, *sizes)
    feed, renderer = SpeakerFeed(DeviceLink(memory, info), 48000, 1), DeviceRenderer(memory, 48000, 1)
    steps.clear()
    return feed, renderer, steps


def test_a_wake_cannot_be_lost_between_the_two_sides() -> None:
    """The application stores its mark, then looks at the ring; the device's side reads the ring, then looks at the
    mark. At least one sees the other's, if both call `sync` in between (see tests/c/test_ring_threads.c)."""
    feed, renderer, steps = open_both()
    assert feed.wake_below(480)
    assert steps == [f"store {WAKE_BELOW}", "sync"]
    steps.clear()
    assert not feed.wake_below(480)
    assert not feed.wake_below(240)
    assert feed.wake_below(241)
    feed.write(bytearray(960))
    renderer.render(240, 0)
    steps.clear()
    assert renderer.is_low
    assert steps == ["sync", f"look {WAKE_BELOW}"]


def test_the_order_to_clear_comes_with_its_fade_and_its_samples() -> None:
    feed, renderer, steps = open_both()
    feed.write(bytearray(b"\x01\x00" * 960))
    feed.clear(0.01)
    assert steps == [f"store {CLEAR_FADE}", "sync", f"store {CLEAR_TO}"]
    assert feed.fill == 0
    steps.clear()
    renderer.render(480, 0)
    seen = [step for step in steps if step in ("sync", "read", f"look {CLEAR_FADE}")]
    assert seen[:3] == ["sync", f"look {CLEAR_FADE}", "read"]
    feed.write(bytearray(b"\x02\x00" * 480))
    assert feed.fill == 480
    assert renderer.render(480, 0) == b"\x02\x00" * 480
