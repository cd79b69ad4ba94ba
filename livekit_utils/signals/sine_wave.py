"""sine_wave_generator makes a test tone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from livekit_utils._kernels.sine import sine_s16
from livekit_utils._runtime.arguments import check_int, check_number
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.signals.pacing import blocks, check_num_samples, paced

__all__ = ["sine_wave_generator"]


@public
def sine_wave_generator(
    freq: float, duration: float, sample_rate: int = 48000, amplitude: float = 0.3, *, realtime: bool = False
) -> AsyncIterator[AudioFrame]:
    """Generates a sine wave as mono frames of 10 ms.

    The wave starts at zero, and its phase is continuous over all frames. Every sample is
    `amplitude * 32767 * sin(2 pi freq n / sample_rate)`, rounded, to within one step. The frames add up to
    `round(duration * sample_rate)` samples exactly; the last frame may be shorter.

    Args:
        freq: Hz, 20 to 20000 and below half the sample rate.
        duration: Seconds, above 0.
        sample_rate: Hz, from 1000.
        amplitude: 0 to 1, where 1 is full scale.
        realtime: Whether each frame comes when those before it have been played, by the clock of the event loop and
            without drift. A reader that is late gets what it has missed at once. Otherwise frames come as fast as
            they are read, and other tasks run once in 100 frames.

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
    num_samples = check_num_samples(duration, sample_rate)
    amplitude = check_number("amplitude", amplitude, 0, 1)
    return paced(_generate(freq, num_samples, sample_rate, amplitude * 32767), realtime)


def _generate(freq: float, num_samples: int, sample_rate: int, peak: float) -> Iterator[AudioFrame]:
    step = freq / sample_rate
    for start, n in blocks(num_samples, sample_rate):
        # The phase is computed from the number of the sample. A sum of steps would collect rounding errors.
        phase = freq * start % sample_rate / sample_rate
        yield AudioFrame(sine_s16(peak, phase, step, n), sample_rate, 1, n)
