"""DeviceMemory: what the side of the device and the side of the application share."""

from __future__ import annotations

import mmap
from collections.abc import Callable

from livekit_utils._kernels.ring_buffer import RingBuffer

# Words of 64 bits. Each is written by one side only, so that a copy of eight bytes is all it takes.
CALLBACKS = 0  # device: calls of the sound card so far
CALLBACK_NS = 1  # device: the monotonic time of the last one
LATENCY_NS = 2  # device: from the microphone to its callback, or from the callback to the speaker
DEVICE_GAPS = 3  # device: gaps that PortAudio reported (overflows of an input, underflows of an output)
GAP_FRAMES = 4  # device: samples per channel of silence that a speaker got in the middle of sound
PAUSED = 8  # application: give the speaker silence and keep what is queued
TAPPED = 9  # application: copy what the speaker is given to the tap
CLEAR_TO = 10  # application: the position in the ring before which all is to be dropped: an order, when it moves
CLEAR_FADE = 11  # application: samples per channel over which to fade out before that; written first
WAKE_BELOW = 12  # application: samples per channel in a speaker's ring; while there are fewer, each block wakes it

_NUM_WORDS = 64
_TAP_MS = 1000


class DeviceMemory:
    """Words of state, a ring of samples from or to the device, and for a speaker a second ring, the tap: a copy of what
    it was given, which is what an echo canceller has to know.

    It needs no lock: each word has one side that writes it, and each ring one that writes and one that reads. It may
    lie in memory that two processes share.

    The processor may reorder stores and loads of the words. Where their order matters, both sides call `ring.sync` in
    between. The application does so after it has stored WAKE_BELOW and before it looks at the ring, the device's side
    after it has read the ring and before it looks at WAKE_BELOW: so no block leaves less than that without a wake. Both
    do so at CLEAR_TO: who sees it also sees CLEAR_FADE and the samples before it.
    """

    def __init__(self, memory: mmap.mmap, lay: Callable[[memoryview, int], RingBuffer], sizes: tuple[int, int]) -> None:
        self._view = memoryview(memory)
        self._state = self._view[: _NUM_WORDS * 8]
        self.words = self._state.cast("q")
        ring_end = _NUM_WORDS * 8 + RingBuffer.num_bytes(sizes[0])
        self._ring_view = self._view[_NUM_WORDS * 8 : ring_end]
        self._tap_view = self._view[ring_end : ring_end + RingBuffer.num_bytes(sizes[1])]
        self.ring = lay(self._ring_view, sizes[0])
        self.tap = lay(self._tap_view, sizes[1])

    @staticmethod
    def num_bytes(ring_samples: int, tap_samples: int) -> int:
        return _NUM_WORDS * 8 + RingBuffer.num_bytes(ring_samples) + RingBuffer.num_bytes(tap_samples)

    @classmethod
    def create(cls, memory: mmap.mmap, ring_samples: int, tap_samples: int) -> DeviceMemory:
        return cls(memory, RingBuffer.create_in, (ring_samples, tap_samples))

    @classmethod
    def attach(cls, memory: mmap.mmap, ring_samples: int, tap_samples: int) -> DeviceMemory:
        return cls(memory, lambda view, _: RingBuffer.attach(view), (ring_samples, tap_samples))


def ring_sizes(sample_rate: int, num_channels: int, ring_ms: int) -> tuple[int, int]:
    """Samples of the ring and of the tap."""
    return (
        max(1, sample_rate * num_channels * ring_ms // 1000),
        max(1, sample_rate * num_channels * _TAP_MS // 1000),
    )
