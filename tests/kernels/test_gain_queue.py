import math
from array import array
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from livekit_utils._kernels.gain_queue import GainQueue, Ramp, measure, mix
from tests.support import reference
from tests.support.buffers import RefusesWrongData, assert_not_borrowed, at_odd_address, blocks_of, placements
from tests.support.mixing import mix_s16

gains = st.one_of(st.floats(-4, 4), st.sampled_from((0.0, 1.0, -1.0, 127.99999999, -127.99999999)))
ramps = st.one_of(st.integers(0, 40), st.sampled_from((0, 1, 255, 256, 257, 1000, 2**32 - 1)))
frame_counts = st.one_of(st.integers(0, 40), st.sampled_from((127, 128, 129, 255, 256, 257, 600)))


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return GainQueue(1).push(data)


class AgainstLists(RuleBasedStateMachine):
    """Inputs beside lists of samples; a few sources of both, mixed in varying selections."""

    @initialize(num_channels=st.sampled_from((1, 2, 3, 128)))
    def start(self, num_channels: int) -> None:
        self.num_channels = num_channels
        self.pairs: list[tuple[GainQueue, reference.MixQueue]] = []

    pairs_made = Bundle("pairs_made")

    @rule(target=pairs_made, gain=gains)
    def add(self, gain: float) -> int:
        if len(self.pairs) < 12:
            self.pairs.append((GainQueue(self.num_channels, gain), reference.MixQueue(self.num_channels, gain)))
        return len(self.pairs) - 1

    @rule(index=pairs_made, num_frames=st.integers(0, 70), place=placements, data=st.data())
    def push(self, index: int, num_frames: int, place: Any, data: Any) -> None:
        block = data.draw(blocks_of(num_frames * self.num_channels))
        compiled, model = self.pairs[index]
        assert compiled.push(place(block)) == model.push(reference.ints(block))

    @rule(index=pairs_made, num_frames=frame_counts)
    def push_silence(self, index: int, num_frames: int) -> None:
        compiled, model = self.pairs[index]
        compiled.push_silence(num_frames)
        model.push_silence(num_frames)

    @rule(index=pairs_made, gain=gains, ramp_length=ramps)
    def set_gain(self, index: int, gain: float, ramp_length: int) -> None:
        compiled, model = self.pairs[index]
        compiled.set_gain(gain, ramp_length)
        model.set_gain(gain, ramp_length)

    @rule(indices=st.lists(pairs_made, unique=True), num_frames=frame_counts)
    def mix(self, indices: list[int], num_frames: int) -> None:
        chosen = [self.pairs[index] for index in indices]
        result = mix([compiled for compiled, _ in chosen], num_frames, self.num_channels)
        sources = [model.take(num_frames) for _, model in chosen]
        assert reference.ints(result) == reference.mix(sources, num_frames, self.num_channels)
        for compiled, model in chosen:
            assert compiled.level == pytest.approx(model.level, rel=1e-15)

    @rule(index=pairs_made, wrong=st.sampled_from((b"\x00", 3, None)))
    def refuse(self, index: int, wrong: Any) -> None:
        compiled, _ = self.pairs[index]
        with pytest.raises((TypeError, ValueError)):
            compiled.push(wrong)
        with pytest.raises(ValueError, match="gain"):
            compiled.set_gain(math.nan, 10)

    @invariant()
    def same_state(self) -> None:
        for compiled, model in getattr(self, "pairs", []):
            assert compiled.num_channels == model.num_channels
            assert compiled.samples_per_channel == model.samples_per_channel
            assert compiled.gain == model.gain / reference.GAIN_UNITY


TestAgainstLists = AgainstLists.TestCase
TestAgainstLists.settings = settings(max_examples=40, stateful_step_count=30)


def made(num_channels: int, *blocks: bytes, gain: float = 1.0) -> GainQueue:
    source = GainQueue(num_channels, gain)
    for block in blocks:
        source.push(block)
    return source


@given(st.lists(blocks_of(40), min_size=1, max_size=12), st.lists(st.integers(0, 40), max_size=6))
def test_cut_anywhere_equals_one_mix(blocks: list[bytes], cuts: list[int]) -> None:
    gains = [1.0 if i % 3 else 0.3 for i in range(len(blocks))]
    inputs = [made(1, block, gain=gain) for block, gain in zip(blocks, gains, strict=True)]
    ends = [0, *sorted(cuts), 40]
    out = b"".join(mix(inputs, b - a, 1) for a, b in pairwise(ends))
    assert out == mix_s16(blocks, gains)


