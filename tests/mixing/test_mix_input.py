import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from livekit_utils import AudioFrame
from livekit_utils._kernels.mix import mix_s16
from livekit_utils.mixing.mix_input import MixInput, mix_inputs, survey
from tests.support import reference
from tests.support.buffers import RefusesWrongData, assert_not_borrowed, at_odd_address, blocks_of, placements

gains = st.one_of(st.floats(-4, 4), st.sampled_from((0.0, 1.0, -1.0, 127.99999999, -127.99999999)))
ramps = st.one_of(st.integers(0, 40), st.sampled_from((0, 1, 255, 256, 257, 1000, 2**32 - 1)))
frame_counts = st.one_of(st.integers(0, 40), st.sampled_from((127, 128, 129, 255, 256, 257, 600)))


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return MixInput(1).push(data)


class AgainstLists(RuleBasedStateMachine):
    """Inputs beside lists of samples; a few sources of both, mixed in varying selections."""

    @initialize(num_channels=st.sampled_from((1, 2, 3, 128)))
    def start(self, num_channels: int) -> None:
        self.num_channels = num_channels
        self.pairs: list[tuple[MixInput, reference.MixQueue]] = []

    pairs_made = Bundle("pairs_made")

    @rule(target=pairs_made, gain=gains)
    def add(self, gain: float) -> int:
        if len(self.pairs) < 12:
            self.pairs.append((MixInput(self.num_channels, gain), reference.MixQueue(self.num_channels, gain)))
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

    @rule(index=pairs_made, gain=gains, ramp_frames=ramps)
    def set_gain(self, index: int, gain: float, ramp_frames: int) -> None:
        compiled, model = self.pairs[index]
        compiled.set_gain(gain, ramp_frames)
        model.set_gain(gain, ramp_frames)

    @rule(indices=st.lists(pairs_made, unique=True), num_frames=frame_counts)
    def mix(self, indices: list[int], num_frames: int) -> None:
        chosen = [self.pairs[index] for index in indices]
        result = mix_inputs([compiled for compiled, _ in chosen], num_frames, self.num_channels)
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
            assert compiled.num_frames == model.num_frames
            assert compiled.frames_in == model.frames_in
            assert compiled.gain == model.gain / reference.GAIN_UNITY


TestAgainstLists = AgainstLists.TestCase
TestAgainstLists.settings = settings(max_examples=40, stateful_step_count=30)


def made(num_channels: int, *blocks: bytes, gain: float = 1.0) -> MixInput:
    source = MixInput(num_channels, gain)
    for block in blocks:
        source.push(block)
    return source


@given(st.lists(blocks_of(40), min_size=1, max_size=12), st.lists(st.integers(0, 40), max_size=6))
def test_cut_anywhere_equals_one_mix(blocks: list[bytes], cuts: list[int]) -> None:
    gains = [1.0 if i % 3 else 0.3 for i in range(len(blocks))]
    inputs = [made(1, block, gain=gain) for block, gain in zip(blocks, gains, strict=True)]
    ends = [0, *sorted(cuts), 40]
    out = b"".join(mix_inputs(inputs, b - a, 1) for a, b in pairwise(ends))
    assert out == mix_s16(blocks, gains)


@pytest.mark.parametrize("num_channels", [1, 2, 5])
def test_a_ramp_in_pieces_is_the_ramp_in_one(num_channels: int) -> None:
    # Of a constant the mix shows the gain itself.
    constant, ramp = 20000, 4800
    block = reference.pcm([constant]) * (5000 * num_channels)

    def play(sizes: list[int]) -> list[int]:
        source = made(num_channels, block, gain=0.1)
        source.set_gain(0.9, ramp)
        return [x for n in sizes for x in reference.ints(mix_inputs([source], n, num_channels))]

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
    up = reference.ints(mix_inputs([source], 50, 1))
    source.set_gain(0.0, 100)
    down = reference.ints(mix_inputs([source], 120, 1))
    assert up == [100 * k for k in range(50)]
    assert down[0] == 5000
    assert down[:100] == [5000 - 50 * k for k in range(100)]
    assert down[100:] == [0] * 20


