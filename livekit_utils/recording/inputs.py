"""Inputs: the streams and tracks of a recording, and the tasks that read them."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
from typing import TYPE_CHECKING, Any

from livekit_utils._runtime.arguments import check_type
from livekit_utils._runtime.finished_streams import FinishedStreams
from livekit_utils._runtime.streams import close_iterator
from livekit_utils._runtime.tasks import OwnTask, is_being_cancelled, start_task
from livekit_utils._runtime.trouble import ENDS_PROGRAM
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame
from livekit_utils.recording.recorded_track import RecordedTrack
from livekit_utils.recording.recording_clock import RecordingClock
from livekit_utils.recording.timeline import Timeline
from livekit_utils.recording.voice import RecorderStreamStats, Voice
from livekit_utils.tracks.audio_stream import AudioStream
from livekit_utils.tracks.track import LocalAudioTrack

if TYPE_CHECKING:
    from livekit import rtc

    from livekit_utils.tracks.track import Track

logger = logging.getLogger("livekit_utils")

# A stream that is this far ahead of the clock is not live, and is not read on; in seconds.
_MAX_AHEAD_S = 1.0

# A stream whose source says that it is idle is not waited for after so many seconds: what it has left is read by then.
_IDLE_S = 0.1

# Seconds that aclose waits for streams that do not end when they are cancelled.
_CLOSE_TIMEOUT_S = 5.0


class _Input:
    """A stream or track that is recorded, and what reads it."""

    def __init__(self, key: object, voice: Voice) -> None:
        self.key, self.voice = key, voice
        self.stream: Any = None
        self.owns_stream = False
        self.track: RecordedTrack | None = None
        self.task: asyncio.Task[None] | None = None
        self.discarded_until = 0.0  # when what is not recorded would have been heard, by the clock of the loop


class Inputs:
    """Has each stream and track put its frames on the timeline.

    Args:
        timeline: The recording.
        clock: Its clock, which runs when the first input is added.
    """

    def __init__(self, timeline: Timeline, clock: RecordingClock) -> None:
        self._timeline, self._clock = timeline, clock
        self._sample_rate = timeline.format.sample_rate
        self._inputs: dict[str, _Input] = {}
        self._finished = FinishedStreams()
        self._tasks: set[asyncio.Task[None]] = set()
        self._own_streams: set[AudioStream] = set()  # on the tracks of the SDK
        self._num_named = 0
        self._ended = False

    # -- adding and removing ------------------------------------------------------------------------------------------

    def add_stream(
        self,
        key: object,
        stream: Any,
        *,
        channel: int | None,
        gain: float,
        name: str | None,
        owns_stream: bool = False,
    ) -> None:
        """Reads a stream from now on. Arguments and errors are those of `Recorder.add_stream`.

        Args:
            key: What it is known by.
            stream: An async iterator or iterable.
            owns_stream: Whether it is closed when it ends.
        """
        source = self._add(key, channel, gain, name)
        source.stream, source.owns_stream = stream, owns_stream
        if owns_stream:
            self._own_streams.add(stream)
        source.task = start_task(self._read(source), f"Recorder {source.voice.name!r}")
        self._tasks.add(source.task)
        source.task.add_done_callback(self._tasks.discard)

    def add_track(self, track: Track | rtc.Track, *, channel: int | None, gain: float, name: str | None) -> None:
        """Takes the sound of a track from now on. Arguments and errors are those of `Recorder.add_track`."""
        if isinstance(track, LocalAudioTrack):
            self._attach(self._add(track, channel, gain, self._name_of(track, name)), track)
            return
        self._check(track, channel, gain, name)
        num_channels = self._timeline.format.num_channels if channel is None else 1
        stream = AudioStream(track, sample_rate=self._sample_rate, num_channels=num_channels)
        name = self._name_of(track, name)
        self.add_stream(track, stream, channel=channel, gain=gain, name=name, owns_stream=True)

    def remove(self, key: object, kind: str) -> None:
        """Ends an input; of one that has ended by itself, nothing is left to do.

        Raises:
            ValueError: It was never added, or was removed.
        """
        found = next((one for one in self._inputs.values() if one.key is key), None)
        if found is None:
            if key in self._finished:
                return
            raise ValueError(f"{kind}: expected one of this Recorder, got {key!r}")
        if found.task is not None:
            found.task.cancel()
        self._inputs.pop(found.voice.name)
        self._let_go(found)

    def _add(self, key: object, channel: int | None, gain: float, name: str | None) -> _Input:
        gain = self._check(key, channel, gain, name)
        if name is None:
            name = self._make_name()
        lane = self._timeline.open_lane(channel, gain)
        source = _Input(key, Voice(name, lane, self._sample_rate, self._now_s()))
        self._inputs[name] = source
        return source

    def _check(self, key: object, channel: int | None, gain: float, name: str | None) -> float:
        if any(one.key is key for one in self._inputs.values()):
            raise ValueError(f"{key!r} is recorded already")
        gain = self._timeline.format.check(channel, gain)
        if name is not None:
            check_type("name", name, str)
            if name in self._inputs:
                raise ValueError(f"name: expected one that no other stream has, got {name!r}")
        return gain

    def _name_of(self, track: Any, name: str | None) -> str | None:
        """Returns the track's name, if that is free."""
        if name is not None:
            return name
        own = getattr(track, "name", None)
        return own if isinstance(own, str) and own and own not in self._inputs else None

    def _make_name(self) -> str:
        while True:
            self._num_named += 1
            name = f"stream {self._num_named}"
            if name not in self._inputs:
                return name

    # -- a track of ours ----------------------------------------------------------------------------------------------

    def _attach(self, source: _Input, track: LocalAudioTrack) -> None:
        loop = asyncio.get_running_loop()

        def take(frame: AudioFrame, begin: float | None) -> None:
            if self._ended or self._clock.paused or source.voice.ahead_s >= self._clock.end_s:
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

    # -- a stream -----------------------------------------------------------------------------------------------------

    async def _read(self, source: _Input) -> None:
        stream, voice = source.stream, source.voice
        iterator = aiter(stream) if hasattr(type(stream), "__aiter__") else stream
        own_task = OwnTask()
        try:
            advance = iterator.__anext__
            while True:
                try:
                    item = await advance()
                except StopAsyncIteration:
                    break
                frame = as_audio_frame(getattr(item, "frame", item))
                wait_s = self._take(source, frame)
                if wait_s is not None:
                    await asyncio.sleep(wait_s)
        except asyncio.CancelledError:
            if is_being_cancelled():
                raise
            logger.error("Recorder: %r raised CancelledError by itself and is removed", voice.name)
        except (*ENDS_PROGRAM, GeneratorExit):
            raise
        except BaseException as error:
            own_task.leave_if_gone()
            logger.error("Recorder: %r failed and is removed: %s", voice.name, error, exc_info=error)
        finally:
            source.task = None  # else task, exception, traceback and this frame would keep each other alive
            if own_task.runs and not self._ended:
                self._end(source)
            if iterator is not stream:
                await close_iterator(iterator, f"Recorder: the iterator of {voice.name!r}")
            if source.owns_stream:
                await stream.aclose()
                self._own_streams.discard(stream)

    def _take(self, source: _Input, frame: AudioFrame) -> float | None:
        """Takes a frame; returns how long to wait before the next one is read, in seconds. What is always ready is read
        no faster than it is heard; where it is not recorded, than it would be."""
        voice = source.voice
        if self._ended or self._inputs.get(voice.name) is not source:
            return 0.0
        now = asyncio.get_running_loop().time()
        if self._clock.paused or voice.ahead_s >= self._clock.end_s:
            duration_s = frame.samples_per_channel / frame.sample_rate
            source.discarded_until = max(source.discarded_until, now - _MAX_AHEAD_S) + duration_s
            return max(0.0, source.discarded_until - now)
        now_s = self._clock.position(now)
        voice.arrive(frame, now_s)
        ahead_s = voice.ahead_s - now_s
        if ahead_s > _MAX_AHEAD_S:
            return ahead_s - _MAX_AHEAD_S / 2
        return None if frame.samples_per_channel else 0.0

    # -- both ---------------------------------------------------------------------------------------------------------

    def _now_s(self) -> float:
        return self._clock.position(asyncio.get_running_loop().time())

    def _end(self, source: _Input) -> None:
        """Called when a stream or track has ended by itself."""
        if self._inputs.get(source.voice.name) is source:
            del self._inputs[source.voice.name]
            self._finished.add(source.key)
            self._let_go(source)

    def _let_go(self, source: _Input) -> None:
        source.voice.end()
        if source.track is not None:
            source.track.detach()

    # -- the clock goes on --------------------------------------------------------------------------------------------

    def settle(self, now_s: float) -> float:
        """Puts what is found out by now on the timeline, and returns the place up to which nothing comes any more."""
        end_s = math.inf
        for source in self._inputs.values():
            voice = source.voice
            if not self._clock.paused:
                voice.settle(now_s)
            if voice.rests_since(now_s) > _IDLE_S and getattr(source.stream, "idle", False) is True:
                voice.settle(math.inf)
                voice.rest()
            end_s = min(end_s, voice.settled_s(now_s))
        return end_s

    def rest(self) -> None:
        """Puts everything on the timeline that has come: there is a pause."""
        for source in self._inputs.values():
            source.voice.settle(math.inf)
            source.voice.rest()

    def not_before(self, begin_s: float) -> None:
        """Has what comes next lie there at the earliest."""
        for source in self._inputs.values():
            source.voice.not_before(begin_s)

    def stats(self) -> dict[str, RecorderStreamStats]:
        """Returns what each input has done so far, by its name."""
        return {name: source.voice.stats() for name, source in self._inputs.items()}

    # -- the end ------------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Puts what has come on the timeline, and takes nothing more. It does not wait."""
        self._ended = True
        for source in self._inputs.values():
            self._let_go(source)

    async def aclose(self) -> None:
        """Waits until nothing is read any more, after `end`."""
        self._inputs.clear()
        tasks = self._tasks - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            _, pending = await asyncio.wait(tasks, timeout=_CLOSE_TIMEOUT_S)
            for task in pending:
                logger.error("Recorder: %s does not end although it was cancelled", task.get_name())
        for stream in list(self._own_streams):
            try:
                await asyncio.wait_for(stream.aclose(), _CLOSE_TIMEOUT_S)
            except TimeoutError:
                logger.error("Recorder: %r does not close", stream)
