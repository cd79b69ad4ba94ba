"""Fades, places, delays and holds, beside a model that goes sample by sample."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from livekit_utils._kernels.gain_queue import mix, mix_each
from livekit_utils._kernels.limiter import Limiter
from livekit_utils._kernels.shaped_queue import DUCK, ShapedQueue
from tests.support import reference
from tests.support.buffers import blocks_of
from tests.support.shaping import UNITY, ShapedModel, sine

gains = st.one_of(st.floats(-2, 2), st.sampled_from((0.0, 1.0, 127.99999999, -127.99999999)))
factors = st.one_of(st.floats(0, 1), st.sampled_from((0.0, 1.0)))
lengths = st.one_of(st.integers(0, 40), st.sampled_from((0, 1, 255, 256, 257, 1000, 2**32 - 1)))
frame_counts = st.one_of(st.integers(1, 40), st.sampled_from((127, 128, 129, 255, 256, 257, 600)))


class AgainstModel(RuleBasedStateMachine):
    @initialize(num_channels=st.sampled_from((1, 2, 2, 2, 3)))
    def start(self, num_channels: int) -> None:
        self.num_channels = num_channels
        self.pairs: list[tuple[ShapedQueue, ShapedModel]] = []

    made = Bundle("made")

    @rule(target=made, gain=gains, delay=st.one_of(st.just(0), st.integers(1, 700)), fade=lengths)
    def add(self, gain: float, delay: int, fade: int) -> int:
        if len(self.pairs) < 6:
            pair = ShapedQueue(self.num_channels, gain), ShapedModel(self.num_channels, gain)
            for queue in pair:
                queue.set_delay(delay)
                queue.fade_in(fade)
            self.pairs.append(pair)
        return len(self.pairs) - 1

    @rule(number=made, num_frames=st.integers(0, 70), data=st.data())
    def push(self, number: int, num_frames: int, data: Any) -> None:
        block = data.draw(blocks_of(num_frames * self.num_channels))
        compiled, model = self.pairs[number]
        compiled.push(block)
        model.push(reference.ints(block))

    @rule(number=made, gain=gains, length=lengths)
    def set_gain(self, number: int, gain: float, length: int) -> None:
        for queue in self.pairs[number]:
            queue.set_gain(gain, length)

    @rule(number=made, left=st.floats(0, 2), right=factors, length=lengths)
    def set_sides(self, number: int, left: float, right: float, length: int) -> None:
        for queue in self.pairs[number]:
            queue.set_sides(left, right, length)

    @rule(number=made, value=factors, length=lengths)
    def duck(self, number: int, value: float, length: int) -> None:
        for queue in self.pairs[number]:
            queue.set_factor(DUCK, value, length)

    @rule(number=made, length=lengths)
    def fade_out(self, number: int, length: int) -> None:
        for queue in self.pairs[number]:
            queue.fade_out(length)

    @rule(number=made, length=lengths)
    def hold(self, number: int, length: int) -> None:
        for queue in self.pairs[number]:
            queue.hold(length)

    @rule(number=made, length=lengths)
    def go_on(self, number: int, length: int) -> None:
        for queue in self.pairs[number]:
            queue.go_on(length)

    @rule(num_frames=frame_counts, least=st.integers(1, 40000))
    def mix(self, num_frames: int, least: int) -> None:
        queues, models = [queue for queue, _ in self.pairs], [model for _, model in self.pairs]
        for queue, model in self.pairs:
            assert queue.has_sound(num_frames, least) == model.has_sound(num_frames, least)
        parts = [model.take(num_frames) for model in models]
        totals = [sum(values) for values in zip([0] * num_frames * self.num_channels, *parts, strict=True)]
        result = mix(queues, num_frames, self.num_channels)
        assert reference.ints(result) == [reference.clamp((x + UNITY // 2) // UNITY) for x in totals]
        for queue, model in zip(queues, models, strict=True):
            assert queue.samples_per_channel == len(model.frames)
            assert queue.is_held == (model.left == 0)
            assert queue.level[0] == max(map(abs, model.heard), default=0)
            assert queue.rest == model.rest


TestAgainstModel = AgainstModel.TestCase
TestAgainstModel.settings = settings(max_examples=60, stateful_step_count=30)


def made(*blocks: bytes, num_channels: int = 1, gain: float = 1.0) -> ShapedQueue:
    queue = ShapedQueue(num_channels, gain)
    for block in blocks:
        queue.push(block)
    return queue


def taken(queue: ShapedQueue, *sizes: int) -> list[int]:
    return [x for n in sizes for x in reference.ints(mix([queue], n, queue.num_channels))]


def test_a_fade_has_the_shape_of_a_sine() -> None:
    queue = made(reference.pcm([30000] * 3000))
    queue.fade_in(1000)
    out = taken(queue, 500, 1, 999)
    assert all(abs(x - 30000 * math.sin(math.pi / 2 * min(k / 1000, 1))) < 1 for k, x in enumerate(out))
    assert out[1000:] == [30000] * 500
    queue.fade_out(1000)
    out = taken(queue, 500, 1, 999)
    assert all(abs(x - 30000 * math.cos(math.pi / 2 * min(k / 1000, 1))) < 1 for k, x in enumerate(out))
    assert queue.has_faded_out
    assert max(abs(sine(x) / UNITY - math.sin(math.pi / 2 * x / UNITY)) for x in range(0, UNITY + 1, 65536)) < 1e-6


def test_the_fade_begins_with_the_first_sample_that_is_heard() -> None:
    queue = made()
    queue.set_delay(30)
    queue.fade_in(100)
    assert taken(queue, 50) == [0] * 50
    queue.push(reference.pcm([20000] * 300))
    out = taken(queue, 33, 100)
    assert out[:31] == [0] * 31
    assert out[31] == round(20000 * math.sin(math.pi / 200))
    assert out[30 + 50] == round(20000 * math.sqrt(0.5))


def test_a_delay_shifts_the_samples_and_lets_them_all_out(rand: Any) -> None:
    block = rand.pcm(500)
    queue = made(block)
    queue.set_delay(123)
    out = taken(queue, 200, 200, 100)
    assert queue.samples_per_channel == 0
    assert queue.rest == 123
    out += taken(queue, 100)
    assert queue.rest == 23
    out += taken(queue, 100)
    assert queue.rest == 0
    assert out == [0] * 123 + reference.ints(block) + [0] * 77


def test_a_hold_skips_nothing() -> None:
    queue = made(reference.pcm([10000] * 50 + list(range(20000, 20100))))
    queue.hold(50)
    out = taken(queue, 60, 40)
    assert out == [10000 - 200 * k for k in range(50)] + [0] * 50
    assert queue.is_held
    assert queue.samples_per_channel == 100
    queue.go_on(0)
    assert taken(queue, 100) == list(range(20000, 20100))


def test_two_sides(rand: Any) -> None:
    block = rand.quiet_pcm(200)
    queue = made(block, block, num_channels=2)
    queue.set_sides(2.0, 0.0, 0)
    out = taken(queue, 100)
    assert out == [value for x in reference.ints(block)[::2] for value in (2 * x, 0)]
    queue.set_sides(1.0, 1.0, 0)
    assert taken(queue, 100) == reference.ints(block)
    mono = made(block)
    mono.set_sides(2.0, 0.0, 0)
    assert taken(mono, 200) == reference.ints(block)


@pytest.mark.parametrize("num_channels", [1, 2, 3])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("length", [0, 64])
def test_the_product_of_the_gains_is_clamped(num_channels: int, sign: int, length: int) -> None:
    queue = ShapedQueue(num_channels, sign * 100.0)
    queue.set_factor(DUCK, 2.0, length)
    queue.push(struct.pack("h", 1) * 128 * num_channels)
    mixed = struct.unpack(f"{128 * num_channels}h", mix([queue], 128, num_channels))
    assert mixed[64 * num_channels :] == (sign * 128,) * 64 * num_channels


@pytest.mark.parametrize("delay", [0, 70])
def test_has_sound_tells_what_is_heard(delay: int) -> None:
    queue = made(reference.pcm([1000] * 100 + [0] * 100))
    queue.set_delay(delay)
    queue.set_gain(0.5, 0)
    heard = []
    for _ in range(30):
        heard.append(queue.has_sound(10, 500))
        assert not queue.has_sound(10, 501)
        taken(queue, 10)
    first = delay // 10
    assert heard == [first <= k < first + 10 for k in range(30)]
    queue.push(reference.pcm([1000] * 100 + [0] * 100))
    taken(queue, delay)
    queue.set_factor(DUCK, 0.1, 0)
    assert queue.has_sound(10, 500) == (delay < 100)
    queue.set_gain(0.05, 0)
    assert not queue.has_sound(10, 500)
    assert queue.has_sound(10, 50) == (delay < 100)


@pytest.mark.parametrize("num_channels", [1, 2])
def test_a_limited_mix_is_the_sum_through_the_limiter(rand: Any, num_channels: int) -> None:
    """Also each of many mixes, less some inputs."""
    n = 700
    blocks = [rand.pcm(n * num_channels) for _ in range(5)]
    gains = [1.0, 0.7, -1.3, 2.0, 1.0]
    parts = [
        [x * reference.fixed_gain(gain) for x in reference.ints(block)]
        for block, gain in zip(blocks, gains, strict=True)
    ]

    def limited(*numbers: int) -> list[int]:
        sums = [sum(values) for values in zip([0] * n * num_channels, *(parts[i] for i in numbers), strict=True)]
        return reference.limited(sums, num_channels, 29204, 48, 500.0)[0]

    def queues() -> list[ShapedQueue]:
        return [made(b, num_channels=num_channels, gain=gain) for b, gain in zip(blocks, gains, strict=True)]

    one = Limiter(num_channels, 29204, 48, 500.0)
    whole = queues()
    out = mix(whole, 300, num_channels, one) + mix(whole, 400, num_channels, one)
    assert reference.ints(out) == limited(0, 1, 2, 3, 4)
    several, limiters = queues(), [Limiter(num_channels, 29204, 48, 500.0) for _ in range(3)]
    without = [[several[1]], [], [several[0], several[4]]]
    outs = [bytearray() for _ in without]
    for size in (1, 255, 444):
        for so_far, more in zip(outs, mix_each(several, size, num_channels, without, limiters), strict=True):
            so_far += more
    assert [reference.ints(out) for out in outs] == [limited(0, 2, 3, 4), limited(0, 1, 2, 3, 4), limited(1, 2, 3)]


def test_refusals() -> None:
    queue = made(num_channels=2)
    for call in (
        lambda: queue.set_delay(-1),
        lambda: queue.fade_in(-1),
        lambda: queue.fade_out(2**32),
        lambda: queue.set_sides(2.1, 0, 0),
        lambda: queue.set_sides(0, math.nan, 0),
        lambda: queue.set_factor(0, 1, 0),
        lambda: queue.set_factor(DUCK, -0.1, 0),
        lambda: queue.hold(-1),
        lambda: queue.has_sound(0, 1),
        lambda: mix([queue], 10, 2, Limiter(1, 1000, 1, 1.0)),
        lambda: mix_each([queue], 10, 2, [[]], []),
        lambda: mix_each([queue], 10, 2, [[]], [Limiter(1, 1000, 1, 1.0)]),
    ):
        with pytest.raises(ValueError, match="expected"):
            call()
    with pytest.raises(TypeError, match="expected Limiters"):
        mix_each([queue], 10, 2, [[]], [None])  # type: ignore[list-item]
    queue.push(bytes(40))
    assert taken(queue, 10) == [0] * 20
