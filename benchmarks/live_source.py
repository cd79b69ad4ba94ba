"""LiveSource: delivers a frame to each of many streams every 10 ms."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from benchmarks.live_stream import LiveStream

TICK_S = 0.010
SAMPLES = 480

# The first part of a run is not looked at: tasks start, and mixers get to know their streams.
WARM_UP_TICKS = 20

# The sample value tells the tick it is of, also from the sum of so many streams.
_MAX_SUM = 32767


class LiveSource:
    """All samples of tick k are k, so that a block of a mix tells which tick of the streams it is made of.

    Args:
        num_streams: How many streams there are.
        spread: False: all frames of a tick come at once. True: they come one by one, over the 10 ms.
        make_frame: Makes a frame of the samples' bytes.
        stall: The ticks in which the first stream gets nothing. Its frames are then silence throughout, and what it
            did not get is lost.
    """

    def __init__(
        self,
        num_streams: int,
        num_ticks: int,
        spread: bool,
        make_frame: Callable[[bytes], Any],
        stall: range = range(0),
    ) -> None:
        self.streams = [LiveStream() for _ in range(num_streams)]
        self.arrivals: list[float] = []
        """By tick: when its last frame came."""
        self.cpu_s = 0.0
        """CPU time of the process per second, from the end of the warm-up on."""
        self._num_sounding = num_streams - (1 if stall else 0)
        if self._num_sounding * num_ticks > _MAX_SUM:
            raise ValueError(f"expected streams and ticks with a product of at most {_MAX_SUM}")
        self._stall = stall
        self._frames = [make_frame(tick.to_bytes(2, "little") * SAMPLES) for tick in range(num_ticks)]
        self._silence = make_frame(bytes(2 * SAMPLES))
        self._slots = [[stream] for stream in self.streams] if spread else [self.streams]

    def tick_of(self, sample: int) -> float:
        """The tick that a mixed sample is of; no whole number where the streams are not in step."""
        return sample / self._num_sounding

    async def run(self) -> None:
        start, cpu_start = time.perf_counter(), 0
        for tick, frame in enumerate(self._frames):
            if tick == WARM_UP_TICKS:
                cpu_start = time.process_time_ns()
            for number, slot in enumerate(self._slots):
                delay = start + (tick + number / len(self._slots)) * TICK_S - time.perf_counter()
                if delay > 0:
                    await asyncio.sleep(delay)
                self._deliver(tick, slot, frame)
            self.arrivals.append(time.perf_counter())
        # What the last tick has set off belongs to it.
        await asyncio.sleep(TICK_S)
        seconds = (len(self._frames) - WARM_UP_TICKS) * TICK_S
        self.cpu_s = (time.process_time_ns() - cpu_start) / 1e9 / seconds

    def _deliver(self, tick: int, slot: list[LiveStream], frame: Any) -> None:
        for stream in slot:
            if self._stall and stream is self.streams[0]:
                if tick not in self._stall:
                    stream.deliver(self._silence)
            else:
                stream.deliver(frame)
