"""DeviceMemory: the memory that the device's side and the application share."""

from __future__ import annotations

import mmap
from collections.abc import Callable

from livekit_utils._kernels.ring_buffer import RingBuffer

# Words of 64 bits. One side writes each word, so a copy of eight bytes is all that is needed.
CALLBACKS = 0  # device: number of calls of the sound card so far
CALLBACK_NS = 1  # device: monotonic time of the last call
LATENCY_NS = 2  # device: from the microphone to its callback, or from the callback to the speaker
DEVICE_GAPS = 3  # device: gaps that PortAudio reported (overflows of an input, underflows of an output)
GAP_SAMPLES = 4  # device: samples per channel of silence that a speaker was given in the middle of sound
GAPS = 5  # device: how many such gaps there were
SHORT_SAMPLES = 6  # device: samples per channel that the ring lacked, in a gap or with nothing to play
BLOCK = 7  # device: samples per channel that a speaker took last, at once
TAKEN = 8  # device: samples per channel that a speaker has taken, with those of silence
EARLIEST_NS = 9  # device: the lines of its DemandMeter
LATEST_NS = 10
STALE_SAMPLES = 11  # device: samples per channel of a microphone that were dropped, because they came much too late
MOVED = 12  # device: 1 when the first sample has left a microphone or reached a speaker
ZERO_SAMPLES = 13  # device: samples per channel of a microphone that came in blocks of nothing but zeros
PAUSED = 16  # application: give the speaker silence and keep what is queued
TAPPED = 17  # application: copy what the speaker is given to the tap
CLEAR_TO = 18  # application: position in the ring up to which the device drops everything, when this changes
CLEAR_FADE = 19  # application: samples per channel over which to fade out first; written before CLEAR_TO
WAKE_BELOW = 20  # application: samples per channel in a speaker's ring; a block that leaves fewer wakes the application

_NUM_WORDS = 64  # more than there are, so that a new one does not move the rings

# Length of the tap. A microphone fetches from it after each of its blocks; it may be late by this much.
_TAP_MS = 1000


class DeviceMemory:
    """Holds words of state, a ring of samples from or to the device, and for a speaker the tap: a second ring with a
    copy of what the speaker was given, for echo cancellers.

    It needs no lock: each word has one side that writes it, and each ring has one side that writes and one that reads.
    Two processes may share the memory.

    The processor may reorder stores and loads of the words. Where their order matters, both sides call `ring.sync` in
    between. The application does so after it has stored WAKE_BELOW and before it looks at the ring, the device's side
    after it has read the ring and before it looks at WAKE_BELOW: so no block leaves less than that without a wake. Both
    do so at CLEAR_TO: the side that sees it also sees CLEAR_FADE and the samples before it.

    Args:
        memory: Of `num_bytes` bytes.
        lay: Makes or opens a ring of a capacity in a view of the memory.
        capacities: Int16 values that the ring and the tap can hold.
    """

    def __init__(
        self, memory: mmap.mmap, lay: Callable[[memoryview, int], RingBuffer], capacities: tuple[int, int]
    ) -> None:
        ring_at = _NUM_WORDS * 8
        tap_at = ring_at + RingBuffer.num_bytes(capacities[0])
        self._view = memoryview(memory)
        self._state = self._view[:ring_at]
        self.words = self._state.cast("q")
        self._ring_view = self._view[ring_at:tap_at]
        self._tap_view = self._view[tap_at : tap_at + RingBuffer.num_bytes(capacities[1])]
        self.ring = lay(self._ring_view, capacities[0])
        self.tap = lay(self._tap_view, capacities[1])

    @staticmethod
    def num_bytes(ring_capacity: int, tap_capacity: int) -> int:
        """Bytes of memory that are needed."""
        return _NUM_WORDS * 8 + RingBuffer.num_bytes(ring_capacity) + RingBuffer.num_bytes(tap_capacity)

    @classmethod
    def create(cls, memory: mmap.mmap, ring_capacity: int, tap_capacity: int) -> DeviceMemory:
        """Lays words and rings into zeroed memory."""
        return cls(memory, RingBuffer.create_in, (ring_capacity, tap_capacity))

    @classmethod
    def attach(cls, memory: mmap.mmap, ring_capacity: int, tap_capacity: int) -> DeviceMemory:
        """Opens what `create` laid into the same memory, perhaps in another process."""
        return cls(memory, lambda view, _: RingBuffer.attach(view), (ring_capacity, tap_capacity))


def ring_capacities(sample_rate: int, num_channels: int, ring_ms: int) -> tuple[int, int]:
    """Returns the int16 values that the ring and the tap of a device hold."""
    return (
        max(1, sample_rate * num_channels * ring_ms // 1000),
        max(1, sample_rate * num_channels * _TAP_MS // 1000),
    )
