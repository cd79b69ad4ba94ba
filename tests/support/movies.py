"""What is in a file of sound and pictures, by PyAV."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest


@dataclass
class Movie:
    """A decoded file."""

    times: list[float]
    """Of the pictures, in seconds."""
    pictures: list[npt.NDArray[np.uint8]]
    """As RGB."""
    keys: list[float]
    """The times of those to begin with."""
    samples: npt.NDArray[np.float32]
    """Of shape (samples, channels), from -1 to 1; from the beginning of the file on."""
    sample_rate: int
    codecs: tuple[str, str]
    duration_s: float | None

    @property
    def sound_s(self) -> float:
        return len(self.samples) / self.sample_rate

    def beeps(self, level: float = 0.1) -> list[float]:
        """When sound begins after silence of 0.1 s."""
        loud = np.flatnonzero(np.abs(self.samples[:, 0]) > level) / self.sample_rate
        return [float(at) for i, at in enumerate(loud) if i == 0 or at - loud[i - 1] > 0.1]


def load_movie(file: Path | bytes, keeps: bool = True) -> Movie:
    """Decodes a file; without the pixels if `keeps` is false."""
    av = pytest.importorskip("av")
    source: Any = io.BytesIO(file) if isinstance(file, bytes) else str(file)
    times, pictures, keys = [], [], []
    with av.open(source) as container:
        duration = container.duration
        video, sound = container.streams.video[0], container.streams.audio[0]
        codecs = video.codec_context.name, sound.codec_context.name
        rate = sound.codec_context.sample_rate
        resampler = av.AudioResampler("fltp", None, rate)
        pieces: list[tuple[float, Any]] = []
        for packet in container.demux():
            for frame in packet.decode():
                if packet.stream is video:
                    times.append(float(frame.time))
                    if keeps:
                        pictures.append(frame.to_ndarray(format="rgb24"))
                    if frame.key_frame:
                        keys.append(float(frame.time))
                else:
                    begin = float(frame.time)
                    pieces.append((begin, np.concatenate([x.to_ndarray() for x in resampler.resample(frame)], 1).T))
        samples = np.zeros((max(round(at * rate) + len(piece) for at, piece in pieces), pieces[0][1].shape[1]), "f4")
        for at, piece in pieces:
            samples[round(at * rate) :][: len(piece)] = piece
    return Movie(times, pictures, keys, samples, rate, codecs, duration and duration / av.time_base)
