"""Voice: one stream or track of a recording, from its frames to their places; RecorderStreamStats describes it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.trouble import Trouble
from livekit_utils.frames.audio_frame import AudioFrame, copy_audio_frame
from livekit_utils.recording.clock_follower import ClockFollower
from livekit_utils.recording.lane import Lane
from livekit_utils.recording.placement import Placement

__all__ = ["RecorderStreamStats"]

# A stream that has delivered is waited for so long, in seconds: what it delivers late can lie where it belongs. Nothing
# that lies behind its end is written meanwhile.
_PATIENCE_S = 6.0

# Frames of a source's own clock follow each other without a gap if they are this close, in seconds.
_SAME_S = 0.5e-3


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class RecorderStreamStats:
    """One stream or track of a Recorder."""

    recorded_s: float
    """Seconds of sound that it has delivered, and that have their place in the recording."""
    num_gaps: int
    """Pauses between its sound."""
    undecided_ms: float
    """Sound whose place is not found yet."""
    ppm: float
    """How much faster its clock is than the recording's, in millionths, as far as it was found out."""
    num_refused: int
    """Frames that could not be converted."""


class Voice:
    """Puts the frames of one stream on its lane.

    Args:
        name: For the log.
        lane: Where its sound goes.
        sample_rate: Hz, of the recording.
        now_s: The place at which it begins at the earliest.
    """

    def __init__(self, name: str, lane: Lane, sample_rate: int, now_s: float) -> None:
        self.name = name
        self._lane = lane
        self._sample_rate = sample_rate
        self._placement: Placement[AudioFrame] = Placement(now_s)
        self._follower = ClockFollower(sample_rate)
        self._came_at: float | None = None  # the place at which it delivered last; None if it is not waited for
        self._undecided_s = self._recorded_s = 0.0
        self._num_gaps = 0
        self._refusal = Trouble("Recorder: a frame of %r cannot be recorded: %s")
        self._begun = False
        lane.move_to(round(now_s * sample_rate))

    @property
    def ahead_s(self) -> float:
        """Where its next frame lies if there is no gap."""
        return self._placement.end_s

    def stats(self) -> RecorderStreamStats:
        """Returns what it has done so far."""
        return RecorderStreamStats(
            recorded_s=self._recorded_s,
            num_gaps=self._num_gaps,
            undecided_ms=self._undecided_s * 1000,
            ppm=self._follower.ppm,
            num_refused=self._refusal.count,
        )

    # -- frames that come when they are over --------------------------------------------------------------------------

    def arrive(self, frame: AudioFrame, now_s: float) -> None:
        """Takes a frame that came now."""
        duration_s = frame.samples_per_channel / frame.sample_rate
        if not duration_s:
            return
        self._came_at = now_s
        self._undecided_s += duration_s
        placed = self._placement.arrive(frame, duration_s, now_s)
        if self._placement.is_undecided:
            self._placement.keep(copy_audio_frame(frame))  # its memory may be used again
        self._lay_all(placed, now_s)

    def settle(self, now_s: float) -> None:
        """Lays the frames whose place is found by now; infinity finds all."""
        if self._placement.is_undecided:
            self._lay_all(self._placement.settle(now_s), now_s)

    def _lay_all(self, placed: list[tuple[AudioFrame, float | None]], now_s: float) -> None:
        for frame, begin_s in placed:
            self._lay(frame, begin_s, now_s)

    def _lay(self, frame: AudioFrame, begin_s: float | None, now_s: float) -> None:
        duration_s = frame.samples_per_channel / frame.sample_rate
        self._undecided_s = max(0.0, self._undecided_s - duration_s)
        slip = 0
        if begin_s is None:
            if math.isfinite(now_s):
                self._follower.watch(self._placement.lag_s, now_s)
            slip = self._follower.take(round(duration_s * self._sample_rate))
        else:
            self._leave_gap(begin_s)
        slipped = self._put(frame, slip)
        if slip and not slipped:
            self._follower.give_back(slip)
        elif slipped:
            self._placement.slip(slipped / self._sample_rate)

    # -- frames whose time is known -----------------------------------------------------------------------------------

    def begin_at(self, frame: AudioFrame, begin_s: float, now_s: float) -> None:
        """Takes a frame that is heard from there on."""
        self._came_at = now_s
        if begin_s - self._placement.end_s > _SAME_S or not self._begun:
            self._leave_gap(max(begin_s, 0.0))
        self._put(frame, 0)
        self._placement.place(begin_s + frame.samples_per_channel / frame.sample_rate)

    # -- both ---------------------------------------------------------------------------------------------------------

    def _leave_gap(self, begin_s: float) -> None:
        self._num_gaps += self._begun
        self._follower.start_over()
        self._lane.move_to(round(begin_s * self._sample_rate))

    def _put(self, frame: AudioFrame, slip: int) -> int:
        self._begun = True
        try:
            slipped = self._lane.put(frame, slip)
        except ValueError as error:
            self._refusal.failed(self.name, error)
            self._lane.move_to(
                self._lane.position + round(frame.samples_per_channel / frame.sample_rate * self._sample_rate)
            )
            return 0
        if self._refusal.count:
            self._refusal.good()
        self._recorded_s += frame.samples_per_channel / frame.sample_rate
        return slipped

    def rests_since(self, now_s: float) -> float:
        """Returns the seconds since it delivered last; 0 if it never has, or is not waited for."""
        return 0.0 if self._came_at is None else now_s - self._came_at

    def rest(self) -> None:
        """Takes note that nothing comes for a while: nobody waits for it."""
        if self._came_at is not None and not self._placement.is_undecided:
            self._came_at = None
            self._lane.flush()

    def settled_s(self, now_s: float) -> float:
        """Returns the place up to which nothing comes any more."""
        if self._placement.is_undecided:
            return self._next_s()
        if self._came_at is None or self._lane.is_over:
            return math.inf
        if now_s - self._came_at > _PATIENCE_S:
            self.rest()
            return math.inf
        return self._next_s()

    def _next_s(self) -> float:
        """Where the next sample lies that its lane gets: the converter may hold some back."""
        return min(self._placement.end_s, self._lane.position / self._sample_rate)

    def not_before(self, begin_s: float) -> None:
        """Has what comes next lie there at the earliest."""
        if not self._placement.is_undecided and begin_s > self._placement.end_s:
            self._placement.not_before(begin_s)
            position = round(begin_s * self._sample_rate)
            if position > self._lane.position:
                self._lane.move_to(position)

    def end(self) -> None:
        """Lays what is left, and ends."""
        self.settle(math.inf)
        if not self._lane.is_over:
            self._lane.flush()
            self._lane.is_over = True
