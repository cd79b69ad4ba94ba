"""dtmf_generator makes the tones of a telephone's keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from livekit_utils._runtime.arguments import check_int, check_ms, check_number, check_type
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.signals.dtmf import DIGITS, MIN_SAMPLE_RATE, tones_of
from livekit_utils.signals.pacing import blocks, paced

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["dtmf_generator"]

# The high tone is this much stronger than the low one, because telephone lines attenuate it more.
_TWIST_DB = 2.0

# A tone fades in and out for so long, so that it does not click.
_FADE_MS = 1.0

_MAX_MS = 60_000


@public
def dtmf_generator(
    digits: str,
    *,
    sample_rate: int = 48000,
    amplitude: float = 0.3,
    tone_ms: float = 100,
    pause_ms: float = 100,
    realtime: bool = False,
) -> AsyncIterator[AudioFrame]:
    """Generates the tones of a telephone's keys (DTMF) as mono frames of 10 ms.

    Each digit is two sine waves with the frequencies of Recommendation ITU-T Q.23. The high one is 2 dB stronger than
    the low one. They fade in and out within 1 ms. A pause follows every digit, the last one too. All tones and pauses
    begin at the samples nearest to their times, and the last frame may be shorter.

    Args:
        digits: Of 0 to 9, A to D or a to d, * and #.
        sample_rate: Hz, from 8000.
        amplitude: Peak of a digit, 0 to 1, where 1 is full scale.
        tone_ms: Length of each digit in milliseconds, above 0, up to 60000. Receivers after Recommendation ITU-T Q.24
            need 40 ms or more.
        pause_ms: Length of each pause in milliseconds, 0 to 60000; they need 40 ms or more.
        realtime: As for `sine_wave_generator`.

    Yields:
        Frames of `sample_rate // 100` samples.

    Raises:
        ValueError: A number is out of range, or a character is no digit.
        TypeError: An argument is of another type. The call raises both.

    Example:
        >>> import asyncio
        >>> async def count() -> int:
        ...     return sum([frame.samples_per_channel async for frame in dtmf_generator("123#", sample_rate=8000)])
        >>> asyncio.run(count())
        6400
    """
    check_type("digits", digits, str)
    for digit in digits:
        if digit.upper() not in DIGITS:
            raise ValueError(f"digits: expected digits of 0-9, A-D, * and #, got {digit!r}")
    sample_rate = check_int("sample_rate", sample_rate, MIN_SAMPLE_RATE)
    amplitude = check_number("amplitude", amplitude, 0, 1)
    tone_ms = check_ms("tone_ms", tone_ms, _MAX_MS, above=True)
    pause_ms = check_ms("pause_ms", pause_ms, _MAX_MS)
    return paced(_generate(digits.upper(), sample_rate, amplitude * 32767, tone_ms, pause_ms), realtime)


def _generate(digits: str, sample_rate: int, peak: float, tone_ms: float, pause_ms: float) -> Iterator[AudioFrame]:
    import numpy as np

    def position(ms: float) -> int:
        return round(ms * sample_rate / 1000)

    period_ms = tone_ms + pause_ms
    for start, n in blocks(position(len(digits) * period_ms), sample_rate):
        samples = np.zeros(n, np.int16)
        # A frame may hold parts of several digits. Rounding may put its start one digit too far.
        first_number = max(int(start * 1000 / sample_rate / period_ms) - 1, 0)
        for number in range(first_number, len(digits)):
            begin = position(number * period_ms)
            if begin >= start + n:
                break
            end = position(number * period_ms + tone_ms)
            first, last = max(begin, start), min(end, start + n)
            if first < last:
                tone = _tone(digits[number], np.arange(first - begin, last - begin), end - begin, sample_rate)
                samples[first - start : last - start] = np.rint(peak * tone)
        yield AudioFrame(samples, sample_rate, 1, n)


def _tone(digit: str, positions: NDArray[np.int64], length: int, sample_rate: int) -> NDArray[np.float64]:
    """Returns samples of a digit that is so long, with a peak of 1."""
    import numpy as np

    low_hz, high_hz = tones_of(digit)
    turns = 2 * np.pi * positions / sample_rate
    high = 1 / (1 + 10 ** (-_TWIST_DB / 20))
    tone = high * np.sin(high_hz * turns) + (1 - high) * np.sin(low_hz * turns)
    from_edge = np.minimum(positions + 1, length - positions) / (_FADE_MS * sample_rate / 1000)
    return tone * np.minimum(from_edge, 1.0)
