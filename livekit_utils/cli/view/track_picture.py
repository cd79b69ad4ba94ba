"""TrackPicture: what a plot shows of a stream, gathered while it passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from livekit_utils.cli.view.level_meter import FULL_SCALE

if TYPE_CHECKING:
    import numpy.typing as npt

    from livekit_utils.frames.audio_frame import AudioFrame

COLUMNS = 1200

# Spectra averaged into one column, at most: an hour costs no more transforms than a minute.
_MAX_SPECTRA = 8


def _window_size(sample_rate: int) -> int:
    """About 25 ms: short enough for syllables, long enough for the harmonics of a voice."""
    exponent = round(np.log2(max(sample_rate, 1) / 40))
    return int(2 ** min(max(exponent, 6), 12))


class TrackPicture:
    """Minimum, maximum and mean power spectrum of each column of a time axis, in memory of a fixed size.

    Args:
        sample_rate: Hz.
        num_frames: The length of the stream, known before.
        axis_seconds: The length of the time axis; at least that of the stream.
    """

    def __init__(self, sample_rate: int, num_frames: int, axis_seconds: float) -> None:
        self.sample_rate = sample_rate
        self._axis_frames = max(1, round(axis_seconds * sample_rate), num_frames)
        self.lows = np.full(COLUMNS, np.nan, np.float32)
        self.highs = np.full(COLUMNS, np.nan, np.float32)
        self._position = 0

        self._size = _window_size(sample_rate)
        self._window = np.hanning(self._size + 1)[:-1].astype(np.float32)
        # A full-scale sine wave has the power 1.
        self._scale = (2 / (float(self._window.sum()) * FULL_SCALE)) ** 2
        self._powers = np.zeros((COLUMNS, self._size // 2 + 1), np.float32)
        self._counts = np.zeros(COLUMNS, np.int64)
        self._centers, self._center_columns = self._place_spectra(num_frames)
        self._next_center = 0
        # Before its start and after its end the stream is silent.
        self._held = np.zeros(self._size // 2, np.float32)
        self._held_start = -(self._size // 2)

    def _place_spectra(self, num_frames: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        per_column = self._axis_frames / COLUMNS
        count = min(max(round(per_column / (self._size / 2)), 1), _MAX_SPECTRA)
        centers = ((np.arange(COLUMNS * count) + 0.5) * (per_column / count)).astype(np.int64)
        columns = np.arange(COLUMNS * count) // count
        inside = centers < num_frames
        return centers[inside], columns[inside]

    def add(self, frame: AudioFrame) -> None:
        samples = np.asarray(frame)
        if len(samples) == 0:
            return
        self._add_envelope(samples)
        self._add_spectra(samples.mean(axis=1, dtype=np.float32))

    def finish(self) -> None:
        """The stream is over: its last spectra reach beyond its end."""
        self._add_spectra(np.zeros(self._size, np.float32))

    def spectrogram(self) -> npt.NDArray[np.float32]:
        """Decibels below a full-scale sine wave: a row for each frequency, from 0 Hz to half the rate; NaN where the
        stream has ended."""
        counts = np.where(self._counts, self._counts, np.nan)
        with np.errstate(divide="ignore"):
            levels = 10 * np.log10(self._powers * self._scale / counts[:, None])
        return levels.T.astype(np.float32)

    def _add_envelope(self, samples: npt.NDArray[np.int16]) -> None:
        columns = np.arange(self._position, self._position + len(samples)) * COLUMNS // self._axis_frames
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
        # Some at a time: a block of a very short file asks for hundreds.
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
