"""ComfortNoise: keeps the noise of a room even where an echo canceller removes it with an echo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit_utils._kernels.echo_power import EchoPower
from livekit_utils._kernels.noise_fill import NoiseFill
from livekit_utils._kernels.noise_floor import NoiseFloor
from livekit_utils._kernels.overlap_add import OverlapAdd
from livekit_utils._kernels.short_spectrum import ShortSpectrum

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Buffer

# Bins of the spectrum that are looked at, closer together at low frequencies. What lies between them is interpolated.
# They are a multiple of the bins that have an echo's gain in common.
_NUM_BINS, _GROUP = 64, 8

# Bins are so far apart, in Hz: a spectrum is that of 20 ms.
_BIN_HZ = 50

# After so many blocks of digital silence in the reference there is no echo of it left, nor in what is kept of it.
_IDLE = 80


class ComfortNoise:
    """Measures the noise of the room before a canceller, and fills in what is missing of it after it.

    A canceller lowers everything while it suppresses an echo, or what it takes for one. The room must not go silent
    with it. `EchoPower` estimates the echo in the microphone's sound. `NoiseFloor` takes the noise of the room from
    what is far above that echo. `NoiseFill` makes the noise that the canceller removed, and `OverlapAdd` adds it.

    Where a reference never pauses and its echo is louder than the room, the room is not heard. What was heard of it
    before counts then; if that is nothing, nothing is filled in.

    Args:
        samples_per_channel: Samples of a block of 10 ms, from 8.
        num_channels: Channels of the microphone and the reference, interleaved.

    Attributes:
        bins: The bins of a spectrum that are looked at, ascending; bin k lies at k * `bin_hz`.
        near: Spectrum of the microphone in the last block and the one before, in those bins: float32 numbers, a row for
            each channel, real and imaginary parts in turn.
    """

    bin_hz = _BIN_HZ

    def __init__(self, samples_per_channel: int, num_channels: int) -> None:
        import numpy as np

        count = min(_NUM_BINS, samples_per_channel // _GROUP * _GROUP)
        bins = _spread(count, samples_per_channel).tolist()
        self.bins = bins
        self._short_spectrum = ShortSpectrum(num_channels, samples_per_channel, bins)
        self._echo_power = EchoPower(num_channels, count)
        self._noise_floor = NoiseFloor(num_channels, count)
        self._noise_fill = NoiseFill(num_channels, bins, (2 * samples_per_channel) ** 0.5)
        self._overlap_add = OverlapAdd(num_channels, samples_per_channel)
        # Memory for the kernels, a row for each channel; of spectra, real and imaginary parts in turn.
        spectra = np.zeros((2 * num_channels + 1, 2 * count), np.float32)
        self._spectra, self.near, self._out = spectra.data, spectra[:num_channels].data, spectra[num_channels:-1].data
        self._far = spectra[-1].data
        self._echo, self._noise = (np.zeros((num_channels, count), np.float32).data for _ in range(2))
        self._missing = np.zeros((num_channels, 2 * (samples_per_channel + 1)), np.float32).data
        self._has_tail = False
        self._silent = 0

    @property
    def echo(self) -> memoryview | None:
        """Powers of the echo in `near`; None if the reference was silent for long."""
        return None if self._silent > _IDLE else self._echo

    def forget_echo(self) -> None:
        """Starts over with the echo, because its delay has changed. The noise of the room stays known."""
        self._echo_power.forget()

    def process(self, near: Buffer, far: Buffer, out: Buffer, is_silent: bool) -> None:
        """Adds the noise of the room to a block of the canceller's output, in place.

        Args:
            near, far: The block of the microphone and of the reference that the canceller was given: interleaved int16
                samples.
            out: The block that it returned; writable.
            is_silent: The reference is digital silence.
        """
        self._short_spectrum.push(near, out, far, self._spectra)
        self._silent = self._silent + 1 if is_silent else 0
        if self._silent > _IDLE:
            self._noise_floor.push(self.near, None, self._noise)
        else:
            self._echo_power.push(self.near, self._far, self._echo)
            self._noise_floor.push(self.near, self._echo, self._noise)
        is_missing = self._noise_fill.push(self.near, self._out, self._noise)
        if is_missing:
            self._noise_fill.make(self._missing)
        if is_missing or self._has_tail:
            self._overlap_add.push(self._missing if is_missing else None, out)
            self._has_tail = is_missing


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """Returns numbers of bins from 1 to `most`, all different, each step a little longer than the one before."""
    import numpy as np

    low, high = 0.0, 1.0
    for _ in range(50):  # the share by which a step grows
        grow = (low + high) / 2
        total = np.sum(np.maximum(1.0, (1 + grow) ** np.arange(count - 1)))
        low, high = (grow, high) if total < most - 1 else (low, grow)
    steps = (1 + low) ** np.arange(count - 1)
    return 1 + np.concatenate([[0], np.floor(np.cumsum(steps)[:-1]), [most - 1]]).astype(np.int64)
