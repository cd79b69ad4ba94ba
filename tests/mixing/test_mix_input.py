"""MixInput: what the mixer knows of one stream, and the survey of all."""

from typing import Any

import pytest

from livekit_utils import AudioFrame
from livekit_utils._kernels.gain_queue import GainQueue, mix
from livekit_utils.mixing.mix_input import MixInput, survey
from tests.support import reference


def made(num_channels: int, *blocks: bytes, **attributes: Any) -> MixInput:
    source = MixInput(num_channels)
    for block in blocks:
        source.push(block)
    for name, value in attributes.items():
        setattr(source, name, value)
    return source


def plain(num_channels: int = 1, block: int = 4, read_ahead: int = 8) -> MixInput:
    return made(num_channels, plain=True, sample_rate=48000, block=block, read_ahead=read_ahead)


def test_it_is_a_queue_with_a_gain() -> None:
    source = MixInput(2, 0.5)
    assert isinstance(source, GainQueue)
    source.push(reference.pcm([100, -100]))
    assert reference.ints(mix([source], 2, 2)) == [50, -50, 0, 0]


def test_take_says_when_a_part_is_complete() -> None:
    source = plain(2)
    completes = []
    for n in (1, 2, 0, 1, 3, 0, 1, 5):
        assert source.take(AudioFrame.create(48000, 2, n))
        completes.append(source.completes)
    # 4 samples per channel are its part of a block.
    assert completes == [False, False, False, True, False, False, False, False]
    assert source.num_delivered == 13


def test_a_queue_is_full_from_its_read_ahead_on() -> None:
    source = plain(2)
    assert not source.is_full
    source.take(AudioFrame.create(48000, 2, 7))
    assert not source.is_full
    source.take(AudioFrame.create(48000, 2, 1))
    assert source.is_full
    mix([source], 1, 2)
    assert not source.is_full


def test_take_copies_in_order(rand: Any) -> None:
    source, parts = plain(), [rand.pcm(n) for n in (1, 0, 480, 31)]
    for part in parts:
        assert source.take(AudioFrame(memoryview(b"x" + part)[1:], 48000, 1, len(part) // 2))
    assert source.pop(512) == b"".join(parts)


@pytest.mark.parametrize(
    "item",
    [None, b"", object(), AudioFrame.create(16000, 1, 4), AudioFrame.create(48000, 2, 4)],
    ids=["None", "bytes", "object", "another rate", "another channel count"],
)
def test_take_leaves_anything_else(item: Any) -> None:
    source = plain()
    source.take(AudioFrame.create(48000, 1, 4))
    assert source.completes
    assert not source.take(item)
    assert (source.samples_per_channel, source.num_delivered) == (4, 4)


def test_take_leaves_a_frame_that_the_mixer_looks_at_itself() -> None:
    source = plain()
    source.plain = False
    assert not source.take(AudioFrame.create(48000, 1, 4))
    assert source.samples_per_channel == 0


def test_an_empty_frame_into_an_empty_input() -> None:
    source = plain()
    assert source.take(AudioFrame.create(48000, 1, 0))
    assert not source.completes
    assert (source.num_delivered, len(mix([source], 1, 1))) == (0, 2)


def test_silence_is_not_delivered() -> None:
    source = MixInput(2)
    source.push_silence(3)
    assert (source.samples_per_channel, source.num_delivered) == (3, 0)
    source.push(bytes(8))
    assert (source.samples_per_channel, source.num_delivered) == (5, 2)
    with pytest.raises(ValueError, match="2 channels, got 3"):
        source.push(bytes(6))
    assert (source.samples_per_channel, source.num_delivered) == (5, 2)


def counts(inputs: list[MixInput], block: int) -> tuple[int, int, int, int, int]:
    found = survey(inputs, block)
    return found.lacking, found.ready, found.expected, found.holding, found.starved


def test_survey_counts_the_inputs() -> None:
    empty, short, ready = MixInput(2), made(2, bytes(4)), made(2, bytes(8), paused=True)
    done, rest = made(2, expected=False, paused=True), made(2, bytes(4), expected=False)
    assert counts([], 2) == (0, 0, 0, 0, 0)
    assert counts([empty, short, ready, done, rest], 2) == (2, 2, 3, 3, 1)
    assert counts([empty, short, ready, done, rest], 1) == (1, 3, 3, 3, 1)
    assert counts([empty], 0) == (0, 1, 1, 0, 0)
    assert counts([ready], 3) == (1, 0, 1, 1, 1)


@pytest.mark.parametrize("inputs", [None, 5, [None], [object()], [GainQueue(1)]])
def test_survey_of_another_kind(inputs: Any) -> None:
    with pytest.raises(TypeError):
        survey(inputs, 1)


@pytest.mark.parametrize("block", [-1, 2**31, 2**62])
def test_survey_out_of_range(block: int) -> None:
    with pytest.raises(ValueError, match=f"block: expected 0 to {2**31 - 1}, got {block}"):
        survey([], block)


def test_attributes_that_are_read_only() -> None:
    source = MixInput(1)
    for name in ("num_delivered", "completes", "is_full"):
        with pytest.raises(AttributeError):
            setattr(source, name, 1)
    for name in ("lacking", "ready", "expected", "holding", "starved"):
        with pytest.raises(AttributeError):
            setattr(survey([], 1), name, 1)


@pytest.mark.parametrize("arguments", [(0,), (129,), (1, 128.0), (1, float("nan"))])
def test_out_of_range(arguments: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        MixInput(*arguments)
