"""TrackPicture collects the waveform and the spectrogram of a stream for a plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from livekit_utils.files.level_meter import FULL_SCALE

if TYPE_CHECKING:
    import numpy.typing as npt

    from livekit_utils.files.samples import Samples

# The resolution of the time axis.
COLUMNS = 1200

# At most this many spectra are averaged into one column, so that an hour costs no more transforms than a minute.
_MAX_SPECTRA = 8

# Full scale is 1.
_MAX_LEVEL = np.float32(1e4)


def _window_size(sample_rate: int) -> int:
    """Returns the samples of about 25 ms: short enough for syllables, long enough for the harmonics of a voice."""
    exponent = round(np.log2(max(sample_rate, 1) / 40))
    return int(2 ** min(max(exponent, 6), 12))


class TrackPicture:
    """Computes minimum, maximum and mean power spectrum for each column of a time axis, in memory of a fixed size.

    Args:
        sample_rate: Hz.
        samples_per_channel: The length of the stream.
        axis_seconds: The length of the time axis, at least that of the stream.
    """

    def __init__(self, sample_rate: int, samples_per_channel: int, axis_seconds: float) -> None:
        self.sample_rate = sample_rate
        self._axis_samples = max(1, round(axis_seconds * sample_rate), samples_per_channel)
        self.lows = np.full(COLUMNS, np.nan, np.float32)
        self.highs = np.full(COLUMNS, np.nan, np.float32)
        self._position = 0

        self._size = _window_size(sample_rate)
        self._window = np.hanning(self._size + 1)[:-1].astype(np.float32)
        # A full-scale sine wave has the power 1.
        self._scale = (2 / (float(self._window.sum()) * FULL_SCALE)) ** 2
        self._powers = np.zeros((COLUMNS, self._size // 2 + 1), np.float32)
        self._counts = np.zeros(COLUMNS, np.int64)
        self._centers, self._center_columns = self._place_spectra(samples_per_channel)
        self._next_center = 0
        # The stream is silent before its start and after its end.
        self._held = np.zeros(self._size // 2, np.float32)
        self._held_start = -(self._size // 2)

    def _place_spectra(self, samples_per_channel: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        per_column = self._axis_samples / COLUMNS
        count = min(max(round(per_column / (self._size / 2)), 1), _MAX_SPECTRA)
        centers = ((np.arange(COLUMNS * count) + 0.5) * (per_column / count)).astype(np.int64)
        columns = np.arange(COLUMNS * count) // count
        inside = centers < samples_per_channel
        return centers[inside], columns[inside]

    def add(self, samples: Samples) -> None:
        """Takes the next samples."""
        if len(samples) == 0:
            return
        if samples.dtype != np.int16:
            # Far above what is drawn, and far below where the powers overflow.
            samples = np.clip(np.nan_to_num(samples), -_MAX_LEVEL, _MAX_LEVEL) * np.float32(FULL_SCALE)
        self._add_envelope(samples)
        self._add_spectra(samples.mean(axis=1, dtype=np.float32))

    def finish(self) -> None:
        """Ends the stream, and computes the spectra that reach beyond its end."""
        self._add_spectra(np.zeros(self._size, np.float32))

    def spectrogram(self) -> npt.NDArray[np.float32]:
        """Returns levels in decibels relative to a full-scale sine wave: a row for each frequency from 0 Hz to half the
        rate, NaN after the end of the stream."""
        counts = np.where(self._counts, self._counts, np.nan)
        with np.errstate(divide="ignore"):
            levels = 10 * np.log10(self._powers * self._scale / counts[:, None])
        return levels.T.astype(np.float32)

    def _add_envelope(self, samples: Samples) -> None:
        columns = np.arange(self._position, self._position + len(samples)) * COLUMNS // self._axis_samples
        self._position += len(samples)
        starts = np.concatenate([[0], np.flatnonzero(np.diff(columns)) + 1])
        touched = columns[starts]
        scale = np.float32(1 / FULL_SCALE)
        lows = np.minimum.reduceat(samples.min(axis=1), starts) * scale
        highs = np.maximum.reduceat(samples.max(axis=1), starts) * scale
        self.lows[touched] = np.fmin(self.lows[touched], lows)
        self.highs[touched] = np.fmax(self.highs[touched], highs)

    def _add_spectra(self, mono: npt.NDArray[np.float32]) -> None:
        held = np.concatenate([self._held, mono])
        half = self._size // 2
        end = self._held_start + len(held)
        stop = int(np.searchsorted(self._centers, end - half, side="right"))
        centers = self._centers[self._next_center : stop]
        # 64 at a time limit the memory: a block of a very short file needs hundreds.
        for first in range(0, len(centers), 64):
            part = centers[first : first + 64]
            windows = held[(part - half - self._held_start)[:, None] + np.arange(self._size)]
            powers = np.abs(np.fft.rfft(windows * self._window)) ** 2
            columns = self._center_columns[self._next_center + first :][: len(part)]
            np.add.at(self._powers, columns, powers.astype(np.float32))
            np.add.at(self._counts, columns, 1)
        self._next_center = stop
        keep = min(len(held), self._size)
        self._held = held[len(held) - keep :]
        self._held_start = end - keep
