"""sine_wave_generator: a test tone."""

from __future__ import annotations

import operator
from collections.abc import AsyncIterator

from livekit_utils._kernels.sine import sine_s16
from livekit_utils.frames.audio_frame import AudioFrame

__all__ = ["sine_wave_generator"]


def sine_wave_generator(
    freq: float, duration: float, sample_rate: int = 48000, amplitude: float = 0.3
) -> AsyncIterator[AudioFrame]:
    """Generates a sine wave as mono frames of 10 ms.

    The wave starts at zero and its phase is continuous over all frames; every sample is
    `amplitude * 32767 * sin(2 pi freq n / sample_rate)`, rounded, to within one step. The frames add up to
    `round(duration * sample_rate)` samples exactly: the last one is shorter where that asks for it. They come as
    fast as they are taken: the generator never waits, so whoever only reads it should give way now and then.

    Args:
        freq: Hz, 20 to 20000 and below half the sample rate.
        duration: Seconds, above 0.
        sample_rate: Hz, from 1000.
        amplitude: 0 to 1, where 1 is full scale.

    Yields:
        Frames of `sample_rate // 100` samples.

    Raises:
        ValueError: Something is out of range.
        TypeError: Something is no number, or the rate no integer.
            Both are raised by the call itself, not by the first step of the iteration.

    Example:
        >>> import asyncio
        >>> async def count() -> int:
        ...     return sum([frame.samples_per_channel async for frame in sine_wave_generator(440, 0.025)])
        >>> asyncio.run(count())
        1200
    """
    # Python's own numbers from here on: those of numpy may have 16 or 32 bits, and compute in them.
    sample_rate = operator.index(sample_rate)
    freq, duration, amplitude = float(freq), float(duration), float(amplitude)
    if not 1000 <= sample_rate < 2**31:
        raise ValueError(f"expected a sample_rate of at least 1000 Hz, got {sample_rate}")
    if not (20 <= freq <= 20000 and freq < sample_rate / 2):
        raise ValueError(f"expected a freq of 20 to 20000 Hz, below half of {sample_rate} Hz, got {freq}")
    if not 0 < duration < float("inf"):
        raise ValueError(f"expected a duration above 0 s, got {duration}")
    if duration * sample_rate == float("inf"):
        raise ValueError(f"expected a duration of a finite number of samples, got {duration} s")
    if not 0 <= amplitude <= 1:
        raise ValueError(f"expected an amplitude of 0 to 1, got {amplitude}")
    return _generate(freq, round(duration * sample_rate), sample_rate, amplitude * 32767)


async def _generate(freq: float, num_samples: int, sample_rate: int, peak: float) -> AsyncIterator[AudioFrame]:
    block = sample_rate // 100
    step = freq / sample_rate
    for start in range(0, num_samples, block):
        n = min(block, num_samples - start)
        # From the sample's number, not summed up: the phase of the millionth frame is as good as the first one's.
        phase = freq * start % sample_rate / sample_rate
        yield AudioFrame(sine_s16(peak, phase, step, n), sample_rate, 1, n)
