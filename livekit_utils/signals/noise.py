"""noise_generator makes white noise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from livekit_utils._runtime.arguments import check_int, check_number
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.signals.pacing import blocks, check_num_samples, paced

__all__ = ["noise_generator"]

_MAX_SEED = 2**63 - 1


@public
def noise_generator(
    duration: float | None = None,
    sample_rate: int = 48000,
    amplitude: float = 0.1,
    *,
    seed: int | None = None,
    realtime: bool = False,
) -> AsyncIterator[AudioFrame]:
    """Generates white noise as mono frames of 10 ms.

    Its spectrum is flat, and every value between `-amplitude` and `amplitude` is equally likely. Its RMS is therefore
    4.8 dB below the amplitude.

    Args:
        duration: Seconds, above 0; None has no end. The frames add up to `round(duration * sample_rate)` samples
            exactly; the last frame may be shorter.
        sample_rate: Hz, from 1000.
        amplitude: 0 to 1, where 1 is full scale.
        seed: From 0. The same seed gives the same noise, with the same version of numpy. None is another noise each
            time.
        realtime: As for `sine_wave_generator`.

    Yields:
        Frames of `sample_rate // 100` samples.

    Raises:
        ValueError: A number is out of range.
        TypeError: An argument is of another type. The call raises both.

    Example:
        >>> import asyncio
        >>> async def loudest() -> int:
        ...     return max([max(frame.data) async for frame in noise_generator(1.0, amplitude=0.5, seed=1)])
        >>> 16300 < asyncio.run(loudest()) < 16384
        True
    """
    sample_rate = check_int("sample_rate", sample_rate, 1000)
    num_samples = None if duration is None else check_num_samples(duration, sample_rate)
    amplitude = check_number("amplitude", amplitude, 0, 1)
    if seed is not None:
        seed = check_int("seed", seed, 0, _MAX_SEED)
    return paced(_generate(num_samples, sample_rate, int(amplitude * 32767), seed), realtime)


def _generate(num_samples: int | None, sample_rate: int, peak: int, seed: int | None) -> Iterator[AudioFrame]:
    import numpy as np

    random = np.random.default_rng(seed)
    for _, n in blocks(num_samples, sample_rate):
        samples = random.integers(-peak, peak, n, dtype=np.int16, endpoint=True)
        yield AudioFrame(samples, sample_rate, 1, n)
