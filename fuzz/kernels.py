"""The compiled kernels with any arguments: a result of the right length, or a clear error."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

from fuzz.input import Input
from livekit_utils import RingBuffer
from livekit_utils._kernels.channels import downmix_s16, upmix_s16
from livekit_utils._kernels.convert import f32_to_s16, s16_to_f32
from livekit_utils._kernels.gain_queue import GainQueue, Ramp, mix
from livekit_utils._kernels.linear import LinearInterpolator
from livekit_utils._kernels.polyphase import PolyphaseConverter, PolyphaseFilter
from livekit_utils._kernels.variable_ratio import VariableConverter, VariableFilter

# Less memory than this may be asked for.
_MAX_BYTES = 2**24

# OverflowError is what Cython raises for an integer that C has no room for.
REFUSALS = (TypeError, ValueError, OverflowError, MemoryError)


def _ring(source: Input) -> None:
    memory = bytearray(source.rest()[:2000])
    try:
        ring = RingBuffer.attach(memory)
    except (TypeError, ValueError):
        return
    for num_samples in (0, 1, 3, ring.capacity, ring.capacity + 1):
        assert ring.write(bytes(2 * num_samples)) <= num_samples
        assert len(ring.read(num_samples)) <= 2 * num_samples
        assert 0 <= ring.readable <= ring.capacity
    ring.release()


def _own_ring(source: Input) -> None:
    capacity = source.argument(700)
    if isinstance(capacity, int) and _MAX_BYTES < capacity < 2**62:
        return
    ring = RingBuffer(capacity)
    for _ in range(source.below(12)):
        try:
            match source.below(6):
                case 0:
                    ring.write(source.buffer())
                case 1:
                    ring.read(source.argument(700))
                case 2:
                    ring.acquire_write(source.argument(700))
                case 3:
                    ring.commit_write(source.argument(700))
                case 4:
                    ring.acquire_read(source.argument(700))
                case _:
                    ring.commit_read(source.argument(700))
        except (*REFUSALS, RuntimeError):
            continue
        assert ring.readable + ring.writable == ring.capacity


def _polyphase(source: Input) -> None:
    taps: Any = source.take(source.below(200) * 4)
    if taps and len(taps) % 4 == 0:
        taps = memoryview(taps).cast("i")
        if source.below(4):
            taps = array("i", (tap >> source.below(30) for tap in taps))
    filter = PolyphaseFilter(taps, source.argument(40), source.argument(9), source.argument(9), source.argument(20))
    converter = PolyphaseConverter(filter, source.argument(4))
    for _ in range(source.below(5)):
        converter.process(source.buffer())
    converter.reset()


def _variable_ratio(source: Input) -> None:
    taps: Any = source.take(source.below(200) * 4)
    if taps and len(taps) % 4 == 0:
        taps = memoryview(taps).cast("f")
    filter = VariableFilter(taps, source.argument(9), source.argument(20))
    converter = VariableConverter(filter, source.argument(4), source.below(900) / 100, source.below(900) / 100)
    for _ in range(source.below(5)):
        converter.set_ratio(source.below(900) / 100, source.argument(700))
        converter.process(source.buffer())
    converter.reset(source.below(900) / 100)


def _linear(source: Input) -> None:
    converter = LinearInterpolator(source.argument(60_000) + 1, source.argument(60_000) + 1, source.argument(4))
    for _ in range(source.below(5)):
        block = source.buffer()
        assert len(converter.process(block)) % 2 == 0


def _gains(source: Input) -> None:
    num_channels = source.argument(4)
    queues = [GainQueue(num_channels, source.below(2600) / 10 - 130) for _ in range(source.below(4))]
    for queue in queues:
        queue.push(source.buffer())
        queue.set_gain(source.below(2600) / 10 - 130, source.argument(700))
    samples_per_channel = source.argument(700)
    if not isinstance(samples_per_channel, int) or samples_per_channel < _MAX_BYTES:
        assert len(mix(queues, samples_per_channel, num_channels)) % 2 == 0
    ramp, block = Ramp(num_channels), source.buffer()
    ramp.start(source.below(2600) / 10 - 130, source.argument(700))
    assert len(ramp.apply(block)) == memoryview(block).nbytes


def _channels(source: Input) -> None:
    num_channels = source.argument(40)
    block = source.buffer()
    if isinstance(num_channels, int) and abs(num_channels) < 2**20:
        assert len(upmix_s16(block, num_channels)) == memoryview(block).nbytes * num_channels
    downmix_s16(block, num_channels)


def _convert(source: Input) -> None:
    block, out = source.buffer(), bytearray(source.below(1300))
    assert s16_to_f32(block, memoryview(out)[: len(out) // 4 * 4].cast("f")) >= 0
    assert len(f32_to_s16(source.buffer())) % 2 == 0


_PARTS: list[Callable[[Input], None]] = [
    _ring,
    _own_ring,
    _polyphase,
    _variable_ratio,
    _linear,
    _gains,
    _channels,
    _convert,
]


def fuzz(data: bytes) -> None:
    source = Input(data)
    part = _PARTS[source.below(len(_PARTS))]
    try:
        part(source)
    except REFUSALS:
        return