@pytest.mark.parametrize("num_channels", [1, 2, 5])
def test_a_ramp_in_pieces_is_the_ramp_in_one(num_channels: int) -> None:
    # Of a constant the mix shows the gain itself.
    constant, ramp = 20000, 4800
    block = reference.pcm([constant]) * (5000 * num_channels)

    def play(sizes: list[int]) -> list[int]:
        source = made(num_channels, block, gain=0.1)
        source.set_gain(0.9, ramp)
        return [x for n in sizes for x in reference.ints(mix([source], n, num_channels))]

    whole = play([5000])
    straight = [constant * (0.1 + 0.8 * min(k / ramp, 1)) for k in range(5000)]
    assert all(abs(a - b) <= 0.51 for a, b in zip(whole[::num_channels], straight, strict=True))
    assert whole[ramp * num_channels :] == [18000] * (200 * num_channels)
    for sizes in ([480] * 10 + [200], [1] * 4800 + [200], [255, 256, 257, 4232], [4799, 1, 200], [4801, 199]):
        assert play(sizes) == whole
    for channel in range(1, num_channels):
        assert whole[channel::num_channels] == whole[::num_channels]


def test_a_ramp_turns_round_without_a_step() -> None:
    source = made(1, reference.pcm([10000]) * 400, gain=0.0)
    source.set_gain(1.0, 100)
    up = reference.ints(mix([source], 50, 1))
    source.set_gain(0.0, 100)
    down = reference.ints(mix([source], 120, 1))
    assert up == [100 * k for k in range(50)]
    assert down[0] == 5000
    assert down[:100] == [5000 - 50 * k for k in range(100)]
    assert down[100:] == [0] * 20


def test_a_jump_ends_a_ramp() -> None:
    source = made(1, reference.pcm([1000]) * 100, gain=0.0)
    source.set_gain(1.0, 1000)
    mix([source], 10, 1)
    source.set_gain(-2.0, 0)
    assert reference.ints(mix([source], 5, 1)) == [-2000] * 5


def test_a_ramp_goes_on_while_there_is_nothing_to_mix() -> None:
    source = GainQueue(1, 0.0)
    source.set_gain(1.0, 100)
    assert mix([source], 50, 1) == bytes(100)
    source.push(reference.pcm([1000]) * 60)
    assert reference.ints(mix([source], 60, 1)) == [500 + 10 * k for k in range(50)] + [1000] * 10


def test_what_an_input_lacks_is_silence(rand: Any) -> None:
    full, short = rand.quiet_pcm(600), rand.quiet_pcm(200)
    inputs = [made(2, full), made(2, short), GainQueue(2)]
    assert mix(inputs, 300, 2) == mix_s16([full, short + bytes(800)])
    assert [source.samples_per_channel for source in inputs] == [0, 0, 0]
    # The padding was no input: what comes next follows at once.
    inputs[1].push(short)
    assert mix(inputs, 100, 2) == short


def test_level_is_of_what_was_taken() -> None:
    source = made(1, reference.pcm([-30, 40]), reference.pcm([3]), gain=0.0)
    assert source.level == (0, 0.0)
    mix([source], 2, 1)
    assert source.level == (40, math.sqrt((900 + 1600) / 2))
    mix([source], 2, 1)
    assert source.level == (3, 3.0)
    mix([source], 2, 1)
    assert source.level == (0, 0.0)


def test_nothing_to_mix() -> None:
    assert mix([], 5, 2) == bytes(20)
    assert mix([], 0, 2) == b""
    assert mix([made(1, b"\x01\x00")], 0, 1) == b""


def test_a_long_queue_keeps_its_order(rand: Any) -> None:
    source, block = GainQueue(1), rand.pcm(100_000)
    taken = bytearray()
    position = 0
    while position < len(block):
        n = 2 * rand.randint(0, 3000)
        source.push(at_odd_address(block[position : position + n]))
        position += n
        taken += mix([source], rand.randint(0, source.samples_per_channel), 1)
    taken += mix([source], source.samples_per_channel, 1)
    assert taken == block


