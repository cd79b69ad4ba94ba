"""`python -m benchmarks.resampler_pairs`: the filter banks beside soxr, for all pairs of the usual sample rates.

10 ms of int16 at a time, mono and stereo, `AudioResampler.push` and soxr's `resample_chunk` in turn. Prints the pairs
whose ratio of medians is above the goal, and last the worst pair of each quality.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
import soxr  # type: ignore[import-untyped]

from benchmarks.agreement import joined, same_sine
from livekit_utils import AudioFrame, AudioResampler

RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)
_SOXR = {"quick": "QQ", "low": "LQ", "medium": "MQ", "high": "HQ"}
_GOAL = 0.4
_FREQ, _PEAK, _PUSHES, _ROUNDS = 400.0, 16384.0, 100, 15


def main() -> None:
    worst: list[str] = []
    for quality, num_channels in itertools.product(_SOXR, (1, 2)):
        measured = [(*_measure(*rates, quality, num_channels), *rates) for rates in itertools.permutations(RATES, 2)]
        measured.sort(reverse=True)
        lines = [
            f"{quality:7} {'mono' if num_channels == 1 else 'stereo':6} {a:5} to {b:5}: {ratio:.3f} x soxr "
            f"({ours * 1e6:.2f} and {theirs * 1e6:.2f} us)"
            for ratio, ours, theirs, a, b in measured
        ]
        for line, (ratio, *_) in zip(lines, measured, strict=True):
            if ratio > _GOAL:
                print(line, flush=True)
        worst.append(f"{lines[0]}; median of {len(lines)} pairs {median(row[0] for row in measured):.3f}")
    print(f"The worst pair of each quality; the goal is {_GOAL}:")
    print("\n".join(worst))


def _measure(input_rate: int, output_rate: int, quality: str, num_channels: int) -> tuple[float, float, float]:
    """Returns the ratio of the medians, and the seconds of a push of ours and of soxr's."""
    size = input_rate // 100
    wave = _PEAK * np.sin(2 * np.pi * _FREQ / input_rate * np.arange(_PUSHES * size))
    samples = np.repeat(np.rint(wave).astype(np.int16)[:, np.newaxis], num_channels, axis=1)
    blocks = [np.ascontiguousarray(samples[at : at + size]) for at in range(0, len(samples), size)]
    frames = [AudioFrame(block.tobytes(), input_rate, num_channels, size) for block in blocks]
    theirs_in = blocks if num_channels > 1 else [block[:, 0] for block in blocks]

    ours = AudioResampler(input_rate, output_rate, num_channels=num_channels, quality=quality, engine="polyphase").push
    stream = soxr.ResampleStream(input_rate, output_rate, num_channels, dtype="int16", quality=_SOXR[quality])
    theirs = stream.resample_chunk
    noise_db = -40 if quality == "quick" else -70
    for name, output in (
        ("ours", np.concatenate([joined(ours(frame)) for frame in frames])),
        ("soxr", np.concatenate([theirs(block).reshape(-1) for block in theirs_in])),
    ):
        label = f"{input_rate}-{output_rate}/{quality}/{name}"
        same_sine(label, output[::num_channels], _FREQ, output_rate, _PEAK, noise_db=noise_db)

    times = [(_timed(ours, frames), _timed(theirs, theirs_in)) for _ in range(_ROUNDS)]
    medians = [median(column) for column in zip(*times, strict=True)]
    return medians[0] / medians[1], medians[0], medians[1]


def _timed(push: Callable[[Any], object], blocks: Sequence[Any]) -> float:
    start = time.perf_counter()
    for block in blocks:
        push(block)
    return (time.perf_counter() - start) / len(blocks)


if __name__ == "__main__":
    main()
