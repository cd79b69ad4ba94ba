"""LiveStream: the reading half that AudioStream and VideoStream share."""

from __future__ import annotations

import weakref
from abc import abstractmethod
from collections.abc import Coroutine
from typing import Any, Generic, Self, TypeVar

from livekit_utils._runtime.arguments import check_int
from livekit_utils._runtime.lifecycle import AsyncClosing
from livekit_utils._runtime.queues import LiveQueue
from livekit_utils.tracks.fan_out import FanOut
from livekit_utils.tracks.sdk_feed import SdkFeed
from livekit_utils.tracks.track import Track

E = TypeVar("E")


class LiveStream(AsyncClosing, Generic[E]):
    """A stream of events that its track's source puts into a queue, from which tasks read.

    A subclass implements what the source calls, and calls `_subscribe` when it is ready for that.

    Args:
        track: A track with a source, or the feed of a track of the LiveKit SDK, which the stream owns.
        capacity: Number of events that may wait to be read; 0 keeps all.
    """

    def __init__(self, track: Track | SdkFeed, capacity: int) -> None:
        self._track = track
        self._fan_out: FanOut[Any] = track._fan_out
        self._queue: LiveQueue[E] = LiveQueue(check_int("capacity", capacity, 0), repr(self))

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Coroutine[Any, Any, E]:
        return self._queue.get(self._fan_out.waiting, self)

    def _subscribe(self) -> None:
        if isinstance(self._track, SdkFeed):
            self._track.open(weakref.WeakMethod(self._fail))
            weakref.finalize(self, self._track.close).atexit = False
        self._attach()

    def _fail(self, error: BaseException) -> None:
        """Ends the stream: the reader gets the events that are queued, then the error."""
        self._detach()
        self._queue.end(error)
        if isinstance(self._track, SdkFeed):
            self._track.close()

    def _close(self) -> bool:
        """Closes the reading half; returns False if it is closed already."""
        if self._closed:
            return False
        self._closed = True
        self._detach()
        self._queue.close()
        if isinstance(self._track, SdkFeed):
            self._track.close()
        return True

    async def _feed_closed(self) -> None:
        """Returns when the stream of the LiveKit SDK is closed, if there is one."""
        if isinstance(self._track, SdkFeed):
            await self._track.aclose()

    def _attach(self) -> None:
        """Has the source call this stream from now on."""
        self._fan_out.attach(self)

    def _detach(self) -> None:
        """Has it call this stream no more."""
        self._fan_out.detach(self)

    # -- what the source calls ----------------------------------------------------------------------------------------

    @abstractmethod
    def _receive(self, item: Any, /) -> None: ...

    @abstractmethod
    def _on_idle(self) -> None: ...

    @abstractmethod
    def _end(self) -> None: ...