def test_an_error_takes_nothing() -> None:
    good = made(1, reference.pcm([5, 6]))
    good.set_gain(0.0, 10)
    with pytest.raises(ValueError, match="queues: expected 1 channels, got 2"):
        mix([good, GainQueue(2)], 2, 1)
    assert good.samples_per_channel == 2
    assert good.level == (0, 0.0)
    assert reference.ints(mix([good], 2, 1)) == [5, 5]


def test_incomplete_frame() -> None:
    source, data = GainQueue(2), bytearray(6)
    with pytest.raises(ValueError, match="a multiple of 2 samples for 2 channels, got 3"):
        source.push(data)
    assert source.samples_per_channel == 0
    assert_not_borrowed(data)


def test_pushed_data_is_copied() -> None:
    source, data = GainQueue(1), bytearray(b"\x01\x00")
    source.push(data)
    assert_not_borrowed(data)
    data[0] = 9
    assert mix([source], 1, 1) == b"\x01\x00"


@pytest.mark.parametrize("num_channels", [-1, 0, 129, 2**40])
def test_channels_out_of_range(num_channels: int) -> None:
    with pytest.raises(ValueError, match=f"num_channels: expected 1 to 128, got {num_channels}"):
        GainQueue(num_channels)


@pytest.mark.parametrize("gain", [math.nan, math.inf, -math.inf, 128.0, -128.0])
def test_gain_out_of_range(gain: float) -> None:
    with pytest.raises(ValueError, match="gain: expected a number above -128 and below 128"):
        GainQueue(1, gain)
    source = GainQueue(1, 0.5)
    with pytest.raises(ValueError, match="gain: expected a number above -128 and below 128"):
        source.set_gain(gain, 0)
    assert source.gain == 0.5


@pytest.mark.parametrize("ramp_length", [-1, 2**32])
def test_ramp_out_of_range(ramp_length: int) -> None:
    source = GainQueue(1, 0.5)
    with pytest.raises(ValueError, match=f"ramp_length: expected 0 to {2**32 - 1}, got {ramp_length}"):
        source.set_gain(1.0, ramp_length)
    assert source.gain == 0.5


def test_attributes_that_are_read_only() -> None:
    source = GainQueue(1)
    for name in ("num_channels", "samples_per_channel", "gain", "level"):
        with pytest.raises(AttributeError):
            setattr(source, name, 1)


@pytest.mark.parametrize("inputs", [None, 5])
def test_inputs_of_another_kind(inputs: Any) -> None:
    with pytest.raises(TypeError):
        mix(inputs, 1, 1)


# In a process of their own, because a kernel that believes these takes its process along.
BEYOND_RANGE = [
    ("mix([None], 1, 1)", "TypeError"),
    ("mix([object()], 1, 1)", "TypeError"),
    ("mix([source], -1, 2)", "ValueError"),
    ("mix([source], 2**62, 2)", "ValueError"),
    ("mix([loud], 2**60 + 1, 16)", "ValueError"),
    ("mix([], 5, -5)", "ValueError"),
    ("mix([], 2, 2**62 + 1)", "ValueError"),
    ("source.push_silence(-1)", "ValueError"),
    ("source.push_silence(2**62)", "ValueError"),
    ("loud.push_silence(2**60 + 1)", "ValueError"),
]


@pytest.mark.parametrize(("call", "error"), BEYOND_RANGE, ids=[call for call, _ in BEYOND_RANGE])
def test_beyond_range(run_python: Any, call: str, error: str) -> None:
    script = f"""if True:
        from livekit_utils._kernels.gain_queue import GainQueue, mix
        source, loud = GainQueue(2), GainQueue(16, 0.5)
        source.push(bytes(400)), loud.push(bytes(3200))
        try:
            {call}
        except (MemoryError if "2**" in {call!r} else {error}, {error}) as caught:
            assert (source.samples_per_channel, loud.samples_per_channel) == (100, 100)
            print("refused")
    """
    process = run_python("-c", script)
    assert (process.returncode, process.stdout) == (0, "refused\n"), process.stderr


class TestRampRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return Ramp(1).apply(data)