def test_a_jump_ends_a_ramp() -> None:
    source = made(1, reference.pcm([1000]) * 100, gain=0.0)
    source.set_gain(1.0, 1000)
    mix_inputs([source], 10, 1)
    source.set_gain(-2.0, 0)
    assert reference.ints(mix_inputs([source], 5, 1)) == [-2000] * 5


def test_a_ramp_goes_on_while_there_is_nothing_to_mix() -> None:
    source = MixInput(1, 0.0)
    source.set_gain(1.0, 100)
    assert mix_inputs([source], 50, 1) == bytes(100)
    source.push(reference.pcm([1000]) * 60)
    assert reference.ints(mix_inputs([source], 60, 1)) == [500 + 10 * k for k in range(50)] + [1000] * 10


def test_what_an_input_lacks_is_silence(rand: Any) -> None:
    full, short = rand.quiet_pcm(600), rand.quiet_pcm(200)
    inputs = [made(2, full), made(2, short), MixInput(2)]
    assert mix_inputs(inputs, 300, 2) == mix_s16([full, short + bytes(800)])
    assert [source.num_frames for source in inputs] == [0, 0, 0]
    # The padding was no input: what comes next follows at once.
    inputs[1].push(short)
    assert mix_inputs(inputs, 100, 2) == short


def test_level_is_of_what_was_taken() -> None:
    source = made(1, reference.pcm([-30, 40]), reference.pcm([3]), gain=0.0)
    assert source.level == (0, 0.0)
    mix_inputs([source], 2, 1)
    assert source.level == (40, math.sqrt((900 + 1600) / 2))
    mix_inputs([source], 2, 1)
    assert source.level == (3, 3.0)
    mix_inputs([source], 2, 1)
    assert source.level == (0, 0.0)


def test_nothing_to_mix() -> None:
    assert mix_inputs([], 5, 2) == bytes(20)
    assert mix_inputs([], 0, 2) == b""
    assert mix_inputs([made(1, b"\x01\x00")], 0, 1) == b""


def test_a_long_queue_keeps_its_order(rand: Any) -> None:
    source, block = MixInput(1), rand.pcm(100_000)
    taken = bytearray()
    position = 0
    while position < len(block):
        n = 2 * rand.randint(0, 3000)
        source.push(at_odd_address(block[position : position + n]))
        position += n
        taken += mix_inputs([source], rand.randint(0, source.num_frames), 1)
    taken += mix_inputs([source], source.num_frames, 1)
    assert taken == block
    assert source.frames_in == 100_000


def test_silence_is_no_input() -> None:
    source = MixInput(2)
    source.push_silence(3)
    assert (source.num_frames, source.frames_in) == (3, 0)
    source.push(bytes(8))
    assert (source.num_frames, source.frames_in) == (5, 2)


def test_an_error_takes_nothing() -> None:
    good = made(1, reference.pcm([5, 6]))
    good.set_gain(0.0, 10)
    with pytest.raises(ValueError, match="inputs of 1 channels, got 2"):
        mix_inputs([good, MixInput(2)], 2, 1)
    assert good.num_frames == 2
    assert good.level == (0, 0.0)
    assert reference.ints(mix_inputs([good], 2, 1)) == [5, 5]


def test_survey_counts_who_is_waited_for() -> None:
    empty, short, ready, done, rest = MixInput(2), made(2, bytes(4)), made(2, bytes(8)), MixInput(2), made(2, bytes(4))
    done.expected = rest.expected = False
    assert survey([], 2)[:3] == (0, 0, 0)
    assert survey([empty, short, ready, done, rest], 2)[:3] == (2, 2, 3)
    assert survey([empty, short, ready, done, rest], 1)[:3] == (1, 3, 3)
    assert survey([empty], 0)[:3] == (0, 1, 1)


