"""Recorder: records streams and tracks into one file, each where it was on the clock.

Each stream has a task that reads it, and a Voice that finds the places of its frames on the clock. A timer writes what
is settled: what lies before the first place for which any stream may still deliver. Pictures go to the encoder when
they come; the file brings them and the sound together.
"""

from __future__ import annotations

import asyncio
import math
import os
import warnings
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit_utils._runtime.arguments import check_finite, check_int, check_number, check_type
from livekit_utils._runtime.lifecycle import AsyncClosing, LoopBound
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame
from livekit_utils.recording.file_chain import FileChain
from livekit_utils.recording.inputs import Inputs
from livekit_utils.recording.lane import LaneFormat
from livekit_utils.recording.open_recorders import open_recorders
from livekit_utils.recording.recorded_video import RecordedVideo
from livekit_utils.recording.recording_clock import RecordingClock
from livekit_utils.recording.timeline import Timeline
from livekit_utils.recording.video_lane import RecorderVideoStats, VideoLane, check_video_size
from livekit_utils.recording.voice import RecorderStreamStats
from livekit_utils.recording.written_sound import WrittenSound

if TYPE_CHECKING:
    from livekit import rtc

    from livekit_utils.tracks.track import Track

__all__ = ["Recorder", "RecorderStats"]

# Seconds between two looks at what is settled.
_TICK_S = 0.1

# What lies so far behind the clock is written, if no stream is waited for; in seconds. A turn of the event loop that
# takes less changes nothing.
_DELAY_S = 0.2

# 30 years.
_MAX_DURATION_S = 1e9


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class RecorderStats:
    """The state of a Recorder, and what it has done so far."""

    duration_s: float
    """Seconds on the clock of the recording, of all its files."""
    written_s: float
    """Seconds that were handed to the file. The rest waits for streams that may still deliver."""
    lost_ms: float
    """Sound that silence was written for, because the disk was too slow; of all files."""
    error: str | None
    """Why a file ends before it should, as on a full disk, in words: the first of these errors, which `aclose` raises.
    None while all is well."""
    streams: dict[str, RecorderStreamStats]
    """By name; without those that have ended or were removed."""
    video: RecorderVideoStats | None
    """The pictures; None in a recording of sound alone."""


