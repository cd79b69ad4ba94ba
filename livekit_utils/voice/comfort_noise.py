"""ComfortNoise: keeps the noise of a room even where an echo canceller removes it with an echo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit_utils._kernels.echo_power import EchoPower
from livekit_utils._kernels.noise_fill import NoiseFill
from livekit_utils._kernels.noise_floor import NoiseFloor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Bins of the spectrum that are looked at, closer together at low frequencies. What lies between them is interpolated.
# They are a multiple of the bins that have an echo's gain in common.
_NUM_BINS, _GROUP = 64, 8

# After so many blocks of digital silence in the reference there is no echo of it left, nor in what is kept of it.
_IDLE = 80


class ComfortNoise:
    """Measures the noise of the room before a canceller, and fills in what is missing of it after it.

    A canceller lowers everything while it suppresses an echo, or what it takes for one. The room must not go silent
    with it. `EchoPower` estimates the echo in the microphone's sound, `NoiseFloor` the noise of the room from what is
    far above that echo, and `NoiseFill` makes the noise that the canceller removed.

    Where a reference never pauses and its echo is louder than the room, the room is not heard. What was heard of it
    before counts then; if that is nothing, nothing is filled in.

    Args:
        samples_per_channel: Samples of a block of 10 ms, from 64.
        num_channels: Channels of the microphone and the reference, interleaved.
    """

    def __init__(self, samples_per_channel: int, num_channels: int) -> None:
        import numpy as np

        size = 2 * samples_per_channel
        window = np.hanning(size + 1)[:size]
        # A power is that of a sample if the sound is white.
        self._window = (window / np.sum(window**2) ** 0.5).astype(np.float32)
        # The squares add up to 1 at half a length.
        self._fade = np.sin(np.pi * (np.arange(size) + 0.5) / size).astype(np.float32)
        count = min(_NUM_BINS, samples_per_channel // _GROUP * _GROUP)
        self._bins = _spread(count, samples_per_channel)
        self._num_channels = num_channels
        self._size = samples_per_channel
        # The last two blocks of microphone, output and reference, a channel after the other.
        self._sound = np.zeros((2 * num_channels + 1, size), np.float32)
        self._echo_power = EchoPower(num_channels, count)
        self._noise_floor = NoiseFloor(num_channels, count)
        self._noise_fill = NoiseFill(num_channels, self._bins.tolist(), size**0.5)
        self._echo, self._noise = (np.zeros((num_channels, count), np.float32) for _ in range(2))
        self._filling = np.zeros((num_channels, samples_per_channel + 1), np.complex64)
        self._tail = np.zeros((num_channels, samples_per_channel), np.float32)
        self._has_tail = False
        self._silent = 0

    def forget_echo(self) -> None:
        """Starts over with the echo, because its delay has changed. The noise of the room stays known."""
        self._echo_power.forget()

    def process(self, near: NDArray[np.int16], far: NDArray[np.int16], out: NDArray[np.int16]) -> NDArray[np.int16]:
        """Returns a block of the canceller's output with the noise of the room.

        Args:
            near, far: The block of the microphone and of the reference that the canceller was given, interleaved.
            out: The block that it returned.
        """
        count, size, sound = self._num_channels, self._size, self._sound
        sound[:, :size] = sound[:, size:]
        sound[:count, size:] = near.reshape(-1, count).T
        sound[count:-1, size:] = out.reshape(-1, count).T
        if count == 1:
            sound[-1, size:] = far
        else:
            far.reshape(-1, count).mean(axis=1, out=sound[-1, size:])
        self._silent = 0 if far.any() else self._silent + 1
        spectra = self._spectra()
        near_spectra, out_spectra = spectra[:count], spectra[count:-1]
        if self._silent > _IDLE:
            self._noise_floor.push(near_spectra, None, self._noise)
        else:
            self._echo_power.push(near_spectra, spectra[-1], self._echo)
            self._noise_floor.push(near_spectra, self._echo, self._noise)
        return self._fill(out, self._noise_fill.push(near_spectra, out_spectra, self._noise))

    def _spectra(self) -> NDArray[np.float32]:
        """Returns the bins of each channel, real and imaginary parts in turn."""
        import numpy as np

        spectra = np.take(np.fft.rfft(self._window * self._sound), self._bins, axis=1)
        return spectra.astype(np.complex64, copy=False).view(np.float32)

    def _fill(self, out: NDArray[np.int16], is_missing: bool) -> NDArray[np.int16]:
        """Adds the noise that is missing."""
        import numpy as np

        noise = self._tail
        if is_missing:
            self._noise_fill.make(self._filling.view(np.float32))
            frame = self._fade * np.fft.irfft(self._filling, 2 * self._size)
            noise = noise + frame[:, : self._size]
            self._tail, self._has_tail = frame[:, self._size :], True
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
    return 1 + np.concatenate([[0], np.floor(np.cumsum(steps)[:-1]), [most - 1]]).astype(np.int64)
