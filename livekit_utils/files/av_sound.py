"""AvSound decodes the sound of anything that PyAV reads."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from livekit_utils.files.errors import ForeignFileError, SoundFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from livekit_utils.files.samples import Samples

# Seconds by which a sound may be shorter than its container says: a few packets of the codec.
_TOLERANCE_S = 0.25


def import_av() -> Any:
    """Returns PyAV.

    Raises:
        ImportError: It is not installed; the message says how to install it.
    """
    try:
        import av
    except ImportError as error:
        raise ImportError(f'PyAV decodes this: pip install "livekit-utils[video]" ({error})', name="av") from error
    return av


def as_samples(frame: Any) -> Samples:
    """Returns a frame of PyAV as samples: int16 for 8 and 16 bits, float32 for others."""
    values = frame.to_ndarray()
    values = values.T if frame.format.is_planar else values.reshape(-1, len(frame.layout.channels))
    if values.dtype == np.uint8:
        return (values.astype(np.int16) - 128) << 8
    if values.dtype == np.int16:
        return np.ascontiguousarray(values)
    if values.dtype.kind == "i":
        return (values / 2.0 ** (8 * values.dtype.itemsize - 1)).astype(np.float32)
    return np.ascontiguousarray(values, np.float32)


class AvSound:
    """Reads the first sound of a file: of a container, or of a video.

    Args:
        file: Open for reading in binary, seekable; it stays open.

    Raises:
        ForeignFileError: PyAV does not know it, or it has no sound.
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
            with self._translated(ForeignFileError):
                self._held: list[Samples] = []
                self._format: tuple[int, int] | None = None
                self._decode()
            if self._format is None:
                raise SoundFileError("expected sound, got none")
        except BaseException:
            self.close()
            raise
        self.sample_rate, self.num_channels = self._format

    def _open(self) -> None:
        self._file.seek(0)
        with self._translated(ForeignFileError):
            self._container = self._av.open(self._file, mode="r", metadata_errors="replace")
        if not self._container.streams.audio:
            self._container.close()
            raise ForeignFileError("expected a file with sound, got one without")
        stream = self._container.streams.audio[0]
        self._told_s = float(stream.duration * stream.time_base) if stream.duration else None
        whole = self._container.duration
        self.duration_s = self._told_s or (whole / self._av.time_base if whole else None)
        self._num_read = 0
        self._frames = self._container.decode(stream)

    def _decode(self) -> bool:
        """Decodes the next frame; returns False at the end."""
        frame = next(self._frames, None)
        if frame is None:
            return False
        samples = as_samples(frame)
        format = (frame.sample_rate, samples.shape[1])
        if self._format not in (None, format):
            expected = "expected one sample rate and one number of channels in the whole file"
            raise SoundFileError(f"{expected}, got {self._format} and then {format}")
        self._format = format
        self._held.append(samples)
        self._num_read += len(samples)
        return True

    def read(self, samples_per_channel: int) -> Samples:
        """Returns the next samples; fewer, or none, at the end.

        Raises:
            SoundFileError: The sound is damaged, or much shorter than its container says.
        """
        while sum(map(len, self._held)) < samples_per_channel:
            with self._translated(SoundFileError):
                if not self._decode():
                    break
        if not self._held:
            read_s = self._num_read / self.sample_rate
            if self._told_s is not None and read_s < self._told_s - _TOLERANCE_S:
                raise SoundFileError(f"damaged or cut off: expected {self._told_s:.2f} s of sound, got {read_s:.2f} s")
            return np.empty((0, self.num_channels), np.int16)
        samples = self._held[0] if len(self._held) == 1 else np.concatenate(self._held)
        self._held = [samples[samples_per_channel:]] if len(samples) > samples_per_channel else []
        return samples[:samples_per_channel]

    @contextmanager
    def _translated(self, kind: type[SoundFileError]) -> Iterator[None]:
        try:
            yield
        except self._av.FFmpegError as error:
            # One that FFmpeg was given by the file is the file's own.
            raise kind(f"PyAV cannot decode it ({error.strerror})") from error

    def rewind(self) -> None:
        """Goes back to the beginning. The file is opened again, so that the decoder has no memory."""
        self.close()
        self._held = []
        self._open()

    def close(self) -> None:
        """Closes the decoder."""
        self._container.close()
