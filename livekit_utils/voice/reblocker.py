"""Reblocker: pieces of any length through something that takes blocks of one length."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Reblocker:
    """Changes samples in place, block by block.

    As long as every piece is a whole number of blocks nothing is delayed. From the first that is not, everything is
    delayed by one block, for good: a delay that changes would be heard.
    """

    def __init__(self, block_samples: int, process: Callable[[NDArray[np.int16]], None]) -> None:
        self._block_samples = block_samples
        self._process = process
        self._pending = bytearray()
        self._ready = bytearray()
        self.delay_samples = 0
        """By how many samples what comes out lies behind what went in."""

    def apply(self, samples: NDArray[np.int16]) -> None:
        size = self._block_samples
        if not self.delay_samples:
            if len(samples) % size == 0:
                for start in range(0, len(samples), size):
                    self._process(samples[start : start + size])
                return
            self.delay_samples = size
            self._ready = bytearray(2 * size)
        self._carry(samples)

    def _carry(self, samples: NDArray[np.int16]) -> None:
        import numpy as np

        self._pending += samples.data
        num_bytes = len(self._pending) // (2 * self._block_samples) * 2 * self._block_samples
        blocks = np.frombuffer(self._pending[:num_bytes], np.int16)
        for start in range(0, len(blocks), self._block_samples):
            self._process(blocks[start : start + self._block_samples])
        del self._pending[:num_bytes]
        self._ready += blocks.data
        samples[:] = np.frombuffer(self._ready[: 2 * len(samples)], np.int16)
        del self._ready[: 2 * len(samples)]
