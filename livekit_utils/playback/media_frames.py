"""MediaFrames decodes the pictures and the sound of a file."""

from __future__ import annotations

import contextlib
import logging
import os
from fractions import Fraction
from typing import Any

from livekit_utils.frames.pyav import import_av
from livekit_utils.playback.errors import MediaFileError
from livekit_utils.playback.item import Item
from livekit_utils.playback.laps import Laps
from livekit_utils.playback.pictures import Pictures
from livekit_utils.playback.sound_blocks import SoundBlocks
from livekit_utils.playback.stream_decoder import Kind, NoStreamError, StreamDecoder

logger = logging.getLogger("livekit_utils")


class MediaFrames:
    """Opens a file, and decodes its first pictures and its first sound, each with a decoder of its own.

    So the one does not wait for the other, however they lie in the file, and each seek decodes what it needs only.

    Args:
        file: A path, or a file object open for reading in binary, seekable, which stays open.
        start: Seconds of the file at which it begins, and to which each pass goes back.
        loop: Whether there are more passes than one.

    Raises:
        MediaFileError: It is damaged, or has nothing that can be decoded.
        OSError: It cannot be opened or read.
        ImportError: PyAV is not installed.
        TypeError: Neither a path nor a binary file.

    Threads: for one at a time. `stopped` may be set in any.
    """

    def __init__(self, file: Any, start: Fraction, loop: bool) -> None:
        import_av()
        self.stopped = False
        """Whether to give up looking for the next frame."""
        with contextlib.ExitStack() as stack:
            if isinstance(file, (str, os.PathLike)):
                self.name = os.fspath(file)
                file = stack.enter_context(open(file, "rb", buffering=0))
            elif callable(getattr(file, "read", None)) and not hasattr(file, "encoding"):
                self.name = str(getattr(file, "name", type(file).__name__))
            else:
                expected = "expected a path or a file open for reading in binary"
                raise TypeError(f"file: {expected}, got {type(file).__name__}")
            if not (file.seekable() if hasattr(file, "seekable") else hasattr(file, "seek")):
                raise MediaFileError(f"{self.name}: expected a file to seek in, got a pipe")
            self._decoders: dict[Kind, StreamDecoder] = {}
            problems: list[MediaFileError] = []
            for kind in ("audio", "video"):
                try:
                    self._decoders[kind] = stack.enter_context(contextlib.closing(StreamDecoder(file, kind, self.name)))
                except MediaFileError as error:
                    problems.append(error)
            if not self._decoders:
                raise MediaFileError(f"{self.name}: {problems[0]}") from problems[0]
            for problem in problems:
                if not isinstance(problem, NoStreamError):
                    logger.warning("MediaPlayer: %s: %s", self.name, problem)
            self._stack = stack.pop_all()
        for decoder in self._decoders.values():
            decoder.stopped = lambda: self.stopped
        audio, video = self._decoders.get("audio"), self._decoders.get("video")
        times = [decoder.start for decoder in self._decoders.values()]
        self._origin = min((time for time in times if time is not None), default=Fraction(0))
        self.laps = Laps(start, loop)
        self.pictures = Pictures(video, self.laps, self._origin)
        self.sound = SoundBlocks(audio, self.laps, self.pictures, self._origin)
        self._start = start
        self.size: tuple[int, int] | None = None if video is None else (video.first.width, video.first.height)
        """Width and height of the first picture; None if the file has none."""
        self.has_sound = audio is not None
        for decoder in self._decoders.values():
            decoder.forget_first()
        self.seek(start)

    def next(self, kind: Kind) -> Item[Any] | None:
        """Returns the next picture or block of sound; None at the end, or where the other kind has to be decoded first.

        Raises what `StreamDecoder.next` does. That kind is over then, and there is no further pass.
        """
        try:
            return self.sound.next() if kind == "audio" else self.pictures.next()
        except MediaFileError as error:
            raise MediaFileError(f"{self.name}: {error}") from error

    def is_over(self, kind: Kind) -> bool:
        """Whether there is nothing more of a kind."""
        return (self.sound if kind == "audio" else self.pictures).is_over

    def give_up(self, kind: Kind) -> None:
        """Ends a kind that cannot be decoded."""
        track = self.sound if kind == "audio" else self.pictures
        track.is_over = self.laps.is_broken = True
        self.laps.note_end(kind, track.reached)

    def seek(self, seconds: Fraction) -> None:
        """Goes to a time of the file."""
        self.laps.restart()
        self.sound.seek(seconds)
        self.pictures.seek(seconds)

    @property
    def duration_s(self) -> float | None:
        """Length of the file in seconds: of the longer of both, as decoded, or before that as the file says."""
        if self.laps.end is not None and not self.laps.is_broken:
            return float(self.laps.end)
        ends = [decoder.told_end for decoder in self._decoders.values()]
        if None not in ends:
            return float(max(end for end in ends if end is not None) - self._origin)
        lengths = [decoder.container_s for decoder in self._decoders.values()]
        return max((length for length in lengths if length is not None), default=None)

    @property
    def num_damaged(self) -> int:
        """Packets that could not be decoded."""
        return sum(decoder.num_damaged for decoder in self._decoders.values())

    def close(self) -> None:
        """Closes the decoders, and the file unless it was given open."""
        self._stack.close()
