"""DeviceRenderer: takes the blocks for a speaker out of the ring before it."""

from __future__ import annotations

from livekit_utils._kernels.gain_queue import Ramp
from livekit_utils.devices.backend.demand import DemandMeter
from livekit_utils.devices.backend.memory import (
    BLOCK,
    CLEAR_FADE,
    CLEAR_TO,
    EARLIEST_NS,
    GAP_SAMPLES,
    GAPS,
    LATEST_NS,
    PAUSED,
    SHORT_SAMPLES,
    TAKEN,
    TAPPED,
    WAKE_BELOW,
    DeviceMemory,
)

# Length of the fades at the two ends of a pause: short, but without a click.
_PAUSE_FADE_S = 0.005

# Silence that lasts longer than this is no gap in the sound: nothing was to be played.
_LONGEST_GAP_S = 0.5


class DeviceRenderer:
    """Takes blocks out of the ring for a speaker, padded with silence; fades where the application pauses or drops what
    is queued.

    Threads: it runs in the sound card's thread and never waits.
    """

    def __init__(self, memory: DeviceMemory, sample_rate: int, num_channels: int) -> None:
        self._memory = memory
        self._num_channels = num_channels
        self._pause_fade = max(1, round(_PAUSE_FADE_S * sample_rate))
        self._ramp = Ramp(num_channels)
        self._ramping = False
        self._paused = False
        self._clear_to = 0
        self._longest_gap = round(_LONGEST_GAP_S * sample_rate)
        self._silence = self._longest_gap + 1  # samples per channel since the last sound
        self._fade_left = 0  # of a clear, in samples per channel
        self._clearing = False
        self._demand = DemandMeter(sample_rate)

    def render(self, size: int, now_ns: int) -> bytes:
        """Returns the next block, of exactly `size` samples per channel, at the monotonic time `now_ns`."""
        words = self._memory.words
        # Before the ring is read: who looks at the ring and then at these may count a block twice, as queued and as
        # taken, but never leaves one out.
        words[BLOCK] = size
        words[TAKEN], words[EARLIEST_NS], words[LATEST_NS] = self._demand.take(size, now_ns)
        if words[CLEAR_TO] != self._clear_to:
            self._begin_clear()
        if bool(words[PAUSED]) != self._paused:
            self._paused = not self._paused
            self._ramp.start(0.0 if self._paused else 1.0, self._pause_fade)
            self._ramping = True
        if self._clearing or self._ramping:
            block = b"".join(self._pieces(size))
        elif self._paused:
            block = bytes(size * self._num_channels * 2)
        else:
            block = self._take(size)
        if words[TAPPED]:
            self._memory.tap.write(block)
        return block

    @property
    def is_low(self) -> bool:
        """Whether fewer samples are left than the application asked to be woken for.

        The ring is read before, the application's word after: see `DeviceMemory`.
        """
        self._memory.ring.sync()
        return self._memory.ring.readable < self._memory.words[WAKE_BELOW] * self._num_channels

    def _pieces(self, size: int) -> list[bytes | bytearray]:
        """Returns the pieces of a block in the middle of which a fade begins or ends."""
        pieces: list[bytes | bytearray] = []
        while size:
            piece, num_taken = self._piece(size)
            pieces.append(piece)
            size -= num_taken
        return pieces

    def _piece(self, size: int) -> tuple[bytes | bytearray, int]:
        if self._clearing and (not self._fade_left or self._paused):
            self._end_clear()
        if self._clearing:
            n = min(size, self._fade_left)
            self._fade_left -= n
            return self._ramp.apply(self._take(n)), n
        if self._ramping:
            n = min(size, self._ramp.samples_left)
            piece = self._ramp.apply(self._take(n))
            self._ramping = self._ramp.samples_left > 0
            return piece, n
        if self._paused:
            return bytes(size * self._num_channels * 2), size
        return self._take(size), size

    def _take(self, size: int) -> bytes:
        ring = self._memory.ring
        num_there = ring.readable // self._num_channels
        if num_there < size:
            self._note_silence(num_there, size - num_there)
        elif self._silence:
            self._note_silence(size, 0)
        return ring.read_padded(size * self._num_channels)

    def _note_silence(self, num_there: int, num_missing: int) -> None:
        """Counts the silence between two sounds as a gap, unless it is longer than the longest gap."""
        words = self._memory.words
        if num_there:
            if 0 < self._silence <= self._longest_gap:
                words[GAP_SAMPLES] += self._silence
                words[GAPS] += 1
            self._silence = 0
        words[SHORT_SAMPLES] += num_missing
        self._silence = min(self._silence + num_missing, self._longest_gap + 1)

    def _begin_clear(self) -> None:
        words, ring = self._memory.words, self._memory.ring
        self._clear_to = words[CLEAR_TO]
        ring.sync()  # the fade and the ring are at least as new as the order
        queued = max(0, self._clear_to - ring.num_read) // self._num_channels
        self._fade_left = 0 if self._paused else min(queued, words[CLEAR_FADE])
        self._clearing = True
        if self._fade_left:
            self._ramp.start(0.0, self._fade_left)
            self._ramping = False

    def _end_clear(self) -> None:
        """Drops the samples before CLEAR_TO. Those behind it were queued later, and are played without a fade."""
        ring = self._memory.ring
        ring.commit_read(min(ring.readable, max(0, self._clear_to - ring.num_read)))
        self._clearing = False
        self._fade_left = 0
        self._silence = self._longest_gap + 1
        if not self._paused:
            self._ramp.start(1.0, 0)
            self._ramping = False
