import itertools
import math
import threading
from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils._kernels.variable_ratio import LANES, VariableConverter, VariableFilter
from tests.support.buffers import RefusesWrongData, assert_not_borrowed, blocks_of, placements

# Dyadic ones, so that sums of them are exact, and the reference finds the same edges.
ratios = st.integers(1, 48).map(lambda n: n / 16)


def bank(num_phases: int, num_taps: int, seed: int = 1) -> np.ndarray:
    """Taps with which full scale sometimes saturates."""
    taps = np.random.default_rng(seed).uniform(-4, 4, (num_phases + 1, num_taps)) / num_taps
    return taps.astype(np.float32)


def made(ratio: float = 1.5, num_phases: int = 16, look_ahead: int = 3, num_channels: int = 1) -> VariableConverter:
    return VariableConverter(
        VariableFilter(bank(num_phases, 2 * LANES).data, num_phases, look_ahead), num_channels, ratio, 4
    )


def reference(samples: np.ndarray, taps: np.ndarray, look_ahead: int, of_inputs: np.ndarray) -> np.ndarray:
    """The sums in float64, output by output, as far as all their inputs are known; saturated, not rounded."""
    num_phases, num_taps = len(taps) - 1, taps.shape[1]
    known = np.concatenate([np.zeros((num_taps - 1 - look_ahead, samples.shape[1])), samples])
    begins = np.concatenate([[0.0], np.cumsum(of_inputs)])
    outputs: list[np.ndarray] = []
    for i in range(len(samples) - look_ahead):
        while len(outputs) < begins[i + 1]:
            phase = (len(outputs) - begins[i]) / of_inputs[i] * num_phases
            row = min(int(phase), num_phases - 1)
            weighted = (1 - (phase - row)) * taps[row].astype(float) + (phase - row) * taps[row + 1]
            outputs.append(weighted @ known[i : i + num_taps])
    return np.clip(np.array(outputs).reshape(-1, samples.shape[1]), -32768, 32767)


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return made().process(data)


@given(st.data(), st.integers(1, 3), placements)
def test_any_chunking_equals_reference(data: Any, num_channels: int, place: Any) -> None:
    block = data.draw(st.integers(0, 300).map(lambda n: n * num_channels).flatmap(blocks_of))
    num_frames, size = len(block) // (2 * num_channels), 2 * num_channels
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, num_frames), max_size=8))), num_frames]
    pieces = [(start, end, data.draw(ratios)) for start, end in itertools.pairwise(cuts)]
    num_phases, look_ahead = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 2 * LANES - 1))
    taps = bank(num_phases, 2 * LANES)
    shared = VariableFilter(taps.data, num_phases, look_ahead)
    out, again = bytearray(), bytearray()
    converter, in_bytes = VariableConverter(shared, num_channels, 1, 3), VariableConverter(shared, num_channels, 1, 3)
    of_inputs = np.ones(num_frames)
    for start, end, ratio in pieces:
        of_inputs[start:end] = ratio
        converter.set_ratio(ratio, 0)
        out += converter.process(place(block[start * size : end * size]))
        in_bytes.set_ratio(ratio, 0)
        for i in range(start, end):
            again += in_bytes.process(block[i * size : (i + 1) * size])
    samples = np.frombuffer(block, np.int16).reshape(-1, num_channels)
    expected = reference(samples, taps, look_ahead, of_inputs)
    got = np.frombuffer(out, np.int16).reshape(-1, num_channels)
    assert got.shape == expected.shape
    assert np.abs(got - expected).max(initial=0) <= 0.55  # half a step, and the rounding of float32
    assert again == out
    assert converter.outputs_left() == of_inputs.sum() - len(expected)


def test_a_ramp_is_a_straight_line_over_its_inputs() -> None:
    converter = made(1.0)
    converter.set_ratio(2.0, 100)
    seen = []
    for _ in range(102):
        seen.append(converter.ratio)
        converter.process(bytes(2))
    assert seen[:101] == pytest.approx([1 + k / 100 for k in range(101)])
    assert seen[100:] == [2.0, 2.0]
    converter.set_ratio(1.0, 10)
    converter.process(bytes(2 * 5))
    assert converter.ratio == pytest.approx(1.5)
    converter.reset()
    assert converter.ratio == 1.0


def test_a_stream_may_begin_at_a_distance() -> None:
    noise = np.random.default_rng(5).integers(-32768, 32768, 400, dtype=np.int16)
    whole, late = made(1.5), made(1.5)
    first = whole.process(noise)
    late.reset(150.0)  # 100 inputs further
    assert late.process(noise) == first[2 * 150 :]
    assert late.outputs_left() == whole.outputs_left()


