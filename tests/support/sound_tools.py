"""Instruments that are none of ours: PulseAudio's own player and recorder, and what to look for in a recording.

Samples are numpy arrays of int16, of shape (samples, channels) or (samples,).
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

Samples = np.ndarray[Any, Any]

RAMP_PERIOD = 30_000
_STRETCH = 16  # samples in a row that are the ramp, and not chance


def play(sink: str, samples: Samples, sample_rate: int = 48_000, environment: Mapping[str, str] | None = None) -> None:
    """Plays samples on one of PulseAudio's sinks; returns when they have been played."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    subprocess.run(
        # Far ahead, so that a busy machine does not have it run empty.
        ["pacat", "--playback", "-d", sink, *_format(sample_rate, channels, latency_ms=500)],
        input=samples.astype(np.int16).tobytes(),
        env=environment,
        check=True,
        timeout=30 + len(samples) / sample_rate,
    )


class Recording:
    """What one of PulseAudio's sources gives, from when this is made, and has begun, until `stop`.

    Args:
        environment: Of the recorder; None for that of this process.
    """

    def __init__(
        self,
        source: str,
        sample_rate: int = 48_000,
        num_channels: int = 1,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._num_channels = num_channels
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by stop)
        command = ["parec", "-d", source, *_format(sample_rate, num_channels)]
        self._process = subprocess.Popen(command, stdout=self._file, env=environment)
        deadline = time.monotonic() + 10
        while os.fstat(self._file.fileno()).st_size == 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{source} gives nothing to record")
            time.sleep(0.005)

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._file.closed:
            self.stop()

    def stop(self) -> Samples:
        """What was recorded, of shape (samples, channels)."""
        self._process.kill()  # a recorder whose server hangs does not listen to less; it buffers nothing of its own
        self._process.wait()
        with self._file as file:
            file.seek(0)
            data = file.read()
        size = 2 * self._num_channels
        return np.frombuffer(data[: len(data) // size * size], np.int16).reshape(-1, self._num_channels)


def record(
    source: str,
    seconds: float,
    sample_rate: int = 48_000,
    num_channels: int = 1,
    environment: Mapping[str, str] | None = None,
) -> Samples:
    """So many seconds of a source, of shape (samples, channels)."""
    recording = Recording(source, sample_rate, num_channels, environment)
    time.sleep(seconds)
    return recording.stop()[: round(seconds * sample_rate)]


def _format(sample_rate: int, num_channels: int, latency_ms: int = 20) -> list[str]:
    # Without --latency-msec, a recorder gets its sound in pieces of 2 s.
    form = [f"--rate={sample_rate}", f"--channels={num_channels}", "--format=s16le", "--raw"]
    return [*form, f"--latency-msec={latency_ms}"]


def ramp(num_samples: int) -> Samples:
    """1, 2, … RAMP_PERIOD, 1, …: no sample is silent, and each tells its place."""
    return (np.arange(num_samples) % RAMP_PERIOD + 1).astype(np.int16)


@dataclass(frozen=True)
class RampReport:
    """What became of a ramp.

    Attributes:
        lost: Samples of it that are nowhere.
        changed: Samples of it in whose place is another, which is not 0.
        repeated: Samples that had been heard before.
        inserted: Samples between others of the ramp that are none of it, silence included.
        silences: Lengths of the runs of silence within it, in samples.
        start: Where it begins in the recording.
    """

    lost: int
    changed: int
    repeated: int
    inserted: int
    silences: list[int]
    start: int

    @property
    def is_intact(self) -> bool:
        return (self.lost, self.changed, self.repeated, self.inserted) == (0, 0, 0, 0)


def find_ramp(heard: Samples, num_samples: int) -> RampReport:
    """Compares one channel of a recording with `ramp(num_samples)`.

    Losses and repetitions of half a period and more cannot be told from each other.
    """
    heard = heard.reshape(-1).astype(np.int64)
    # Within a stretch of the ramp, value - index is the same throughout (modulo the period).
    is_ramp = (heard >= 1) & (heard <= RAMP_PERIOD)
    offsets = np.where(is_ramp, (heard - 1 - np.arange(len(heard))) % RAMP_PERIOD, -1)
    edges = np.flatnonzero(np.diff(offsets, prepend=-2, append=-2))
    stretches = [(a, b) for a, b in pairwise(edges.tolist()) if b - a >= _STRETCH and offsets[a] >= 0]
    if not stretches:
        return RampReport(num_samples, 0, 0, 0, [], len(heard))
    place = int(heard[stretches[0][0]]) - 1  # in the ramp, of the next sample
    lost, changed, repeated, inserted = place, 0, 0, 0
    silences: list[int] = []
    end = stretches[0][0]  # in the recording, of what has been looked at
    for first, after in stretches:
        missing = (int(heard[first]) - 1 - place + RAMP_PERIOD // 2) % RAMP_PERIOD - RAMP_PERIOD // 2
        between = heard[end:first]
        replaced = min(max(missing, 0), int(np.count_nonzero(between)))
        changed += replaced
        lost += max(missing, 0) - replaced
        repeated += max(-missing, 0)
        inserted += len(between) - replaced
        silences += runs(between == 0)
        place += missing + after - first
        end = after
    # Strange samples at the very end are changed ones; what follows is silence, or the ramp's end is lost.
    tail = int(np.count_nonzero(heard[end : end + max(num_samples - place, 0)]))
    changed += tail
    lost += max(num_samples - place - tail, 0)
    return RampReport(lost, changed, repeated, inserted, silences, stretches[0][0])


def runs(where: Samples) -> list[int]:
    """Lengths of the runs of True."""
    edges = np.flatnonzero(np.diff(where.astype(np.int8), prepend=0, append=0))
    return [int(n) for n in edges[1::2] - edges[::2]]


def gaps_ms(sound: Samples, sample_rate: int = 48_000, threshold: int = 2) -> list[float]:
    """Lengths of the runs of silence in one channel, between its first and last sample louder than the threshold."""
    loud = np.abs(sound.reshape(-1).astype(np.int64)) > threshold
    there = np.flatnonzero(loud)
    if len(there) == 0:
        return []
    return [1000 * n / sample_rate for n in runs(~loud[there[0] : there[-1]])]


def pitch(sound: Samples, sample_rate: int = 48_000) -> float:
    """The frequency of the loudest tone in one channel, in Hz, to a small part of a bin of the spectrum; 0 of
    silence."""
    spectrum = np.abs(np.fft.rfft(sound.reshape(-1) * np.hanning(sound.size)))
    peak = int(np.argmax(spectrum[1:-1])) + 1
    if spectrum[peak] == 0:
        return 0.0
    low, middle, high = np.log(spectrum[peak - 1 : peak + 2] + 1e-9)
    return float((peak + 0.5 * (low - high) / (low - 2 * middle + high)) * sample_rate / sound.size)
