"""AudioProcessingModule, 10 ms of a microphone with an echo that pauses, a voice and noise: CPU time per frame."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import livekit_utils
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.errors import DisagreementError
from benchmarks.experiment import Experiment
from benchmarks.optional import sdk
from benchmarks.quantity import Quantity
from benchmarks.target import Target

_RATES = (16000, 24000, 48000)
_STAGES = {
    "echo": ("echo_cancellation",),
    "noise": ("noise_suppression",),
    "all": ("echo_cancellation", "noise_suppression", "high_pass_filter", "auto_gain_control"),
}
# What ours may take of the SDK's time.
_SHARES = {("echo", 48000): 1.0, ("all", 24000): 1.2}

_FRAMES = 400  # 4 s: the canceller has found the echo after half of them
_LEAST_ERLE_DB = 10.0

Sounds = npt.NDArray[np.int16]


def experiments(effort: Effort) -> Iterator[Experiment]:
    for name, stages in _STAGES.items():
        for sample_rate in _RATES:
            yield _experiment(effort, name, stages, sample_rate)


def _experiment(effort: Effort, name: str, stages: tuple[str, ...], sample_rate: int) -> Experiment:
    far, mic = _sounds(sample_rate)
    modules = {OURS: livekit_utils, "sdk": sdk()}
    there = {contender: module for contender, module in modules.items() if module is not None}

    def check() -> None:
        if name != "echo":  # gain control would raise what is left of the echo
            return
        for contender, module in there.items():
            left = np.concatenate(_Run(module, stages, sample_rate, far, mic).frames(_FRAMES))
            half = slice(len(mic) // 2, None)
            erle_db = 20 * np.log10(mic[half].astype(float).std() / max(left[half].astype(float).std(), 1e-3))
            if erle_db < _LEAST_ERLE_DB:
                raise DisagreementError(f"voice/{name}/{sample_rate}: {contender} lowers the echo by {erle_db:.1f} dB")

    contenders = tuple(
        Contender.cpu(contender, _Run(module, stages, sample_rate, far, mic).run, inner_loops=50)
        for contender, module in there.items()
    )
    share = _SHARES.get((name, sample_rate))
    targets = (Target.ratio(share, "sdk"),) if share is not None else ()
    return Experiment(f"voice/{name}/{sample_rate}", contenders, check, effort.rounds, (Quantity(targets=targets),))


class _Run:
    """A module and where it is in the sound, which is repeated."""

    def __init__(self, module: Any, stages: tuple[str, ...], sample_rate: int, far: Sounds, mic: Sounds) -> None:
        size = sample_rate // 100
        self._module = module.AudioProcessingModule(**dict.fromkeys(stages, True))
        self._has_echo = "echo_cancellation" in stages
        self._far, self._mic = ([sound.tobytes() for sound in sounds.reshape(-1, size)] for sounds in (far, mic))
        self._played, self._heard = (module.AudioFrame(bytearray(2 * size), sample_rate, 1, size) for _ in range(2))
        self._at = 0

    def frames(self, count: int) -> list[Sounds]:
        made = []
        for _ in range(count):
            self._step()
            made.append(np.array(self._heard.data, np.int16))
        return made

    def run(self) -> Awaitable[None]:
        return self._steps(50)

    async def _steps(self, count: int) -> None:
        for _ in range(count):
            self._step()

    def _step(self) -> None:
        self._heard.data.cast("B")[:] = self._mic[self._at]
        if self._has_echo:
            self._played.data.cast("B")[:] = self._far[self._at]
            self._module.process_reverse_stream(self._played)
        self._module.process_stream(self._heard)
        self._at = (self._at + 1) % _FRAMES


def _sounds(sample_rate: int) -> tuple[Sounds, Sounds]:
    """What is played, in syllables with pauses, and what a microphone hears of it 30 ms later, in a room with noise."""
    rng = np.random.default_rng(1)
    num_samples = _FRAMES * sample_rate // 100
    time_s = np.arange(num_samples) / sample_rate
    pink = np.fft.rfft(rng.normal(size=num_samples)) / np.sqrt(np.arange(num_samples // 2 + 1).clip(100))
    syllables = np.sqrt(np.sin(2 * np.pi * 1.3 * time_s).clip(0)) * (np.sin(2 * np.pi * 0.25 * time_s) > -0.5)
    far = np.fft.irfft(pink, num_samples)
    far *= 2500 / far.std() * syllables
    length = sample_rate // 20
    room = 0.05 * rng.normal(size=length) * np.exp(-np.arange(length) / (0.015 * sample_rate))
    room[0] = 0.3
    echo = np.convolve(far, np.concatenate([np.zeros(3 * sample_rate // 100), room]))[:num_samples]
    mic = echo + 20 * rng.normal(size=num_samples)
    return far.round().astype(np.int16), mic.round().astype(np.int16)
