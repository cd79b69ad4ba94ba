"""SpeakerTap: the sound of speakers on its way to the echo cancellers of microphones."""

from __future__ import annotations

import mmap

import numpy as np
import pytest

from livekit_utils.devices.backend.memory import LATENCY_NS, TAPPED, DeviceMemory, ring_capacities
from livekit_utils.devices.backend.request import OpenedDevice
from livekit_utils.devices.device_stream import DeviceLink
from livekit_utils.devices.speaker_tap import SpeakerTap, TapReader

RATE = 8000


def speaker(num_channels: int = 1, sample_rate: int = RATE) -> DeviceLink:
    sizes = ring_capacities(sample_rate, num_channels, 100)
    memory = DeviceMemory.create(mmap.mmap(-1, DeviceMemory.num_bytes(*sizes)), *sizes)
    return DeviceLink(memory, OpenedDevice("desk", 0, "fake", sample_rate, num_channels, *sizes))


def counting(samples_per_channel: int, num_channels: int = 1, start: int = 1) -> np.ndarray:
    """Samples that tell where they were: of the channels, each 1000 above the one before."""
    one = np.arange(start, start + samples_per_channel)
    return np.stack([one + 1000 * channel for channel in range(num_channels)], axis=1).astype(np.int16)


def read(reader: TapReader, num_parts: int = 1) -> list[np.ndarray]:
    return [np.array(frame) for frame in reader.read(num_parts)[0]]


def test_only_what_is_wanted_is_copied() -> None:
    tap, link = SpeakerTap(RATE, 1), speaker()
    words = link.memory.words
    tap.add_output("a", link)
    assert not words[TAPPED]
    first, second = tap.open_reader(), tap.open_reader()
    assert words[TAPPED]
    first.close()
    first.close()
    assert words[TAPPED]
    second.close()
    assert not words[TAPPED]


def test_every_reader_gets_all_from_where_it_was_opened() -> None:
    tap, link = SpeakerTap(RATE, 1), speaker()
    link.memory.tap.write(counting(80))  # of before
    tap.add_output("a", link)
    first = tap.open_reader()
    link.memory.tap.write(counting(80, start=81))
    assert np.array_equal(read(first)[0], counting(80, start=81))
    second = tap.open_reader()
    link.memory.tap.write(counting(80, start=161))
    for reader in (first, second):
        assert np.array_equal(read(reader)[0], counting(80, start=161))
        assert read(reader)[0].size == 0


@pytest.mark.parametrize("num_parts", [1, 2, 7, 100])
def test_parts_are_about_as_long_and_nothing_is_lost(num_parts: int) -> None:
    tap, link = SpeakerTap(RATE, 1), speaker()
    tap.add_output("a", link)
    reader = tap.open_reader()
    link.memory.tap.write(counting(80))
    parts = read(reader, num_parts)
    assert len(parts) == num_parts
    assert np.array_equal(np.concatenate(parts), counting(80))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("num_channels", [1, 2, 3, 6])
def test_a_tap_that_overflowed_keeps_the_channels_apart(num_channels: int) -> None:
    """The ring ends within a frame of all channels, unless their number is a power of two."""
    tap, link = SpeakerTap(RATE, num_channels), speaker(num_channels)
    tap.add_output("a", link)
    reader = tap.open_reader()
    for _ in range(100):
        link.memory.tap.write(counting(800, num_channels))
    assert link.memory.tap.overruns
    read(reader)
    link.memory.tap.write(counting(80, num_channels, start=500))
    assert np.array_equal(read(reader)[0], counting(80, num_channels, start=500))


def test_a_reader_that_does_not_read_keeps_the_newest_half_second() -> None:
    tap, link = SpeakerTap(RATE, 1), speaker()
    tap.add_output("a", link)
    slow, quick = tap.open_reader(), tap.open_reader()
    for k in range(100):
        link.memory.tap.write(counting(80, start=80 * k))
        read(quick)
    assert np.array_equal(read(slow)[0], counting(4000, start=4000))


def test_several_speakers_are_mixed_and_one_that_stops_is_not_waited_for() -> None:
    tap, links = SpeakerTap(RATE, 1), [speaker(), speaker()]
    for link, latency_ns in zip(links, (20_000_000, 30_000_000), strict=True):
        link.memory.words[LATENCY_NS] = latency_ns
        tap.add_output(link, link)
    reader = tap.open_reader()
    for link in links:
        link.memory.tap.write(counting(80))
    parts, latency_ns = reader.read(1)
    assert np.array_equal(np.array(parts[0]), 2 * counting(80))
    assert latency_ns == 30_000_000
    links[0].memory.tap.write(counting(2000))
    assert len(read(reader)[0]) == 400  # the other one may come within 0.2 s
    tap.remove_output(links[1])
    assert len(read(reader)[0]) == 1600
    tap.remove_output(links[0])
    assert reader.read(1)[1] == 0


def test_another_format_is_converted() -> None:
    tap, link = SpeakerTap(RATE, 1), speaker(2, 2 * RATE)
    tap.add_output("a", link)
    reader = tap.open_reader()
    link.memory.tap.write(np.full((1600, 2), 1000, np.int16))
    sound = read(reader)[0]
    assert 700 <= len(sound) <= 800
    assert np.median(sound) == pytest.approx(1000, abs=2)


def test_what_was_played_before_a_clear_is_forgotten() -> None:
    tap, link = SpeakerTap(RATE, 1), speaker()
    tap.add_output("a", link)
    reader = tap.open_reader()
    link.memory.tap.write(counting(80))
    reader.clear()
    assert read(reader)[0].size == 0
