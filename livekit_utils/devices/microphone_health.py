"""MicrophoneHealth: whether an open microphone delivers as much sound as it should, and anything but zeros."""

from __future__ import annotations

import logging
from collections import deque

from livekit_utils._runtime.trouble import Trouble
from livekit_utils.devices.backend.memory import ZERO_SAMPLES, DeviceMemory
from livekit_utils.devices.backend.request import OpenedDevice

# Looks that are judged together. At one look a second, a device that stalls for half a second is not accused: nothing
# is missing in the end, or it is lost.
_NUM_LOOKS = 3

# Looks after the opening that are not judged, because some devices start late: a monitor of an idle null sink of
# PulseAudio brings one block at once and the others two seconds later.
_NUM_FIRST_LOOKS = 3

# Less than this part of the sound that there should be is too little. Clocks differ by a thousandth.
_LEAST_PART = 0.8

# A warning is repeated after this many good judgements in a row, one a second: a virtual microphone delivers zeros in
# every pause.
_NUM_GOOD = 60


class MicrophoneHealth:
    """Compares what a microphone has delivered with the time that has passed, at each `look`: once a second.

    Whether it delivers anything at all is not its subject: a device that stands still is lost.
    """

    def __init__(self) -> None:
        self._zeros = Trouble(
            "microphone %r has delivered nothing but zeros for %.0f s: is it muted, or is the permission missing?",
            logging.WARNING,
            num_good=_NUM_GOOD,
        )
        self._missing = Trouble(
            "microphone %r delivers only %.0f %% of its sound, and larger blocks do not help or would not fit",
            logging.WARNING,
            num_good=_NUM_GOOD,
        )
        self.missing_ms = 0.0
        self._past_zeros_ms = 0.0  # of devices before
        self._memory: DeviceMemory | None = None

    def begin(self, memory: DeviceMemory, info: OpenedDevice, now: float, block_s: float) -> None:
        """Begins with a device that was just opened, with blocks of so many seconds."""
        self._memory, self._info = memory, info
        self._block_s = block_s  # what may be on its way at a look
        self._last = (now, *self._counters(memory))
        self._num_ignored = _NUM_FIRST_LOOKS
        self._looks: deque[tuple[float, int, int]] = deque(maxlen=_NUM_LOOKS)  # seconds, samples and zeros of each

    def end(self) -> None:
        """Ends with a device that was lost or closed."""
        self._past_zeros_ms, self._memory = self.zeros_ms, None

    @property
    def zeros_ms(self) -> float:
        """Milliseconds of sound in blocks of nothing but zeros."""
        if self._memory is None:
            return self._past_zeros_ms
        return self._past_zeros_ms + self._memory.words[ZERO_SAMPLES] * 1000 / self._info.sample_rate

    def look(self, now: float) -> float | None:
        """Returns the part of the sound that was delivered lately, if it is too little; None if all is well.

        The sound that is missing is counted. Zeros are counted, and logged here.
        """
        if self._memory is None:
            return None
        last_now, last_samples, last_zeros = self._last
        samples, zeros = self._counters(self._memory)
        self._last = (now, samples, zeros)
        if self._num_ignored:
            self._num_ignored -= 1
            return None
        if samples == last_samples:
            self._looks.clear()
            return None
        self._looks.append((now - last_now, samples - last_samples, zeros - last_zeros))
        if len(self._looks) < _NUM_LOOKS:
            return None
        seconds = sum(look[0] for look in self._looks)
        num_samples, num_zeros = (sum(look[i] for look in self._looks) for i in (1, 2))
        if num_zeros >= num_samples:
            self._zeros.failed(self._info.name, seconds)
        else:
            self._zeros.good()
        heard_s = num_samples / self._info.sample_rate
        if heard_s >= _LEAST_PART * (seconds - self._block_s):
            self._missing.good()
            return None
        self.missing_ms += (seconds - heard_s) * 1000
        self._looks.clear()
        return heard_s / seconds

    def cannot_help(self, part: float) -> None:
        """Says that a device goes on with only a part of its sound."""
        self._missing.failed(self._info.name, 100 * part)

    def _counters(self, memory: DeviceMemory) -> tuple[int, int]:
        """Returns the samples per channel that the device has delivered, and those in blocks of zeros."""
        ring = memory.ring
        return (ring.num_written + ring.overrun_samples) // self._info.num_channels, memory.words[ZERO_SAMPLES]
