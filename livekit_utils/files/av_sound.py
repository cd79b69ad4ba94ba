"""AvSound decodes the sound of anything that PyAV reads."""

from __future__ import annotations

from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from livekit_utils.files.errors import ForeignFileError, SoundFileError
from livekit_utils.files.sound import MAX_SKIPPED
from livekit_utils.frames.av_sounds import decoded_values
from livekit_utils.frames.pyav import import_av, open_to_read

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from livekit_utils.files.samples import Samples

# Seconds by which a sound may be shorter than its container says: a few packets of the codec.
_TOLERANCE_S = 0.25


def as_samples(frame: Any) -> Samples:
    """Returns a frame of PyAV as samples: int16 for 8 and 16 bits, float32 for others."""
    values = decoded_values(frame)
    if values.dtype == np.uint8:
        values = (values.astype(np.int16) - 128) << 8
    elif values.dtype.kind == "i" and values.dtype != np.int16:
        values = values / 2.0 ** (8 * values.dtype.itemsize - 1)
    samples: Samples = np.ascontiguousarray(values, np.int16 if values.dtype == np.int16 else np.float32)
    return samples


def without_padding(frame: Any, samples: Samples, packet: Any) -> Samples:
    """Returns the last frame of a sound, of the last packet, without the silence that fills up the packet.

    FFmpeg removes what encoders put before a sound, and what fills it up in most containers. In MP4, only the duration
    of the last packet tells how much of it is sound.
    """
    if packet is None or not packet.time_base or packet.time_base * frame.sample_rate > 1:
        return samples  # Matroska counts in milliseconds
    return samples[: round(Fraction(packet.duration) * packet.time_base * frame.sample_rate)]


class _Input:
    """A file as FFmpeg reads it: it ends with the first error, which is kept."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell
        self.error: Exception | None = None

    def read(self, num_bytes: int) -> bytes:
        if self.error is None:
            try:
                return self._file.read(num_bytes)
            except Exception as error:
                self.error = error
        return b""


class AvSound:
    """Reads the first sound of a file: of a container, or of a video.

    Args:
        file: Open for reading in binary, seekable; it stays open.

    Raises:
        ForeignFileError: FFmpeg does not know it, or it has no sound.
        SoundFileError: It is damaged.
        ImportError: PyAV is not installed.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._av = import_av()
        self._file = file
        self.warnings: list[str] = []
        self.samples_per_channel: int | None = None
        self._open()
        try:
            first = self._decode(ForeignFileError)
            if first is None:
                raise SoundFileError("expected sound, got none")
        except BaseException:
            self.close()
            raise
        self._next = first
        self.sample_rate: int = first.sample_rate
        self.num_channels: int = len(first.layout.channels)
        self.format: str = self._container.format.name.split(",")[0].upper()
        """The container, as FFmpeg calls it."""
        self.subtype: str = self._container.streams.audio[0].codec_context.name.upper()
        self.is_s16 = as_samples(first).dtype == np.int16
        """Whether the samples are int16; float32 otherwise."""

    def _open(self) -> None:
        self._file.seek(0)
        self._input = _Input(self._file)
        with self._translated(ForeignFileError):
            self._container = open_to_read(self._input)
        if not self._container.streams.audio:
            self._container.close()
            raise ForeignFileError("expected a file with sound, got one without")
        stream = self._container.streams.audio[0]
        self._told_s = _told_s(self._container, stream)
        whole = self._container.duration
        self.duration_s = self._told_s or (whole / self._av.time_base if whole else None)
        self._held: list[Samples] = []
        self._num_held = self._num_read = 0
        self._last_packet: Any = None
        self._frames = self._decoded(stream)

    def _decoded(self, stream: Any) -> Generator[Any, None, None]:
        for packet in self._container.demux(stream):
            if packet.duration:
                self._last_packet = packet
            yield from packet.decode()

    def _decode(self, kind: type[SoundFileError] = SoundFileError) -> Any:
        """Returns the next frame; None at the end."""
        with self._translated(kind):
            return next(self._frames, None)

    def read(self, samples_per_channel: int) -> Samples:
        """Returns the next samples; fewer, or none, at the end.

        Raises:
            SoundFileError: The sound is damaged, or much shorter than its container says.
        """
        while self._num_held < samples_per_channel and self._next is not None:
            frame, self._next = self._next, self._decode()
            samples = as_samples(frame)
            if (frame.sample_rate, samples.shape[1]) != (self.sample_rate, self.num_channels):
                expected = f"{self.sample_rate} Hz and {self.num_channels} channels in the whole file"
                got = f"{frame.sample_rate} Hz and {samples.shape[1]} later"
                raise SoundFileError(f"expected {expected}, got {got}")
            if self._next is None:
                samples = without_padding(frame, samples, self._last_packet)
            self._held.append(samples)
            self._num_held += len(samples)
            self._num_read += len(samples)
        if not self._num_held:
            self._check_length()
            return np.empty((0, self.num_channels), np.int16)
        samples = self._held[0] if len(self._held) == 1 else np.concatenate(self._held)
        self._held = [samples[samples_per_channel:]]
        self._num_held = len(self._held[0])
        return samples[:samples_per_channel]

    def _check_length(self) -> None:
        read_s = self._num_read / self.sample_rate
        if self._told_s is not None and read_s < self._told_s - _TOLERANCE_S:
            raise SoundFileError(f"damaged or cut off: expected {self._told_s:.2f} s of sound, got {read_s:.2f} s")

    @contextmanager
    def _translated(self, kind: type[SoundFileError]) -> Iterator[None]:
        try:
            yield
        except self._av.FFmpegError as error:
            if self._input.error is not None:
                raise self._input.error from None
            raise kind(f"FFmpeg cannot decode it: {error.strerror}") from error
        if self._input.error is not None:
            raise self._input.error

    def skip(self, samples_per_channel: int) -> int:
        """Leaves out some of the next samples, and returns how many; 0 at the end."""
        return len(self.read(min(samples_per_channel, MAX_SKIPPED)))

    def rewind(self) -> None:
        """Goes back to the beginning. The file is opened again, so that the decoder has no memory."""
        self.close()
        self._open()
        self._next = self._decode()

    def close(self) -> None:
        """Closes the decoder."""
        self._frames.close()
        self._container.close()


def _told_s(container: Any, stream: Any) -> float | None:
    """Returns how long a container says that a sound is, in seconds; None if it does not say."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")  # of Matroska, as 00:00:02.008000000
    minutes, _, seconds = rest.partition(":")
    try:
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    except ValueError:
        return None
