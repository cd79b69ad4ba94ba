"""LoudnessMeter measures the loudness of a stream as people hear it, and its true peak."""

from __future__ import annotations

from livekit_utils._kernels.loudness import MAX_CHANNELS, MAX_RATE, MIN_RATE, Loudness
from livekit_utils._runtime.arguments import check_int
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame

__all__ = ["LoudnessMeter"]


@public
class LoudnessMeter:
    """Measures the loudness and the true peak of a stream of frames, by ITU-R BS.1770-5 and EBU R 128.

    A full-scale sine of 997 Hz in one channel has -3.01 LUFS (loudness units relative to full scale), and 1 LU is 1 dB.
    Silence has -inf. Speech for broadcasting has -23 LUFS, podcasts have about -16.

    The formulas are those of ITU-R BS.1770-5, Annex 1 (K weighting, channel weights, the gates at -70 LUFS and at
    10 LU below the mean) and Annex 2 (true peak), and of EBU Tech 3341 (windows) and Tech 3342 (loudness range).

    The weighting is given for 48 kHz; for other rates its filters are derived from the analogue ones with the same
    response at 997 Hz. From 32 kHz on the weighting is that of 48 kHz to 0.02 dB. At 16 kHz it is up to 0.11 dB higher,
    at 8 kHz up to 0.44 dB, both between 1.5 and 3 kHz; below 1 kHz it is the same to 0.02 dB.

    Five channels are L R C Ls Rs, six are L R C LFE Ls Rs (the order of WAV files): the surrounds weigh 1.41, the LFE
    nothing. The channels of all other numbers weigh 1. One channel is one loudspeaker: the same sound in two is 3 LU
    louder.

    How the stream is cut into frames does not matter. Memory does not grow: about 330 KB for a meter and 2 KB for a
    channel. The integrated loudness is computed from the exact energies of the blocks of 400 ms, which are sorted into
    bins of 0.01 LU; the blocks in the bin in which the relative gate lies are all counted or all left out. The loudness
    range has this resolution.

    Args:
        sample_rate: Of the frames in Hz, 8000 to 384000.
        num_channels: Of the frames, 1 to 128.

    Raises:
        ValueError: An argument is out of range.
        TypeError: An argument is no integer.

    Threads: one at a time.

    Example:
        >>> import asyncio
        >>> from livekit_utils import sine_wave_generator
        >>> async def measure() -> None:
        ...     meter = LoudnessMeter(48000, 1)
        ...     async for frame in sine_wave_generator(997, 5, 48000, amplitude=0.5):
        ...         meter.push(frame)
        ...     print(f"{meter.integrated_lufs:.1f} LUFS, peak {meter.true_peak_dbtp:.1f} dBTP")
        >>> asyncio.run(measure())
        -9.0 LUFS, peak -6.0 dBTP
    """

    def __init__(self, sample_rate: int, num_channels: int) -> None:
        self._sample_rate = check_int("sample_rate", sample_rate, MIN_RATE, MAX_RATE)
        self._num_channels = check_int("num_channels", num_channels, 1, MAX_CHANNELS)
        self._kernel = Loudness(self._sample_rate, self._num_channels)

    @property
    def sample_rate(self) -> int:
        """Of the frames, in Hz."""
        return self._sample_rate

    @property
    def num_channels(self) -> int:
        """Of the frames."""
        return self._num_channels

    def push(self, frame: AudioFrame) -> None:
        """Measures the next frame.

        Args:
            frame: A frame of any length (ours or the LiveKit SDK's).

        Raises:
            ValueError: The frame has another sample rate or number of channels. Nothing is then measured.
            TypeError: `frame` is no frame.
        """
        frame = as_audio_frame(frame)
        if frame.sample_rate != self._sample_rate:
            raise ValueError(f"frame: expected a sample rate of {self._sample_rate} Hz, got {frame.sample_rate}")
        if frame.num_channels != self._num_channels:
            raise ValueError(f"frame: expected {self._num_channels} channels, got {frame.num_channels}")
        self._kernel.push(frame)

    @property
    def momentary_lufs(self) -> float:
        """Loudness of the last 400 ms in LUFS, not gated; it changes every 10 ms. Before the first frame there was
        silence."""
        return self._kernel.momentary

    @property
    def short_term_lufs(self) -> float:
        """Loudness of the last 3 s in LUFS, not gated; it changes every 10 ms. Before the first frame there was
        silence."""
        return self._kernel.short_term

    @property
    def integrated_lufs(self) -> float:
        """Loudness of all that has come, in LUFS, gated; it changes every 100 ms.

        It is -inf until 400 ms have come, and while all is below -70 LUFS.
        """
        return self._kernel.integrated

    @property
    def loudness_range_lu(self) -> float:
        """How much the short-term loudness varies (LRA), in LU: from its 10 % to its 95 % percentile, gated.

        It is 0 until 3 s have come. EBU Tech 3342 does not recommend it for less than a minute.
        """
        return self._kernel.range

    @property
    def true_peak_dbtp(self) -> float:
        """The highest absolute value of all channels so far, in dBTP: of the samples and of what a converter makes of
        them in between. 0 dBTP is full scale, and it may be higher.

        Samples below 96 kHz are interpolated to four times the rate, those below 192 kHz to twice the rate, higher
        rates not at all. The interpolation is flat to 0.12 dB up to 0.42 of the sample rate. What lies between the
        last 8 samples comes with those that follow.
        """
        return self._kernel.true_peak

    def reset(self) -> None:
        """Begins a new stream: all is as in a new meter."""
        self._kernel.reset()

    def __repr__(self) -> str:
        return f"LoudnessMeter(sample_rate={self._sample_rate}, num_channels={self._num_channels})"
