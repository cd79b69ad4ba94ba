"""The mixer with 64 streams that arrive in real time: CPU time of the process per second, and how late a block is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import Any

from benchmarks import optional
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.errors import DisagreementError
from benchmarks.experiment import Experiment
from benchmarks.live_run import LiveRun
from benchmarks.live_source import SAMPLES, TICK_S, WARM_UP_TICKS, LiveSource
from benchmarks.quantity import Quantity
from benchmarks.target import Target
from livekit_utils import AudioFrame, AudioMixer

_RATE = 48000
_STREAMS = 64

# In ticks: what is looked at before the stall, the stall, the time to get over it, and what is looked at after that.
_BEFORE, _STALL, _RECOVERY, _AFTER = 50, 25, 50, 50

Run = Callable[[LiveSource], Any]


def experiments(effort: Effort) -> Iterator[Experiment]:
    packages: list[tuple[str, Any]] = [(OURS, None)]
    rtc = optional.sdk()
    if rtc is not None:
        packages.append(("sdk", rtc))
    yield _experiment(effort, "burst", packages)
    yield _experiment(effort, "spread", packages)
    yield _stall_experiment(effort, packages)


def _experiment(effort: Effort, arrival: str, packages: list[tuple[str, Any]]) -> Experiment:
    num_ticks = round(effort.live_seconds / TICK_S)

    def sampler(rtc: Any, run: Run) -> Callable[[], Mapping[str, float]]:
        def sample() -> Mapping[str, float]:
            live = asyncio.run(run(LiveSource(_STREAMS, num_ticks, arrival == "spread", _frame_maker(rtc))))
            if len(live.delays) < num_ticks - 1:
                raise DisagreementError(f"expected {num_ticks} blocks, got {len(live.delays)}")
            delays = live.settled
            return {
                "cpu": live.cpu_s,
                "delay_p50": median(delays),
                "delay_p99": delays[len(delays) * 99 // 100],
            }

        return sample

    contenders = [Contender.once(name, sampler(rtc, _mixer_run(rtc))) for name, rtc in packages]
    contenders.append(Contender.once("bare", sampler(None, LiveRun.of_readers)))

    def check() -> None:
        """Every run checks itself: each block is the sum of what came in its tick."""

    quantities = (
        Quantity("cpu", targets=(Target.ratio(1.5, "bare"),)),
        Quantity("delay_p50"),
        Quantity("delay_p99", targets=(Target.excess(0.002, contender="bare"),)),
    )
    return Experiment(f"audio_mixer_live/{arrival}", tuple(contenders), check, effort.live_rounds, quantities)


def _stall_experiment(effort: Effort, packages: list[tuple[str, Any]]) -> Experiment:
    """One stream gets nothing for 250 ms: how late are the others before, and half a second after?"""
    first = WARM_UP_TICKS + _BEFORE
    stall = range(first, first + _STALL)
    before, after = range(WARM_UP_TICKS, first), range(stall.stop + _RECOVERY, stall.stop + _RECOVERY + _AFTER)

    def sampler(name: str, rtc: Any) -> Callable[[], Mapping[str, float]]:
        def sample() -> Mapping[str, float]:
            # Half a second more, in which what is late can still come out.
            source = LiveSource(_STREAMS, after.stop + 50, False, _frame_maker(rtc), stall)
            with _expected_warnings():
                live: LiveRun = asyncio.run(_mixer_run(rtc)(source))
            if len(live.delays_of(after)) < _AFTER:
                raise DisagreementError(f"{name}: blocks are more than 500 ms late a second after a stall")
            return {"before": median(live.delays_of(before)), "after": median(live.delays_of(after))}

        return sample

    def check() -> None:
        """Every run checks itself: each block holds the tick of the others that it should."""

    contenders = tuple(Contender.once(name, sampler(name, rtc)) for name, rtc in packages)
    quantities = (Quantity("before"), Quantity("after", targets=(Target.excess(0.010, quantity="before"),)))
    return Experiment("audio_mixer_live/stall", contenders, check, effort.live_rounds, quantities)


def _mixer_run(rtc: Any) -> Run:
    mixer: Any = AudioMixer if rtc is None else rtc.AudioMixer
    return lambda source: LiveRun.of_mixer(source, lambda: mixer(_RATE, 1, blocksize=SAMPLES))


def _frame_maker(rtc: Any) -> Callable[[bytes], Any]:
    frame: Any = AudioFrame if rtc is None else rtc.AudioFrame
    return lambda data: frame(data, _RATE, 1, SAMPLES)


@contextmanager
def _expected_warnings() -> Iterator[None]:
    """A stall is worth a warning to both; here it is meant."""
    handler = logging.NullHandler()
    loggers = [logging.getLogger("livekit_utils"), logging.getLogger("livekit")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
