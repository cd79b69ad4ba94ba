"""MixInput: what the mixer knows of one stream; MixInputs: how far all of them are."""

import random
from typing import Any

import pytest

from livekit_utils import AudioFrame
from livekit_utils._kernels.gain_queue import GainQueue, mix
from livekit_utils.mixing.mix_input import BLOCK, FIRST, FULL, NOTHING, PART, REFUSED, MixInput, MixInputs
from tests.support import reference


def plain(num_channels: int = 1, **attributes: Any) -> MixInput:
    """An input that takes frames of 48 kHz."""
    source = MixInput(num_channels)
    for name, value in {"plain": True, "sample_rate": 48000, **attributes}.items():
        setattr(source, name, value)
    return source


def gather(block: int, *sources: MixInput) -> MixInputs[MixInput]:
    inputs: MixInputs[MixInput] = MixInputs(block)
    for source in sources:
        inputs.add(source)
    return inputs


def silence(samples_per_channel: int, num_channels: int = 1) -> AudioFrame:
    return AudioFrame.create(48000, num_channels, samples_per_channel)


def test_it_is_a_queue_with_a_gain() -> None:
    source = MixInput(2, 0.5)
    assert isinstance(source, GainQueue)
    source.push(reference.pcm([100, -100]))
    assert reference.ints(mix([source], 2, 2)) == [50, -50, 0, 0]


def test_take_says_when_a_block_is_complete() -> None:
    source = plain(2)
    gather(4, source)
    news = [source.take(silence(n, 2)) for n in (1, 2, 0, 1, 3, 0, 1, 5)]
    # 4 samples per channel are its part of a block.
    assert news == [PART, PART, NOTHING, BLOCK, NOTHING, NOTHING, NOTHING, NOTHING]
    assert source.num_delivered == 13


def test_take_says_what_the_mixer_has_to_do() -> None:
    first, second, third = (plain() for _ in range(3))
    gather(4, first, second, third)
    assert [first.take(silence(3)), second.take(silence(3))] == [PART, PART]
    assert first.take(silence(1)) == FIRST
    assert [second.take(silence(1)), third.take(silence(3)), first.take(silence(9))] == [NOTHING] * 3
    assert third.push(bytes(2)) == BLOCK
    mix([first, second, third], 4, 1)
    # The first one has its part of the next block already, so the others keep it waiting.
    assert [second.take(silence(3)), second.take(silence(4))] == [NOTHING] * 2
    assert third.take(silence(4)) == BLOCK


def test_what_comes_while_a_block_is_complete_already() -> None:
    source = plain()
    gather(4, source)
    assert [source.take(silence(4)), source.take(silence(4))] == [BLOCK, NOTHING]


def test_an_input_of_no_mixer() -> None:
    source = plain()
    assert [source.take(silence(3)), source.push(bytes(4))] == [NOTHING, NOTHING]
    assert source.num_delivered == 5


def test_a_queue_is_full_from_its_read_ahead_on() -> None:
    source = plain(2, read_ahead=8)
    gather(4, source)
    assert source.take(silence(7, 2)) == BLOCK
    assert source.take(silence(1, 2)) == NOTHING
    for item in (silence(1, 2), silence(0, 2), None):
        assert source.take(item) == FULL
    assert source.samples_per_channel == source.num_delivered == 8
    assert [source.take_more(silence(1, 2)), source.take_more(None)] == [NOTHING, REFUSED]
    assert source.samples_per_channel == source.num_delivered == 9
    mix([source], 1, 2)
    mix([source], 1, 2)
    assert source.take(silence(1, 2)) == NOTHING


