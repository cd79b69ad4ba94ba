"""RecordedTrack: takes the sound of a track of ours straight from its source, whose clock tells when it is heard."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from livekit_utils.frames.audio_frame import AudioFrame, copy_audio_frame
from livekit_utils.tracks.track import LocalAudioTrack


class RecordedTrack:
    """A sink of the track's source.

    Args:
        track: The track.
        loop: The recorder's.
        take: Gets each frame, with the time of the loop at which it begins to be heard; None where the source does not
            pace it. Called in that loop.
        on_idle: Called when nothing has come for a while.
        on_end: Called when the source is closed.

    Threads: the source may be used in another loop, of another thread.
    """

    def __init__(
        self,
        track: LocalAudioTrack,
        loop: asyncio.AbstractEventLoop,
        *,
        take: Callable[[AudioFrame, float | None], None],
        on_idle: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        self._track, self._loop = track, loop
        self._take, self._idle_callback, self._end_callback = take, on_idle, on_end

    def attach(self) -> None:
        """Begins."""
        self._track._fan_out.attach(self)

    def detach(self) -> None:
        """Ends without a call."""
        self._track._fan_out.detach(self)

    def _receive(self, frame: AudioFrame) -> None:
        if self._track.muted:
            return  # silence
        begin = self._track._source._begin_of(frame)
        if self._is_in_loop():
            self._take(frame, begin)
        else:
            copy = copy_audio_frame(frame)
            self._call(lambda: self._take(copy, begin))

    def _on_idle(self) -> None:
        # A source that does not pace its frames, as that of a microphone, may be late.
        if self._track._source._queue_size_s:
            self._call(self._idle_callback)

    def _end(self) -> None:
        self._call(self._end_callback)

    def _call(self, function: Callable[[], None]) -> None:
        if self._is_in_loop():
            function()
        else:
            with contextlib.suppress(RuntimeError):  # the recorder's loop is closed
                self._loop.call_soon_threadsafe(function)

    def _is_in_loop(self) -> bool:
        return asyncio._get_running_loop() is self._loop
