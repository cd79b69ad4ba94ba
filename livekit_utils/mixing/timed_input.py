"""TimedInput is a stream of a mixer that keeps time."""

from __future__ import annotations

import asyncio
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
from livekit_utils.mixing.timed_queue import TimedQueue

# A live stream fades out over what is left of it when it stalls, so that much is always kept.
_FADE_S = 0.005

# What a live stream may come late unnoticed, at most.
_MAX_RESERVE_S = 0.1

# An underrun that lasts this long was not a stall: the sender was silent. A stall is made up for within this time, too.
_STALL_S = 0.5

# Blocks in time after which a stream that is late again is logged again.
_NUM_GOOD_BLOCKS = 100


class TimedInput(MixerInput, TimedQueue):
    """A stream of a mixer that gives a block every block's time, whether the stream has delivered or not.

    A live stream (`Pace` tells, or the user) is resampled to the mixer's clock, and read as it comes. It starts behind
    as much silence as lets the following frames come in time. When it is late, it fades out over what is left of it,
    and starts again with its next frame. The delay that it may have unnoticed grows by what the frames after that make
    up for: a sender that was silent makes up for nothing. After a burst, what is too much is left out in a crossfade.

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
        self.clock = clock
        self.block = block
        self.fade = max(1, round(_FADE_S * sample_rate))
        self.live = live is True or (live is None and _is_live(stream))
        self.pace = Pace() if live is None and not self.live else None
        self._drops_rest = False
        self._stopped_at: float | None = None  # when it was late, if it was
        self._resumed_at: float | None = None  # when it went on soon after; None once that is long ago
        self._since_resumed_s = 0.0  # what has come since
        self._follower: DriftFollower | None = None
        self._input_rate = 0
        self.read_ahead = self.target(0.0)
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
        self.time = asyncio.get_running_loop().time
        return super().open()

    def read_on(self, now: float, read_ahead: int) -> None:
        self.asked_at = now
        super().read_on(now, read_ahead)

    def wait_for_room(self) -> asyncio.Future[None]:
        self.waited_s += self.time() - self.asked_at
        return super().wait_for_room()

    def convert(self, frame: AudioFrame) -> list[AudioFrame]:
        now = self.time()
        self.arrive(now, frame)
        frames: list[AudioFrame] = []
        for part in self._take_channels(frame):
            if part.sample_rate != self._input_rate:
                frames += self._change_rate(part.sample_rate)
            follower = self._follower
            assert follower is not None
            frames += self._follow(follower, part, now) if self.live else follower.convert(part)
            simply = follower.copies and self._channels is None and self._resumed_at is None
            self.window = follower.window if simply else None
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

    def _follow(self, follower: DriftFollower, frame: AudioFrame, now: float) -> list[AudioFrame]:
        follower.target_s = self.read_ahead / self.sample_rate
        frames = follower.push(frame, now, self.fill_s(now))
        if self._resumed_at is not None:
            self._make_up(self._resumed_at, frame, now)
        if not self.playing and not self.samples_per_channel:
            self._begin_again(now)
            num_made = sum(made.samples_per_channel for made in frames)
            missing = self.target(now) - num_made - round((self.clock.next_due - now) * self.sample_rate)
            if missing > 0:
                self.push_silence(missing)
                follower.moved(missing / self.sample_rate)
        return frames

    def _begin_again(self, now: float) -> None:
        """The stream goes on: after a stall, or because its sender was silent."""
        if self._stopped_at is not None and now - self._stopped_at < _STALL_S:
            self._resumed_at, self._since_resumed_s = now, 0.0

    def _make_up(self, resumed_at: float, frame: AudioFrame, now: float) -> None:
        """Lets a stream come as late the next time as it was, by what it delivers faster than time passes."""
        self._since_resumed_s += frame.samples_per_channel / frame.sample_rate
        late_s = min(self._since_resumed_s - (now - resumed_at), _MAX_RESERVE_S)
        if late_s > self.reserve(now):
            self.set_reserve(late_s, now)
        if now - resumed_at >= _STALL_S:
            self._resumed_at = None

    # -- what is played -----------------------------------------------------------------------------------------------

    def has_part(self, now: float) -> bool:
        """Gets ready for the next block; returns whether the mix has anything to do with the stream."""
        self.skips = self.is_held or not self.begin_block(now)
        return self.is_shaped or not self.skips

    def begin_block(self, now: float) -> bool:
        """Gets ready for the next block; returns whether the stream has a part in it."""
        if self.live and not self.ended:
            surplus = self.surplus(now, now - self.clock.next_due)
            if surplus:
                self._leave_out(surplus)
        least = self.block + (self.fade if self.live else 0)
        is_short = self.playing and not (self.ended or self.is_paused) and self.samples_per_channel < least
        if is_short and self._take_rest():
            least = self.block  # it ends in the next block, over what is left then
        fill = self.samples_per_channel
        if not self.playing:
            if not self._starts(fill, now):
                self._note_silence(self.block)
                self.num_late_blocks += self.live and self._stopped_at is not None
                return False
            self.playing = True
            if self.live and self._stopped_at is not None:
                self.gate(False, 0)
                self.gate(self.is_heard is not False, self.fade)
            self.late = False
            self._stopped_at = None
        if self.ended or self.is_paused or fill >= least:
            if not self.is_calm:
                self.is_calm = self._late.good()
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
        if self.ended or fill >= self.target(now):
            return True
        if self.live:
            return fill >= self.block + self.fade
        if self.first_at < 0:  # it stopped with samples in its queue
            self.first_at = now
        return now - self.first_at >= self.target(now) / self.sample_rate

    def _stop(self, fill: int, now: float) -> None:
        """The stream has too little: it plays what is there, and starts anew."""
        self.playing = False
        self._stopped_at = now
        self.first_at = -1.0
        self.kept = 0
        if self.live:
            self.late = True
            self.num_late_blocks += 1
            if getattr(self.stream, "idle", False) is not True:
                self._late.failed(self.name)
                self.is_calm = False
            self._drops_rest = True
            self.gate(False, max(1, min(fill, self.block)))
            self._note_silence(self.block - fill)

    def _take_rest(self) -> bool:
        """Appends what the conversion holds back, because nothing has followed in time. Returns whether it was any."""
        rests = self.flush()
        for rest in rests:
            self.push(rest)
            if self._follower is not None:
                self._follower.moved(rest.duration)
        return bool(rests)

    def _leave_out(self, num_samples: int) -> None:
        self.leave_out(num_samples, self.fade)
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
