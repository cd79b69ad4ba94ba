"""Production makes one sound file, for the commands that write one."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit_utils.cli.files.audio_writer import AudioWriter
from livekit_utils.cli.files.pending_file import PendingFile
from livekit_utils.cli.files.standard_streams import is_standard
from livekit_utils.cli.view.progress_bar import ProgressBar
from livekit_utils.cli.view.report import Report
from livekit_utils.cli.view.summary import Summary, whole_path
from livekit_utils.frames.frame_part import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    import numpy as np
    import numpy.typing as npt

    from livekit_utils.cli.files.audio_reader import AudioReader
    from livekit_utils.cli.files.output_form import OutputForm
    from livekit_utils.cli.files.wide_samples import WideEncoder
    from livekit_utils.frames.audio_frame import AudioFrame


@dataclass(frozen=True)
class ProductionOrder:
    """Holds the options that all these commands share."""

    path: Path
    force: bool
    plot: Path | None
    as_json: bool
    form: OutputForm | None = None
    """The kind of the file; None is that of its suffix."""
    dark: bool = False
    """Whether the plot is drawn on a dark background."""


class Production:
    """Makes one sound file from any number of inputs, with its levels, its plot and its report.

    The sound file and the plot get their names in `finish`. If the with block ends without it, no file is left.

    Args:
        order: The options.
        readers: The inputs.
        sample_rate: Hz, of the output.
        num_channels: The channels of the output.
        find_length: Returns the samples per channel of the output; None as long as an input does not tell it.
        gains_db: The gain of each input in decibels; 0 if not given.
        with_loudness: Whether to measure the loudness of the output.

    Raises:
        CliError: The output or the plot exists, or cannot have this name.
        OSError: The output or the plot cannot be written.
    """

    def __init__(
        self,
        order: ProductionOrder,
        readers: Sequence[AudioReader],
        *,
        sample_rate: int,
        num_channels: int,
        find_length: Callable[[], int | None],
        gains_db: Sequence[float] | None = None,
        with_loudness: bool = False,
    ) -> None:
        self._started = time.perf_counter()
        self._order = order
        self._readers = readers
        gains_db = gains_db or [0.0] * len(readers)
        self.inputs = [Summary.of(reader, gain_db) for reader, gain_db in zip(readers, gains_db, strict=True)]
        self._find_length = find_length
        samples_per_channel = find_length()
        self._is_known = samples_per_channel is not None
        self.output = Summary(order.path.name, sample_rate, num_channels, samples_per_channel or 0)
        self.output.path = whole_path(order.path)
        if with_loudness:
            self.output.measure_loudness()
        with ExitStack() as stack:
            writer = AudioWriter(
                order.path,
                sample_rate,
                num_channels,
                samples_per_channel or 0,
                order.form,
                replace=order.force,
                inputs=_files(readers),
            )
            self._writer = stack.enter_context(writer)
            self._plot = self._open_plot(stack)
            self.output.format, self.output.subtype = writer.format, writer.subtype
            self._progress = stack.enter_context(
                ProgressBar(order.path.name, self.output.duration if self._is_known else None)
            )
            self._stack = stack.pop_all()

    def _open_plot(self, stack: ExitStack) -> PendingFile | None:
        path = self._order.plot
        if path is None:
            return None
        from livekit_utils.cli.view.plot import check_plot

        tracks = [*self.inputs, self.output]
        check_plot(path, len(tracks))
        seconds = max(track.duration for track in tracks)
        for track in tracks:
            track.draw(seconds)
        return stack.enter_context(PendingFile(path, replace=self._order.force, inputs=_files(self._readers)))

    def read(self, index: int) -> Iterator[AudioFrame]:
        """Yields the frames of an input, and measures them."""
        yield from self.inputs[index].frames(self._readers[index].blocks())

    def write(self, frame: AudioFrame) -> None:
        """Writes the next frame of the output. Samples beyond the length of the output are left out: the mixer's last
        block ends in silence."""
        length = self.output.samples_per_channel if self._is_known else self._find_length()
        if length is not None:
            frame = cut(frame, 0, length - self._writer.samples_per_channel)
        if frame.samples_per_channel == 0:
            return
        self.output.add_frame(frame)
        self._writer.write(frame)
        self._progress.advance(frame.duration)

    def write_wide(self, samples: npt.NDArray[np.float32], encoder: WideEncoder) -> None:
        """Writes the next samples of the output with all of their bits; its length is known to be theirs."""
        self.output.add(samples)
        num_before = encoder.num_clipped
        self._writer.write_encoded(encoder.encode(samples), len(samples))
        self.output.meter.num_clipped += encoder.num_clipped - num_before
        self._progress.advance(len(samples) / self.output.sample_rate)

    def finish(self) -> Report:
        """Gives the output and the plot their names, and returns the report.

        Raises:
            CliError, OSError: The disk is full, or similar.
        """
        self.output.samples_per_channel = self._find_length() or 0
        for track, reader in zip(self.inputs, self._readers, strict=True):
            track.samples_per_channel = reader.samples_per_channel or 0
        expected, written = self.output.samples_per_channel, self._writer.samples_per_channel
        if written != expected:
            raise RuntimeError(f"expected {expected} samples per channel of output, got {written}")
        if self._plot is not None:
            from livekit_utils.cli.view.plot import draw_plot

            tracks = [*self.inputs, self.output]
            for track in tracks:
                if track.picture is not None:
                    track.picture.finish()
            drawing = time.perf_counter()
            draw_plot(tracks, self._plot.path, dark=self._order.dark)
            self._started += time.perf_counter() - drawing  # the report does not count drawing
        self._writer.commit()
        if self._plot is not None:
            self._plot.commit()
        return Report(
            self.inputs,
            self.output,
            time.perf_counter() - self._started,
            on_stderr=is_standard(self._order.path),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, traceback)


def _files(readers: Sequence[AudioReader]) -> list[Path]:
    return [reader.path for reader in readers if not is_standard(reader.path)]
