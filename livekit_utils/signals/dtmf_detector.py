"""DtmfDetector finds the digits of a telephone's keypad in audio."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from livekit_utils._kernels.channels import downmix_s16
from livekit_utils._kernels.dtmf import MAX_RATE, MIN_RATE, Dtmf
from livekit_utils._runtime.arguments import check_int
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame
from livekit_utils.signals.dtmf import DIGITS

__all__ = ["DtmfDetector", "DtmfDigit"]


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class DtmfDigit:
    """A digit that a `DtmfDetector` has found."""

    digit: str
    """One of 0 to 9, A to D, * and #."""
    start_s: float
    """Seconds from the start of the stream to the start of the tone, to about 2 ms."""
    duration_s: float
    """Length of the tone in seconds, to about 3 ms."""


@public
class DtmfDetector:
    """Finds the digits of a telephone's keypad (DTMF) in a stream of frames.

    The limits are those of Recommendation ITU-T Q.24 for AT&T's network. Found are digits of 40 ms or more, each tone
    within 1.5 % of its frequency, the high one from 4 dB stronger to 8 dB weaker than the low one, both from -25 dBm0
    (4 % of full scale) on, with white noise up to 15 dB below the digit, and through G.711. Not found are tones that
    are off by 3.5 % or more, that are shorter than 24 ms, or that are below -55 dBm0. A break of 10 ms belongs to the
    digit, and a pause of 40 ms ends it. Digits may also follow each other without a pause.

    The two tones have to make up most of the power of the signal: speech and music are no digits, and a digit is not
    found while somebody speaks over it.

    A digit is returned about 40 ms after its end, when its length is known. How the stream is cut into frames does not
    matter.

    Args:
        sample_rate: Of the frames in Hz, 8000 to 384000.

    Raises:
        ValueError: The rate is out of range.
        TypeError: The rate is no integer.

    Threads: one at a time.

    Example:
        >>> import asyncio
        >>> from livekit_utils import dtmf_generator
        >>> async def call() -> None:
        ...     detector = DtmfDetector(8000)
        ...     async for frame in dtmf_generator("12#", sample_rate=8000):
        ...         for digit in detector.push(frame):
        ...             print(f"{digit.digit} at {digit.start_s:.2f} s for {digit.duration_s:.2f} s")
        >>> asyncio.run(call())
        1 at 0.00 s for 0.10 s
        2 at 0.20 s for 0.10 s
        # at 0.40 s for 0.10 s
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = check_int("sample_rate", sample_rate, MIN_RATE, MAX_RATE)
        self._kernel = Dtmf(self._sample_rate)

    @property
    def sample_rate(self) -> int:
        """Of the frames, in Hz."""
        return self._sample_rate

    def push(self, frame: AudioFrame) -> list[DtmfDigit]:
        """Takes a frame, and returns the digits that have ended.

        Args:
            frame: A frame of any length and channel count (ours or the LiveKit SDK's). Several channels are averaged
                to one.

        Raises:
            ValueError: The frame has another sample rate. The state is then unchanged.
            TypeError: `frame` is no frame.
        """
        frame = as_audio_frame(frame)
        if frame.sample_rate != self._sample_rate:
            raise ValueError(f"frame: expected a sample rate of {self._sample_rate} Hz, got {frame.sample_rate}")
        found = self._kernel.push(frame if frame.num_channels == 1 else downmix_s16(frame, frame.num_channels))
        return self._digits(found) if found else []

    def flush(self) -> list[DtmfDigit]:
        """Ends the stream, and returns the digit that was still sounding. The next push begins a new stream."""
        return self._digits(self._kernel.flush())

    def reset(self) -> None:
        """Drops a digit that is still sounding. The next push begins a new stream."""
        self._kernel.reset()

    def _digits(self, found: Iterable[tuple[int, int, int]]) -> list[DtmfDigit]:
        return [
            DtmfDigit(digit=DIGITS[number], start_s=start / self._sample_rate, duration_s=duration / self._sample_rate)
            for number, start, duration in found
        ]

    def __repr__(self) -> str:
        return f"DtmfDetector(sample_rate={self._sample_rate})"
