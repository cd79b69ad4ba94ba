"""MediaAhead decodes a file a little ahead of what is played, in a thread that runs only while there is room."""

from __future__ import annotations

import logging
import threading
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from livekit_utils._runtime.calls import Calls
from livekit_utils._runtime.queues import EndableQueue
from livekit_utils._runtime.threads import Once, start_thread
from livekit_utils.playback.errors import DecodingStoppedError

if TYPE_CHECKING:
    from types import TracebackType

    from livekit_utils.playback.item import Item
    from livekit_utils.playback.media_frames import MediaFrames
    from livekit_utils.playback.stream_decoder import Kind

logger = logging.getLogger("livekit_utils")

# How much is decoded ahead of each kind, at most. Pictures of 4K in I420 have 12 MB each.
_AHEAD_S: dict[Kind, float] = {"audio": 1.0, "video": 0.5}
_AHEAD_BYTES: dict[Kind, int] = {"audio": 4 << 20, "video": 64 << 20}

# Pictures that are decoded ahead at least, however long or large they are: the one that is shown next, and the one
# that tells how long it is seen.
_LEAST = 2


class Fill:
    """What has been decoded of one kind, and not been read."""

    def __init__(self, kind: Kind) -> None:
        self.queue: EndableQueue[Item[Any]] = EndableQueue(0)
        self.has_ended = False
        self.waits = False
        """Whether the other kind has to be decoded first."""
        self.seconds = 0.0
        self.num_bytes = 0
        self._most_s, self._most_bytes = _AHEAD_S[kind], _AHEAD_BYTES[kind]

    @property
    def share(self) -> float:
        """How full it is; 1 and more is full."""
        if len(self.queue) < _LEAST:
            return 0.0
        return max(self.seconds / self._most_s, self.num_bytes / self._most_bytes)

    def count(self, item: Item[Any], sign: int) -> None:
        self.seconds += sign * (item.end - item.start)
        self.num_bytes += sign * item.num_bytes


class Stretch:
    """What is decoded from one place on, until the next seek."""

    def __init__(self) -> None:
        self.fills: dict[Kind, Fill] = {"audio": Fill("audio"), "video": Fill("video")}
        self.ready = Once()
        """The first picture and the first sound are there, so that neither comes late; or the stretch is given up."""
        self.error: BaseException | None = None
        """Why not all of it could be decoded or played."""
        self.traceback: TracebackType | None = None
        self.has_been_played = False

    def fail(self, error: BaseException) -> None:
        """Notes an error; the first one counts."""
        if self.error is None:
            self.error, self.traceback = error, error.__traceback__

    def check_ready(self) -> None:
        if all(len(fill.queue) or fill.has_ended for fill in self.fills.values()):
            self.ready.set()

    def give_up(self) -> None:
        """Drops what was decoded, and ends those who wait for it."""
        for fill in self.fills.values():
            fill.queue.close()
            fill.seconds, fill.num_bytes = 0.0, 0
        self.ready.set()


class MediaAhead:
    """Gives the pictures and the sound of a file to a task each, decoded ahead in a thread.

    The thread fills the queues, and ends when they are full or the file is over. So no thread waits for a reader. A
    seek begins a new stretch, and what is still decoded for the old one is dropped: no seek waits for a decoder.

    Args:
        frames: They belong to this object from now on.

    Threads: `seek`, `get` and `close` are for one event loop at a time.
    """

    def __init__(self, frames: MediaFrames) -> None:
        self._frames = frames
        self._calls = Calls()
        # Held for a moment, to change what follows. Reentrant: a finalizer may close this object from within.
        self._changing = threading.RLock()
        self.stretch = Stretch()
        self._sought: Fraction | None = None
        self._is_filling = False
        self._closed = False
        self.released = Once()
        """The file is closed, and no thread uses it."""

    def begin(self) -> None:
        """Decodes as far ahead as there is room."""
        with self._changing:
            if self._is_filling or self._closed or all(fill.has_ended for fill in self.stretch.fills.values()):
                return
            self._is_filling = True
        try:
            start_thread("MediaPlayer", self._fill)
        except BaseException:
            self._is_filling = False
            raise

    async def get(self, stretch: Stretch, kind: Kind) -> Item[Any]:
        """Returns the next item of a stretch; raises StopAsyncIteration at its end, or after a seek."""
        fill = stretch.fills[kind]
        if fill.share < 0.5 and not fill.waits:
            self.begin()
        item = await fill.queue.get()
        with self._changing:
            fill.count(item, -1)
        return item

    def _fill(self) -> None:
        while True:
            with self._calls:
                with self._changing:
                    stretch = self._enter()
                    kind = self._emptiest(stretch)
                    if self._closed or kind is None:
                        self._is_filling = False
                        return
                self._decode(stretch, kind)

    def _enter(self) -> Stretch:
        """Goes to the place that was sought, and returns the stretch to which the next frame belongs."""
        if self._sought is not None:
            self._frames.seek(self._sought)
            self._sought = None
            self._frames.stopped = self._closed
        return self.stretch

    def _emptiest(self, stretch: Stretch) -> Kind | None:
        """Returns the kind to decode next; None if there is no room, or nothing more."""
        wanted: list[tuple[float, Kind]] = [
            (fill.share, kind)
            for kind, fill in stretch.fills.items()
            if not fill.has_ended and not fill.waits and fill.share < 1
        ]
        return min(wanted)[1] if wanted else None

    def _decode(self, stretch: Stretch, kind: Kind) -> None:
        """Decodes the next item of a kind."""
        item: Item[Any] | None = None
        error: BaseException | None = None
        try:
            item = self._frames.next(kind)
        except DecodingStoppedError:
            return
        except BaseException as raised:
            error = raised
        with self._changing:
            if stretch is not self.stretch or self._closed:
                return  # a seek came in between
            fill = stretch.fills[kind]
            if error is not None:
                self._frames.give_up(kind)
                if stretch.error is None:
                    stretch.fail(error)
                    logger.error("MediaPlayer: %s", error, exc_info=error)
            if item is None and not self._frames.is_over(kind):
                fill.waits = True
                return
            for other in stretch.fills.values():
                other.waits = False
            if item is not None:
                fill.count(item, 1)
                fill.queue.put(item)
            else:
                fill.has_ended = True
                fill.queue.end()
            stretch.check_ready()

    def seek(self, seconds: Fraction) -> Stretch:
        """Begins a new stretch at a time of the file, and returns it. What was decoded ahead is dropped."""
        with self._changing:
            old, self.stretch = self.stretch, Stretch()
            self._sought = seconds
            self._frames.stopped = True  # a thread that looks for an earlier place gives up
            if self._closed:
                self.stretch.give_up()
        old.give_up()
        return self.stretch

    @property
    def fill(self) -> tuple[float, float, int]:
        """Seconds of sound and of pictures, and bytes of both, that are decoded and not played."""
        with self._changing:
            audio, video = self.stretch.fills["audio"], self.stretch.fills["video"]
            return audio.seconds, video.seconds, audio.num_bytes + video.num_bytes

    def close(self) -> None:
        """Releases the tasks that wait, and closes the file as soon as no thread uses it."""
        with self._changing:
            if self._closed:
                return
            self._closed = self._frames.stopped = True
            self.stretch.give_up()
        self._calls.when_none(self._release)

    def _release(self) -> None:
        try:
            self._frames.close()
        finally:
            self.released.set()
