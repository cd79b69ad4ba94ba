"""WriteBehind: a thread that writes sound to a file, so that a slow disk holds nobody up."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from livekit_utils._runtime.threads import Once, start_thread
from livekit_utils._runtime.trouble import Trouble
from livekit_utils.files.growing_file import GrowingFile
from livekit_utils.files.line_file import LineFile

logger = logging.getLogger("livekit_utils")

# Seconds of sound that are collected before they are written, and the header with them.
_COLLECT_S = 0.25

# The system is told to write the file to the disk this often, in seconds: a power cut loses no more.
_SYNC_EVERY_S = 5.0

# Sound that may wait for a disk that hangs, in bytes, with what it is being given: 175 s of 48 kHz stereo. What comes
# then is written as silence.
# When a quarter of it is there, the thread writes at once.
_MAX_WAITING_BYTES = 1 << 25


class Writer(Protocol):
    """Writes the samples of one file, in the thread."""

    format: str
    subtype: str

    def write(self, samples: bytes | bytearray | memoryview) -> None: ...
    def write_tail(self, samples: bytes | bytearray | memoryview) -> None: ...
    def settle(self) -> None: ...
    def close(self) -> None: ...


_Item = bytes | int | str | Callable[[], None]


class WriteBehind:
    """Writes what it is given in a thread of its own, until `end`.

    After an error of the disk nothing more is written; what was written is kept and closed.

    Args:
        file: The file, which it closes in the end.
        writer: Its encoder.
        num_bytes: Bytes of one sample of all channels.
        marks: Gets the marks.

    Threads: for any.
    """

    def __init__(self, file: GrowingFile, writer: Writer, num_bytes: int, marks: LineFile | None = None) -> None:
        self._file, self._writer, self._num_bytes, self._marks = file, writer, num_bytes, marks
        # Samples, the number of samples of silence, a mark, or a step.
        self._waiting: deque[_Item] = deque()
        self._num_waiting = 0  # bytes
        self._tail: bytes | None = None  # samples that may still change
        self._changed = threading.Condition()  # reentrant: the garbage collector may call `end` anywhere
        self._ended = False
        self._hurries = False
        self._late = Trouble("recording %s: the disk is too slow; silence is written in place of the sound")
        self.error: OSError | None = None
        """Why the file could not be written; the first of these errors."""
        self.num_lost = 0
        """Samples per channel that silence was written for, because the disk was too slow."""
        self.done = Once()
        """Happens when the file is closed."""
        start_thread(f"record {file.path.name}", self._run)

    def write(self, samples: bytes) -> None:
        """Takes samples of all channels, without waiting."""
        with self._changed:
            if self._num_waiting + len(samples) > _MAX_WAITING_BYTES:
                self.num_lost += len(samples) // self._num_bytes
                self._late.failed(self._file.path)
                self.silence(len(samples) // self._num_bytes)
                return
            if self._late.count:
                self._late.good()
            self._waiting.append(samples)
            self._num_waiting += len(samples)
            self._tell()

    def silence(self, samples_per_channel: int) -> None:
        """Takes silence of any length, without waiting."""
        with self._changed:
            last = self._waiting[-1] if self._waiting else None
            if isinstance(last, int):
                self._waiting[-1] = last + samples_per_channel
            else:
                self._waiting.append(samples_per_channel)
            self._tell()

    def tail(self, samples: bytes) -> None:
        """Takes samples that lie behind all others for now, so that they are not lost if the program is killed. They
        replace those that it was given before."""
        with self._changed:
            self._tail = samples
            self._changed.notify_all()

    def mark(self, line: str) -> None:
        """Takes a mark, without waiting."""
        with self._changed:
            self._waiting.append(line)
            self._tell()

    def then(self, step: Callable[[], None], *, hurries: bool = False) -> None:
        """Has the thread call this between what came before and what comes next.

        Args:
            step: It may raise OSError: nothing more is written then.
            hurries: Whether what waits is written at once.
        """
        with self._changed:
            self._waiting.append(step)
            self._hurries = self._hurries or hurries
            self._tell()

    def end(self) -> None:
        """Has the thread write what it was given, close the file and end. It does not wait for that."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _tell(self) -> None:
        if len(self._waiting) == 1 or self._is_full_enough():
            self._changed.notify_all()

    def _is_full_enough(self) -> bool:
        """Whether to write without collecting more."""
        return self._hurries or self._ended or self._num_waiting > _MAX_WAITING_BYTES // 4

    # -- in the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._write_all()
        except OSError as error:
            self._fail(error)
        except BaseException as error:
            logger.exception("recording %s failed", self._file.path)
            self._fail(OSError(f"recording failed: {error!r}"))
        try:
            self._close()
        finally:
            with self._changed:
                self._waiting.clear()
            self.done.set()

    def _write_all(self) -> None:
        synced_at = time.monotonic()
        is_first = True
        while True:
            items, tail, ended = self._take()
            if is_first and items and self._marks is not None:
                self._marks.clear()
            is_first = False
            while items:
                item = items.popleft()
                if isinstance(item, bytes):
                    self._writer.write(item)
                    with self._changed:
                        self._num_waiting -= len(item)
                elif isinstance(item, int):
                    self._write_silence(item)
                elif callable(item):
                    item()
                elif self._marks is not None:
                    self._marks.append(item)
            if ended:
                return
            if tail is not None:
                self._writer.write_tail(tail)
            self._writer.settle()
            if time.monotonic() - synced_at >= _SYNC_EVERY_S:
                self._file.sync()
                synced_at = time.monotonic()

    def _take(self) -> tuple[deque[_Item], bytes | None, bool]:
        """Waits until there is something to write, and then for more of it; returns it, the tail behind it, and whether
        it is the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._tail is not None or self._ended)
            self._changed.wait_for(self._is_full_enough, _COLLECT_S)
            self._hurries = False
            items, self._waiting = self._waiting, deque()
            tail, self._tail = self._tail, None
            return items, tail, self._ended

    def _write_silence(self, samples_per_channel: int) -> None:
        piece = 1 << 16
        while samples_per_channel > 0:
            self._writer.write(bytes(min(samples_per_channel, piece) * self._num_bytes))
            samples_per_channel -= piece

    def _close(self) -> None:
        for step in (self._writer.close, self._file.sync, self._file.close):
            try:
                step()
            except OSError as error:
                self._fail(error)
            except Exception as error:
                logger.exception("ending %s failed", self._file.path)
                self._fail(OSError(f"ending the file failed: {error!r}"))

    def _fail(self, error: OSError) -> None:
        if self.error is None:
            if error.errno is not None and error.filename is None:  # else it would hide the text
                error.filename = str(self._file.path)
            self.error = error
            logger.error("recording %s ends here, and is kept: %s", self._file.path, error.strerror or error)
