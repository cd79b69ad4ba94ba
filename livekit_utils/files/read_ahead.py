"""ReadAhead decodes a file a little ahead of the task that reads it, in a thread that runs only while there is room."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from livekit_utils._runtime.calls import Calls
from livekit_utils._runtime.queues import EndableQueue
from livekit_utils._runtime.threads import Once, start_thread

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from livekit_utils.files.file_frames import FileFrames
    from livekit_utils.frames.audio_frame import AudioFrame


class _Item(NamedTuple):
    frame: AudioFrame
    end: Fraction
    """Where the frame after it begins, in seconds of the file."""


class ReadAhead:
    """Gives the frames of a file to tasks, decoded ahead in a thread, and to plain code, decoded in its own thread.

    A thread fills the queue, and ends when it is full or the file is over. So none waits, and none has to be stopped.

    Args:
        frames: The frames; they belong to this object from now on.
        num_ahead: Frames that the thread decodes ahead.
        close: Called once when nobody uses the file any more.
    """

    def __init__(self, frames: FileFrames, num_ahead: int, close: Callable[[], None]) -> None:
        self._frames = frames
        self._num_ahead = num_ahead
        self._close = close
        self._calls = Calls()
        self._lock = threading.Lock()
        self._queue: EndableQueue[_Item] = EndableQueue(0)
        self._is_filling = False
        self._is_over = False
        self._closed = False
        self.released = Once()
        """The file is closed, and no thread uses it."""
        self.position = frames.position

    async def get(self) -> AudioFrame:
        """Returns the next frame; raises StopAsyncIteration at the end."""
        while True:
            queue = self._queue
            if 2 * len(queue) < self._num_ahead and not self._is_filling and not self._is_over and not self._closed:
                self._start()
            try:
                item = await queue.get()
            except StopAsyncIteration:
                if queue is self._queue:
                    raise
                continue  # a seek came in between
            if queue is self._queue:
                self.position = item.end
                return item.frame

    def get_now(self) -> AudioFrame | None:
        """Returns the next frame, which this thread decodes if none is ready; None at the end."""
        with self._calls, self._lock:
            item = self._queue.take() or self._decode()
            if item is None:
                return None
            self.position = item.end
            return item.frame

    def _start(self) -> None:
        self._is_filling = True
        try:
            start_thread("AudioFile", self._fill)
        except BaseException:
            self._is_filling = False
            raise

    def _fill(self) -> None:
        # The end is announced within the lock, so that it is the end of what is in the queue at that time.
        while True:
            with self._calls, self._lock:
                if self._closed or len(self._queue) >= self._num_ahead:
                    self._is_filling = False
                    return
                try:
                    item = self._decode()
                except BaseException as error:
                    self._is_over, self._is_filling = True, False
                    self._queue.end(error)
                    return
                if item is None:
                    self._is_over, self._is_filling = not self._frames.stopped, False
                    if self._is_over:
                        self._queue.end()
                    return
                self._queue.put(item)

    def _decode(self) -> _Item | None:
        if self._closed or (frame := self._frames.next()) is None:
            return None
        return _Item(frame, self._frames.position)

    def seek(self, sample: int) -> None:
        """Goes on with a sample of the file. Frames that were decoded ahead are dropped."""
        self._frames.stopped = True  # a thread that looks for an earlier place gives up
        with self._lock:
            self._frames.stopped = self._closed
            old, self._queue = self._queue, EndableQueue(0)
            self._frames.seek(sample)
            self._is_over = False
            self.position = self._frames.position
        old.close()

    def close(self) -> None:
        """Releases the tasks that wait, and closes the file as soon as no thread uses it."""
        if self._closed:
            return
        self._closed = self._frames.stopped = True
        self._queue.close()
        self._calls.when_none(self._release)

    def _release(self) -> None:
        try:
            self._frames.close()
        finally:
            try:
                self._close()
            finally:
                self.released.set()
