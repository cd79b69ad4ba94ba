"""Recorder: records streams and tracks into one file, each where it was on the clock.

Each stream has a task that reads it, and a Voice that finds the places of its frames on the clock. A timer writes what
is settled: what lies before the first place for which any stream may still deliver.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import json
import logging
import math
import os
import warnings
import weakref
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit_utils._runtime.arguments import check_finite, check_int, check_number, check_type
from livekit_utils._runtime.finished_streams import FinishedStreams
from livekit_utils._runtime.lifecycle import AsyncClosing, LoopBound
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.streams import close_iterator
from livekit_utils._runtime.tasks import start_task
from livekit_utils._runtime.trouble import ENDS_PROGRAM
from livekit_utils.files.recording_file import RecordingFile
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame
from livekit_utils.recording.lane import LaneFormat
from livekit_utils.recording.recorded_track import RecordedTrack
from livekit_utils.recording.recording_clock import RecordingClock
from livekit_utils.recording.timeline import Timeline
from livekit_utils.recording.voice import RecorderStreamStats, Voice
from livekit_utils.recording.written_sound import WrittenSound
from livekit_utils.tracks.audio_stream import AudioStream
from livekit_utils.tracks.track import LocalAudioTrack

if TYPE_CHECKING:
    from livekit import rtc

    from livekit_utils.tracks.track import Track

__all__ = ["Recorder", "RecorderStats"]

logger = logging.getLogger("livekit_utils")

# Seconds between two looks at what is settled.
_TICK_S = 0.1

# What lies so far behind the clock is written, if no stream is waited for; in seconds. A turn of the event loop that
# takes less changes nothing.
_DELAY_S = 0.2

# A stream that is this far ahead of the clock is not live, and is not read on; in seconds.
_MAX_AHEAD_S = 1.0

# A stream whose source says that it is idle is not waited for after so many seconds: what it has left is read by then.
_IDLE_S = 0.1

# What is not written after so many seconds is written for the case that the program is killed, this often.
_TAIL_S = 0.5

# Seconds that aclose waits for streams that do not end when they are cancelled.
_CLOSE_TIMEOUT_S = 5.0


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class RecorderStats:
    """The state of a Recorder, and what it has done so far."""

    duration_s: float
    """Seconds on the clock of the recording, of all its files."""
    written_s: float
    """Seconds that were handed to the file. The rest waits for streams that may still deliver."""
    lost_ms: float
    """Sound of the current file that silence was written for, because the disk was too slow."""
    streams: dict[str, RecorderStreamStats]
    """By name; without those that have ended or were removed."""


class _Source:
    """A stream or track that is recorded, and what reads it."""

    def __init__(self, key: object, voice: Voice) -> None:
        self.key, self.voice = key, voice
        self.stream: Any = None
        self.owns_stream = False
        self.track: RecordedTrack | None = None
        self.task: asyncio.Task[None] | None = None


@public
class Recorder(AsyncClosing, LoopBound):
    """Records any number of streams and tracks into one file, on one clock.

    The recording is as long as the clock says, whoever is silent. A stream that delivers steadily is recorded without a
    gap, however its frames jitter. If it pauses, the pause is silence; if it was held up and delivers the rest in a
    burst, the burst lies where it belongs. A stream whose clock is off by up to 500 ppm is followed by single samples.
    A track of ours is recorded as it is heard: with interruptions, and without what `clear_queue` has taken back. A
    stream that delivers faster than real time is read as the clock goes.

    A thread writes the file. A process that is killed leaves all of it but the last second. A stream that has stopped
    without a word is waited for up to 6 s; while it is, FLAC and Ogg lack what has come from the others. When the disk
    is full, that is logged once, what was written is kept, and `aclose` raises OSError.

    Args:
        file: The path. Its suffix selects WAV, FLAC or Ogg Opus (.ogg, .opus). A WAV of more than 4 GiB becomes RF64.
        sample_rate: Hz, 1000 to 192000.
        num_channels: 1 to 128.
        format: "wav", "flac", "ogg" or "opus"; by the suffix if None.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileExistsError: The file exists.
        ValueError: A number is out of range, or the format is unknown, or cannot hold this rate or these channels.
        TypeError: An argument of a wrong type.
        ImportError: FLAC and OGG need soundfile.
        OSError: The file cannot be written to.

    Threads: for one event loop. Tracks of ours may have their source in another one.

    Example:
        >>> import asyncio, os, tempfile
        >>> from livekit_utils import sine_wave_generator
        >>> async def main(path: str) -> None:
        ...     async with Recorder(path, sample_rate=16000) as recorder:
        ...         recorder.add_stream(sine_wave_generator(440, 0.2), channel=0, name="tone")
        ...         await asyncio.sleep(0.1)
        ...         recorder.mark("now")
        ...     print(os.path.getsize(path) > 6000)
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     asyncio.run(main(os.path.join(directory, "call.wav")))
        True
    """

    def __init__(
        self,
        file: str | os.PathLike[str],
        *,
        sample_rate: int = 48000,
        num_channels: int = 2,
        format: str | None = None,
        overwrite: bool = False,
    ) -> None:
        self._sample_rate = check_int("sample_rate", sample_rate, 1000, 192_000)
        self._num_channels = check_int("num_channels", num_channels, 1, 128)
        self._format = format
        self._file = self._open(file, overwrite)
        self._newest = self._file  # the one that a split has opened last
        self._newest_from = 0  # the sample of the recording at which it begins
        self._splits: deque[tuple[int, RecordingFile]] = deque()
        self._full: list[RecordingFile] = []  # files that have ended, until they are whole
        self._timeline = Timeline(LaneFormat(self._sample_rate, self._num_channels))
        self._written = WrittenSound(self._timeline)
        self._clock: RecordingClock | None = None
        self._seen_s = 0.0  # the place of the clock at the last tick
        self._previewed_s = 0.0  # the place up to which a preview was written
        self._timer: asyncio.TimerHandle | None = None
        self._sources: dict[str, _Source] = {}
        self._finished = FinishedStreams()
        self._tasks: set[asyncio.Task[None]] = set()
        self._own_streams: set[AudioStream] = set()  # on the tracks of the SDK
        self._num_named = 0
        self._resumed = asyncio.Event()
        self._resumed.set()
        self._duration_s: float | None = None  # after the close
        _open_recorders.add(self)

    def _open(self, file: str | os.PathLike[str], overwrite: bool) -> RecordingFile:
        try:
            path = os.fspath(file)
        except TypeError:
            raise TypeError(f"file: expected a path, got {type(file).__name__}") from None
        if not isinstance(path, str):
            raise TypeError(f"file: expected a path, got {type(path).__name__}")
        if self._format is not None:
            check_type("format", self._format, str)
        check_type("overwrite", overwrite, bool)
        return RecordingFile(path, self._sample_rate, self._num_channels, format=self._format, overwrite=overwrite)

    # -- what the user calls ------------------------------------------------------------------------------------------

    @property
    def duration_s(self) -> float:
        """Seconds since the recording began, less the pauses; of all files, after a `split`."""
        if self._duration_s is not None:
            return self._duration_s
        return 0.0 if self._clock is None else self._clock.position(self._now())

    @property
    def paused(self) -> bool:
        return self._clock is not None and self._clock.paused

    def add_stream(
        self,
        stream: AsyncIterator[Any] | AsyncIterable[Any],
        *,
        channel: int | None = None,
        gain: float = 1.0,
        name: str | None = None,
    ) -> None:
        """Records a stream from now on, of any sample rate and channel count, which may change.

        A stream that raises, or yields what is no frame, is logged and ends there; the recording goes on.

        Args:
            stream: Yields frames, or events with a `frame`, ours or the LiveKit SDK's; each when it is over, or later.
            channel: The channel of the recording that gets the stream, which is made mono; None for all channels.
            gain: A factor, above -128 and below 128.
            name: For the log and `stats`; "stream 1" and so on by default.

        Raises:
            ValueError: The stream or the name is there already, or a number is out of range.
            TypeError: The stream is no async iterator or iterable, or another argument is of a wrong type.
            RuntimeError: The recorder is closed, no event loop is running, or another one is.
        """
        if not hasattr(type(stream), "__anext__") and not hasattr(type(stream), "__aiter__"):
            raise TypeError(f"stream: expected an async iterator of frames, got {type(stream).__name__}")
        self._add_stream(stream, stream, channel, gain, name)

    def add_track(
        self,
        track: Track | rtc.Track,
        *,
        channel: int | None = None,
        gain: float = 1.0,
        name: str | None = None,
    ) -> None:
        """Records an audio track from now on: one of ours, or one of the LiveKit SDK.

        A track of ours lies where it is heard, by the clock of its source.

        Args:
            track: The track.
            channel, gain: As for `add_stream`.
            name: For the log and `stats`; the track's name by default.

        Raises:
            ValueError: The track or the name is there already, or a number is out of range.
            TypeError: No audio track, or another argument is of a wrong type.
            RuntimeError: The recorder is closed, no event loop is running, or another one is.
        """
        if isinstance(track, LocalAudioTrack):
            source = self._add(track, channel, gain, self._name_of(track, name))
            self._attach(source, track)
            return
        self._check(track, channel, gain, name)
        num_channels = self._num_channels if channel is None else 1
        stream = AudioStream(track, sample_rate=self._sample_rate, num_channels=num_channels)
        self._add_stream(track, stream, channel, gain, self._name_of(track, name), owns_stream=True)

    def remove_stream(self, stream: AsyncIterator[Any] | AsyncIterable[Any]) -> None:
        """Ends the recording of a stream. What it has delivered is recorded; the stream stays open. For one that has
        ended by itself, it does nothing.

        Raises:
            ValueError: The stream was never added, or was removed.
        """
        self._remove(stream, "stream")

    def remove_track(self, track: Track | rtc.Track) -> None:
        """Ends the recording of a track, as `remove_stream` does.

        Raises:
            ValueError: The track was never added, or was removed.
        """
        self._remove(track, "track")

    def write(self, frame: AudioFrame, *, at_s: float, channel: int | None = None, gain: float = 1.0) -> None:
        """Adds sound at its place on the clock, which may lie ahead. Frames that follow each other are joined without a
        gap.

        Args:
            frame: A frame of any sample rate; it is copied.
            at_s: Seconds from the start of the recording, 0 or more.
            channel, gain: As for `add_stream`.

        Raises:
            ValueError: A number is out of range, the frame cannot be converted, or the place was written already: it
                lies more than 0.2 s behind the clock, usually.
            TypeError: An argument of a wrong type.
            RuntimeError: The recorder is closed, no event loop is running, or another one is.
        """
        self._begin()
        frame = as_audio_frame(frame)
        at_s = check_finite("at_s", at_s, 0)
        self._check_channel(channel)
        gain = _check_gain(gain)
        if round(at_s * self._sample_rate) < self._timeline.position:
            raise ValueError(
                f"at_s: expected {self._timeline.position_s:.3f} or more, which is not written yet, got {at_s}"
            )
        self._written.write(frame, at_s, channel, gain)

    def mark(self, text: str) -> None:
        """Notes a text with its time, as a line of `<file>.marks.jsonl`: `{"at_s": 1.5, "text": "hello"}`. The time is
        counted from the beginning of the file; a `split` begins new ones.

        Raises:
            TypeError: `text` is not a str.
            RuntimeError: The recorder is closed, no event loop is running, or another one is.
        """
        check_type("text", text, str)
        self._begin()
        at_s = self.duration_s - self._newest_from / self._sample_rate
        self._newest.mark(json.dumps({"at_s": round(at_s, 6), "text": text}, ensure_ascii=False))

    def pause(self) -> None:
        """Stops the clock: what comes until `resume` is not recorded. In a pause, it does nothing.

        Raises:
            RuntimeError: The recorder is closed, no event loop is running, or another one is.
        """
        clock = self._begin()
        if not clock.paused:
            for source in self._sources.values():
                source.voice.settle(math.inf)
                source.voice.rest()
            clock.pause(self._now())
            self._resumed.clear()

    def resume(self) -> None:
        """Ends `pause`. Without a pause, it does nothing.

        Raises:
            RuntimeError: The recorder is closed, no event loop is running, or another one is.
        """
        clock = self._begin()
        if clock.paused:
            clock.resume(self._now())
            for source in self._sources.values():
                source.voice.not_before(self.duration_s)
            self._resumed.set()

    def split(self, file: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Goes on in a new file from now on, without a sample lost: the files joined are what one file would be.

        Args:
            file: The path of the new file.
            overwrite: Whether an existing file may be replaced.

        Raises:
            FileExistsError, ValueError, TypeError, OSError: As the constructor; the recording goes on in the old file.
            RuntimeError: The recorder is closed, no event loop is running, or another one is.
        """
        clock = self._begin()
        new = self._open(file, overwrite)
        position = max(round(clock.position(self._now()) * self._sample_rate), self._timeline.position)
        self._splits.append((position, new))
        self._newest, self._newest_from = new, position

    def stats(self) -> RecorderStats:
        """Returns what was recorded so far."""
        return RecorderStats(
            duration_s=self.duration_s,
            written_s=self._timeline.position_s,
            lost_ms=self._file.num_lost * 1000 / self._sample_rate,
            streams={name: source.voice.stats() for name, source in self._sources.items()},
        )

    async def aclose(self) -> None:
        """Ends the recording: writes what has come until now, and closes the file. A second call waits as well, and
        does nothing else. Streams stay open.

        Raises:
            OSError: Not everything could be written. What could be is kept.
        """
        first = not self._closed
        if first:
            # Nothing here waits: a close that is cancelled has ended the recording all the same.
            self._finish()
        self._sources.clear()
        tasks = self._tasks - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            _, pending = await asyncio.wait(tasks, timeout=_CLOSE_TIMEOUT_S)
            for task in pending:
                logger.error("Recorder: %s does not end although it was cancelled", task.get_name())
        for stream in list(self._own_streams):
            await stream.aclose()
        errors = []
        for file in self._full:
            try:
                await file.aclose()
            except OSError as error:
                errors.append(error)
        if first and errors:
            raise errors[0]

    async def __aenter__(self) -> Recorder:
        self._begin()
        return self

    def __del__(self) -> None:
        # Not if the constructor has failed.
        if not self._closed and hasattr(self, "_duration_s"):
            warnings.warn(
                f"the Recorder of {self._file.path} was not closed", ResourceWarning, source=self, stacklevel=2
            )
            self._finish()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "paused" if self.paused else "recording"
        return f"Recorder({str(self._newest.path)!r}, sample_rate={self._sample_rate}, {state})"

    # -- the sources --------------------------------------------------------------------------------------------------

    def _add(self, key: object, channel: int | None, gain: float, name: str | None) -> _Source:
        self._check(key, channel, gain, name)
        if name is None:
            name = self._make_name()
        now_s = self.duration_s
        lane = self._timeline.open_lane(channel, _check_gain(gain))
        source = _Source(key, Voice(name, lane, self._sample_rate, now_s))
        self._sources[name] = source
        return source

    def _check(self, key: object, channel: int | None, gain: float, name: str | None) -> None:
        self._begin()
        if any(source.key is key for source in self._sources.values()):
            raise ValueError(f"{key!r} is recorded already")
        self._check_channel(channel)
        _check_gain(gain)
        if name is not None:
            check_type("name", name, str)
            if name in self._sources:
                raise ValueError(f"name: expected one that no other stream has, got {name!r}")

    def _add_stream(
        self,
        key: object,
        stream: Any,
        channel: int | None,
        gain: float,
        name: str | None,
        owns_stream: bool = False,
    ) -> None:
        source = self._add(key, channel, gain, name)
        source.stream, source.owns_stream = stream, owns_stream
        if owns_stream:
            self._own_streams.add(stream)
        source.task = start_task(self._read(source), f"Recorder {source.voice.name!r}")
        self._tasks.add(source.task)
        source.task.add_done_callback(self._tasks.discard)

    def _attach(self, source: _Source, track: LocalAudioTrack) -> None:
        loop = asyncio.get_running_loop()

        def take(frame: AudioFrame, begin: float | None) -> None:
            if self._closed or self._clock is None or self._clock.paused:
                return
            now_s = self._clock.position(loop.time())
            if begin is None:
                source.voice.arrive(frame, now_s)
            else:
                source.voice.begin_at(frame, self._clock.position(begin), now_s)

        source.track = RecordedTrack(
            track, loop, take=take, on_idle=source.voice.rest, on_end=functools.partial(self._end, source)
        )
        source.track.attach()

    def _name_of(self, track: Any, name: str | None) -> str | None:
        """Returns the track's name, if that is free."""
        if name is not None:
            return name
        own = getattr(track, "name", None)
        return own if isinstance(own, str) and own and own not in self._sources else None

    def _make_name(self) -> str:
        while True:
            self._num_named += 1
            name = f"stream {self._num_named}"
            if name not in self._sources:
                return name

    def _check_channel(self, channel: int | None) -> None:
        if channel is not None:
            check_int("channel", channel, 0, self._num_channels - 1)

    def _remove(self, key: object, kind: str) -> None:
        source = next((source for source in self._sources.values() if source.key is key), None)
        if source is None:
            if key in self._finished:
                return
            raise ValueError(f"{kind}: expected one of this Recorder, got {key!r}")
        if source.task is not None:
            source.task.cancel()
        self._sources.pop(source.voice.name)
        self._let_go(source)

    def _end(self, source: _Source) -> None:
        """Called when a stream or track has ended by itself."""
        if self._sources.get(source.voice.name) is source:
            del self._sources[source.voice.name]
            self._finished.add(source.key)
            self._let_go(source)

    def _let_go(self, source: _Source) -> None:
        source.voice.end()
        if source.track is not None:
            source.track.detach()

    async def _read(self, source: _Source) -> None:
        stream, voice = source.stream, source.voice
        iterator = aiter(stream) if hasattr(type(stream), "__aiter__") else stream
        try:
            advance = iterator.__anext__
            while True:
                try:
                    item = await advance()
                except StopAsyncIteration:
                    break
                frame = as_audio_frame(getattr(item, "frame", item))
                await self._take(source, frame)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            logger.error("Recorder: %r raised CancelledError by itself and is removed", voice.name)
        except (*ENDS_PROGRAM, GeneratorExit):
            raise
        except BaseException as error:
            logger.error("Recorder: %r failed and is removed: %s", voice.name, error, exc_info=error)
        finally:
            source.task = None  # else task, exception, traceback and this frame would keep each other alive
            if not self._closed:
                self._end(source)
            if iterator is not stream:
                await close_iterator(iterator, f"Recorder: the iterator of {voice.name!r}")
            if source.owns_stream:
                await stream.aclose()
                self._own_streams.discard(stream)

    async def _take(self, source: _Source, frame: AudioFrame) -> None:
        """Takes a frame; waits while the stream is ahead of the clock."""
        clock = self._clock
        if self._closed or clock is None or self._sources.get(source.voice.name) is not source:
            return
        duration_s = frame.samples_per_channel / frame.sample_rate
        if clock.paused:
            # What is always ready is read no faster than it would be heard.
            await asyncio.sleep(duration_s if source.voice.ahead_s > clock.position(0) else 0)
            return
        source.voice.arrive(frame, clock.position(self._now()))
        ahead_s = source.voice.ahead_s - clock.position(self._now())
        if ahead_s > _MAX_AHEAD_S:
            await asyncio.sleep(ahead_s - _MAX_AHEAD_S / 2)
        elif not duration_s:
            await asyncio.sleep(0)

    # -- writing ------------------------------------------------------------------------------------------------------

    def _begin(self) -> RecordingClock:
        """Starts the clock, the first time."""
        self._check_open()
        self._bind()
        if self._clock is None:
            self._clock = RecordingClock(self._now())
            self._set_timer()
        return self._clock

    def _leave_loop(self) -> None:
        raise RuntimeError("this Recorder belongs to another event loop, which has ended")

    def _set_timer(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_TICK_S, self._tick)

    def _tick(self) -> None:
        self._set_timer()
        now_s = self.duration_s
        # Everything that has come until the last tick was taken meanwhile, however long the loop was held up.
        end_s, self._seen_s = min(self._seen_s, now_s) - _DELAY_S, now_s
        for source in self._sources.values():
            voice = source.voice
            if not self.paused:
                voice.settle(now_s)
            if voice.rests_since(now_s) > _IDLE_S and getattr(source.stream, "idle", False) is True:
                voice.settle(math.inf)
                voice.rest()
            end_s = min(end_s, voice.settled_s(now_s))
        self._render(math.floor(end_s * self._sample_rate))
        self._preview(now_s)

    def _preview(self, now_s: float) -> None:
        """Writes what is not settled, too, if that takes long: it can be replaced in a WAV."""
        begin_s = max(self._previewed_s, self._timeline.position_s)
        if now_s - begin_s > _TAIL_S and self._file.has_tail and not self._splits:
            self._previewed_s = now_s
            self._file.tail(self._timeline.preview(math.floor(now_s * self._sample_rate)))

    def _render(self, end: int) -> None:
        self._written.settle(end)
        while self._splits and self._splits[0][0] <= end:
            position, new = self._splits.popleft()
            self._write(position)
            self._file.end()
            self._full = [file for file in (*self._full, self._file) if not file.is_whole]
            self._file = new
        self._write(end)
        for source in self._sources.values():
            source.voice.not_before(self._timeline.position_s)

    def _write(self, end: int) -> None:
        for piece in self._timeline.render(end):
            if isinstance(piece, int):
                self._file.silence(piece)
            else:
                self._file.write(piece)

    def _finish(self) -> None:
        """Writes what has come, and ends the files, without waiting."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._duration_s = self.duration_s
        self._closed = True
        _open_recorders.discard(self)
        for source in self._sources.values():
            self._let_go(source)
        end = round(self._duration_s * self._sample_rate)
        if end > self._timeline.position or self._splits:
            self._render(max(end, self._timeline.position, *(position for position, _ in self._splits)))
        self._file.end()
        self._full.append(self._file)


def _check_gain(gain: float) -> float:
    number = check_number("gain", gain)
    if not -128 < number < 128:
        raise ValueError(f"gain: expected a number above -128 and below 128 (+42 dB), got {number:g}")
    return number


_open_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()


# A forked child does not write the files of its parent.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_recorders.clear)


# Registered on import: exit handlers run in reverse order, so this one comes before the wait for the threads.
@atexit.register
def _finish_all() -> None:
    for recorder in list(_open_recorders):
        warnings.warn(f"{recorder!r} was not closed", ResourceWarning, source=recorder, stacklevel=1)
        recorder._finish()
