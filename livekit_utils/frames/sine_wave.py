"""sine_wave_generator makes a test tone."""

from __future__ import annotations

from collections.abc import AsyncIterator

from livekit_utils._kernels.sine import sine_s16
from livekit_utils._runtime.arguments import check_int, check_number
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame

__all__ = ["sine_wave_generator"]


@public
def sine_wave_generator(
    freq: float, duration: float, sample_rate: int = 48000, amplitude: float = 0.3
) -> AsyncIterator[AudioFrame]:
    """Generates a sine wave as mono frames of 10 ms.

    The wave starts at zero, and its phase is continuous over all frames. Every sample is
    `amplitude * 32767 * sin(2 pi freq n / sample_rate)`, rounded, to within one step. The frames add up to
    `round(duration * sample_rate)` samples exactly; the last frame may be shorter. The generator never waits: a loop
    that does nothing but read it blocks the event loop, unless it calls `await asyncio.sleep(0)` now and then.

    Args:
        freq: Hz, 20 to 20000 and below half the sample rate.
        duration: Seconds, above 0.
        sample_rate: Hz, from 1000.
        amplitude: 0 to 1, where 1 is full scale.

    Yields:
        Frames of `sample_rate // 100` samples.

    Raises:
        ValueError: A number is out of range.
        TypeError: An argument is no number, or the rate no integer.
            Both are raised by the call, not by the first step of the iteration.

    Example:
        >>> import asyncio
        >>> async def count() -> int:
        ...     return sum([frame.samples_per_channel async for frame in sine_wave_generator(440, 0.025)])
        >>> asyncio.run(count())
        1200
    """
    # These are Python's own numbers: numpy's may have 16 or 32 bits, and compute in them.
    sample_rate = check_int("sample_rate", sample_rate, 1000)
    freq = check_number("freq", freq, 20, 20000)
    if freq >= sample_rate / 2:
        raise ValueError(f"freq: expected a number below half the sample_rate of {sample_rate} Hz, got {freq}")
    duration = check_number("duration", duration, 0, above=True)
    if duration * sample_rate == float("inf"):
        raise ValueError(f"duration: expected a finite number of samples, got {duration} s")
    amplitude = check_number("amplitude", amplitude, 0, 1)
    return _generate(freq, round(duration * sample_rate), sample_rate, amplitude * 32767)


async def _generate(freq: float, num_samples: int, sample_rate: int, peak: float) -> AsyncIterator[AudioFrame]:
    block = sample_rate // 100
    step = freq / sample_rate
    for start in range(0, num_samples, block):
        n = min(block, num_samples - start)
        # The phase is computed from the number of the sample. A sum of steps would collect rounding errors.
        phase = freq * start % sample_rate / sample_rate
        yield AudioFrame(sine_s16(peak, phase, step, n), sample_rate, 1, n)
