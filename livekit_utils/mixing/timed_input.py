"""TimedInput is a stream of a mixer that keeps time."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from livekit_utils._runtime.trouble import Trouble
from livekit_utils.conversion.drift_follower import DriftFollower
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.frames.sdk_class import sdk_class
from livekit_utils.mixing.block_clock import BlockClock
from livekit_utils.mixing.mixer_input import AudioMixerStreamStats, MixerInput
from livekit_utils.mixing.pace import Pace

# A live stream fades out over what is left of it when it stalls, so that much is always kept.
_FADE_S = 0.005

# What a live stream may come late unnoticed: at first, and at most after it has come late. It is forgotten by half in
# the time that follows.
_RESERVE_S = 0.005
_MAX_RESERVE_S = 0.1
_HALF_LIFE_S = 20.0

# A surplus of this much is left out at once, so that it does not become a lasting delay. The resampler takes the rest.
_SLACK_S = 0.03

# An underrun that lasts this long was not a stall: the sender was silent.
_STALL_S = 0.5

# Blocks in time after which a stream that is late again is logged again.
_NUM_GOOD_BLOCKS = 100


class TimedInput(MixerInput):
    """A stream of a mixer that gives a block every block's time, whether the stream has delivered or not.

    A live stream (`Pace` tells, or the user) is resampled to the mixer's clock, and read as it comes. It starts behind
    as much silence as lets the following frames come in time. When it is late, it fades out over what is left of it,
    and starts again with its next frame; the delay that it may have unnoticed grows. After a burst, what is too much is
    left out in a crossfade.

    Any other stream is read as it is played, and nothing of it is ever left out. What it has is played as it is.

    Args:
        clock: Of the mixer.
        block: Samples per channel of a block.
        live: Whether the stream is live; None finds out.
    """

    def __init__(
        self,
        num_channels: int,
        gain: float,
        stream: object,
        name: str,
        sample_rate: int,
        channels: Sequence[int] | None,
        clock: BlockClock,
        block: int,
        live: bool | None,
    ) -> None:
        super().__init__(num_channels, gain, stream, name, sample_rate, channels)
        self.plain = self.expected = False  # every frame goes through `convert`, and no block waits for it
        self._channels = channels
        self._clock = clock
        self._block = block
        if live is None and _is_live(stream):
            live = True
        self._pace = Pace() if live is None else None
        self.live = live is True
        self.playing = False
        self._drops_rest = False
        self._waited_s = 0.0  # for the frame that is being taken
        self._frame = 0  # samples per channel of the last frame
        self._first_at: float | None = None  # when the first sample came that is not played yet
        self._fade = max(1, round(_FADE_S * sample_rate))
        self._reserve_s, self._reserve_at = _RESERVE_S, 0.0
        self._stopped_at: float | None = None  # when it was late, if it was
        self._follower: DriftFollower | None = None
        self._input_rate = 0
        self.read_ahead = self._target(0.0)
        self._late = Trouble(
            "AudioMixer: %r is late and silent until it goes on", logging.WARNING, num_good=_NUM_GOOD_BLOCKS
        )

    @property
    def ppm(self) -> float:
        """How much faster the stream's clock is than the mixer's, in millionths; 0 until that is known."""
        return self._follower.ppm if self._follower is not None and self.live else 0.0

    def stats(self) -> AudioMixerStreamStats:
        stats = super().stats()
        # The level is that of the last block in which it had a part.
        return stats if self.playing else replace(stats, peak_dbfs=-math.inf, rms_dbfs=-math.inf)

    # -- what comes ---------------------------------------------------------------------------------------------------

    def open(self) -> Callable[[], Awaitable[Any]]:
        advance = super().open()
        if self._pace is None:
            return advance
        now = self._clock.now

        async def timed() -> Any:
            began = now()
            item = await advance()
            self._waited_s += now() - began
            return item

        return timed

    def convert(self, frame: AudioFrame) -> list[AudioFrame]:
        now = self._clock.now()
        if self._pace is not None:
            self.live = self._pace.see(self._waited_s, frame.duration)
            self._waited_s = 0.0
        self._frame = math.ceil(frame.duration * self.sample_rate)
        frames: list[AudioFrame] = []
        target = self._target(now)
        for part in self._take_channels(frame):
            if part.sample_rate != self._input_rate:
                frames += self._change_rate(part.sample_rate)
            assert self._follower is not None
            if self.live:
                frames += self._follow(self._follower, part, now, target)
            else:
                frames += self._follower.convert(part)
        self.read_ahead = target
        if self._first_at is None:
            self._first_at = now
        return frames

    def flush(self) -> list[AudioFrame]:
        return self._follower.flush() if self._follower is not None else []

    def _take_channels(self, frame: AudioFrame) -> list[AudioFrame]:
        if self._channels is None and frame.num_channels == self.num_channels:
            return [frame]
        if self.converter is None or self._input_rate != frame.sample_rate:
            self.converter = FrameConverter(frame.sample_rate, self.num_channels, self._channels)
        return self.converter.push(frame)

    def _change_rate(self, rate: int) -> list[AudioFrame]:
        """Returns what is left at the old rate."""
        rest = self.flush()
        self._input_rate = rate
        self._follower = DriftFollower(rate, self.sample_rate, self.num_channels)
        return rest

    def _follow(self, follower: DriftFollower, frame: AudioFrame, now: float, target: int) -> list[AudioFrame]:
        until_next_s = self._clock.next_due - now
        fill_s = self.samples_per_channel / self.sample_rate + until_next_s
        follower.target_s = target / self.sample_rate
        frames = follower.push(frame, now, fill_s)
        if not self.playing and not self.samples_per_channel:
            self._begin_again(now)
            target = self._target(now)
            num_made = sum(made.samples_per_channel for made in frames)
            missing = target - num_made - round(until_next_s * self.sample_rate)
            if missing > 0:
                self.push_silence(missing)
                follower.moved(missing / self.sample_rate)
        return frames

    def _begin_again(self, now: float) -> None:
        """Lets a stream that was late come as late the next time."""
        if self._stopped_at is not None and now - self._stopped_at < _STALL_S:
            late_s = min(now - self._stopped_at, _MAX_RESERVE_S)
            if late_s > self._reserve(now):
                self._reserve_s, self._reserve_at = late_s, now

    def _reserve(self, now: float) -> float:
        if self._reserve_s == _RESERVE_S:
            return _RESERVE_S
        faded = (self._reserve_s - _RESERVE_S) * math.exp2((self._reserve_at - now) / _HALF_LIFE_S)
        return _RESERVE_S + faded

    def _target(self, now: float) -> int:
        """Samples per channel that are to be there, with those of the block that is being played, after a frame."""
        return self._block + self._fade + self._frame + round(self._reserve(now) * self.sample_rate)

    # -- what is played -----------------------------------------------------------------------------------------------

    def has_part(self, now: float) -> bool:
        """Gets ready for the next block; returns whether the mix has anything to do with the stream."""
        self.skips = self.is_held or not self.begin_block(now)
        return self.is_shaped or not self.skips

    def begin_block(self, now: float) -> bool:
        """Gets ready for the next block; returns whether the stream has a part in it."""
        fill = self.samples_per_channel
        if self.live and not self.ended:
            # Blocks that are made up for at once, after the event loop was held up, take theirs of it.
            overdue = max(0, round((now - self._clock.next_due) * self.sample_rate))
            surplus = fill - self._target(now) - overdue
            if surplus > _SLACK_S * self.sample_rate:
                self._leave_out(surplus)
                fill -= surplus
        if not self.playing:
            if not self._starts(fill, now):
                self._note_silence(self._block)
                self.num_late_blocks += self.live and self._stopped_at is not None
                return False
            self.playing = True
            if self.live and self._stopped_at is not None:
                self.gate(False, 0)
                self.gate(self.is_heard is not False, self._fade)
            self.late = False
            self._stopped_at = None
        if self.ended or self.is_paused or fill >= self._block + (self._fade if self.live else 0):
            self._late.good()
            return fill > 0
        self._stop(fill, now)
        return fill > 0

    def end_block(self) -> None:
        """The block was mixed."""
        if not self.playing:
            self.power = 0.0
        if self._drops_rest:
            self._drops_rest = False
            self.clear()

    def _starts(self, fill: int, now: float) -> bool:
        if not fill:
            return False
        if self.ended or fill >= self._target(now):
            return True
        if self.live:
            return fill >= self._block + self._fade
        if self._first_at is None:  # it stopped with samples in its queue
            self._first_at = now
        return now - self._first_at >= self._target(now) / self.sample_rate

    def _stop(self, fill: int, now: float) -> None:
        """The stream has too little: it plays what is there, and starts anew."""
        self.playing = False
        self._stopped_at = now
        self._first_at = None
        if self.live:
            self.late = True
            self.num_late_blocks += 1
            if getattr(self.stream, "idle", False) is not True:
                self._late.failed(self.name)
            self._drops_rest = True
            self.gate(False, max(1, min(fill, self._block)))
            self._note_silence(self._block - fill)

    def _leave_out(self, num_samples: int) -> None:
        self.leave_out(num_samples, self._fade)
        self.num_left_out += num_samples
        if self._follower is not None:
            self._follower.moved(-num_samples / self.sample_rate)

    def _note_silence(self, num_samples: int) -> None:
        if self.live and self._follower is not None:
            self._follower.moved(num_samples / self.sample_rate)


def _is_live(stream: object) -> bool:
    """Whether a stream is known to be live: ours tell whether they are idle, and the SDK's are."""
    theirs = sdk_class("livekit.rtc.audio_stream", "AudioStream")
    return hasattr(type(stream), "idle") or (theirs is not None and isinstance(stream, theirs))