def test_incomplete_frame() -> None:
    source, data = MixInput(2), bytearray(6)
    with pytest.raises(ValueError, match="whole frames of 2 channels, got 3 samples"):
        source.push(data)
    assert (source.num_frames, source.frames_in) == (0, 0)
    assert_not_borrowed(data)


def test_pushed_data_is_copied() -> None:
    source, data = MixInput(1), bytearray(b"\x01\x00")
    source.push(data)
    assert_not_borrowed(data)
    data[0] = 9
    assert mix_inputs([source], 1, 1) == b"\x01\x00"


@pytest.mark.parametrize("num_channels", [-1, 0, 129, 2**40])
def test_channels_out_of_range(num_channels: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 128 channels, got {num_channels}"):
        MixInput(num_channels)


@pytest.mark.parametrize("gain", [math.nan, math.inf, -math.inf, 128.0, -128.0])
def test_gain_out_of_range(gain: float) -> None:
    with pytest.raises(ValueError, match="gain between -128 and 128"):
        MixInput(1, gain)
    source = MixInput(1, 0.5)
    with pytest.raises(ValueError, match="gain between -128 and 128"):
        source.set_gain(gain, 0)
    assert source.gain == 0.5


@pytest.mark.parametrize("ramp_frames", [-1, 2**32])
def test_ramp_out_of_range(ramp_frames: int) -> None:
    source = MixInput(1, 0.5)
    with pytest.raises(ValueError, match=f"0 to {2**32 - 1} frames, got {ramp_frames}"):
        source.set_gain(1.0, ramp_frames)
    assert source.gain == 0.5


def test_attributes_that_are_read_only() -> None:
    source = MixInput(1)
    for name in ("num_channels", "num_frames", "frames_in", "gain", "level"):
        with pytest.raises(AttributeError):
            setattr(source, name, 1)


@pytest.mark.parametrize("inputs", [None, 5])
def test_inputs_of_another_kind(inputs: Any) -> None:
    for function in (lambda: mix_inputs(inputs, 1, 1), lambda: survey(inputs, 1)):
        with pytest.raises(TypeError):
            function()


# In a process of their own, because a kernel that believes these takes its process along.
BEYOND_RANGE = [
    ("mix_inputs([None], 1, 1)", "TypeError"),
    ("mix_inputs([object()], 1, 1)", "TypeError"),
    ("survey([None], 1)", "TypeError"),
    ("mix_inputs([source], -1, 2)", "ValueError"),
    ("mix_inputs([source], 2**62, 2)", "ValueError"),
    ("mix_inputs([loud], 2**60 + 1, 16)", "ValueError"),
    ("mix_inputs([], 5, -5)", "ValueError"),
    ("mix_inputs([], 2, 2**62 + 1)", "ValueError"),
    ("source.push_silence(-1)", "ValueError"),
    ("source.push_silence(2**62)", "ValueError"),
    ("loud.push_silence(2**60 + 1)", "ValueError"),
]


@pytest.mark.parametrize(("call", "error"), BEYOND_RANGE, ids=[call for call, _ in BEYOND_RANGE])
def test_beyond_range(run_python: Any, call: str, error: str) -> None:
    script = f"""if True:
        from livekit_utils.mixing.mix_input import MixInput, mix_inputs, survey
        source, loud = MixInput(2), MixInput(16, 0.5)
        source.push(bytes(400)), loud.push(bytes(3200))
        try:
            {call}
        except (MemoryError if "2**" in {call!r} else {error}, {error}) as caught:
            assert (source.num_frames, loud.num_frames) == (100, 100)
            print("refused")
    """
    process = run_python("-c", script)
    assert (process.returncode, process.stdout) == (0, "refused\n"), process.stderr


def test_an_empty_frame_into_an_empty_input() -> None:
    source = MixInput(1)
    source.plain, source.sample_rate = True, 48000
    assert source.take(AudioFrame.create(48000, 1, 0)) == 0
    assert (source.frames_in, len(mix_inputs([source], 1, 1))) == (0, 2)
