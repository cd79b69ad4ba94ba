"""StreamDecoder decodes one stream of a file with PyAV."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from livekit_utils._runtime.trouble import Trouble
from livekit_utils.frames.pyav import import_av, open_to_read
from livekit_utils.playback.errors import DecodingStoppedError, MediaFileError
from livekit_utils.playback.file_input import FileInput

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["audio", "video"]

# Playlists name other files and hosts. Only the file itself is read.
_OPTIONS = {"protocol_whitelist": "none"}

# Bytes that FFmpeg reads at a time.
_BUFFER_BYTES = 1 << 17

# Containers whose timestamps are still true after a seek. In others FFmpeg estimates them from the bit rate.
_INDEXED = frozenset(
    {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mpegts", "ogg", "wav", "w64", "flv", "asf", "nut"}
)

# Containers that say in their head or index how long their streams are.
_TELLING = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi"})

# Seconds to go back before the place that is sought: a little for what codecs of sound remember (80 ms of Opus), and
# more where no frame was found there, as where timestamps are out of order. After the last, all is decoded.
_STEPS_BACK_S = (Fraction(1, 2), Fraction(3), Fraction(20))


# Seconds by which a stream may be shorter than its container says.
_SHORT_S = 1


class NoStreamError(MediaFileError):
    """The file has no stream of the kind."""


class StreamDecoder:
    """Decodes the first stream of a kind, one frame after the other.

    Packets that cannot be decoded are left out: they are counted, and logged once per run of them.

    Args:
        file: Open for reading in binary, seekable.
        kind: "audio" or "video".
        name: Name of the file, for the log.

    Raises:
        MediaFileError: FFmpeg does not know the file, or it has no such stream that can be decoded.
    """

    _container: Any = None

    def __init__(self, file: BinaryIO, kind: Kind, name: str) -> None:
        self._av = import_av()
        self._file = file
        self._kind: Kind = kind
        self.hurries = False
        """Whether to leave out pictures on which no other one depends."""
        self._trouble = Trouble("MediaPlayer: %s: cannot decode a packet of %s: %s")
        self._name = name
        self.stopped: Callable[[], bool] = lambda: False
        """Whether to give up looking for the next frame."""
        self._open()
        self.first: Any = self._next
        """The first frame; None when `forget_first` was called."""
        if self.first is None:
            self.close()
            raise MediaFileError(f"expected {kind}, got none that can be decoded")
        self.start = self.time(self.first)
        """The timestamp of the first frame in seconds; None if it has none."""
        whole = self._container.duration
        self.container_s: float | None = whole / self._av.time_base if whole else None
        """The length of the whole file in seconds, perhaps estimated; None if it is not known."""
        self.told_end = self._find_told_end()
        """Where the stream ends by what the container says, in seconds of its timestamps; None if it does not say."""

    def forget_first(self) -> None:
        """Lets go of the first frame, which may be large."""
        self.first = None

    @property
    def num_damaged(self) -> int:
        """Packets that could not be decoded."""
        return self._trouble.count

    def _open(self) -> None:
        """Opens the file from the beginning, so that the decoder has no memory of what it decoded before."""
        self.close()
        self._input = FileInput(self._file)
        with self._translated():
            self._container = open_to_read(self._input, options=_OPTIONS, buffer_size=_BUFFER_BYTES)
        try:
            self._stream = _find(self._container, self._kind)
            self._pace = "DEFAULT"
            if self._kind == "video":
                self._stream.codec_context.thread_type = "AUTO"
            self._start_decoding()
        except BaseException:
            self.close()
            raise
        self._is_fresh = True

    def _start_decoding(self) -> None:
        self._frames = self._decode()
        self._next = self._pull()

    def _decode(self) -> Generator[Any, None, None]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except IndexError:  # a packet of a stream that begins later, which PyAV does not know
                packets = self._container.demux(self._stream)
                continue
            if self.stopped():
                raise DecodingStoppedError
            self._set_pace()
            try:
                frames = packet.decode()
            except self._av.FFmpegError as error:
                if self._input.error is None and not isinstance(error, EOFError):
                    self._trouble.failed(self._name, self._kind, error.strerror)
                continue
            self._trouble.good()
            yield from frames

    def _set_pace(self) -> None:
        wanted = "NONREF" if self.hurries else "DEFAULT"
        if self._pace != wanted:
            self._stream.codec_context.skip_frame = self._pace = wanted

    def _pull(self) -> Any:
        with self._translated():
            return next(self._frames, None)

    def next(self) -> Any:
        """Returns the next frame; None at the end.

        Raises:
            MediaFileError: The container is damaged.
            OSError: The file cannot be read; also what else a file object raises.
            DecodingStoppedError: `stopped` says so.
        """
        frame, self._next = self._next, None
        self._is_fresh = False
        if frame is not None:
            self._next = self._pull()
        return frame

    @property
    def is_last(self) -> bool:
        """Whether the frame that `next` returned is the last one."""
        return self._next is None

    @property
    def next_time(self) -> Fraction | None:
        """The timestamp of the frame that `next` returns next; None if there is none, or it has none."""
        return None if self._next is None else self.time(self._next)

    def seek(self, seconds: Fraction) -> None:
        """Goes back to the beginning, or to a frame that is not later than a time, by the stream's timestamps."""
        start = self.start
        if self._container is not None and start is not None and seconds - start > 2 and self._is_indexed:
            for back in _STEPS_BACK_S:
                if seconds - back <= start or self.stopped():
                    break
                if self._seek_near(seconds - back, seconds):
                    return
        if not self._is_fresh:
            self._open()

    @property
    def _is_indexed(self) -> bool:
        return self._container.format.name in _INDEXED

    def _seek_near(self, place: Fraction, seconds: Fraction) -> bool:
        self._is_fresh = False
        self._frames.close()
        try:
            self._container.seek(int(place / self._stream.time_base), stream=self._stream)
        except self._av.FFmpegError:
            return False
        self._start_decoding()
        time = self.next_time
        return time is not None and time <= seconds

    def time(self, frame: Any) -> Fraction | None:
        """The timestamp of a frame in seconds; None if it has none."""
        if frame.pts is None or not frame.time_base:
            return None
        return Fraction(frame.pts * frame.time_base)

    def _find_told_end(self) -> Fraction | None:
        stream = self._stream
        if self._container.format.name not in _TELLING:
            return None
        if stream.duration:
            return (self.start or 0) + Fraction(stream.duration * stream.time_base)
        hours, _, rest = stream.metadata.get("DURATION", "").partition(":")  # of Matroska, as 00:00:02.008000000
        minutes, _, seconds = rest.partition(":")
        try:
            return 3600 * int(hours) + 60 * int(minutes) + Fraction(seconds)
        except ValueError:
            return None

    def check_end(self, end: Fraction) -> None:
        """Raises MediaFileError if the stream ends at a time that is much earlier than the container says."""
        told = self.told_end
        if told is not None and end < told - _SHORT_S:
            raise MediaFileError(
                f"damaged or cut off: expected {self._kind} up to {float(told):.2f} s, got {float(end):.2f} s"
            )

    @property
    def frame_rate(self) -> float:
        """Pictures per second on average, or 25 where it is not known."""
        for rate in (self._stream.average_rate, self._stream.guessed_rate):
            if rate and 0 < rate <= 1000:
                return float(rate)
        return 25.0

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except self._av.FFmpegError as error:
            if self._input.error is None:
                raise MediaFileError(f"FFmpeg cannot read it: {error.strerror}") from error
        except (ArithmeticError, LookupError, UnicodeError) as error:  # PyAV's own, where a file makes no sense
            if self._input.error is None:
                raise MediaFileError(f"PyAV cannot read it: {error}") from error
        if self._input.error is not None:
            raise self._input.error

    def close(self) -> None:
        """Closes the decoder; the file stays open."""
        if self._container is not None:
            if hasattr(self, "_frames"):
                self._frames.close()
            self._container.close()
            self._container = None


def _find(container: Any, kind: Kind) -> Any:
    """Returns the first stream of a kind that is no cover."""
    for stream in getattr(container.streams, kind):
        cover = getattr(getattr(stream, "disposition", None), "attached_pic", None)
        if stream.codec_context is not None and not (cover and stream.disposition & cover):
            return stream
    raise NoStreamError(f"expected {kind}, got none")
