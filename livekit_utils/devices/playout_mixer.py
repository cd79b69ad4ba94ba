"""PlayoutMixer: mixes the streams that a speaker plays into the ring before it."""

from __future__ import annotations

import math

from livekit_utils._kernels.gain_queue import mix
from livekit_utils.devices.playout_depth import PlayoutDepth
from livekit_utils.devices.playout_input import SLACK_S, PlayoutInput
from livekit_utils.devices.repeated_gaps import RepeatedGaps
from livekit_utils.devices.speaker_feed import SpeakerFeed

# An input that has nothing holds up the others for as long as it may come late unnoticed, within these limits.
_PATIENCE_S = 0.02
_MAX_PATIENCE_S = 0.1

# Time for the mix before the device needs it.
_MIX_S = 0.001

# The same for what converters hold back at the end of sound. It is less than a live frame is there before it is needed.
_REST_S = 0.0005


class PlayoutMixer:
    """Mixes the inputs into the ring before a device.

    Whatever every input that is being played has is mixed, 10 ms at most at a time. An input that has nothing is waited
    for until the device needs the sound, but no longer than it could have come late unnoticed. Then the mix is made
    without it, and it stops until it is ready again. So no input holds up the others for longer.

    Args:
        sample_rate, num_channels: Of the mix.
        depth: How much sound is to be queued before the device.
    """

    def __init__(self, sample_rate: int, num_channels: int, depth: PlayoutDepth) -> None:
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._most = max(1, sample_rate // 100)
        self._depth = depth
        self._due: float | None = None  # when the next mix is made at the latest, while it waits for an input
        self.rest_due: float | None = None
        """When to call `fill` again for what converters hold back, if the inputs deliver nothing until then."""
        self._waiting_since: float | None = None
        self._num_short = 0  # of the device, when it was looked at last
        self._looked_at = -math.inf
        self._gaps = RepeatedGaps()
        self.target = depth.depth(0.0)
        self._filled: int | None = None  # samples in the ring, when there was sound for it and it was filled last
        self._num_dropped = self._num_stalls = 0  # of the inputs that are gone
        self.inputs: list[PlayoutInput] = []

    @property
    def num_dropped(self) -> int:
        """Samples per channel that the inputs have left out, including those that are gone."""
        return self._num_dropped + sum(source.num_dropped for source in self.inputs)

    @property
    def num_stalls(self) -> int:
        """Stalls of the inputs, including those that are gone."""
        return self._num_stalls + sum(source.num_stalls for source in self.inputs)

    @property
    def waits_until(self) -> float | None:
        """The time by which the next mix is made at the latest, if it waits for an input."""
        return self._due

    def remove(self, source: PlayoutInput) -> None:
        """Forgets an input, but not its figures."""
        self.inputs.remove(source)
        self._num_dropped += source.num_dropped
        self._num_stalls += source.num_stalls

    def stop(self) -> None:
        """Has all inputs start again, because the device changes."""
        self._num_short, self._filled, self._looked_at = 0, None, -math.inf
        self._gaps.restart()
        for source in self.inputs:
            source.stop()

    def look(self, feed: SpeakerFeed | None, now: float) -> None:
        """Finds out what the device has done since the last look. Call it before a frame is queued."""
        if feed is None or now == self._looked_at:
            return
        self._looked_at = now
        ring_fill = feed.fill
        feed.show(self._depth)
        num_short, self._num_short = feed.num_short - self._num_short, feed.num_short
        if self._filled is not None:
            # There was more sound, so all that the device has taken beyond a burst was taken before the loop got to it.
            late = self._filled - ring_fill + num_short - self._depth.burst
            self._filled = None
            if late > 0:
                self._depth.see_delay(late / self._sample_rate, now)
        if num_short:
            for source in self.inputs:
                if source.playing and not source.fill:
                    source.note_underrun(now - num_short / self._sample_rate)
        self._gaps.look(feed.num_gaps, feed.device, now)

    def fill(self, feed: SpeakerFeed, now: float) -> int:
        """Writes into the ring until it is filled up to its depth, or the inputs have nothing more to give.

        Returns:
            The fill of the ring below which to call again, though no input has delivered anything.
        """
        self.look(feed, now)
        target = self.target = self._depth.depth(now)
        most = target
        if all(source.live for source in self.inputs):
            # What is live need not be held back, and what waited here would need wakes.
            most += round(SLACK_S * self._sample_rate)
        goes_on = self._write_blocks(feed, most, now)
        self.rest_due = None if goes_on else self._find_rest_due(feed)
        if self.rest_due is not None and now >= self.rest_due:
            self.rest_due = None
            for source in self.inputs:
                if source.has_rest:
                    source.take_rest()
            goes_on = self._write_blocks(feed, most, now)
            if not goes_on:
                feed.write_rest()
        if goes_on:
            self._filled = min(feed.fill, target)  # below which the device wakes the loop
        return target if goes_on else 0

    def _write_blocks(self, feed: SpeakerFeed, most: int, now: float) -> bool:
        """Writes into the ring up to `most` samples. Returns whether there is more that could be mixed later."""
        ring_fill = feed.fill
        while any(source.can_go_on for source in self.inputs):
            block = self._next_block(ring_fill, most - ring_fill, now) if ring_fill < most else None
            if block is None:
                return True
            feed.write(block)
            ring_fill = feed.fill
        return False

    def _find_rest_due(self, feed: SpeakerFeed) -> float | None:
        """Returns when the device needs what converters hold back; None if they hold nothing, or nobody knows."""
        if not (feed.has_rest or any(source.has_rest for source in self.inputs)):
            return None
        needed_at = self._depth.needed_at(feed.fill)
        return needed_at - _REST_S if needed_at > -math.inf else None

    def _next_block(self, ring_fill: int, wanted: int, now: float) -> bytearray | None:
        """The next sound for a ring that holds `ring_fill` samples and wants `wanted` more; None if none is due."""
        playing, late, over = [], [], []
        size, longest = min(wanted, self._most), 0
        for source in self.inputs:
            if source.ended:
                over.append(source)
            if not source.playing and not source.starts(ring_fill, now):
                continue
            playing.append(source)
            fill = source.queue.samples_per_channel
            if source.ended:
                longest = max(longest, fill)
            elif fill:
                size, longest = min(size, fill), max(longest, fill)
            else:
                late.append(source)
        if late and (len(late) == len(playing) or not self._is_due(ring_fill, now)):
            return None
        self._waiting_since = self._due = None
        rests = [source for source in late if source.has_rest]
        if rests:
            for source in rests:
                source.take_rest()
            return self._next_block(ring_fill, wanted, now)
        for source in late:
            source.note_underrun(now)
        size = min(size, longest)
        mixed = self._mix(playing, size) if size else None
        for source in playing:
            source.make_room(ring_fill + size, now)
        for source in over:
            if not source.fill:
                self.remove(source)
        return mixed

    def _is_due(self, ring_fill: int, now: float) -> bool:
        """Whether the next mix is made without the inputs that have nothing."""
        if self._waiting_since is None:
            self._waiting_since = now
        patience_s = min(
            max((self._depth.depth(now) - self._depth.burst) / self._sample_rate, _PATIENCE_S), _MAX_PATIENCE_S
        )
        self._due = min(self._waiting_since + patience_s, self._depth.needed_at(ring_fill) - _MIX_S)
        return now >= self._due

    def _mix(self, playing: list[PlayoutInput], size: int) -> bytearray:
        parts = [source.queue for source in playing]
        parts += [source.tail for source in playing if source.tail.samples_per_channel]
        return mix(parts, size, self._num_channels)
