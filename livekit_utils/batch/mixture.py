"""Mixture is the mix of several files, with gains, offsets and signal-to-noise ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from livekit_utils._kernels.gain_queue import GainQueue, mix
from livekit_utils._kernels.level import level_s16
from livekit_utils.batch.job import factor
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.samples import as_frame
from livekit_utils.frames.audio_frame import AudioFrame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from livekit_utils.batch.job import Job, MixInput
    from livekit_utils.batch.source import Source

# Values that are mixed at a time: the GIL is held for as long as this takes.
_BLOCK = 32768

# What is higher, or infinite, clips at any level.
_MAX_PEAK = 1e6

# +40 dB, below what the mixer's fixed point holds.
_MAX_GAIN = 100.0


class _Lane:
    """One input of a mix, in the mix's rate and channels, from its offset on.

    Args:
        gain: A factor of what is no int16, which comes before it is rounded.
    """

    def __init__(
        self, source: Source, item: MixInput, sample_rate: int, num_channels: int, quality: str, gain: float
    ) -> None:
        self._source, self._item = source, item
        self._gain = gain
        self._format = (sample_rate, num_channels)
        self._quality = quality
        self._silence = round(item.offset_s * sample_rate)
        self._frames = self._laps()
        self._held = np.empty(0, np.int16)
        self.is_ended = False
        self.num_values = 0
        """Of its own, which were taken."""
        self.sum_of_squares = 0
        self.num_clipped = 0

    def _laps(self) -> Iterator[AudioFrame]:
        while True:
            converter = FrameConverter(*self._format, quality=self._quality)
            is_empty = True
            for samples in self._source.blocks():
                is_empty = False
                frame, num_clipped = as_frame(samples, self._source.sample_rate, self._gain)
                self.num_clipped += num_clipped
                yield from converter.push(frame)
            yield from converter.flush()
            if is_empty or not self._item.loop:
                return

    def take(self, samples_per_channel: int) -> npt.NDArray[np.int16]:
        """Returns the next samples of all channels; fewer at the end."""
        num_channels = self._format[1]
        num_silent = min(self._silence, samples_per_channel)
        self._silence -= num_silent
        pieces = [np.zeros(num_silent * num_channels, np.int16)]
        missing = (samples_per_channel - num_silent) * num_channels
        while missing and not self.is_ended:
            if not len(self._held):
                frame = next(self._frames, None)
                self.is_ended = frame is None
                self._held = np.empty(0, np.int16) if frame is None else np.frombuffer(frame.data, np.int16)
                continue
            piece, self._held = self._held[:missing], self._held[missing:]
            missing -= len(piece)
            self.num_values += len(piece)
            self.sum_of_squares += level_s16(piece.data)[1]
            pieces.append(piece)
        return np.concatenate(pieces)


class Mixture:
    """The mix of several files.

    Args:
        sources: The files.
        job: How they are mixed, and what the mix is to be.

    Raises:
        SoundFileError: A file cannot be read, or is silent where a signal-to-noise ratio needs its level.
        ValueError: A file cannot be converted to the rate and channels of the mix.
    """

    def __init__(self, sources: Sequence[Source], job: Job) -> None:
        self._sources, self._items, self._quality = sources, job.mixed, job.quality
        self._only_first = job.length == "first"
        self.sample_rate = job.sample_rate or max(source.sample_rate for source in sources)
        self.num_channels = job.num_channels or max(source.num_channels for source in sources)
        for source in sources:  # refuses what cannot be converted
            converter = FrameConverter(self.sample_rate, self.num_channels, quality=job.quality)
            if (source.sample_rate, source.num_channels) != (self.sample_rate, self.num_channels):
                try:
                    converter.change_format(source.sample_rate, source.num_channels)
                except ValueError as error:
                    raise ValueError(f"{source.path}: {error}") from None
        self.num_clipped = 0
        self._gains = [factor(item.gain_db) for item in self._items]
        if any(item.snr_db is not None for item in self._items):
            self._gains = self._find_gains()

    def _find_gains(self) -> list[float]:
        """Returns the gains that give the signal-to-noise ratios. Everything is read once for this, and floats twice,
        so that none is clipped while it is measured."""
        scales = [1.0 / peak for peak in self._peaks()]
        lanes = self._lanes(scales)
        for _ in self._blocks(lanes):
            pass
        means = [
            lane.sum_of_squares / lane.num_values / scale**2 if lane.num_values else 0.0
            for lane, scale in zip(lanes, scales, strict=True)
        ]
        gains = []
        for item, gain, mean in zip(self._items, self._gains, means, strict=True):
            if item.snr_db is not None:
                if not mean or not means[0]:
                    path = item.path if means[0] else self._items[0].path
                    raise SoundFileError(f"{path}: expected sound for a signal-to-noise ratio, got silence")
                gain = self._gains[0] * float(np.sqrt(means[0] / mean)) / factor(item.snr_db)
            if gain > _MAX_GAIN:
                text = f"expected at most +40 dB for a signal-to-noise ratio of {item.snr_db:g} dB"
                raise SoundFileError(f"{item.path}: {text}, got {20 * np.log10(gain):+.1f} dB")
            gains.append(gain)
        return gains

    def _peaks(self) -> list[float]:
        """Returns the peaks that the inputs may have: 1.0, which is full scale, or more."""
        return [1.0 if source.is_s16 else min(max(1.0, source.find_peak()), _MAX_PEAK) for source in self._sources]

    @property
    def safe_gain(self) -> float:
        loudest = sum(gain * peak for gain, peak in zip(self._gains, self._peaks(), strict=True))
        return min(1.0 / loudest, self.max_gain)

    @property
    def max_gain(self) -> float:
        return _MAX_GAIN / max(self._gains)

    def frames(self, gain: float) -> Iterator[AudioFrame]:
        gains = [gain * own for own in self._gains]
        lanes = self._lanes(gains)
        queues = [
            GainQueue(self.num_channels, gain if source.is_s16 else 1.0)
            for gain, source in zip(gains, self._sources, strict=True)
        ]
        for rows in self._blocks(lanes):
            for queue, row in zip(queues, rows, strict=True):
                queue.push(row.data)
            num_samples = max(map(len, rows)) // self.num_channels
            yield AudioFrame(
                mix(queues, num_samples, self.num_channels), self.sample_rate, self.num_channels, num_samples
            )
        self.num_clipped = sum(lane.num_clipped for lane in lanes)

    def _lanes(self, gains: Sequence[float]) -> list[_Lane]:
        return [
            _Lane(source, item, self.sample_rate, self.num_channels, self._quality, gain)
            for source, item, gain in zip(self._sources, self._items, gains, strict=True)
        ]

    def _blocks(self, lanes: Sequence[_Lane]) -> Iterator[list[npt.NDArray[np.int16]]]:
        """Yields the samples of all lanes, block by block, until the end of the mix."""
        block = max(1, _BLOCK // (self.num_channels * len(lanes)))
        deciding = [lane for lane, item in zip(lanes, self._items, strict=True) if not item.loop]
        if self._only_first:
            deciding = deciding[:1]
        while True:
            taken = {id(lane): lane.take(block) for lane in deciding}
            size = max(map(len, taken.values()))
            if not size:
                return
            others = (lane for lane in lanes if id(lane) not in taken)
            taken |= {id(lane): lane.take(size // self.num_channels) for lane in others}
            yield [taken[id(lane)] for lane in lanes]
