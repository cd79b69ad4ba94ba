"""Blocks: cuts pieces of any length into blocks of one length."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Blocks:
    """Keeps what is no whole block until the rest of it comes.

    Args:
        num_values: int16 values in a block, of all channels.
    """

    def __init__(self, num_values: int) -> None:
        self._num_values = num_values
        self._pending = bytearray()

    def push(self, samples: memoryview | NDArray[np.int16]) -> NDArray[np.int16]:
        """Takes samples, and returns the blocks that are whole now, as rows.

        They lie in the memory of the samples where that is possible, and are valid as long as it is.
        """
        import numpy as np

        given = np.frombuffer(samples, np.int16)
        size = self._num_values
        if not self._pending and len(given) % size == 0:
            return given.reshape(-1, size)
        self._pending += given.data
        num_bytes = len(self._pending) // (2 * size) * 2 * size
        whole = self._pending[:num_bytes]
        del self._pending[:num_bytes]
        return np.frombuffer(whole, np.int16).reshape(-1, size)
