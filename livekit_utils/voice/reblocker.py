"""Reblocker: passes pieces of any length through a function that takes blocks of one length."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from livekit_utils.voice.blocks import Blocks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Reblocker:
    """Processes samples in place, one block later.

    The output lags the input by exactly one block, whatever the lengths of the pieces: a delay that varies would be
    audible.

    Args:
        num_values: int16 values in a block, of all channels.
        process: Processes a block in place.
    """

    def __init__(self, num_values: int, process: Callable[[NDArray[np.int16]], None]) -> None:
        self._blocks = Blocks(num_values)
        self._process = process
        self._ready = bytearray(2 * num_values)  # output that was not returned yet, after one block of silence

    def apply(self, samples: NDArray[np.int16]) -> None:
        """Replaces the samples by as many that lag by a block."""
        import numpy as np

        blocks = self._blocks.push(samples)
        for block in blocks:
            self._process(block)
        self._ready += blocks.data
        samples[:] = np.frombuffer(self._ready[: 2 * len(samples)], np.int16)
        del self._ready[: 2 * len(samples)]
