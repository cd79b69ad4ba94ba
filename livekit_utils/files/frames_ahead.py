"""FramesAhead decodes a file a little ahead of the task that reads it, in a thread that runs while there is room."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from livekit_utils._runtime.calls import Calls
from livekit_utils._runtime.queues import EndableQueue
from livekit_utils._runtime.threads import Once, start_thread
from livekit_utils.files.file_frames import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit_utils.files.file_frames import FileFrames
    from livekit_utils.frames.audio_frame import AudioFrame


class _Item(NamedTuple):
    frame: AudioFrame
    end: Place
    """Where the frame after it begins."""


class FramesAhead:
    """Gives the frames of a file to tasks, decoded ahead in a thread, and to plain code, decoded in its own thread.

    A thread fills the queue, and ends when it is full or the file is over. So no thread waits for a reader. A seek
    gives the readers a new queue, and what is still decoded for the old one is dropped: no seek waits for a decoder.

    Args:
        frames: The frames; they belong to this object from now on.
        num_ahead: Frames that the thread decodes ahead.
        interrupt: Ends a read of the file that is under way in another thread.
        close: Called once when nobody uses the file any more.
    """

    def __init__(
        self, frames: FileFrames, num_ahead: int, interrupt: Callable[[], object], close: Callable[[], object]
    ) -> None:
        self._frames = frames
        self._num_ahead = num_ahead
        self._interrupt = interrupt
        self._close = close
        self._calls = Calls()
        self._decoding = threading.Lock()  # held by the thread that uses the frames, which may wait for the file
        # Held for a moment, to change what follows. Reentrant: a finalizer may close this object from within.
        self._changing = threading.RLock()
        self._queue: EndableQueue[_Item] = EndableQueue(0)
        self._sought: int | None = None
        self._is_filling = False
        self._is_over = False
        self._closed = False
        self.released = Once()
        """The file is closed, and no thread uses it."""
        self.place = frames.place

    async def get(self) -> AudioFrame:
        """Returns the next frame; raises StopAsyncIteration at the end."""
        while True:
            queue = self._queue
            if 2 * len(queue) < self._num_ahead:
                self._fill_up()
            try:
                item = await queue.get()
            except StopAsyncIteration:
                if queue is self._queue:
                    raise
                continue  # a seek came in between
            if queue is self._queue:
                self.place = item.end
                return item.frame

    def get_now(self) -> AudioFrame | None:
        """Returns the next frame, which this thread decodes if none is ready; None at the end."""
        with self._calls, self._decoding:
            while True:
                queue = self._begin()
                item = queue.take() or self._decode()
                with self._changing:
                    if queue is not self._queue:
                        continue  # a seek came in between
                    if item is None:
                        return None
                    self.place = item.end
                    return item.frame

    def _fill_up(self) -> None:
        with self._changing:
            if self._is_filling or self._is_over or self._closed:
                return
            self._is_filling = True
        try:
            start_thread("AudioFile", self._fill)
        except BaseException:
            self._is_filling = False
            raise

    def _fill(self) -> None:
        while True:
            with self._calls, self._decoding:
                with self._changing:
                    if self._closed or self._is_over or len(self._queue) >= self._num_ahead:
                        self._is_filling = False
                        return
                    queue = self._begin()
                try:
                    item, error = self._decode(), None
                except BaseException as raised:
                    item, error = None, raised
                with self._changing:
                    if queue is not self._queue:
                        continue  # a seek came in between
                    if item is not None:
                        queue.put(item)
                    else:
                        self._is_over = True
                        queue.end(error)

    def _begin(self) -> EndableQueue[_Item]:
        """Goes to the place that was sought, and returns the queue to which the next frame belongs."""
        with self._changing:
            sought, self._sought = self._sought, None
            if sought is not None:
                self._frames.seek(sought)
                self._frames.stopped = self._closed
            return self._queue

    def _decode(self) -> _Item | None:
        if self._closed or (frame := self._frames.next()) is None:
            return None
        return _Item(frame, self._frames.place)

    def seek(self, sample: int) -> None:
        """Goes on with a sample of the file. Frames that were decoded ahead are dropped."""
        with self._changing:
            if self._closed:
                return
            old, self._queue = self._queue, EndableQueue(0)
            self._sought = sample
            self._frames.stopped = True  # a thread that looks for an earlier place gives up
            self._is_over = False
            self.place = Place(sample, 0)
        old.close()

    def close(self) -> None:
        """Releases the tasks that wait, and closes the file as soon as no thread uses it."""
        with self._changing:
            if self._closed:
                return
            self._closed = self._frames.stopped = True
            self._queue.close()
        self._interrupt()
        self._calls.when_none(self._release)

    def _release(self) -> None:
        try:
            self._close()
        finally:
            self.released.set()
