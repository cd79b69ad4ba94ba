"""The mix of whole blocks, through queues with gains."""

from collections.abc import Iterable
from typing import Any

from livekit_utils._kernels.gain_queue import GainQueue, mix


def mix_s16(blocks: Iterable[Any], gains: Iterable[float] | None = None) -> bytearray:
    """Mixes mono blocks. A block that occurs many times with the same gain is queued once."""
    blocks = list(blocks)
    queues: dict[tuple[int, float], GainQueue] = {}
    chosen, longest = [], 0
    for block, gain in zip(blocks, [1.0] * len(blocks) if gains is None else gains, strict=True):
        key = (id(block), gain)
        if key not in queues:
            queues[key] = GainQueue(1, gain)
            longest = max(longest, queues[key].push(block))
        chosen.append(queues[key])
    return mix(chosen, longest, 1)
