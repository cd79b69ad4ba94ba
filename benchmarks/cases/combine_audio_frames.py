"""Frames of 10 ms to one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks import optional
from benchmarks.agreement import int16, same
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.signals import frames, noise
from benchmarks.target import Target
from livekit_utils import AudioFrame, combine_audio_frames

# Number of frames, the most that it may take of what a join takes, and of what the SDK takes.
_SIZES = ((2, 3.0, 1 / 9), (100, 1.5, 1 / 30), (3000, 1.5, 1 / 15))


def experiments(effort: Effort) -> Iterator[Experiment]:
    for num_frames, of_join, of_sdk in _SIZES:
        yield _experiment(effort, num_frames, of_join, of_sdk)


def _experiment(effort: Effort, num_frames: int, of_join: float, of_sdk: float) -> Experiment:
    samples = noise(480 * num_frames)
    ours = frames(AudioFrame, samples)
    blocks = [bytes(frame.data) for frame in ours]
    arrays = [int16(block) for block in blocks]
    name = f"combine_audio_frames/{num_frames}"
    contenders = [
        Contender.timed(OURS, lambda: combine_audio_frames(ours)),
        Contender.timed("join", lambda: b"".join(blocks)),
        Contender.timed("numpy", lambda: np.concatenate(arrays)),
    ]
    rtc = optional.sdk()
    theirs = frames(rtc.AudioFrame, samples) if rtc is not None else []
    if rtc is not None:
        combine = rtc.combine_audio_frames
        contenders.append(Contender.timed("sdk", lambda: combine(theirs)))

    def check() -> None:
        same(name, samples, int16(combine_audio_frames(ours).data))
        same(name, samples, int16(b"".join(blocks)))
        same(name, samples, np.concatenate(arrays))
        if rtc is not None:
            same(name, samples, int16(combine(theirs).data))

    targets = (Target.ratio(of_join, "join"), Target.ratio(of_sdk, "sdk"))
    return Experiment(name, tuple(contenders), check, effort.rounds, (Quantity(targets=targets),))
