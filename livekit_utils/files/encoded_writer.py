"""EncodedWriter: writes FLAC and Ogg Opus with libsndfile so that what is in the file can be read at any time.

libsndfile writes each frame of FLAC as soon as it is full (4096 samples), but states the length only when it closes the
file; until then it refuses to read the file itself. So the length is written here. An Ogg file states no length; its
pages hold a second of Opus each, unless libsndfile is told otherwise.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from livekit_utils._runtime.install import install_line
from livekit_utils.files.growing_file import GrowingFile

# SFC_SET_OGG_PAGE_LATENCY_MS of sndfile.h, since 1.2; and the sound in a page, in milliseconds.
_SET_OGG_PAGE_LATENCY_MS = 0x1302
_PAGE_MS = 200.0

# Hz. libsndfile refuses higher rates only at the first write, and may crash when the file is closed.
_MAX_VORBIS_RATE = 200_000

_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)

# Where STREAMINFO tells the samples in a frame, and the samples in the file in the lower 36 of 40 bits.
_FLAC_BLOCK_AT, _FLAC_LENGTH_AT = 8, 21
_FLAC_SYNC = b"\xff\xf8"  # a frame of fixed block size begins with it
_OGG_PAGE = b"OggS"


def _soundfile() -> Any:
    try:
        import soundfile
    except ImportError as error:
        raise ImportError(f"FLAC and OGG need soundfile: {install_line('files')}", name="soundfile") from error
    return soundfile


class _Sink:
    """The file object that libsndfile writes to. An error cannot pass through libsndfile, so it is kept here, and
    nothing is written after it."""

    def __init__(self, file: GrowingFile) -> None:
        self._file = file
        self._position = 0
        self.error: OSError | None = None
        self.refuses = False
        self.whole = 0  # bytes up to the end of the last whole frame or page
        self.num_flac_frames = 0

    def write(self, data: bytes) -> int:
        if self.refuses:
            return 0
        try:
            if self._position == self._file.size:
                self._file.append(data)
                self.num_flac_frames += data.startswith(_FLAC_SYNC)
                # The head of a page comes first, and what is in it with the next call; a frame comes with one.
                if not data.startswith(_OGG_PAGE):
                    self.whole = self._file.size
            else:
                self._file.rewrite(self._position, data)
        except OSError as error:
            self.error, self.refuses = error, True
            return 0
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = offset + (0, self._position, self._file.size)[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        return self._file.read(self._position, size)


class EncodedWriter:
    """Writes 16-bit FLAC, or Ogg with Opus or Vorbis.

    Args:
        format: "FLAC" or "OGG".
        subtype: libsndfile's name of the codec; None is Opus in Ogg.

    Raises:
        ValueError: The format cannot hold this rate or these channels.
        ImportError: soundfile is not installed.
    """

    _SUBTYPES: ClassVar = {"FLAC": "PCM_16", "OGG": "OPUS"}

    def __init__(
        self, file: GrowingFile, sample_rate: int, num_channels: int, format: str, subtype: str | None = None
    ) -> None:
        soundfile = _soundfile()
        self.format, self.subtype = format, subtype or self._SUBTYPES[format]
        if self.subtype == "VORBIS" and sample_rate > _MAX_VORBIS_RATE:
            raise ValueError(
                f"sample_rate: expected a rate of up to {_MAX_VORBIS_RATE} Hz for Ogg Vorbis, got {sample_rate}"
            )
        if self.subtype == "OPUS" and sample_rate not in _OPUS_RATES:
            rates = ", ".join(map(str, _OPUS_RATES))
            raise ValueError(f"sample_rate: expected one of {rates} for Ogg Opus, got {sample_rate}")
        self._file, self._num_channels = file, num_channels
        self._sink = _Sink(file)
        try:
            self._sound = soundfile.SoundFile(self._sink, "w", sample_rate, num_channels, self.subtype, format=format)
        except soundfile.LibsndfileError as error:
            text = f"a file of format {format} cannot hold {num_channels} channels at {sample_rate} Hz"
            raise ValueError(text) from error
        self._errors = (soundfile.LibsndfileError, AssertionError)  # it asserts that all samples were written
        if self.subtype == "OPUS":
            self._shorten_pages(soundfile)
        self.samples_per_channel = 0
        """Samples that were given to the encoder; of these, the last 0.2 s may not be in the file before `close`."""

    def _shorten_pages(self, soundfile: Any) -> None:
        # python-soundfile has no door to this command. Without it, up to 1.03 s of sound are not in the file yet.
        library: Any = getattr(soundfile, "_snd", None)
        foreign: Any = getattr(soundfile, "_ffi", None)
        handle = getattr(self._sound, "_file", None)
        if hasattr(library, "sf_command") and foreign is not None and handle is not None:
            library.sf_command(handle, _SET_OGG_PAGE_LATENCY_MS, foreign.new("double *", _PAGE_MS), 8)

    def write(self, samples: bytes | bytearray | memoryview) -> None:
        """Appends samples of all channels.

        Raises:
            OSError: Not all of them could be written.
        """
        try:
            self._sound.write(np.frombuffer(samples, np.int16).reshape(-1, self._num_channels))
        except self._errors as error:
            raise self._sink.error or OSError(f"encoding failed: {error}") from error
        if self._sink.error is not None:
            raise self._sink.error
        self.samples_per_channel += len(samples) // (2 * self._num_channels)

    def write_tail(self, samples: bytes | bytearray | memoryview) -> None:
        """Does nothing: what is encoded cannot be taken back."""

    def settle(self) -> None:
        """Writes the length of what is in the file."""
        if self.format != "FLAC" or self._sink.num_flac_frames == 0:
            return
        num_samples = self._sink.num_flac_frames * int.from_bytes(self._file.read(_FLAC_BLOCK_AT, 2), "big")
        first = self._file.read(_FLAC_LENGTH_AT, 1)[0] & 0xF0
        self._file.rewrite(_FLAC_LENGTH_AT, (first << 32 | num_samples).to_bytes(5, "big"))

    def close(self) -> None:
        """Ends the file. After an error, it ends with the last whole frame or page.

        Raises:
            OSError: The rest could not be written.
        """
        if self._file.size == 0:
            self._sink.refuses = True  # libsndfile would write a header
        failed = self._sink.error
        try:
            self._sound.close()
        except self._errors as error:
            failed = failed or OSError(f"encoding failed: {error}")
        if self._sink.error is not None:
            self._file.cut(self._sink.whole)
            self.settle()
        if failed is None and self._sink.error is not None:
            raise self._sink.error
