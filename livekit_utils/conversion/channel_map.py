"""map_channels: interleaved samples of one channel count as those of another, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence


def map_channels(
    samples: bytes | bytearray | memoryview, num_channels: int, picked: Sequence[int], wanted: int
) -> bytearray:
    """Takes the channels `picked`, in this order, as the first of `wanted`; the others are silent.

    Args:
        samples: Whole frames of `num_channels` interleaved int16 samples.
    """
    every = memoryview(samples).cast("B").cast("h")
    mapped = bytearray(len(every) // num_channels * wanted * 2)
    target = memoryview(mapped).cast("h")
    for position, channel in enumerate(picked):
        target[position::wanted] = every[channel::num_channels]
    return mapped
