"""DeviceRenderer against arithmetic: what a speaker is given."""

from __future__ import annotations

import mmap

import numpy as np
import pytest

from livekit_utils.devices.backend.memory import CLEAR_FADE, CLEAR_TO, GAP_SAMPLES, PAUSED, TAPPED, DeviceMemory
from livekit_utils.devices.backend.renderer import DeviceRenderer
from tests.support.randomness import Rand

RATE = 48000


@pytest.fixture(params=[1, 2])
def channels(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def memory(channels: int) -> DeviceMemory:
    sizes = (RATE * channels, RATE * channels)
    return DeviceMemory.create(mmap.mmap(-1, DeviceMemory.num_bytes(*sizes)), *sizes)


class Speaker:
    def __init__(self, memory: DeviceMemory, channels: int) -> None:
        self.renderer, self.channels = DeviceRenderer(memory, RATE, channels), channels

    def give(self, num_frames: int) -> np.ndarray:
        block = self.renderer.render(num_frames, 0)
        assert isinstance(block, bytes)  # PyAudio takes nothing else
        assert len(block) == num_frames * self.channels * 2
        return np.frombuffer(block, np.int16).reshape(-1, self.channels)


def test_whole_blocks_whatever_is_there(memory: DeviceMemory, channels: int, rand: Rand) -> None:
    speaker, given, written = Speaker(memory, channels), [], []
    for _ in range(300):
        samples = np.array(rand.choices(range(1, 30_000), k=channels * rand.randrange(300)), np.int16)
        assert memory.ring.write(samples) == len(samples)
        written.append(samples)
        given.append(speaker.give(rand.randrange(1, 400)))
    given.append(speaker.give(RATE))
    sound = np.concatenate(given)
    assert np.array_equal(sound[sound[:, 0] != 0].ravel(), np.concatenate(written))
    assert memory.ring.underruns == 0  # the memory is not told of what nobody promised


def test_gaps_are_silence_in_the_middle_of_sound(memory: DeviceMemory, channels: int) -> None:
    speaker = Speaker(memory, channels)
    speaker.give(1000)  # before any
    memory.ring.write(np.ones(500 * channels, np.int16))
    speaker.give(480)
    assert memory.words[GAP_SAMPLES] == 0
    speaker.give(480)  # 20 of it there
    speaker.give(480)
    assert memory.words[GAP_SAMPLES] == 0  # it may be the end
    memory.ring.write(np.ones(480 * channels, np.int16))
    speaker.give(480)
    assert memory.words[GAP_SAMPLES] == 460 + 480
    speaker.give(RATE)  # a pause of a second is none
    memory.ring.write(np.ones(480 * channels, np.int16))
    speaker.give(480)
    assert memory.words[GAP_SAMPLES] == 460 + 480


def test_a_pause_fades_and_goes_on_where_it_was(memory: DeviceMemory, channels: int) -> None:
    speaker = Speaker(memory, channels)
    memory.ring.write(np.full(20_000 * channels, 10_000, np.int16))
    speaker.give(100)
    memory.words[PAUSED] = 1
    falling = speaker.give(480).astype(int)
    assert falling[0].tolist() == [10_000] * channels
    assert not falling[240:].any()
    assert np.abs(np.diff(falling, axis=0)).max() <= 43  # 10000 over 240 samples
    assert not speaker.give(480).any()
    before = memory.ring.readable
    memory.words[PAUSED] = 0
    rising = speaker.give(480).astype(int)
    assert np.abs(np.diff(rising, axis=0)).max() <= 43
    assert (rising[241:] == 10_000).all()
    assert before - memory.ring.readable == 480 * channels
    assert memory.words[GAP_SAMPLES] == 0


@pytest.mark.parametrize("fade", [0, 1, 240, 1000, 5000])
def test_clear_drops_up_to_the_order_after_its_fade(memory: DeviceMemory, channels: int, fade: int) -> None:
    speaker = Speaker(memory, channels)
    memory.ring.write(np.full(3000 * channels, 10_000, np.int16))
    speaker.give(100)
    memory.words[CLEAR_FADE] = fade
    memory.words[CLEAR_TO] = memory.ring.num_written
    memory.ring.write(np.full(700 * channels, 77, np.int16))  # what comes after the order is heard
    sound = np.concatenate([speaker.give(300) for _ in range(15)]).astype(int)[:, 0]
    faded = min(fade, 2900)
    assert (np.diff(sound[:faded]) <= 0).all()
    assert (sound[faded : faded + 700] == 77).all()
    assert not sound[faded + 700 :].any()
    assert memory.ring.readable == 0


def test_clear_in_a_pause(memory: DeviceMemory, channels: int) -> None:
    speaker = Speaker(memory, channels)
    memory.ring.write(np.full(3000 * channels, 10_000, np.int16))
    memory.words[PAUSED] = 1
    speaker.give(480)
    memory.words[CLEAR_FADE] = 480
    memory.words[CLEAR_TO] = memory.ring.num_written
    memory.ring.write(np.full(480 * channels, 77, np.int16))
    assert not speaker.give(480).any()
    memory.words[PAUSED] = 0
    speaker.give(240)  # fades in
    assert (speaker.give(240) == 77).all()


def test_the_tap_holds_exactly_what_was_given(memory: DeviceMemory, channels: int, rand: Rand) -> None:
    speaker, given = Speaker(memory, channels), []
    speaker.give(100)
    memory.words[TAPPED] = 1
    for _ in range(50):
        memory.ring.write(rand.pcm(channels * rand.randrange(400)))
        memory.words[PAUSED] = rand.random() < 0.2
        given.append(speaker.give(rand.randrange(1, 400)).tobytes())
    memory.words[TAPPED] = 0
    speaker.give(100)
    assert bytes(memory.tap.read(RATE * channels)) == b"".join(given)
