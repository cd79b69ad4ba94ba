"""RestTimer: plays what the conversion of a stream holds back, where the stream pauses."""

from __future__ import annotations

import asyncio
from typing import Protocol

from livekit_utils._runtime.due_timer import DueTimer
from livekit_utils._runtime.loop_timers import LoopTimers
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.frames.audio_frame import AudioFrame

# Where more than this is queued, in seconds, the source tells its streams of a pause with the last 10 ms. Otherwise it
# does so 40 ms after the last sound.
_AHEAD_S = 0.04

# The converter is flushed so many seconds before the end of what is queued, or after it: in time for either.
_MARGIN_S = 0.015


class _Source(Protocol):
    @property
    def queued_duration(self) -> float: ...
    @property
    def paused(self) -> bool: ...

    def _take_rest(self, frame: AudioFrame, /) -> None: ...


class RestTimer:
    """Flushes a converter where nothing follows: shortly before all that is queued was played; or, where little is
    queued, shortly after that, because a stream that delivers in real time may come a little late.

    Args:
        converter: Of the stream.
        source: Plays it.
    """

    def __init__(self, converter: FrameConverter, source: _Source) -> None:
        self._converter = converter
        self._source = source
        self._timer = DueTimer()

    def start(self) -> None:
        """Waits, after a frame of the stream was captured."""
        if self._converter.holds_back:
            loop, queued_s = asyncio.get_running_loop(), self._source.queued_duration
            now = loop.time()
            due = now + queued_s + (-_MARGIN_S if queued_s > _AHEAD_S else _MARGIN_S)
            self._timer.set(LoopTimers.of(loop), due, due, now, self._on_time)

    def cancel(self) -> None:
        self._timer.cancel()

    def _on_time(self) -> None:
        if self._source.paused or self._source.queued_duration > _AHEAD_S:  # there is a pause, or there was one
            self.start()
            return
        for frame in self._converter.flush():
            self._source._take_rest(frame)
