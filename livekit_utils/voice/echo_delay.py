"""EchoDelay: estimates the delay between a reference and its echo."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Sound of microphone and reference that is kept, in seconds.
_HISTORY_S = 2

# Longest delay that is searched, in seconds: the canceller finds an echo up to 0.5 s.
_LONGEST_S = 0.6

# The search runs at about 8000 Hz, which is precise to 0.125 ms.
_RATE = 8000

# A peak of the correlation is an echo if it is above 8 times the median of all lags. Echoes are far above, chance peaks
# below.
_DISTINCT = 8.0


class EchoDelay:
    """Keeps the last two seconds of both signals. Only `estimate_ms` computes, which takes some milliseconds."""

    def __init__(self, sample_rate: int, num_channels: int) -> None:
        import numpy as np

        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._size = _HISTORY_S * 100 * (sample_rate // 100)  # whole blocks of 10 ms
        self._near = np.zeros(self._size, np.int16).data
        self._far = np.zeros(self._size, np.int16).data
        self._end = 0

    def push(self, near: memoryview, far: bytearray) -> None:
        """Adds a block of 10 ms of both signals: interleaved int16 samples, of which the first channel is kept."""
        step = self._num_channels
        played = memoryview(far).cast("h")
        start, end = self._end, self._end + len(played) // step
        self._near[start:end] = near[::step]
        self._far[start:end] = played[::step]
        self._end = end % self._size

    def estimate_ms(self) -> float | None:
        """Returns the delay; None if there is no echo, or if other sound masks it.

        The delay is at the peak of the cross-correlation of both signals with flattened spectra (the phase transform of
        Knapp and Carter, 1976, to the power of 0.7).
        """
        import numpy as np

        step = max(1, self._sample_rate // _RATE)
        near, far = (self._in_order(history, step) for history in (self._near, self._far))
        size = 1 << (2 * len(near) - 1).bit_length()
        cross = np.fft.rfft(near, size) * np.conj(np.fft.rfft(far, size))
        cross /= np.maximum(np.abs(cross), 1e-9) ** 0.7
        longest = int(_LONGEST_S * self._sample_rate / step)
        lags = np.abs(np.fft.irfft(cross, size)[:longest])
        peak = int(np.argmax(lags))
        if lags[peak] <= _DISTINCT * np.median(lags):
            return None
        return peak * step / self._sample_rate * 1000

    def _in_order(self, history: memoryview, step: int) -> NDArray[np.float64]:
        import numpy as np

        ordered = np.concatenate([history[self._end :], history[: self._end]])
        means: NDArray[np.float64] = ordered[: len(ordered) // step * step].reshape(-1, step).mean(axis=1)
        return np.diff(means)
