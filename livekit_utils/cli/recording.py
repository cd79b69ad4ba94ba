"""Recording writes to a file what a microphone delivers, and silence for what it does not."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError, describe
from livekit_utils.cli.microphone import open_microphone
from livekit_utils.cli.view.level_bar import LevelBar
from livekit_utils.frames.frame_part import cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from livekit_utils.cli.interruption import Interruption
    from livekit_utils.cli.view.summary import Summary
    from livekit_utils.files.recording_file import RecordingFile
    from livekit_utils.frames.audio_frame import AudioFrame

# A microphone that has delivered nothing for so long, or for the length of the recording if that is more, is given up;
# in seconds.
PATIENCE_S = 5.0


class Recording:
    """Writes what a microphone delivers.

    Args:
        file: Where to.
        track: Is told of the frames.
        samples_per_channel: The length; 0 for none.
        gaps: Whether to write silence for sound that is missing.
    """

    def __init__(self, file: RecordingFile, track: Summary, samples_per_channel: int, gaps: bool) -> None:
        self._file, self._track = file, track
        self._max_samples = samples_per_channel
        self._gaps = gaps

    async def run(self, device: str | None, processing: bool, console: Console, interruption: Interruption) -> None:
        """Records until the length is reached, the disk is full, or Ctrl-C."""
        file = self._file
        async with open_microphone(
            device, file.sample_rate, file.num_channels, processing, console, interruption
        ) as microphone:
            give_up_at = self._now() + max(PATIENCE_S, self._max_samples / file.sample_rate)
            with (
                LevelBar(f"recording {microphone.capture.device}", console) as bar,
                self._saying_if_nothing(),
            ):
                async for frame in microphone.frames():
                    bar.show(microphone.trouble)
                    if frame is not None:
                        self._write(frame, microphone.gap_ms())
                        bar.add(frame)
                    away = self._num_samples(microphone.capture.away_ms)
                    if self._is_complete(away) or file.error is not None:
                        break
                    if file.samples_per_channel == 0 and self._now() > give_up_at:
                        break
            self._write_silence(microphone.capture.away_ms)

    @contextmanager
    def _saying_if_nothing(self) -> Iterator[None]:
        try:
            yield
        except CliError as error:
            if self._file.samples_per_channel == 0:
                error.add_note(nothing_in(self._file.path))
            raise

    def _write(self, frame: AudioFrame, gap_ms: float) -> None:
        self._write_silence(gap_ms)
        if self._max_samples:
            num_missing = self._max_samples - self._file.samples_per_channel
            if num_missing == 0:
                return
            frame = cut(frame, 0, num_missing)
        self._file.write(frame.data)
        self._track.add_frame(frame)

    def _write_silence(self, duration_ms: float) -> None:
        num_samples = self._num_samples(duration_ms)
        if self._max_samples:
            num_samples = min(num_samples, self._max_samples - self._file.samples_per_channel)
        self._file.silence(num_samples)
        self._track.meter.num_values += num_samples * self._file.num_channels

    def _num_samples(self, duration_ms: float) -> int:
        """Returns the samples that are written for sound that is missing."""
        return round(duration_ms * self._file.sample_rate / 1000) if self._gaps else 0

    def _is_complete(self, num_missing: int) -> bool:
        return 0 < self._max_samples <= self._file.samples_per_channel + num_missing

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def nothing_in(path: Path) -> str:
    """Returns what is said of a recording without sound."""
    return f"{path}: nothing was recorded, and there is no file"


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Says what is wrong with a file that cannot be made."""
    try:
        yield
    except FileExistsError:
        raise CliError(f"{path}: expected a new file, but it exists; --force replaces it") from None
    except (FileNotFoundError, NotADirectoryError):
        directory = Path(os.path.realpath(path)).parent
        raise CliError(f"{path}: expected an existing directory to write to, got {directory}") from None
    except ValueError as error:
        raise CliError(f"{path}: {str(error).removeprefix('file: ')}") from error


@contextmanager
def kept() -> Iterator[None]:
    """Says that what was recorded is kept, after an error of the disk."""
    try:
        yield
    except OSError as error:
        raise CliError(f"{describe(error)}; what was recorded until then is kept") from error
