"""RecordingClock: tells the place in a recording that a time of the event loop has."""

from __future__ import annotations


class RecordingClock:
    """Runs with the event loop's clock, less the pauses.

    Args:
        now: The time of the loop at which the recording begins, in seconds.
    """

    def __init__(self, now: float) -> None:
        self._start = now
        self._paused_at: float | None = None

    @property
    def paused(self) -> bool:
        return self._paused_at is not None

    def position(self, now: float) -> float:
        """Returns the seconds of recording until this time of the loop; in a pause, until its beginning."""
        return (now if self._paused_at is None else self._paused_at) - self._start

    def pause(self, now: float) -> None:
        """Stops the clock; in a pause, it does nothing."""
        if self._paused_at is None:
            self._paused_at = now

    def resume(self, now: float) -> None:
        """Ends the pause; without one, it does nothing."""
        if self._paused_at is not None:
            self._start += now - self._paused_at
            self._paused_at = None
