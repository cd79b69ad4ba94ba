from typing import Any

import pytest
from hypothesis import given

from livekit_utils._kernels.level import level_s16
from tests.support import reference
from tests.support.buffers import RefusesWrongData, assert_not_borrowed, at_odd_address, blocks, placements


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return level_s16(data)


@given(blocks, placements)
def test_equals_reference(block: bytes, place: Any) -> None:
    assert level_s16(place(block)) == reference.level(reference.ints(block))


@pytest.mark.parametrize(
    ("samples", "level"),
    [
        ([], (0, 0)),
        ([0] * 9, (0, 0)),
        ([-32768], (32768, 1 << 30)),
        ([-32768, 32767], (32768, (1 << 30) + 32767**2)),
        ([32767, -32767], (32767, 2 * 32767**2)),
        ([5, -6], (6, 61)),
        ([6, -5], (6, 61)),
    ],
)
def test_known_levels(samples: list[int], level: tuple[int, int]) -> None:
    assert level_s16(reference.pcm(samples)) == level


@pytest.mark.parametrize("position", [0, 1, 7, 8, 63, 64, 255, 256, 998, 999])
@pytest.mark.parametrize("value", [-9, 9])
def test_finds_the_peak_wherever_it_is(position: int, value: int) -> None:
    samples = [3] * 1000
    samples[position] = value
    assert level_s16(reference.pcm(samples)) == (9, 999 * 9 + 81)


@pytest.mark.parametrize("num_samples", [32_767, 32_768, 5_000_001])
def test_squares_outgrow_32_bits(num_samples: int) -> None:
    data = bytearray(b"\x00\x80" * num_samples)
    assert level_s16(data) == (32768, num_samples << 30)
    assert level_s16(at_odd_address(data)) == (32768, num_samples << 30)
    assert_not_borrowed(data)
