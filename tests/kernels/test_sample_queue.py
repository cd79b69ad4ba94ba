from array import array
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from livekit_utils import AudioFrame
from livekit_utils._kernels.gain_queue import GainQueue
from livekit_utils._kernels.sample_queue import SampleQueue
from tests.support.buffers import RefusesWrongData, assert_not_borrowed, at_odd_address, blocks_of, placements
from tests.support.randomness import Rand

pushed_sizes = st.one_of(st.integers(0, 20), st.sampled_from((511, 512, 513, 1500)))


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return SampleQueue(1).push(data)


class AgainstBytes(RuleBasedStateMachine):
    """A queue beside a string of bytes; of the base class, and of the subclass that inherits it."""

    @initialize(num_channels=st.sampled_from((1, 2, 3, 128)), kind=st.sampled_from((SampleQueue, GainQueue)))
    def start(self, num_channels: int, kind: Any) -> None:
        self.width = 2 * num_channels
        self.queue = kind(num_channels)
        self.model = b""

    @rule(
        samples_per_channel=st.one_of(st.integers(0, 20), st.sampled_from((511, 512, 513, 1500))),
        place=placements,
        d=st.data(),
    )
    def push(self, samples_per_channel: int, place: Any, d: Any) -> None:
        block = d.draw(blocks_of(samples_per_channel * self.width // 2))
        self.model += block
        assert self.queue.push(place(block)) == len(self.model) // self.width

    @rule(samples_per_channel=st.one_of(st.integers(0, 30), st.sampled_from((500, 1024, 2**31, 2**62, 2**63 - 1))))
    def pop(self, samples_per_channel: int) -> None:
        got = self.queue.pop(samples_per_channel)
        assert isinstance(got, bytearray)
        expected, self.model = (
            self.model[: samples_per_channel * self.width],
            self.model[samples_per_channel * self.width :],
        )
        assert got == expected
        got[:] = bytes(len(got))  # it is the caller's
        assert_not_borrowed(got)

    @rule()
    def clear(self) -> None:
        self.queue.clear()
        self.model = b""

    @rule(wrong=st.sampled_from((b"\x00", b"\x00\x00\x00", 3, None, "text", array("f", [0.5]))))
    def refuse(self, wrong: Any) -> None:
        with pytest.raises((TypeError, ValueError)):
            self.queue.push(wrong)
        with pytest.raises(ValueError, match="0 or more"):
            self.queue.pop(-1)

    @invariant()
    def same_length(self) -> None:
        if hasattr(self, "queue"):
            assert self.queue.samples_per_channel == len(self.model) // self.width

    def teardown(self) -> None:
        if hasattr(self, "queue"):
            assert self.queue.pop(self.queue.samples_per_channel) == self.model


TestAgainstBytes = AgainstBytes.TestCase
TestAgainstBytes.settings = settings(max_examples=60, stateful_step_count=40)


@given(st.integers(1, 128), st.integers(0, 300))
def test_only_whole_frames(num_channels: int, num_samples: int) -> None:
    queue = SampleQueue(num_channels)
    queue.push(bytes(2 * num_channels))
    data = bytearray(2 * num_samples)
    if num_samples % num_channels:
        with pytest.raises(
            ValueError, match=f"a multiple of {num_channels} samples for {num_channels} channels, got {num_samples}"
        ):
            queue.push(data)
        assert queue.samples_per_channel == 1
    else:
        assert queue.push(data) == 1 + num_samples // num_channels
    assert_not_borrowed(data)


@pytest.mark.parametrize("num_channels", [0, -1, 129, 2**31, -(2**63)])
def test_num_channels_out_of_range(num_channels: int) -> None:
    with pytest.raises(ValueError, match="num_channels: expected 1 to 128"):
        SampleQueue(num_channels)


@pytest.mark.parametrize("arguments", [(), ("2",), (1.0,), (None,)])
def test_num_channels_of_another_kind(arguments: Any) -> None:
    with pytest.raises(TypeError):
        SampleQueue(*arguments)


@pytest.mark.parametrize("num_channels", [1, 2, 128])
def test_num_channels(num_channels: int) -> None:
    queue = SampleQueue(num_channels)
    assert (queue.num_channels, queue.samples_per_channel) == (num_channels, 0)
    assert queue.pop(5) == b""
    queue.clear()
    with pytest.raises(AttributeError):
        queue.num_channels = 3  # type: ignore[misc]


@pytest.mark.parametrize("samples_per_channel", ["1", 1.5, None, 2**63, -(2**63) - 1])
def test_pop_of_another_kind(samples_per_channel: Any) -> None:
    queue = SampleQueue(1)
    queue.push(b"\x01\x00")
    with pytest.raises((TypeError, OverflowError)):
        queue.pop(samples_per_channel)
    assert queue.pop(1) == b"\x01\x00"


def test_frames_go_in_as_they_are() -> None:
    queue = SampleQueue(2)
    assert queue.push(AudioFrame(b"\x01\x00\x02\x00\x03\x00\x04\x00", 48000, 2, 2)) == 2
    assert queue.push(at_odd_address(b"\x05\x00\x06\x00")) == 3
    assert queue.pop(9) == b"\x01\x00\x02\x00\x03\x00\x04\x00\x05\x00\x06\x00"


def test_what_is_pushed_is_copied() -> None:
    queue, data = SampleQueue(1), bytearray(b"\x01\x00\x02\x00")
    queue.push(data)
    data[:] = b"\xff" * 4
    assert queue.pop(2) == b"\x01\x00\x02\x00"
    queue.push(queue.pop(0))
    assert queue.samples_per_channel == 0


def test_a_long_life_at_a_steady_level(rand: Rand) -> None:
    """Head and tail travel through the memory for many rounds, with sizes that do not divide it."""
    queue, model = SampleQueue(3), bytearray()
    for _ in range(5000):
        block = rand.pcm(3 * rand.randrange(0, 700))
        queue.push(block)
        model += block
        n = rand.randrange(0, 720)
        assert queue.pop(n) == model[: 6 * n]
        del model[: 6 * n]
    assert queue.samples_per_channel == len(model) // 6


def test_a_queue_with_a_gain_is_one() -> None:
    source = GainQueue(2, 0.5)
    assert isinstance(source, SampleQueue)
    assert source.push(bytes(8)) == 2
    with pytest.raises(ValueError, match="a multiple of 2 samples"):
        source.push(bytes(6))
    assert source.pop(1) == bytes(4)
    source.clear()
    assert (source.samples_per_channel, source.gain) == (0, 0.5)
    with pytest.raises(ValueError, match="num_channels: expected 1 to 128"):
        GainQueue(0)