def test_take_copies_in_order(rand: Any) -> None:
    source, parts = plain(), [rand.pcm(n) for n in (1, 0, 480, 31)]
    for part in parts:
        assert source.take(AudioFrame(memoryview(b"x" + part)[1:], 48000, 1, len(part) // 2)) == NOTHING
    assert source.pop(512) == b"".join(parts)


@pytest.mark.parametrize(
    "item",
    [None, b"", object(), AudioFrame.create(16000, 1, 4), AudioFrame.create(48000, 2, 4)],
    ids=["None", "bytes", "object", "another rate", "another channel count"],
)
def test_take_leaves_anything_else(item: Any) -> None:
    source = plain()
    source.take(silence(4))
    assert source.take(item) == REFUSED
    assert (source.samples_per_channel, source.num_delivered) == (4, 4)


def test_take_leaves_a_frame_that_the_mixer_looks_at_itself() -> None:
    source = plain(plain=False)
    assert source.take(silence(4)) == REFUSED
    assert source.samples_per_channel == 0


def test_an_empty_frame_is_no_arrival() -> None:
    source = plain()
    inputs = gather(4, source)
    assert [source.take(silence(0)), source.push(b"")] == [NOTHING, NOTHING]
    assert (source.num_delivered, inputs.num_running, inputs.has_arrived) == (0, 0, False)
    assert len(mix([source], 1, 1)) == 2


def test_silence_is_not_delivered() -> None:
    source = MixInput(2)
    source.push_silence(3)
    assert (source.samples_per_channel, source.num_delivered) == (3, 0)
    source.push(bytes(8))
    assert (source.samples_per_channel, source.num_delivered) == (5, 2)
    with pytest.raises(ValueError, match="2 channels, got 3"):
        source.push(bytes(6))
    assert (source.samples_per_channel, source.num_delivered) == (5, 2)


NUMBERS = ("num_expected", "num_lacking", "num_ready", "num_holding", "num_starved", "num_running")


def numbers(inputs: MixInputs[MixInput]) -> list[int]:
    return [getattr(inputs, name) for name in NUMBERS]


def counted(inputs: MixInputs[MixInput]) -> list[int]:
    """What the numbers should be, by a look at every input."""
    counts = [0] * len(NUMBERS)
    for source in inputs.all:
        has_part, holds = source.samples_per_channel >= inputs.block, source.samples_per_channel > 0
        counts[0] += source.expected
        counts[1] += source.expected and not has_part
        counts[2] += has_part if source.expected else holds
        counts[3] += holds
        counts[4] += source.paused and not has_part
        counts[5] += source.expected and source.num_delivered > 0
    return counts


def test_the_numbers_are_right_after_every_change(rand: random.Random) -> None:
    for _ in range(100):
        block, channels = rand.randrange(6), rand.randrange(1, 3)
        inputs, all_sources = gather(block), [plain(channels) for _ in range(rand.randrange(1, 6))]
        for _ in range(60):
            source, n = rand.choice(all_sources), rand.randrange(4)
            change = rand.randrange(10)
            if change == 0:
                if not inputs.remove(source):
                    inputs.add(source)
            elif change == 1:
                source.expected = rand.random() < 0.5
            elif change == 2:
                source.paused = rand.random() < 0.5
            elif change == 3:
                source.push(bytes(2 * n * channels))
            elif change == 4:
                source.push_silence(n)
            elif change == 5:
                source.pop(n)
            elif change == 6:
                source.clear()
            elif change == 7:
                mix(inputs.all, n, channels)
            else:
                source.take(silence(n, channels))
            assert numbers(inputs) == counted(inputs)
            _, lacking, ready, holding = numbers(inputs)[:4]
            assert inputs.has_block == (lacking == 0 < ready)
            assert inputs.is_kept_waiting == (min(lacking, ready) > 0)
            assert inputs.has_piece == (min(lacking, holding) > 0)
            assert inputs.starved() == [s for s in inputs.all if s.paused and s.samples_per_channel < block]
            reached = [s.samples_per_channel for s in inputs.all if s.expected]
            assert inputs.reached() == min([block, *reached])
            assert len(inputs) == len(set(inputs.all))


def test_an_input_is_in_one_mixer() -> None:
    source = plain()
    inputs, others = gather(4, source), gather(4)
    for wrong in (inputs, others):
        with pytest.raises(ValueError, match="source: "):
            wrong.add(source)
    assert not others.remove(source)
    assert inputs.remove(source)
    assert not inputs.remove(source)
    others.add(source)
    assert (inputs.all, others.all) == ([], [source])


@pytest.mark.parametrize("wrong", [None, 5, object(), GainQueue(1)])
def test_inputs_of_another_kind(wrong: Any) -> None:
    inputs = gather(1)
    for method in (inputs.add, inputs.remove):
        with pytest.raises(TypeError):
            method(wrong)


@pytest.mark.parametrize("block", [-1, 2**31, 2**62])
def test_a_block_out_of_range(block: int) -> None:
    with pytest.raises(ValueError, match=f"block: expected 0 to {2**31 - 1}, got {block}"):
        MixInputs(block)


def test_attributes_that_are_read_only() -> None:
    with pytest.raises(AttributeError):
        MixInput(1).num_delivered = 1  # type: ignore[misc]
    for name in (*NUMBERS, "all", "block", "has_block", "is_kept_waiting", "has_piece"):
        with pytest.raises(AttributeError):
            setattr(gather(1), name, 1)


@pytest.mark.parametrize("arguments", [(0,), (129,), (1, 128.0), (1, float("nan"))])
def test_out_of_range(arguments: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        MixInput(*arguments)
