"""LowBandCanceller: cancels the echo in a low band, and lowers what lies above it as much."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from livekit_utils._kernels.polyphase import PolyphaseConverter
from livekit_utils._kernels.upper_band import UpperBand
from livekit_utils.conversion.polyphase_design import late_filter_of
from livekit_utils.voice.canceller import CANCELLER_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from livekit_utils.voice.canceller import Canceller
    from livekit_utils.voice.comfort_noise import ComfortNoise

_LOW_SIZE = CANCELLER_RATE // 100  # samples of a block of 10 ms

# Delay in ms of the conversion to the low band and of that back. Together with the canceller's 8 ms they make a block.
_CONVERSION_MS = 1

# Samples by which the canceller delays the low band: 8 ms, by the overlap of its blocks.
_CANCELLER_SAMPLES = 8 * CANCELLER_RATE // 1000

# The filters pass what lies below 6400 Hz to the canceller, and reject what lies above 9200 Hz. From here on, the upper
# band is listened to.
_UPPER_HZ = 7000


class LowBandCanceller:
    """Gives a canceller of 16000 Hz the low band of a microphone and of its reference.

    The upper band is what the low band lacks of the microphone's sound. It is taken into the output with gains that
    `UpperBand` finds. So where nothing is cancelled, the output is the microphone's sound, whatever the filters are. It
    lags by a block of 10 ms.

    Args:
        sample_rate: Above 16000 Hz, a multiple of 100.
        canceller: Of as many channels.
        comfort_noise: It is told of each block afterwards. The spectrum of the microphone and of its echo in the block
            before, which is the one that comes out, are taken from it.
    """

    latency_ms = 10.0

    def __init__(self, sample_rate: int, num_channels: int, canceller: Canceller, comfort_noise: ComfortNoise) -> None:
        import numpy as np

        size = sample_rate // 100
        self._canceller = canceller
        self._comfort_noise = comfort_noise
        self._mic_to_low, self._far_to_low = (_late(sample_rate, CANCELLER_RATE, num_channels) for _ in range(2))
        self._before_to_full, self._after_to_full = (_late(CANCELLER_RATE, sample_rate, num_channels) for _ in range(2))
        bins = comfort_noise.bins
        first_bin = bisect_left(bins, _UPPER_HZ // comfort_noise.bin_hz)
        self._upper = UpperBand(num_channels, _LOW_SIZE, size, len(bins), first_bin)
        self._int16 = np.int16
        self._frombuffer = np.frombuffer
        # The end of the microphone's low band, as long as the canceller's delay; and its last block.
        self._low_end = bytearray(2 * num_channels * _CANCELLER_SAMPLES)
        self._mic = bytes(2 * num_channels * size)

    def process(self, samples: NDArray[np.int16], far: NDArray[np.int16]) -> NDArray[np.int16]:
        """Returns the microphone's block before, without its echo.

        Args:
            samples, far: A block of the microphone and of the reference, interleaved.
        """
        low = self._mic_to_low.process(samples.data)
        after = self._canceller.process(self._array(low), self._array(self._far_to_low.process(far.data))).data
        self._low_end += low
        before = self._low_end[: len(low)]
        del self._low_end[: len(low)]
        self._upper.listen(before, after, self._comfort_noise.near, self._comfort_noise.echo)
        out = self._after_to_full.process(after)
        self._upper.add(self._mic, self._before_to_full.process(before), out)
        self._mic = samples.tobytes()
        return self._array(out)

    def _array(self, samples: bytearray) -> NDArray[np.int16]:
        return self._frombuffer(samples, self._int16)

    @property
    def speech_probability(self) -> float:
        """The probability of speech in the last block, 0 to 1."""
        return self._canceller.speech_probability


def _late(input_rate: int, output_rate: int, num_channels: int) -> PolyphaseConverter:
    """Returns a converter that delays by _CONVERSION_MS, so that every block comes out whole."""
    bank = late_filter_of(input_rate, output_rate, "low", _CONVERSION_MS)
    converter = PolyphaseConverter(bank, num_channels)
    converter.process(bytes(2 * num_channels * bank.look_ahead))
    return converter
