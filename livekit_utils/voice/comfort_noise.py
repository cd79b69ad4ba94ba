"""ComfortNoise: keeps the noise of a room even where an echo canceller removes it with an echo."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Powers = NDArray[np.float64]

# Bins of the spectrum that are looked at, closer together at low frequencies. What lies between them is interpolated.
_NUM_BINS = 64
_GROUP = 8  # neighbouring bins that have the echo's gain in common

# Echoes are looked for up to 600 ms after their reference, at every block; the canceller finds them up to 500 ms.
_LAGS = 60

# After so many blocks of digital silence in the reference there is no echo of it left, nor in what is kept of it.
_IDLE = 80

# The gain of the echo is learnt from so many blocks at once, which costs less than one by one.
_BATCH = 10

# Means over the past forget with these factors: the gain of the echo per batch, within 2 s; powers per block of 10 ms,
# within 45 ms; and what is compared to find what was removed, within 15 ms.
_MEMORY = 0.95
_SLOW, _FAST = 0.8, 0.5

# Nothing is known of the echo before the reference was heard for 0.9 s. Until then it is taken for as loud as the
# reference itself.
_LEARNING_BLOCKS = 30

# A correlation counts as echo above three standard deviations of what chance gives.
_DEVIATIONS = 3.0

# The room is heard where the sound is 4 dB stronger than the echo that is expected in it. The expected echo may be 2 dB
# too weak: spectra of 20 ms, every 10 ms, do not see all of an echo that lies between two of them.
_CLEAR = 2.5

# The noise of the room is the least power in 1.2 to 1.6 s, and the mean is above the least by a factor of 1.6. That was
# measured with white noise.
_PART_BLOCKS, _NUM_PARTS = 40, 4
_LEAST_TO_MEAN = 1.6

_UNKNOWN = 1e30
_NOTHING = 1e-9


class ComfortNoise:
    """Measures the noise of the room before a canceller, and fills in what is missing of it after it.

    A canceller lowers everything while it suppresses an echo, or what it takes for one. The room must not go silent
    with it. The noise of the room is the least power in each band of the microphone's sound over a second or so (after
    R. Martin, "Noise Power Spectral Density Estimation Based on Optimal Smoothing and Minimum Statistics", IEEE
    Transactions on Speech and Audio Processing, 2001), of the blocks in which the echo is weaker. The power of the echo
    is estimated from the correlation of the spectra of microphone and reference, at each delay.

    Where a reference never pauses and its echo is louder than the room, the room is not heard. What was heard of it
    before counts then; if that is nothing, nothing is filled in.

    Args:
        samples_per_channel: Samples of a block of 10 ms.
        num_channels: Channels of the microphone and the reference, interleaved.
    """

    def __init__(self, samples_per_channel: int, num_channels: int) -> None:
        import numpy as np

        size = 2 * samples_per_channel
        self._window = np.hanning(size + 1)[:size]
        self._fade = np.sin(np.pi * (np.arange(size) + 0.5) / size)  # its squares add up to 1 at half a length
        self._scale = (size / np.sum(self._window**2)) ** 0.5
        count = min(_NUM_BINS, samples_per_channel // _GROUP * _GROUP)
        self._bins = _spread(count, samples_per_channel)
        self._groups = (count // _GROUP, _GROUP)
        self._num_channels = num_channels
        powers = (num_channels, count)
        # The last block of microphone, output and reference, a channel after the other.
        self._last = np.zeros((2 * num_channels + 1, samples_per_channel))
        # Spectra of a batch, and of the reference before it too: the echo of a block may come from any of _LAGS rows.
        self._row = 0
        self._near_spectra = np.zeros((_BATCH, *powers), complex)
        self._far_spectra = np.zeros((_LAGS - 1 + _BATCH, count), complex)
        self._far_powers = np.zeros((_LAGS - 1 + _BATCH, count))
        self._gains: Powers | None = None
        self._far_totals = np.zeros((_LAGS, count))
        self._cross = np.zeros((_LAGS, *powers), complex)
        self._chance = np.zeros((_LAGS, *powers))
        self._heard_far = 0  # blocks
        self._near, self._echo = np.zeros(powers), np.zeros(powers)
        self._near_fast, self._near_before, self._out_fast = np.zeros(powers), np.zeros(powers), np.zeros(powers)
        self._parts, self._near_parts = (np.full((_NUM_PARTS, *powers), _UNKNOWN) for _ in range(2))
        self._noise = np.zeros(powers)
        self._blocks = self._silent = 0
        self._random = np.random.default_rng(0)
        self._tail = np.zeros((num_channels, samples_per_channel))
        self._has_tail = False

    def forget_echo(self) -> None:
        """Starts over with the echo, because its delay has changed. The noise of the room stays known.

        Where clocks drift, that is so often that the room is learnt in pauses of the reference only.
        """
        for total in (self._far_totals, self._cross, self._chance):
            total[:] = 0
        self._heard_far = 0
        self._gains = None

    def process(self, near: NDArray[np.int16], far: NDArray[np.int16], out: NDArray[np.int16]) -> NDArray[np.int16]:
        """Returns a block of the canceller's output with the noise of the room.

        Args:
            near, far: The block of the microphone and of the reference that the canceller was given, interleaved.
            out: The block that it returned.
        """
        import numpy as np

        count = self._num_channels
        new = np.concatenate(
            [near.reshape(-1, count).T, out.reshape(-1, count).T, far.reshape(-1, count).mean(axis=1)[np.newaxis]]
        )
        both = np.concatenate([self._last, new], axis=1)
        self._last = new
        self._blocks += 1
        self._silent = 0 if far.any() else self._silent + 1
        if self._silent > _IDLE:
            # There is no echo, and the canceller lets everything through.
            self._follow_room(_powers(self._spectra(both[:count])))
            self._out_fast = self._near_before
            return out
        spectra = self._spectra(both)
        powers = _powers(spectra[:-1])
        self._expect_echo(spectra[:count], spectra[-1])
        self._follow_room(powers[:count])
        self._out_fast = _FAST * self._out_fast + (1 - _FAST) * powers[count:]
        return self._fill(out)

    def _spectra(self, sounds: Powers) -> NDArray[np.complex128]:
        import numpy as np

        return np.fft.rfft(self._window * sounds)[:, self._bins]

    def _expect_echo(self, near: NDArray[np.complex128], far: NDArray[np.complex128]) -> None:
        """Estimates the power of the echo in this block."""
        import numpy as np

        row = self._row
        powers = far.real**2 + far.imag**2
        self._near_spectra[row] = near
        self._far_spectra[row + _LAGS - 1] = far
        self._far_powers[row + _LAGS - 1] = powers
        self._heard_far += bool(powers.max() > _NOTHING)
        far_powers = self._far_powers[row : row + _LAGS]
        if self._gains is None:
            echo = np.broadcast_to(far_powers.max(axis=0), self._echo.shape)
        else:
            echo = np.einsum("lcb,lb->cb", self._gains, far_powers)
        self._echo = _SLOW * self._echo + (1 - _SLOW) * _smooth(echo)
        self._row += 1
        if self._row == _BATCH:
            self._learn_echo()
            for history in (self._far_spectra, self._far_powers):
                history[:-_BATCH] = history[_BATCH:].copy()
            self._row = 0

    def _learn_echo(self) -> None:
        """Correlates a batch with what was played up to 600 ms before it, and sets the gain of the echo at each lag."""
        import numpy as np

        near, near_powers = self._near_spectra, self._near_spectra.real**2 + self._near_spectra.imag**2
        # Block, bin, lag.
        far = np.lib.stride_tricks.sliding_window_view(self._far_spectra.conj(), _LAGS, axis=0)
        far_powers = np.lib.stride_tricks.sliding_window_view(self._far_powers, _LAGS, axis=0)
        self._cross = _MEMORY * self._cross + np.einsum("tcb,tbl->lcb", near, far)
        self._chance = _MEMORY**2 * self._chance + np.einsum("tcb,tbl->lcb", near_powers, far_powers)
        self._far_totals = _MEMORY * self._far_totals + far_powers.sum(axis=0).T
        if self._heard_far < _LEARNING_BLOCKS + _LAGS:
            return
        found = self._cross.real**2 + self._cross.imag**2
        total = self._far_totals**2 + _NOTHING
        by_group = (_LAGS, self._num_channels, *self._groups)
        chance = self._chance.reshape(by_group)
        of_group = found.reshape(by_group).sum(axis=-1)
        of_group -= chance.sum(axis=-1) + _DEVIATIONS * np.sqrt((chance**2).sum(axis=-1))
        of_group /= total.reshape(_LAGS, 1, *self._groups).sum(axis=-1)
        of_bin = (found - (1 + _DEVIATIONS) * self._chance) / total[:, np.newaxis]
        gains = np.maximum(of_bin.reshape(by_group), np.maximum(of_group, 0)[..., np.newaxis])
        self._gains = gains.reshape(found.shape)

    def _follow_room(self, powers: Powers) -> None:
        """Follows the noise of the room."""
        import numpy as np

        self._near_before = self._near_fast
        self._near_fast = _FAST * self._near_fast + (1 - _FAST) * powers
        keep = min(_SLOW, 1 - 1 / self._blocks)
        self._near = keep * self._near + (1 - keep) * powers
        if self._blocks < 10:
            return
        if self._blocks % _PART_BLOCKS == 0:
            self._parts = np.roll(self._parts, 1, axis=0)
            self._near_parts = np.roll(self._near_parts, 1, axis=0)
            self._parts[0] = self._near_parts[0] = _UNKNOWN
        is_clear = self._near >= _CLEAR * self._echo
        np.minimum(self._parts[0], self._near - self._echo, out=self._parts[0], where=is_clear)
        np.minimum(self._near_parts[0], self._near, out=self._near_parts[0])
        least = self._parts.min(axis=0)
        noise = np.where(least < _UNKNOWN, _LEAST_TO_MEAN * least, self._noise)
        self._noise = np.minimum(noise, _LEAST_TO_MEAN * self._near_parts.min(axis=0))

    def _fill(self, out: NDArray[np.int16]) -> NDArray[np.int16]:
        """Adds what is missing: as much of the noise as was removed from the microphone, but not above the noise."""
        import numpy as np

        removed = 1 - self._out_fast / np.maximum(self._near_before, _NOTHING)
        missing = np.clip(np.minimum(self._noise * removed, self._noise - self._out_fast), 0, None)
        size = len(self._fade) // 2
        noise = self._tail
        if missing.max() > 1:
            bins = np.arange(size + 1)
            shape = (self._num_channels, size + 1, 2)
            amplitudes = np.sqrt(np.array([np.interp(bins, self._bins, row, left=0) for row in missing]) / 2)
            random = self._random.standard_normal(shape, np.float32).view(np.complex64)[..., 0]
            frame = self._scale * self._fade * np.fft.irfft(amplitudes * random, 2 * size)
            noise = noise + frame[:, :size]
            self._tail, self._has_tail = frame[:, size:], True
        elif self._has_tail:
            self._tail, self._has_tail = np.zeros_like(self._tail), False
        else:
            return out
        mixed = np.rint(out + noise.T.reshape(-1))
        return np.clip(mixed, -32768, 32767).astype(np.int16)


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """Returns numbers of bins from 1 to `most`, all different, each step a little longer than the one before."""
    import numpy as np

    low, high = 0.0, 1.0
    for _ in range(50):  # the share by which a step grows
        grow = (low + high) / 2
        total = np.sum(np.maximum(1.0, (1 + grow) ** np.arange(count - 1)))
        low, high = (grow, high) if total < most - 1 else (low, grow)
    steps = (1 + low) ** np.arange(count - 1)
    return 1 + np.concatenate([[0], np.floor(np.cumsum(steps))]).astype(np.int64)


def _powers(spectra: NDArray[np.complex128]) -> Powers:
    return _smooth(spectra.real**2 + spectra.imag**2)


def _smooth(powers: Powers) -> Powers:
    """Returns the mean of each bin and its neighbours."""
    smooth = powers.copy()
    smooth[:, 1:-1] = (powers[:, :-2] + powers[:, 1:-1] + powers[:, 2:]) / 3
    return smooth
