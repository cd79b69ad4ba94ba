"""Samples through a queue: 480 in, 480 out, with some in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from benchmarks.agreement import int16, same
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.signals import noise
from benchmarks.target import Target
from livekit_utils import RingBuffer

_QUEUED = 5
_CAPACITY = 12000


def experiments(effort: Effort) -> Iterator[Experiment]:
    # A buffer that is used again for every block, as a sound card's is: whoever queues it has to copy it.
    block = bytearray(noise(480).tobytes())
    makers = {OURS: _ring_buffer, "deque": _deque, "bytearray": _bytearray}

    def check() -> None:
        for name, make in makers.items():
            changing = bytearray(block)
            step = make(changing)
            for _ in range(_QUEUED):
                same(name, int16(block), int16(step()))
            changing[:] = bytes(reversed(block))
            for _ in range(_QUEUED):
                same(name, int16(block), int16(step()))
            same(name, int16(changing), int16(step()))

    contenders = tuple(Contender.timed(name, make(block)) for name, make in makers.items())
    targets = (Target.value(1e-6),)
    yield Experiment("ring_buffer/480", contenders, check, effort.rounds, (Quantity(targets=targets),))


def _ring_buffer(block: bytearray) -> Callable[[], bytearray]:
    ring = RingBuffer(_CAPACITY)
    for _ in range(_QUEUED):
        ring.write(block)

    def step() -> bytearray:
        ring.write(block)
        return ring.read(480)

    return step


def _deque(block: bytearray) -> Callable[[], bytes]:
    """Whole blocks only: what goes out is what went in, however much the reader asks for."""
    queue = deque([bytes(block)] * _QUEUED)

    def step() -> bytes:
        queue.append(bytes(block))
        return queue.popleft()

    return step


def _bytearray(block: bytearray) -> Callable[[], bytearray]:
    queue = bytearray(block * _QUEUED)

    def step() -> bytearray:
        queue.extend(block)
        samples = queue[:960]
        del queue[:960]
        return samples

    return step
