"""AudioWriter writes a stream of frames to a sound file."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.output_form import OutputForm, output_form
from livekit_utils.cli.files.pending_file import PendingFile
from livekit_utils.cli.files.plain_output import PlainOutput
from livekit_utils.cli.files.sound_output import SoundOutput
from livekit_utils.cli.files.standard_streams import StandardOutput, is_standard
from livekit_utils.cli.files.streamed_raw import StreamedRaw
from livekit_utils.cli.files.streamed_wav import StreamedWav

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from livekit_utils.frames.audio_frame import AudioFrame

# A WAV file states its sizes in 32 bits, less the header. A FLAC file states its length in 36 bits.
_MAX_WAV_BYTES = 0xFFFFFFFF - 1024
_MAX_SAMPLES_PER_CHANNEL = 2**36 - 1


class AudioWriter:
    """Writes WAV, RF64, AU, FLAC, Ogg Vorbis or Opus, or a file without a header.

    The file appears under its name when `commit` has closed it, read it back and renamed it. Without `commit`, no file
    is left. Standard output gets the samples as they come.

    Args:
        path: The file to write; its directory must exist. "-" is standard output, which gets a WAV file.
        sample_rate: Hz.
        num_channels: 1 or more.
        samples_per_channel: The length that the file will have; 0 if it is not known.
        form: The kind of the file; None is that of its suffix.
        replace, inputs: As in `PendingFile`.

    Raises:
        CliError: The suffix is none of a sound file, the file type cannot hold the format, or the file exists.
        OSError: The directory cannot be written to.
    """

    def __init__(
        self,
        path: Path,
        sample_rate: int,
        num_channels: int,
        samples_per_channel: int,
        form: OutputForm | None = None,
        *,
        replace: bool,
        inputs: Iterable[Path] = (),
    ) -> None:
        form = form or output_form(path)
        format = form.container
        if samples_per_channel > _MAX_SAMPLES_PER_CHANNEL:
            raise CliError(
                f"{path}: expected at most {_MAX_SAMPLES_PER_CHANNEL} samples per channel, got {samples_per_channel}"
            )
        is_file = not is_standard(path)
        if format == "WAV" and is_file and samples_per_channel * num_channels * form.num_bytes > _MAX_WAV_BYTES:
            got = f"got {samples_per_channel} samples in {num_channels} channels"
            raise CliError(f"{path}: expected at most 4 GiB for a WAV file, {got}; FLAC and RF64 have no such limit")
        self.path = path
        self.samples_per_channel = 0
        self.max_samples_per_channel = (
            _MAX_WAV_BYTES // (form.num_bytes * num_channels) if format == "WAV" else _MAX_SAMPLES_PER_CHANNEL
        )
        with ExitStack() as stack:
            self._pending: PendingFile | StandardOutput | None = None
            self._file: SoundOutput | PlainOutput | StreamedWav | StreamedRaw
            if not is_file and form.encoding is None:
                self._file = StreamedWav(sample_rate, num_channels, samples_per_channel)
            elif not is_file and form.encoding is not None and format == "RAW":
                self._file = StreamedRaw(form.encoding)
            else:
                if is_file:
                    self._pending = stack.enter_context(PendingFile(path, replace=replace, inputs=inputs))
                else:
                    self._pending = stack.enter_context(StandardOutput())
                target, name = self._pending.path, str(path)
                if form.encoding is None:
                    self._file = SoundOutput(target, name, sample_rate, num_channels, format)
                else:
                    self._file = PlainOutput(
                        target, name, sample_rate, num_channels, samples_per_channel, format, form.encoding
                    )
            stack.callback(self._file.close)
            self.format, self.subtype = self._file.format, self._file.subtype
            self._stack = stack.pop_all()

    def write(self, frame: AudioFrame) -> None:
        """Appends a frame, which must have the rate and channels of the file.

        Raises:
            CliError: The file gets longer than its format can tell.
        """
        self._check_room(frame.samples_per_channel)
        self._file.write(frame)
        self.samples_per_channel += frame.samples_per_channel

    def write_encoded(self, samples: bytes, samples_per_channel: int) -> None:
        """Appends samples that are encoded already, as the form of a file with an encoding says.

        Raises:
            CliError: As `write`.
        """
        assert isinstance(self._file, PlainOutput | StreamedRaw)
        self._check_room(samples_per_channel)
        self._file.write_encoded(samples)
        self.samples_per_channel += samples_per_channel

    def _check_room(self, samples_per_channel: int) -> None:
        if self._pending and self.samples_per_channel + samples_per_channel > self.max_samples_per_channel:
            raise CliError(
                f"{self.path}: expected at most {self.max_samples_per_channel} samples per channel, got more"
            )

    def commit(self) -> None:
        """Closes the file and gives it its name.

        Raises:
            CliError: The file cannot be read back: the disk is full, or the format cannot hold the sound.
            OSError: The disk is gone.
        """
        if self.samples_per_channel == 0 and self._file.format == "FLAC":
            raise CliError(f"{self.path}: expected at least one sample, because a FLAC file cannot be empty, got none")
        if isinstance(self._file, StreamedWav | StreamedRaw):
            self._file.commit()
        elif self._pending is not None:
            self._file.close()
            self._file.check(self.samples_per_channel)
            self._pending.commit()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, traceback)