@public
class Recorder(AsyncClosing, LoopBound):
    """Records any number of streams and tracks into one file, on one clock.

    The recording is as long as the clock says, whoever is silent. A stream that delivers steadily is recorded without a
    gap, however its frames jitter. If it pauses, the pause is silence; if it was held up and delivers the rest in a
    burst, the burst lies where it belongs. A stream whose clock is off by up to 500 ppm is followed by single samples.
    A track of ours is recorded as it is heard: with interruptions, and without what `clear_queue` has taken back. A
    stream that delivers faster than real time is read as the clock goes.

    In an MP4 or a Matroska, there are the pictures of a track as well (`add_video`), each where it came. The file is
    black before the first one.

    A thread writes the file. A process that is killed leaves all of it but the last second. A stream that has stopped
    without a word is waited for up to 6 s; while it is, all formats but WAV lack what has come from the others. When
    the disk is full, that is logged once, what was written is kept, and `aclose` raises OSError.

    Args:
        file: The path. Its suffix selects WAV, FLAC, Ogg Opus (.ogg, .opus), MP4 or Matroska (.mkv). A WAV of more than
            4 GiB becomes RF64.
        sample_rate: Hz, 1000 to 192000.
        num_channels: 1 to 128; 2 at most in MP4 and Matroska.
        format: "wav", "flac", "ogg", "opus", "mp4" or "mkv"; by the suffix if None.
        overwrite: Whether an existing file may be replaced.
        max_duration_s: The clock stops there, and what is later is not recorded; the recorder still has to be closed.
            None for no such end.
        video_size: Width and height of the pictures in an MP4 or a Matroska, in even numbers up to 4096. If None, they
            are as large as the first one, if that comes within 2 s.

    Raises:
        FileExistsError: The file exists.
        ValueError: A number is out of range, or the format is unknown, or cannot hold this rate or these channels.
        TypeError: An argument of a wrong type.
        ImportError: FLAC and OGG need soundfile, MP4 and Matroska need PyAV.
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
        max_duration_s: float | None = None,
        video_size: tuple[int, int] | None = None,
    ) -> None:
        self._sample_rate = check_int("sample_rate", sample_rate, 1000, 192_000)
        if max_duration_s is None:
            self._clock = RecordingClock()
        else:
            self._clock = RecordingClock(check_number("max_duration_s", max_duration_s, 0, _MAX_DURATION_S, above=True))
        self._timeline = Timeline(LaneFormat(self._sample_rate, check_int("num_channels", num_channels, 1, 128)))
        self._pictures = VideoLane(check_video_size(video_size))
        self._files = FileChain(self._timeline, self._pictures, file, format=format, overwrite=overwrite)
        self._video = RecordedVideo(self._pictures, self._clock, _TICK_S)
        self._inputs = Inputs(self._timeline, self._clock)
        self._written = WrittenSound(self._timeline)
        self._seen_s = 0.0  # the place of the clock at the last tick
        self._timer: asyncio.TimerHandle | None = None
        self._has_raised = False  # what was wrong with the files
        self._duration_s: float | None = None  # after the close
        open_recorders.add(self)

    # -- what the user calls ------------------------------------------------------------------------------------------

    @property
    def duration_s(self) -> float:
        """Seconds since the recording began, less the pauses; of all files, after a `split`."""
        return self._clock.position(self._now()) if self._duration_s is None else self._duration_s

    @property
    def paused(self) -> bool:
        """Whether `pause` was called, and `resume` was not."""
        return self._clock.paused

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
        self._begin()
        self._inputs.add_stream(stream, stream, channel=channel, gain=gain, name=name)

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
        self._begin()
        self._inputs.add_track(track, channel=channel, gain=gain, name=name)

    def remove_stream(self, stream: AsyncIterator[Any] | AsyncIterable[Any]) -> None:
        """Ends the recording of a stream. What it has delivered is recorded; the stream stays open. For one that has
        ended by itself, it does nothing.

        Raises:
            ValueError: The stream was never added, or was removed.
        """
        self._inputs.remove(stream, "stream")

    def remove_track(self, track: Track | rtc.Track) -> None:
        """Ends the recording of a track, as `remove_stream` does; of one with pictures, as `remove_video` does.

        Raises:
            ValueError: The track was never added, or was removed.
        """
        if not self._video.remove(track):
            self._inputs.remove(track, "track")

    def add_video(self, track: Track | rtc.Track) -> None:
        """Records the pictures of a track from now on: of one of ours, or of one of the LiveKit SDK. The file has to be
        an MP4 or a Matroska; it has the pictures of one track at a time.

        A picture lies where it came on the clock of the recording, and is seen until the next one comes, also if the
        track ends, is muted or is removed. Those that an event loop could not take in time lie where their timestamps
        say. Pictures are turned upright, and scaled to the size of those in the file, with black borders if need be.

        Args:
            track: The track.

        Raises:
            ValueError: Another track is recorded, or the file is one of sound alone.
            TypeError: No video track.
            RuntimeError: The recorder is closed, no event loop is running, or another one is; or the track is one of
                the SDK, and gone with its room.
            ImportError: The track is one of the SDK, which is too old.

        Example:
            >>> import asyncio, os, tempfile
            >>> from livekit_utils import LocalVideoTrack, VideoBufferType, VideoFrame, VideoSource
            >>> async def main(path: str) -> None:
            ...     source = VideoSource(64, 48)
            ...     async with Recorder(path) as recorder:
            ...         recorder.add_video(LocalVideoTrack.create_video_track("camera", source))
            ...         source.capture_frame(VideoFrame(64, 48, VideoBufferType.I420, bytes(64 * 72)))
            ...         await asyncio.sleep(0.1)
            ...         stats = recorder.stats().video
            ...         print(f"{stats.num_pictures} of {stats.width} x {stats.height}")
            >>> with tempfile.TemporaryDirectory() as directory:
            ...     asyncio.run(main(os.path.join(directory, "call.mp4")))
            1 of 64 x 48
        """
        self._begin()
        self._video.add(track)

    def remove_video(self, track: Track | rtc.Track) -> None:
        """Ends the recording of a track's pictures. For a track that has ended by itself, it does nothing.

        Raises:
            ValueError: The track was never added, or was removed.
        """
        if not self._video.remove(track):
            raise ValueError(f"track: expected one of this Recorder, got {track!r}")

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
        gain = self._timeline.format.check(channel, gain)
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
        import json

        check_type("text", text, str)
        self._begin()
        at_s = self.duration_s - self._files.newest_from_s
        self._files.mark(json.dumps({"at_s": round(at_s, 6), "text": text}, ensure_ascii=False))

    def pause(self) -> None:
        """Stops the clock: what comes until `resume` is not recorded. In a pause, it does nothing.

        Raises:
            RuntimeError: The recorder is closed, no event loop is running, or another one is.
        """
        self._begin()
        if not self._clock.paused:
            self._inputs.rest()
            self._clock.pause(self._now())

    def resume(self) -> None:
        """Ends `pause`. Without a pause, it does nothing.

        Raises:
            RuntimeError: The recorder is closed, no event loop is running, or another one is.
        """
        self._begin()
        if self._clock.paused:
            self._clock.resume(self._now())
            self._inputs.not_before(self.duration_s)

    def split(self, file: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Goes on in a new file from now on, without a sample lost: the files joined are what one file would be.

        Args:
            file: The path of the new file.
            overwrite: Whether an existing file may be replaced.

        Raises:
            FileExistsError, ValueError, TypeError, OSError: As the constructor; the recording goes on in the old file.
            RuntimeError: The recorder is closed, no event loop is running, or another one is.
        """
        self._begin()
        self._files.split(file, position=round(self.duration_s * self._sample_rate), overwrite=overwrite)

    def stats(self) -> RecorderStats:
        """Returns what was recorded so far."""
        return RecorderStats(
            duration_s=self.duration_s,
            written_s=self._timeline.position_s,
            lost_ms=self._files.num_lost * 1000 / self._sample_rate,
            error=None if self._files.error is None else str(self._files.error),
            streams=self._inputs.stats(),
            video=self._pictures.stats(),
        )

    async def aclose(self) -> None:
        """Ends the recording: writes what has come until now, and closes the file. A second call waits as well, and
        raises what a first one could not that was cancelled. Streams stay open.

        Raises:
            OSError: Not everything could be written. What could be is kept.
        """
        if not self._closed:
            # Nothing here waits: a close that is cancelled has ended the recording all the same.
            self._finish()
        try:
            await self._inputs.aclose()
            await self._video.aclose()
        finally:
            errors = await self._files.aclose()
        if errors and not self._has_raised:
            self._has_raised = True
            raise errors[0]

    async def __aenter__(self) -> Recorder:
        self._begin()
        return self

    def __del__(self) -> None:
        # Not if the constructor has failed.
        if not self._closed and hasattr(self, "_duration_s"):
            self._finish()  # before the warning, which may be an error
            warnings.warn(
                f"the Recorder of {self._files.path} was not closed", ResourceWarning, source=self, stacklevel=2
            )

    def __repr__(self) -> str:
        state = "closed" if self._closed else "paused" if self.paused else "recording"
        return f"Recorder({str(self._files.path)!r}, sample_rate={self._sample_rate}, {state})"

    # -- writing ------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Starts the clock, the first time.

        Raises:
            RuntimeError: The recorder is closed, no event loop is running, or another one is.
        """
        self._check_open()
        self._bind()
        if not self._clock.started:
            self._clock.start(self._now())
            self._set_timer()

    def _leave_loop(self) -> None:
        raise RuntimeError("this Recorder belongs to another event loop, which has ended")

    def _set_timer(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_TICK_S, self._tick)

    def _tick(self) -> None:
        self._set_timer()
        now_s = self.duration_s
        # Everything that has come until the last tick was taken meanwhile, however long the loop was held up.
        end_s, self._seen_s = min(self._seen_s, now_s) - _DELAY_S, now_s
        end_s = min(end_s, self._inputs.settle(now_s))
        self._video.tick(self._now())
        self._pictures.tick(now_s)
        self._render(math.floor(end_s * self._sample_rate))
        self._files.preview(now_s)

    def _render(self, end: int) -> None:
        self._written.settle(end)
        self._files.render(end)
        self._inputs.not_before(self._timeline.position_s)

    def _finish(self) -> None:
        """Writes what has come, and ends the files, without waiting."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._duration_s = self.duration_s
        self._closed = True
        open_recorders.discard(self)
        self._inputs.end()
        self._video.end()
        self._pictures.finish(self._duration_s)
        end = round(self._duration_s * self._sample_rate)
        self._render(self._files.last_position(end))
        self._files.end()
