"""AudioFile: the sound of a file, as a stream of frames."""

from __future__ import annotations

import io
import logging
import warnings
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

from livekit_utils._runtime.arguments import (
    MAX_CHANNELS,
    check_channels,
    check_finite,
    check_frame_size,
    check_int,
    check_number,
)
from livekit_utils._runtime.lifecycle import AsyncClosing
from livekit_utils._runtime.public_path import public
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.file_frames import FileFrames, FrameFormat
from livekit_utils.files.frames_ahead import FramesAhead
from livekit_utils.files.open_sound import OpenedSound
from livekit_utils.frames.audio_frame import AudioFrame

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self


__all__ = ["AudioFile"]

logger = logging.getLogger("livekit_utils")


# Sound in milliseconds that is decoded ahead, and frames at most.
_AHEAD_MS = 500
_MAX_AHEAD = 500

# Time in seconds that a close waits for a thread that decodes; one that reads a broken disk may never come back.
_CLOSE_S = 1.0


@public
class AudioFile(AsyncClosing):
    """Reads a sound file as frames: with `async for`, decoded ahead in a thread, or with a plain `for`.

    For n samples per channel of the file, exactly `round(n * sample_rate / rate of the file)` come out. With `loop`,
    one pass follows the other without a gap, and k passes have `round(k * n * sample_rate / rate of the file)`. After a
    `seek`, n is what is left. Values are rounded to the nearest and saturated.

    WAV, FLAC, OGG, MP3, AIFF, AU, CAF and Wave64 need soundfile: `pip install ".[files]"`. Anything else (m4a, AAC,
    WebM, the first sound of a video) is decoded by PyAV: `pip install ".[video]"`. A WAV that comes through a pipe is
    read as it comes; of other pipes, and with `loop`, all is read into a temporary file first.

    Args:
        file: A path, or a file open for reading in binary, which stays open and must not be used meanwhile.
        sample_rate: Hz, of the frames; within a factor of 256 of that of the file. None is that of the file.
        num_channels: 1 to 128, of the frames. Several channels become one as their mean, one is copied to several. None
            is that of the file, or the number of `channels`.
        channels: Numbers of the file's channels to take, from 0, in this order. None takes all.
        frame_size_ms: Length of every frame in milliseconds, at least one sample, up to 60000; the last may be shorter.
        start_s: Seconds of the file at which the part to read begins.
        end_s: Seconds at which it ends, after `start_s`. None is the end of the file.
        loop: Whether the part is repeated, without an end.
        gain_db: -120 to 40. It comes before samples are rounded: what lies above full scale in a file of floats or in a
            lossy one is not lost.

    Raises:
        ValueError: A number is out of range, or the file is damaged, cut off, empty or no sound file. Damage that is
            found only by decoding is raised where frames are read.
        TypeError: An argument of another type.
        OSError: The file cannot be opened or read.
        ImportError: What decodes the file is not installed; the message says how to install it.

    Ownership: every frame owns its samples.

    Threads: for one reader at a time; `seek` and `close` may be called in any thread. Making one blocks the caller
    while the head of the file is read, and of an MP3 or OGG all of it: `await asyncio.to_thread(AudioFile, path)` does
    not block the event loop.

    Example:
        >>> import io, wave
        >>> file = io.BytesIO()
        >>> with wave.open(file, "wb") as wav:
        ...     wav.setparams((1, 2, 16000, 0, "NONE", ""))
        ...     wav.writeframes(bytes(2 * 16000))
        >>> with AudioFile(file, sample_rate=48000) as sound:
        ...     print(sound.duration_s, sum(frame.samples_per_channel for frame in sound))
        1.0 48000
    """

    def __init__(
        self,
        file: str | os.PathLike[str] | BinaryIO,
        *,
        sample_rate: int | None = None,
        num_channels: int | None = None,
        channels: Iterable[int] | None = None,
        frame_size_ms: float = 10,
        start_s: float = 0.0,
        end_s: float | None = None,
        loop: bool = False,
        gain_db: float = 0.0,
    ) -> None:
        self._closed = True  # until it is open
        if sample_rate is not None:
            sample_rate = check_int("sample_rate", sample_rate, 1)
        if num_channels is not None:
            num_channels = check_int("num_channels", num_channels, 1, MAX_CHANNELS)
        check_frame_size(sample_rate or 2**30, frame_size_ms)
        start_s = check_finite("start_s", start_s, 0)
        if end_s is not None:
            end_s = check_finite("end_s", end_s, 0)
            if end_s <= start_s:
                raise ValueError(f"end_s: expected a number above start_s, {start_s:g}, got {end_s:g}")
        if not isinstance(loop, bool):
            raise TypeError(f"loop: expected a bool, got {type(loop).__name__}")
        gain_db = check_number("gain_db", gain_db, -120, 40)
        picked = check_channels("channels", channels)
        opened = OpenedSound(file, again=loop)
        self._name, self._sound, self._is_live = opened.name, opened.sound, opened.is_live
        try:
            sound = self._sound
            self._sample_rate = sample_rate or sound.sample_rate
            self._num_channels = num_channels or (len(picked) if picked else sound.num_channels)
            if picked and max(picked) >= sound.num_channels:
                raise ValueError(f"channels: expected numbers from 0 to {sound.num_channels - 1}, got {channels!r}")
            self._check_conversion(len(picked) if picked else sound.num_channels)
            size = check_frame_size(self._sample_rate, frame_size_ms)
            self._start = self._sample_at("start_s", start_s)
            self._end = None if end_s is None else self._sample_at("end_s", end_s)
            format = FrameFormat(self._sample_rate, self._num_channels, size, picked, 10 ** (gain_db / 20))
            frames = FileFrames(sound, format, self._start, self._end, loop)
        except BaseException:
            opened.close()
            raise
        self._frames = frames
        for warning in sound.warnings:
            logger.warning("AudioFile: %s: %s", self._name, warning)
        num_ahead = max(2, min(_MAX_AHEAD, _AHEAD_MS * self._sample_rate // (1000 * size)))
        self._ahead = FramesAhead(frames, num_ahead, opened.interrupt, opened.close)
        self._closed = False

    def _check_conversion(self, num_channels: int) -> None:
        if num_channels != self._num_channels and 1 not in (num_channels, self._num_channels):
            raise ValueError(f"num_channels: expected 1 or {num_channels}, as the file has, got {self._num_channels}")
        try:
            FrameConverter(self._sample_rate, self._num_channels).change_format(self._sound.sample_rate, num_channels)
        except ValueError:
            expected = f"a rate within a factor of 256 of {self._sound.sample_rate} Hz"
            raise ValueError(f"sample_rate: expected {expected}, got {self._sample_rate} Hz") from None

    def _sample_at(self, name: str, seconds: float) -> int:
        sample = round(Fraction(seconds) * self._sound.sample_rate)
        length = self._sound.samples_per_channel
        if length is not None and sample > length:
            raise ValueError(
                f"{name}: expected a number from 0 to {length / self._sound.sample_rate:g}, got {seconds:g}"
            )
        return sample

    @property
    def sample_rate(self) -> int:
        """Hz, of the frames."""
        return self._sample_rate

    @property
    def num_channels(self) -> int:
        """Channels of the frames."""
        return self._num_channels

    @property
    def duration_s(self) -> float | None:
        """Length of the whole file in seconds; None if the file does not tell it. PyAV may be off by a few packets."""
        return self._sound.duration_s

    @property
    def position_s(self) -> float:
        """Seconds of the file at which the next frame begins."""
        return self._frames.seconds(self._ahead.place)

    @property
    def num_clipped(self) -> int:
        """Values above full scale that were decoded so far, and saturated."""
        return self._frames.num_clipped

    def seek(self, seconds: float) -> None:
        """Goes on at another place. An iteration that waits goes on there, and one that has ended can begin again.

        The place is exact to the sample. It is looked for when the next frame is read; `seek` itself does not wait. In
        MP3, OGG and what PyAV decodes, all before it is decoded.

        Args:
            seconds: Of the file, from `start_s` to its end or `end_s`.

        Raises:
            ValueError: A number out of this range.
            TypeError: Not a number.
            RuntimeError: The file is closed.
            OSError: It is a WAV that is read as it comes through a pipe (io.UnsupportedOperation).
        """
        seconds = check_finite("seconds", seconds)
        sample = round(Fraction(seconds) * self._sound.sample_rate)
        end = self._end if self._end is not None else self._sound.samples_per_channel
        if sample < self._start or (end is not None and sample > end):
            rate = self._sound.sample_rate
            most = f"to {end / rate:g}" if end is not None else "on"
            raise ValueError(f"seconds: expected a number from {self._start / rate:g} {most}, got {seconds:g}")
        self._check_open()
        if self._is_live:
            raise io.UnsupportedOperation(f"{self._name}: expected a file to seek in, got a pipe")
        self._ahead.seek(sample)

    def close(self) -> None:
        """Closes the file. Iterations end, also those that wait. A second call does nothing."""
        if not self._closed:
            self._closed = True
            self._ahead.close()
        self._ahead.released.wait(_CLOSE_S)

    async def aclose(self) -> None:
        """Closes the file as `close` does, without blocking the event loop."""
        if not self._closed:
            self._closed = True
            self._ahead.close()
        await self._ahead.released.happens(_CLOSE_S)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> AudioFrame:
        try:
            frame = self._ahead.get_now()
        except SoundFileError as error:
            raise SoundFileError(f"{self._name}: {error}") from error
        if frame is None:
            raise StopIteration
        return frame

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AudioFrame:
        try:
            return await self._ahead.get()
        except SoundFileError as error:
            raise SoundFileError(f"{self._name}: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._closed:
            self._closed = True
            self._ahead.close()
            warnings.warn(f"{self!r} was not closed", ResourceWarning, stacklevel=2, source=self)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"AudioFile({self._name!r}, sample_rate={self._sample_rate}, num_channels={self._num_channels}, {state})"