def test_data_and_taps_are_given_back_and_the_filter_keeps_its_own() -> None:
    data, odd, taps = bytearray(800), bytearray(802), bytearray(4 * 2 * LANES)
    floats = memoryview(taps).cast("f")
    converter = VariableConverter(VariableFilter(floats, 1, 1), 2, 1, 1)
    converter.process(data)
    with pytest.raises(ValueError, match="a multiple of 2 samples for 2 channels, got 401"):
        converter.process(odd)
    with pytest.raises(ValueError, match="look_ahead"):
        VariableFilter(floats, 1, LANES)
    floats.release()
    assert_not_borrowed(data, odd, taps)
    mine = bank(4, LANES)
    converter = VariableConverter(VariableFilter(mine.data, 4, 1), 1, 1, 1)
    mine[:] = 0
    assert any(converter.process(np.full(100, 9999, np.int16)))


@pytest.mark.parametrize("num_phases", [0, -1, 4097, 2**40])
def test_phases_out_of_range(num_phases: int) -> None:
    with pytest.raises(ValueError, match=f"num_phases: expected 1 to 4096, got {num_phases}"):
        VariableFilter(bank(1, LANES).data, num_phases, 1)


def test_other_arguments_out_of_range() -> None:
    for num_taps, num_phases in ((0, 1), (LANES - 1, 1), (LANES, 2)):
        with pytest.raises(ValueError, match=f"rows of a multiple of {LANES} taps"):
            VariableFilter(array("f", bytes(4 * 2 * num_taps)), num_phases, 1)
    for look_ahead in (0, -1, LANES, 2**40):
        with pytest.raises(ValueError, match=f"look_ahead of 1 to {LANES - 1}, got {look_ahead}"):
            VariableFilter(bank(1, LANES).data, 1, look_ahead)
    for tap in (math.nan, math.inf, 65537.0):
        with pytest.raises(ValueError, match="taps of up to 65536, got"):
            VariableFilter(array("f", [0.0] * (2 * LANES - 1) + [tap]), 1, 1)
    shared = VariableFilter(bank(1, LANES).data, 1, 1)
    for num_channels in (0, -1, 129):
        with pytest.raises(ValueError, match=f"num_channels: expected 1 to 128, got {num_channels}"):
            VariableConverter(shared, num_channels, 1, 1)
    for most in (0, -1, 1025, math.nan):
        with pytest.raises(ValueError, match="max_ratio"):
            VariableConverter(shared, 1, 1, most)
    for ratio in (0, -1, 2.001, math.nan, math.inf):
        with pytest.raises(ValueError, match="ratio: expected above 0, up to 2"):
            VariableConverter(shared, 1, ratio, 2)
        with pytest.raises(ValueError, match="ratio: expected above 0, up to 4"):
            made().set_ratio(2 * ratio, 0)
    with pytest.raises(ValueError, match="ramp_length"):
        made().set_ratio(1, -1)
    for distance in (-0.1, math.nan, 2.0**31):
        with pytest.raises(ValueError, match="distance"):
            made().reset(distance)
    with pytest.raises(TypeError):
        VariableConverter(None, 1, 1, 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="float32"):
        VariableFilter(array("d", bytes(16 * LANES)), 1, 1)


def test_refused_calls_leave_the_state_alone(rand: Any) -> None:
    block = rand.pcm(200)
    disturbed, calm = made(num_channels=2), made(num_channels=2)
    out = disturbed.process(block)
    for wrong in (bytes(2), bytes(3), b"\x00" * 6, memoryview(bytes(8)).cast("f"), None):
        with pytest.raises((ValueError, TypeError)):
            disturbed.process(wrong)
    with pytest.raises(ValueError, match="ratio"):
        disturbed.set_ratio(-1, 5)
    assert out + disturbed.process(block) == calm.process(block) + calm.process(block)


def test_a_second_thread_is_refused_while_the_gil_is_released() -> None:
    converter = VariableConverter(VariableFilter(bank(1, 800).data, 1, 2), 1, 3, 3)
    block = bytes(2 * 100_000)
    thread = threading.Thread(target=converter.process, args=(block,))
    calls = [lambda: converter.process(b""), converter.reset, lambda: converter.set_ratio(1, 0), converter.outputs_left]
    refused = set()
    thread.start()
    while thread.is_alive():
        for call in calls:
            try:
                call()
            except RuntimeError as error:
                refused.add(str(error))
    thread.join()
    assert refused == {"expected one thread at a time, got a call during another's"}
    assert len(converter.process(b"")) == 0
