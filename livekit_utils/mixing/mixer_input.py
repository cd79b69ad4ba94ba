"""MixerInput holds one stream of an AudioMixer; AudioMixerStats describes them all."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.streams import close_iterator
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.mixing.mix_input import MixInput

__all__ = ["AudioMixerStats", "AudioMixerStreamStats"]

# A stream that delivers this many times faster than real time is not live. A live one may come in bursts.
_FASTER_THAN_LIVE = 4


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class AudioMixerStreamStats:
    """One stream of an AudioMixer."""

    num_samples_per_channel: int
    """Samples per channel that it has delivered, at the mixer's rate."""
    num_late_blocks: int
    """Blocks that went out without it, because it was late."""
    num_left_out_samples_per_channel: int
    """Samples per channel of a live stream that were left out after a stall, at the mixer's rate; with `realtime`."""
    ppm: float
    """How much faster a live stream's clock is than the mixer's, in millionths; 0 until that is known, and without
    `realtime`."""
    queued_ms: float
    """Audio that it has delivered and that has not been mixed yet."""
    peak_dbfs: float
    """Peak of its part of the last block, before the gain; -inf is silence."""
    rms_dbfs: float
    """RMS of its part of the last block, before the gain, against a full-scale square wave; -inf is silence."""
    is_paused: bool
    """Whether `pause` has stopped it."""


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class AudioMixerStats:
    """The state of an AudioMixer, and what it has done so far."""

    num_blocks: int
    """Blocks mixed."""
    num_skipped_blocks: int
    """Blocks that were due and were not made, with `realtime`: the event loop was held up, or nobody read."""
    num_queued_blocks: int
    """Blocks that wait to be read from the mixer itself."""
    reduction_db: float
    """By how much the limiter lowered the last block at most; 0 if it did not, or if there is none."""
    num_outputs: int
    """Outputs that are open."""
    num_dropped_blocks: int
    """Blocks that made room for later ones, because they were not read in time; summed over the mixer and its
    outputs."""
    streams: dict[str, AudioMixerStreamStats]
    """By name; without the streams that have ended or were removed."""


class MixerInput(MixInput):
    """A stream of an AudioMixer: its queue, its gain, and its state."""

    def __init__(
        self,
        num_channels: int,
        gain: float,
        stream: object,
        name: str,
        sample_rate: int,
        channels: Sequence[int] | None = None,
    ) -> None:
        self.stream: Any = stream
        self.iterator: Any = None
        self.name = name
        self.sample_rate = sample_rate
        self.converter = None if channels is None else FrameConverter(sample_rate, num_channels, channels)
        self.task: asyncio.Task[None] | None = None
        self._room: asyncio.Future[None] | None = None  # the task that reads the stream waits for it
        self.joining = False  # no block waits for it until it delivers: it is late, or new to a running mix
        self.joined_at = -math.inf  # the loop's time when it last began to deliver to a running mix, and the block
        self.joined_in = -1
        self.late = False
        self.num_late_blocks = 0
        self.num_left_out = 0
        self.power = 0.0  # how loud it is, after its gain, against full scale; kept by Loudest
        self.is_heard: bool | None = None  # among the loudest; None before that was decided
        self.ended = False
        self.is_paused = False  # by the user
        self.plain = self.converter is None
        self._counted_since = 0.0  # the loop's time when the count of what it delivers began
        self._counted_from = 0

    @property
    def ppm(self) -> float:
        return 0.0

    def is_live(self, now: float) -> bool:
        """Returns whether the stream has delivered about in real time since the last call, or since `read_on`."""
        delivered_s = (self.num_delivered - self._counted_from) / self.sample_rate
        is_live = now - self._counted_since >= delivered_s / _FASTER_THAN_LIVE
        self._counted_since = now
        self._counted_from = self.num_delivered
        return is_live

    def read_on(self, now: float, read_ahead: int) -> None:
        """Lets the stream be read until it has so many samples per channel."""
        self.read_ahead = read_ahead
        self._counted_since = now
        self._counted_from = self.num_delivered
        room = self._room
        if room is not None:
            self._room = None
            self.paused = False
            if not room.done():  # its task was not cancelled
                room.set_result(None)

    def wait_for_room(self) -> asyncio.Future[None]:
        """Returns what the task that reads the stream has to wait for, which ends with `read_on`."""
        self.paused = True
        self._room = room = asyncio.get_running_loop().create_future()
        return room

    def open(self) -> Callable[[], Awaitable[Any]]:
        """Returns the function that reads the next item."""
        self.iterator = aiter(self.stream) if hasattr(type(self.stream), "__aiter__") else self.stream
        advance: Callable[[], Awaitable[Any]] = self.iterator.__anext__
        return advance

    async def close(self) -> None:
        """Closes the iterator if `open` made it. A stream that is its own iterator belongs to the caller of
        `add_stream`."""
        if self.iterator is not self.stream:
            await close_iterator(self.iterator, f"AudioMixer: the iterator of {self.name!r}")

    def await_join(self) -> None:
        """Lets no block wait for the stream until it delivers."""
        self.joining = True
        self.expected = False
        self.plain = False

    def join(self, now: float, block: int) -> None:
        """Lets blocks wait for the stream again, from this one on: it delivers."""
        self.joined_at, self.joined_in = now, block
        self.joining = False
        self.late = False
        self.expected = True
        self.plain = self.converter is None

    def end(self) -> None:
        """Marks the end of the stream; the samples in the queue are still mixed."""
        self.ended = True
        self.draining = True
        self.paused = False
        self.joining = False
        self.expected = False
        self.plain = False

    def convert(self, frame: AudioFrame) -> list[AudioFrame]:
        """Returns a frame in the mixer's format."""
        if self.converter is None:
            if frame.sample_rate == self.sample_rate and frame.num_channels == self.num_channels:
                return [frame]
            self.converter = FrameConverter(self.sample_rate, self.num_channels)
            self.plain = False
        return self.converter.push(frame)

    def flush(self) -> list[AudioFrame]:
        """Ends the stream, and returns what its conversion still holds."""
        return self.converter.flush() if self.converter is not None else []

    def stats(self) -> AudioMixerStreamStats:
        """Returns the state of the stream, for the mixer's statistics."""
        peak, rms = self.level
        return AudioMixerStreamStats(
            num_samples_per_channel=self.num_delivered,
            num_late_blocks=self.num_late_blocks,
            num_left_out_samples_per_channel=self.num_left_out,
            ppm=self.ppm,
            queued_ms=self.samples_per_channel * 1000 / self.sample_rate,
            peak_dbfs=_dbfs(peak),
            rms_dbfs=_dbfs(rms),
            is_paused=self.is_paused,
        )


def _dbfs(amplitude: float) -> float:
    return 20 * math.log10(amplitude / 32768) if amplitude else -math.inf
