"""DeviceRenderer: what a speaker is given, block by block."""

from __future__ import annotations

from livekit_utils._kernels.gain_queue import Ramp
from livekit_utils.devices.backend.memory import (
    CLEAR_FADE,
    CLEAR_TO,
    GAP_FRAMES,
    PAUSED,
    TAPPED,
    WAKE_BELOW,
    DeviceMemory,
)

# A pause or the end of one must not click.
_PAUSE_FADE_S = 0.005
_LONGEST_GAP_S = 0.5


class DeviceRenderer:
    """Takes blocks out of the ring for a speaker: silence where there is nothing, and fades where the application
    pauses or drops what is queued.

    It runs in the sound card's thread; all that it waits for is the next call.
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

    def render(self, num_frames: int) -> bytes:
        """The next block, of exactly this many samples per channel."""
        words = self._memory.words
        if words[CLEAR_TO] != self._clear_to:
            self._begin_clear()
        if bool(words[PAUSED]) != self._paused:
            self._paused = not self._paused
            self._ramp.start(0.0 if self._paused else 1.0, self._pause_fade)
            self._ramping = True
        if self._clearing or self._ramping:
            block = b"".join(self._pieces(num_frames))
        elif self._paused:
            block = bytes(num_frames * self._num_channels * 2)
        else:
            block = self._take(num_frames)
        if words[TAPPED]:
            self._memory.tap.write(block)
        return block

    @property
    def is_low(self) -> bool:
        """Whether less is left than the application cares to know of."""
        return self._memory.ring.readable < self._memory.words[WAKE_BELOW] * self._num_channels

    def _pieces(self, num_frames: int) -> list[bytes | bytearray]:
        """A block in the middle of which a fade begins or ends."""
        pieces: list[bytes | bytearray] = []
        while num_frames:
            piece, num_taken = self._piece(num_frames)
            pieces.append(piece)
            num_frames -= num_taken
        return pieces

    def _piece(self, num_frames: int) -> tuple[bytes | bytearray, int]:
        if self._clearing and (not self._fade_left or self._paused):
            self._end_clear()
        if self._clearing:
            n = min(num_frames, self._fade_left)
            self._fade_left -= n
            return self._ramp.apply(self._take(n)), n
        if self._ramping:
            n = min(num_frames, self._ramp.samples_left)
            piece = self._ramp.apply(self._take(n))
            self._ramping = self._ramp.samples_left > 0
            return piece, n
        if self._paused:
            return bytes(num_frames * self._num_channels * 2), num_frames
        return self._take(num_frames), num_frames

    def _take(self, num_frames: int) -> bytes:
        ring = self._memory.ring
        num_there = ring.readable // self._num_channels
        if num_there < num_frames:
            self._note_silence(num_there, num_frames - num_there)
        elif self._silence:
            self._note_silence(num_frames, 0)
        return ring.read_padded(num_frames * self._num_channels)

    def _note_silence(self, num_there: int, num_missing: int) -> None:
        """Silence between sounds is a gap, unless it is so long that nothing was to be heard."""
        if num_there:
            if self._silence <= self._longest_gap:
                self._memory.words[GAP_FRAMES] += self._silence
            self._silence = 0
        self._silence = min(self._silence + num_missing, self._longest_gap + 1)

    def _begin_clear(self) -> None:
        words, ring = self._memory.words, self._memory.ring
        self._clear_to = words[CLEAR_TO]
        queued = max(0, self._clear_to - ring.num_read) // self._num_channels
        self._fade_left = 0 if self._paused else min(queued, words[CLEAR_FADE])
        self._clearing = True
        if self._fade_left:
            self._ramp.start(0.0, self._fade_left)
            self._ramping = False

    def _end_clear(self) -> None:
        """What follows was queued after the order to clear, and is heard as it is."""
        ring = self._memory.ring
        ring.commit_read(min(ring.readable, max(0, self._clear_to - ring.num_read)))
        self._clearing = False
        self._fade_left = 0
        self._silence = self._longest_gap + 1
        if not self._paused:
            self._ramp.start(1.0, 0)
            self._ramping = False
