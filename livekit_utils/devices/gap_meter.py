"""GapMeter: measures the sound that is missing between what a microphone gave before a loss and what it gives after."""

from __future__ import annotations

from dataclasses import dataclass

from livekit_utils._runtime.public_path import public
from livekit_utils.devices.backend.memory import CALLBACK_NS, CALLBACKS
from livekit_utils.devices.device_stream import DeviceLink

__all__ = ["InputGap"]


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class InputGap:
    """Sound that is missing between two frames of an `InputCapture`."""

    num_frames: int
    """Frames of 10 ms that the capture had given before the gap."""
    duration_ms: float
    """Milliseconds that passed in the gap."""


class GapMeter:
    """Tells how long a gap is by the times at which the sound card delivered its blocks. How late the event loop was to
    see them makes no difference.

    Threads: for one event loop.
    """

    def __init__(self) -> None:
        self._link: DeviceLink | None = None  # until its first block was seen
        self._end_ns: float | None = None  # when the last sound ended that was given; by the monotonic clock

    @property
    def end_ns(self) -> float | None:
        """The monotonic time at which the last sound before a gap ended, while the gap lasts; else None."""
        return self._end_ns

    def begin(self, link: DeviceLink) -> None:
        """Starts with a device that was opened."""
        self._link = link

    def heard(self) -> float:
        """Returns the milliseconds of a gap that ends with what is in the ring now; 0 for none. Call it before anything
        is taken from the ring."""
        link = self._link
        if link is None or not link.memory.words[CALLBACKS]:
            return 0.0
        self._link = None
        end_ns, self._end_ns = self._end_ns, None
        if end_ns is None:
            return 0.0
        ring, info = link.memory.ring, link.info
        # A full ring keeps what is older than what it loses.
        num_values = ring.readable + ring.overrun_samples
        begin_ns = link.memory.words[CALLBACK_NS] - num_values * 1e9 / (info.num_channels * info.sample_rate)
        return max(0.0, (begin_ns - end_ns) / 1e6)

    def end(self, link: DeviceLink, left_ms: float) -> None:
        """Ends with a device that was lost.

        Args:
            link: The device.
            left_ms: Its last sound, which was delivered and is not given any more.
        """
        if self._link is None:
            self._end_ns = link.memory.words[CALLBACK_NS] - left_ms * 1e6
        self._link = None
