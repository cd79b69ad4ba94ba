import itertools
import math
import threading
from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils._kernels.polyphase import MAX_BITS, MAX_RATIO, MIN_BITS, PolyphaseConverter, PolyphaseFilter
from tests.support.buffers import RefusesWrongData, assert_not_borrowed, at_odd_address, blocks_of, placements

BITS = 20

ratios = st.tuples(
    st.one_of(st.integers(1, 12), st.sampled_from((147, 160, 441, 640))),
    st.one_of(st.integers(1, 12), st.sampled_from((147, 160, 441, 640))),
).map(lambda pair: (pair[0] // math.gcd(*pair), pair[1] // math.gcd(*pair)))


def bank(step: int, num_phases: int, num_taps: int, fraction_bits: int = BITS, seed: int = 1) -> np.ndarray:
    """Taps with which full scale sometimes saturates."""
    taps = np.random.default_rng(seed).uniform(-1, 1, (num_phases, num_taps))
    taps *= 5.9 / np.abs(taps).sum(axis=1, keepdims=True)
    return (np.clip(taps, -3, 3) * 2**fraction_bits).astype(np.int32)


def made(step: int, num_phases: int, look_ahead: int = 3, num_channels: int = 1) -> PolyphaseConverter:
    num_taps = step // num_phases + 8
    return PolyphaseConverter(
        PolyphaseFilter(bank(step, num_phases, num_taps).data, BITS, step, num_phases, look_ahead), num_channels
    )


def reference(samples: np.ndarray, taps: np.ndarray, fraction_bits: int, step: int, look_ahead: int) -> np.ndarray:
    """Output by output in int64, as far as all their inputs are known."""
    num_phases, num_taps = taps.shape
    known = np.concatenate([np.zeros((num_taps - 1 - look_ahead, samples.shape[1]), np.int64), samples])
    outputs = []
    while True:
        position, phase = divmod(len(outputs) * step, num_phases)
        if position + num_taps > len(known):
            return np.array(outputs, np.int16).reshape(-1, samples.shape[1])
        total = taps[phase].astype(np.int64) @ known[position : position + num_taps]
        outputs.append(np.clip((total + 2 ** (fraction_bits - 1)) >> fraction_bits, -32768, 32767))


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return made(2, 3).process(data)


@given(st.data(), ratios, st.integers(1, 3), placements)
def test_any_chunking_equals_reference(data: Any, ratio: tuple[int, int], num_channels: int, place: Any) -> None:
    step, num_phases = ratio
    most = max(2, min(400, 1500 * step // num_phases))
    block = data.draw(st.integers(0, most).map(lambda n: n * num_channels).flatmap(blocks_of))
    num_frames = len(block) // (2 * num_channels)
    cuts = sorted(data.draw(st.lists(st.integers(0, num_frames), max_size=12)))
    num_taps = step // num_phases + 1 + data.draw(st.integers(0, 40))
    look_ahead = data.draw(st.integers(0, num_taps - 1))
    bits = data.draw(st.integers(MIN_BITS, MAX_BITS))
    taps = bank(step, num_phases, num_taps, bits)
    converter = PolyphaseConverter(PolyphaseFilter(taps.data, bits, step, num_phases, look_ahead), num_channels)
    size = 2 * num_channels
    out = bytearray()
    for start, end in zip([0, *cuts], [*cuts, num_frames], strict=True):
        out += converter.process(place(block[start * size : end * size]))
    samples = np.frombuffer(block, np.int16).reshape(-1, num_channels)
    expected = reference(samples, taps, bits, step, look_ahead)
    assert np.array_equal(np.frombuffer(out, np.int16).reshape(-1, num_channels), expected)
    converter.reset()
    assert converter.process(block) == out


@pytest.mark.parametrize("num_channels", [1, 2, 5])
@pytest.mark.parametrize("ratio", [(1, 3), (3, 1), (2, 3), (147, 160), (160, 147), (1, 1), (7, 441), (2560, 147)])
def test_long_blocks_and_single_frames_agree(rand: Any, ratio: tuple[int, int], num_channels: int) -> None:
    """A long block takes several rounds of the kernel, which computes many outputs of a phase together."""
    block, size = rand.pcm(5000 * num_channels), 2 * num_channels
    one, many = made(*ratio, num_channels=num_channels), made(*ratio, num_channels=num_channels)
    parts = [many.process(at_odd_address(block[i : i + size])) for i in range(0, len(block), size)]
    assert b"".join(parts) == one.process(block)


@pytest.mark.parametrize("ratio", [(1, 3), (3, 2), (147, 160)])
def test_channels_are_converted_as_if_alone(rand: Any, ratio: tuple[int, int]) -> None:
    samples = np.frombuffer(rand.pcm(3 * 700), np.int16).reshape(-1, 3)
    together = np.frombuffer(made(*ratio, num_channels=3).process(samples), np.int16).reshape(-1, 3)
    for channel in range(3):
        alone = made(*ratio).process(np.ascontiguousarray(samples[:, channel]))
        assert np.array_equal(np.frombuffer(alone, np.int16), together[:, channel])


@pytest.mark.parametrize("bits", [MIN_BITS, 20, MAX_BITS])
@pytest.mark.parametrize(
    ("gain", "expected"),
    [
        (1.0, [-32768, 32767, 1, -1]),
        (3.0, [-32768, 32767, 3, -3]),
        (-3.0, [32767, -32768, -3, 3]),
        (0.5, [-16384, 16384, 1, 0]),
        (-0.5, [16384, -16383, 0, 1]),
    ],
)
def test_rounds_ties_up_and_saturates(gain: float, expected: list[int], bits: int) -> None:
    taps = array("i", [0] * 7 + [round(gain * 2**bits)])
    converter = PolyphaseConverter(PolyphaseFilter(taps, bits, 1, 1, 0), 1)
    out = converter.process(array("h", [-32768, 32767, 1, -1]))
    assert array("h", out).tolist() == expected


@pytest.mark.parametrize("bits", [MIN_BITS, 16, 20, 24, MAX_BITS])
@pytest.mark.parametrize("num_taps", [2, 3, 16, 50, 1000])
def test_the_loudest_that_fits_does_not_overflow(num_taps: int, bits: int) -> None:
    """All products are of one sign."""
    equal = np.full((1, num_taps), 5 * 2**bits // num_taps, np.int32)
    for sign, taps in itertools.product((1, -1), (equal, bank(1, 1, num_taps, bits))):
        samples = np.where(np.sign(taps[0]) * sign > 0, 32767, -32768).astype(np.int16)[:, np.newaxis]
        converter = PolyphaseConverter(PolyphaseFilter(taps.data, bits, 1, 1, 0), 1)
        got = np.frombuffer(converter.process(samples), np.int16)[:, np.newaxis]
        assert np.array_equal(got, reference(samples, taps, bits, 1, 0))
        assert got[-1, 0] == (32767 if sign > 0 else -32768)


def test_a_long_stream_does_not_drift() -> None:
    converter = made(147, 160, look_ahead=0)
    silence = bytes(2 * 44_100)
    total = sum(len(converter.process(silence)) for _ in range(100)) // 2
    assert total == (100 * 44_100 * 160 - 1) // 147 + 1


def test_refused_data_leaves_the_state_alone(rand: Any) -> None:
    block = rand.pcm(200)
    disturbed, calm = made(2, 3, num_channels=2), made(2, 3, num_channels=2)
    out = disturbed.process(block)
    for wrong in (bytes(2), bytes(3), b"\x00" * 6, memoryview(bytes(8)).cast("f"), None):
        with pytest.raises((ValueError, TypeError)):
            disturbed.process(wrong)
    assert out + disturbed.process(block) == calm.process(block) + calm.process(block)


def test_data_is_given_back() -> None:
    data, odd, taps = bytearray(800), bytearray(802), bytearray(4 * 8)
    numbers = memoryview(taps).cast("i")
    converter = PolyphaseConverter(PolyphaseFilter(numbers, BITS, 1, 1, 0), 2)
    converter.process(data)
    with pytest.raises(ValueError, match="a multiple of 2 samples for 2 channels, got 401"):
        converter.process(odd)
    with pytest.raises(ValueError, match="look_ahead"):
        PolyphaseFilter(numbers, BITS, 1, 1, 8)
    numbers.release()
    assert_not_borrowed(data, odd, taps)


def test_a_filter_keeps_its_own_taps(rand: Any) -> None:
    taps = bank(1, 3, 8)
    shared = PolyphaseFilter(taps.data, BITS, 1, 3, 2)
    block = rand.pcm(100)
    first = PolyphaseConverter(shared, 1).process(block)
    taps[:] = 0
    second = PolyphaseConverter(shared, 1)
    del shared
    assert second.process(block) == first
    assert any(first)


@pytest.mark.parametrize("rate", [0, -1, MAX_RATIO + 1, 2**62])
def test_rate_out_of_range(rate: int) -> None:
    for pair in ((rate, 1), (1, rate)):
        with pytest.raises(ValueError, match=f"1 to {MAX_RATIO}, got {rate}"):
            PolyphaseFilter(array("i", bytes(4 * 8)), BITS, *pair, 0)


@pytest.mark.parametrize("bits", [-1, MIN_BITS - 1, MAX_BITS + 1, 2**40])
def test_fraction_bits_out_of_range(bits: int) -> None:
    with pytest.raises(ValueError, match=f"{MIN_BITS} to {MAX_BITS} fraction_bits, got {bits}"):
        PolyphaseFilter(array("i", bytes(4 * 8)), bits, 1, 1, 0)


@pytest.mark.parametrize(
    ("num_taps", "step", "num_phases"), [(0, 1, 1), (7, 1, 3), (25, 1, 3), (8, 8, 1), (65537, 1, 1)]
)
def test_rows_that_do_not_fit(num_taps: int, step: int, num_phases: int) -> None:
    with pytest.raises(ValueError, match=f"expected {num_phases} rows of more than {step // num_phases} taps"):
        PolyphaseFilter(array("i", bytes(4 * num_taps)), BITS, step, num_phases, 0)


@pytest.mark.parametrize("look_ahead", [-1, 8, 2**40])
def test_look_ahead_out_of_range(look_ahead: int) -> None:
    with pytest.raises(ValueError, match=f"look_ahead of 0 to 7, got {look_ahead}"):
        PolyphaseFilter(array("i", bytes(4 * 8)), BITS, 1, 1, look_ahead)


@pytest.mark.parametrize(
    "taps",
    [
        (3 * 2**BITS + 1,),
        (-3 * 2**BITS - 1,),
        (-(2**31),),
        (2**31 - 1,) * 8,
        (3 * 2**BITS, -3 * 2**BITS),
        (2**BITS,) * 6,
    ],
)
def test_taps_that_would_overflow(taps: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="taps of up to 3, and of less than 6 in a row"):
        PolyphaseFilter(array("i", [*taps, *([0] * (8 - len(taps)))]), BITS, 1, 1, 0)


def test_arguments_of_other_types() -> None:
    for wrong in (array("f", bytes(4 * 8)), array("h", bytes(4 * 8)), bytes(4 * 8)):
        with pytest.raises(TypeError, match="int32"):
            PolyphaseFilter(wrong, BITS, 1, 1, 0)
    with pytest.raises(ValueError, match="contiguous"):
        PolyphaseFilter(memoryview(array("i", bytes(4 * 8)))[::2], BITS, 1, 1, 0)
    with pytest.raises(TypeError):
        PolyphaseConverter(None, 1)  # type: ignore[arg-type]
    for num_channels in (0, -1, 129):
        with pytest.raises(ValueError, match=f"num_channels: expected 1 to 128, got {num_channels}"):
            PolyphaseConverter(PolyphaseFilter(array("i", bytes(4 * 8)), BITS, 1, 1, 0), num_channels)


def test_a_second_thread_is_refused_while_the_gil_is_released() -> None:
    converter = PolyphaseConverter(PolyphaseFilter(bank(1, 3, 800).data, BITS, 1, 3, 2), 1)
    block = bytes(2 * 100_000)
    thread = threading.Thread(target=converter.process, args=(block,))
    refused = set()
    thread.start()
    while thread.is_alive():
        for call in (lambda: converter.process(b""), converter.reset):
            try:
                call()
            except RuntimeError as error:
                refused.add(str(error))
    thread.join()
    assert refused == {"expected one thread at a time, got a call during another's"}
    assert len(converter.process(b"")) == 0


def test_goes_on_like_another_one_that_came_later(rand: Any) -> None:
    """As soon as it reaches back no further than the other one, and not while it is at another place."""
    shared = PolyphaseFilter(bank(3, 1, 16).data, BITS, 3, 1, 3)
    early, late = (PolyphaseConverter(shared, 2) for _ in range(2))
    assert early.goes_on_like(late)
    early.process(rand.pcm(2 * 300))
    assert not early.goes_on_like(late)
    for _ in range(10):
        data = rand.pcm(2 * 30)
        before = early.goes_on_like(late)
        assert (early.process(data) == late.process(data)) or not before
    assert early.goes_on_like(late)
    assert late.goes_on_like(early)
    late.process(rand.pcm(2))
    assert not early.goes_on_like(late)
    early.process(rand.pcm(2))  # at the same place, with other samples
    assert not early.goes_on_like(late)
    early.reset()
    late.reset()
    assert early.goes_on_like(late)
    assert not early.goes_on_like(PolyphaseConverter(shared, 1))
    assert not early.goes_on_like(made(3, 1, num_channels=2))
    with pytest.raises(TypeError):
        early.goes_on_like(None)  # type: ignore[arg-type]