@pytest.mark.parametrize("num_channels", [1, 2, 128])
@given(data=st.data())
def test_a_ramp_is_a_queue_of_its_own(num_channels: int, data: Any) -> None:
    ramp, queue = Ramp(num_channels), GainQueue(num_channels)
    for _ in range(data.draw(st.integers(1, 8))):
        if data.draw(st.booleans()):
            gain, length = data.draw(gains), data.draw(ramps)
            ramp.start(gain, length)
            queue.set_gain(gain, length)
            assert (ramp.samples_left, ramp.gain) == (length, queue.gain)
        n, place = data.draw(frame_counts), data.draw(placements)
        block, left = data.draw(blocks_of(n * num_channels)), ramp.samples_left
        result = ramp.apply(place(block))
        queue.push(block)
        assert type(result) is bytearray
        assert result == mix([queue], n, num_channels)
        assert ramp.samples_left == max(0, left - n)


def test_a_ramp_leaves_the_data_alone() -> None:
    ramp, data = Ramp(2), bytearray(reference.pcm([1000] * 8))
    ramp.start(0.0, 4)
    assert reference.ints(ramp.apply(data)) == [1000, 1000, 750, 750, 500, 500, 250, 250]
    assert data == reference.pcm([1000] * 8)
    assert ramp.apply(data) == bytes(16)
    assert_not_borrowed(data)


def test_a_ramp_refuses_half_samples_and_stays() -> None:
    ramp, data = Ramp(2), bytearray(6)
    ramp.start(0.0, 4)
    with pytest.raises(ValueError, match="2 channels, got 3"):
        ramp.apply(data)
    assert_not_borrowed(data)
    for gain, length in ((math.nan, 4), (128.0, 4), (1.0, -1), (1.0, 2**32)):
        with pytest.raises(ValueError, match="expected"):
            ramp.start(gain, length)
    assert (ramp.samples_left, ramp.gain) == (4, 0.0)
    for num_channels in (0, -1, 129, 2**40):
        with pytest.raises(ValueError, match=f"num_channels: expected 1 to 128, got {num_channels}"):
            Ramp(num_channels)


@pytest.mark.parametrize("num_channels", [1, 2, 3])
def test_a_gate_fades_as_a_ramp_does(rand: Any, num_channels: int) -> None:
    lengths = [1, 7, 480, 600, 33]
    queue, gain = GainQueue(num_channels, 0.7), Ramp(num_channels)
    for fade, is_open in ((700, False), (300, True), (0, False), (5, True)):
        queue.gate(is_open, fade)
        gain.start(1.0 if is_open else 0.0, fade)
        for n in lengths:
            block = rand.pcm(n * num_channels)
            queue.push(block)
            expected = GainQueue(num_channels, 0.7)
            expected.push(gain.apply(block))
            assert mix([queue], n, num_channels) == mix([expected], n, num_channels)


def test_a_gate_on_too_few_samples() -> None:
    queue = GainQueue(1)
    queue.gate(False, 1000)
    assert mix([queue], 3000, 1) == bytes(6000)
    queue.gate(True, 0)
    queue.gate(False, 1000)
    queue.push(array("h", [1000] * 10))
    assert array("h", mix([queue], 20, 1)).tolist() == [1000, *[1000 - i for i in range(1, 10)], *[0] * 10]


@pytest.mark.parametrize("num_channels", [1, 2])
@pytest.mark.parametrize(("size", "dropped", "fade"), [(50, 20, 10), (50, 20, 30), (50, 45, 10), (5, 9, 3), (5, 0, 3)])
def test_leave_out_fades_over(rand: Any, num_channels: int, size: int, dropped: int, fade: int) -> None:
    samples = array("h", rand.pcm(size * num_channels))
    queue = GainQueue(num_channels)
    queue.push(samples)
    queue.leave_out(dropped, fade)
    left = max(0, size - dropped)
    fade = min(fade, dropped, left)
    expected = samples.tolist()[dropped * num_channels :]
    for i in range(fade * num_channels):
        k = i // num_channels
        exact = Fraction(samples[i] * (fade - k) + expected[i] * k, fade)
        expected[i] = math.floor(exact + Fraction(1, 2)) if fade % 2 == 0 else round(exact)
    got = array("h", queue.pop(size))
    assert len(got) == left * num_channels
    assert got.tolist() == expected


def test_measure_takes_nothing() -> None:
    queue, empty = GainQueue(1, -0.5), GainQueue(1)
    queue.push(array("h", [16384, -16384] * 5))
    assert measure([queue, empty], 20) == [0.25 * 0.25 / 2, 0.0]
    assert measure([queue], 10) == [0.0625]
    assert queue.samples_per_channel == 10
    with pytest.raises(TypeError):
        measure([5], 10)  # type: ignore[type-var]
