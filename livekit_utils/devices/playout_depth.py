"""PlayoutDepth: decides how much sound has to be ready before a speaker takes it."""

from __future__ import annotations

import math

# Time that a frame is to be there before it is needed, beyond the delays that were seen.
_RESERVE_S = 0.002

# Time beyond a block for which a stream that is read as it is played is read ahead, unless the user names another.
_AHEAD_S = 0.01

# A delay is forgotten by half in this time.
_HALF_LIFE_S = 20.0

# Delays are bridged up to this; after longer ones the sound goes on at once.
_MAX_BRIDGED_S = 0.04

# Bursts are bridged up to this. A device that takes more at once was held up, or was suspended.
_MAX_BURST_S = 0.25

# The earliest callback is the less certain the fewer there were: with blocks of this length, not at all.
_UNCERTAIN_BLOCK_S = 0.125

# What was measured may be off by this, and by this share of what is uncertain of the earliest callback.
_MARGIN_S = 0.001
_MARGIN_SHARE = 0.5


class PlayoutDepth:
    """Knows when a device takes sound and how late sound has come, and from that how much has to be ready.

    A device that takes its blocks in time needs one block. One that takes several at once needs as many. What comes
    late by some milliseconds has to be sent as much earlier; the greatest delay of late counts, and fades. So the depth
    grows at once and comes back slowly.

    It has no clock: times are passed in, in seconds of one monotonic clock. All counts are samples per channel.

    Args:
        sample_rate: Of the mix.
        block: Samples that the device takes at a time, as far as that is known before it is open.
        buffer: Samples to be ready in any case, if the user has said so.
    """

    def __init__(self, sample_rate: int, block: int, buffer: int | None = None) -> None:
        self._sample_rate = sample_rate
        self._block = block
        self._buffer = buffer
        self._num_taken = 0.0
        self._earliest_s: float | None = None
        self._spread_s = 0.0
        self._late_s, self._late_at = 0.0, 0.0

    # -- what was seen ------------------------------------------------------------------------------------------------

    def see_device(self, block: int, num_taken: float, earliest_s: float, latest_s: float) -> None:
        """Takes what a DemandMeter beside the device says, converted to samples of the mix and seconds."""
        self._block, self._num_taken, self._earliest_s = block, num_taken, earliest_s
        self._spread_s = min(latest_s - earliest_s, _MAX_BURST_S)

    def forget_device(self) -> None:
        """The device has gone."""
        self._earliest_s, self._spread_s = None, 0.0

    def see_delay(self, delay_s: float, now: float) -> None:
        """Notes that sound came `delay_s` seconds late."""
        if delay_s > self._delay_s(now):
            self._late_s, self._late_at = min(delay_s, _MAX_BRIDGED_S), now

    # -- what follows -------------------------------------------------------------------------------------------------

    @property
    def burst(self) -> int:
        """Samples that the device has taken at once of late; a block at least."""
        return self._block + math.ceil(self._spread_s * self._sample_rate)

    def depth(self, now: float) -> int:
        """Samples that are to be ready, if there are so many."""
        late_s = self._delay_s(now)
        if self._buffer is None:
            return self.burst + math.ceil(max(_AHEAD_S, late_s) * self._sample_rate)
        return max(self._buffer, self.burst + math.ceil(late_s * self._sample_rate))

    def needed_at(self, num_queued: int) -> float:
        """The earliest time at which the device takes the sample behind `num_queued` others; -inf if nobody knows."""
        if self._earliest_s is None:
            return -math.inf
        # It takes whole blocks.
        return self._earliest_s + (self._num_taken + num_queued // self._block * self._block) / self._sample_rate

    def surplus(self, num_queued: int, frame: int, now: float, *, with_margin: bool = False) -> int:
        """How many of the samples before a frame that has just come are not needed for sound without gaps.

        It is the same at every frame of a stream, if its frames have one length and neither it nor the device is late.
        A negative number says how many are missing.

        Args:
            num_queued: Samples before the frame.
            frame: Samples of the frame, and of those that follow.
            with_margin: Count what is needed if the device has been measured a little too late. It decides what is left
                out: a surplus is a whole number of steps, and one that comes and goes with what was measured is none.
        """
        if self._earliest_s is None:
            surplus, ahead = num_queued, 0
        else:
            # Frame i comes i * frame samples from now, and the device takes block j after `until + j * block` samples.
            # So when it does, so many are queued beyond that block:
            #     num_queued + frame * (1 + (until + j * block) // frame) - (j + 1) * block
            # This is the least of them for all j: the remainder of the division takes every value that the common
            # divisor of the two allows.
            reserve_s = self._reserve_s(now)
            if with_margin:
                reserve_s += _MARGIN_S + _MARGIN_SHARE * self._uncertain_s
            until = (self.needed_at(0) - now - reserve_s) * self._sample_rate
            step = math.gcd(frame, self._block)
            surplus = num_queued + step * (1 + math.floor((until - self._block) / step))
            ahead = math.floor((self.needed_at(0) - now) * self._sample_rate)
        if self._buffer is None:
            return surplus
        # What the device took ahead, as part of a block, counts as queued; what a late one has not taken does not.
        return min(surplus, num_queued + frame + ahead - self._buffer)

    def _reserve_s(self, now: float) -> float:
        return _RESERVE_S + self._uncertain_s + self._delay_s(now)

    @property
    def _uncertain_s(self) -> float:
        """How much earlier than what was seen the device may take a block."""
        return self._spread_s * min(1.0, self._block / self._sample_rate / _UNCERTAIN_BLOCK_S)

    def _delay_s(self, now: float) -> float:
        return self._late_s * math.exp2((self._late_at - now) / _HALF_LIFE_S)


# A delay that is not made up for within this time was a pause of the sender.
_PAUSE_S = 0.5


class DelayMeter:
    """Tells how late the frames of a live stream come, from when they come alone.

    A frame is late if what follows makes up for it. A sender that pauses goes on later without making up for anything.
    """

    def __init__(self) -> None:
        self._least = math.inf  # least of "when it came, less where it lies in the stream"
        self._greatest = -math.inf  # since then
        self._greatest_at = 0.0
        self.late_s = 0.0
        """How late the last frame came, whether that was made up for or not."""

    def come(self, position_s: float, now: float) -> float:
        """Returns the delay that was made up for, in seconds, when a frame comes.

        Args:
            position_s: Where the frame lies in the stream, in seconds of sound.
        """
        offset = now - position_s
        self.late_s = max(0.0, offset - self._least)
        if offset > self._greatest:
            self._greatest, self._greatest_at = offset, now
        made_up = self._greatest - max(offset, self._least) if self._least < math.inf else 0.0
        if offset <= self._least or now - self._greatest_at > _PAUSE_S:
            self._least = self._greatest = offset
            self._greatest_at = now
        return made_up
