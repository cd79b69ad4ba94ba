"""An AudioFrame over bytes that are there."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import optional
from benchmarks.agreement import same
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.signals import noise
from benchmarks.target import Target
from livekit_utils import AudioFrame


def experiments(effort: Effort) -> Iterator[Experiment]:
    data = noise(480).tobytes()
    contenders = [Contender.timed(OURS, lambda: AudioFrame(data, 48000, 1, 480))]
    rtc = optional.sdk()
    if rtc is not None:
        contenders.append(Contender.timed("sdk", lambda: rtc.AudioFrame(data, 48000, 1, 480)))

    def check() -> None:
        for frame_type in [AudioFrame] + ([rtc.AudioFrame] if rtc is not None else []):
            frame = frame_type(data, 48000, 1, 480)
            if frame.data.tobytes() != data:
                same("audio_frame", memoryview(data).cast("h"), frame.data)
            same("audio_frame", [48000, 1, 480], [frame.sample_rate, frame.num_channels, frame.samples_per_channel])

    yield Experiment(
        "audio_frame/from_bytes",
        tuple(contenders),
        check,
        effort.rounds,
        (Quantity(targets=(Target.ratio(0.25, "sdk"),)),),
    )
