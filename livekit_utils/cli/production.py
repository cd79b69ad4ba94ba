"""Production: what all commands that write a file have in common."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.audio_writer import AudioWriter
from livekit_utils.cli.files.pending_file import PendingFile
from livekit_utils.cli.view.plot import MAX_TRACKS, draw_plot, require_matplotlib
from livekit_utils.cli.view.progress_bar import ProgressBar
from livekit_utils.cli.view.report import Report
from livekit_utils.cli.view.summary import Summary
from livekit_utils.cli.view.track_picture import TrackPicture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from livekit_utils.cli.files.audio_reader import AudioReader
    from livekit_utils.frames.audio_frame import AudioFrame


@dataclass(frozen=True)
class ProductionOrder:
    """What the user asked for, in the options that all commands share."""

    path: Path
    force: bool
    plot: Path | None
    as_json: bool


class Production:
    """The making of one sound file out of any number of inputs, with its meters, its plot and its report.

    The sound file and the plot show under their names only after `finish`; on any other way out nothing is left.

    Args:
        order: What to make.
        readers: The inputs.
        sample_rate, num_channels, num_frames: Of the output.
        gains_db: One for each input.

    Raises:
        CliError: Something is in the way of the output or the plot.
        OSError: It cannot be written.
    """

    def __init__(
        self,
        order: ProductionOrder,
        readers: Sequence[AudioReader],
        *,
        sample_rate: int,
        num_channels: int,
        num_frames: int,
        gains_db: Sequence[float] | None = None,
    ) -> None:
        self._started = time.perf_counter()
        self._order = order
        self._readers = readers
        gains_db = gains_db or [0.0] * len(readers)
        self.inputs = [_track_of(reader, gain_db) for reader, gain_db in zip(readers, gains_db, strict=True)]
        self.output = Summary(order.path.name, sample_rate, num_channels, num_frames)
        with ExitStack() as stack:
            writer = AudioWriter(
                order.path,
                sample_rate,
                num_channels,
                num_frames,
                replace=order.force,
                inputs=[reader.path for reader in readers],
            )
            self._writer = stack.enter_context(writer)
            self._plot = self._open_plot(stack)
            self.output.format, self.output.subtype = writer.format, writer.subtype
            self._progress = stack.enter_context(ProgressBar(order.path.name, self.output.duration))
            self._stack = stack.pop_all()

    def _open_plot(self, stack: ExitStack) -> PendingFile | None:
        path = self._order.plot
        if path is None:
            return None
        require_matplotlib()
        if path.suffix.lower() != ".png":
            raise CliError(f"{path}: expected a name that ends in .png for the plot, got {path.suffix or 'none'}")
        tracks = [*self.inputs, self.output]
        if len(tracks) > MAX_TRACKS:
            raise CliError(f"--plot: expected at most {MAX_TRACKS - 1} inputs to draw, got {len(self.inputs)}")
        seconds = max(track.duration for track in tracks)
        for track in tracks:
            track.picture = TrackPicture(track.sample_rate, track.num_frames, seconds)
        inputs = [reader.path for reader in self._readers]
        return stack.enter_context(PendingFile(path, replace=self._order.force, inputs=inputs))

    def read(self, index: int) -> Iterator[AudioFrame]:
        """The frames of an input, metered on their way."""
        for frame in self._readers[index].blocks():
            self.inputs[index].add(frame)
            yield frame

    def write(self, frame: AudioFrame) -> None:
        """Takes the next frame of the output. What exceeds its length is left out: blocks end in silence."""
        missing = self.output.num_frames - self._writer.num_frames
        if frame.samples_per_channel > missing:
            samples = frame.data[: missing * frame.num_channels]
            frame = type(frame)(samples, frame.sample_rate, frame.num_channels, missing)
        if frame.samples_per_channel == 0:
            return
        self.output.add(frame)
        self._writer.write(frame)
        self._progress.advance(frame.duration)

    def finish(self) -> Report:
        """Puts the output and the plot in their places.

        Raises:
            CliError, OSError: The disk is full, or similar.
        """
        if self._writer.num_frames != self.output.num_frames:
            raise RuntimeError(f"expected {self.output.num_frames} frames of output, got {self._writer.num_frames}")
        if self._plot is not None:
            tracks = [*self.inputs, self.output]
            for track in tracks:
                if track.picture is not None:
                    track.picture.finish()
            drawing = time.perf_counter()
            draw_plot(tracks, self._plot.path)
            self._started += time.perf_counter() - drawing  # is no part of the work that is timed
        self._writer.commit()
        if self._plot is not None:
            self._plot.commit()
        return Report(self.inputs, self.output, time.perf_counter() - self._started)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, traceback)


def _track_of(reader: AudioReader, gain_db: float) -> Summary:
    return Summary(
        reader.name, reader.sample_rate, reader.num_channels, reader.num_frames, gain_db, reader.format, reader.subtype
    )
