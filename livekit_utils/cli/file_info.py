"""Measures sound files, for the command `info`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from livekit_utils.cli.errors import CliError, describe
from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.cli.files.raw_files import parse_raw
from livekit_utils.cli.files.standard_streams import check_inputs
from livekit_utils.cli.view.progress_bar import ProgressBar
from livekit_utils.cli.view.report import print_info
from livekit_utils.cli.view.summary import Summary
from livekit_utils.files.samples import as_frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from livekit_utils.cli.files.pending_file import PendingFile
    from livekit_utils.voice.speech_spans import SpeechSpans


def show_info(
    files: Sequence[Path],
    speech: bool,
    plot: Path | None,
    dark: bool,
    damaged: bool,
    raw: str | None,
    json: bool,
    force: bool,
) -> None:
    """Prints what files are, and draws them. The arguments are those of the command.

    Raises:
        CliError, OSError: The last file that cannot be read or drawn; the others are reported.
    """
    check_inputs(files)
    format = parse_raw(raw, files)
    tracks = []
    errors: list[CliError | OSError] = []
    with ExitStack() as stack:
        picture = stack.enter_context(_open_plot(plot, force, files)) if plot is not None else None
        readers = []
        for path in files:
            try:
                reader = AudioReader(path, damaged=damaged, raw=format, whole=picture is not None)
                if picture is None:
                    with reader:
                        tracks.append(_measure(reader, speech))
                else:  # all are drawn on the time axis of the longest one
                    readers.append(stack.enter_context(reader))
            except (CliError, OSError) as error:
                errors.append(error)
        seconds = max((reader.duration or 0.0 for reader in readers), default=0.0)
        for reader in readers:
            try:
                tracks.append(_measure(reader, speech, seconds))
            except (CliError, OSError) as error:
                errors.append(error)
        if picture is not None and tracks:
            from livekit_utils.cli.view.plot import draw_plot

            draw_plot(tracks, picture.path, dark=dark)
            picture.commit()
    print_info(tracks, as_json=json)
    for failure in errors[:-1]:
        click.echo(f"error: {describe(failure)}", err=True)
    if errors:
        raise errors[-1]


def _open_plot(path: Path, force: bool, files: Sequence[Path]) -> PendingFile:
    from livekit_utils.cli.files.pending_file import PendingFile
    from livekit_utils.cli.view.plot import check_plot

    check_plot(path, len(files))
    return PendingFile(path, replace=force, inputs=[file for file in files if file.exists()])


def _measure(reader: AudioReader, with_speech: bool, axis_seconds: float | None = None) -> Summary:
    with ProgressBar(reader.name, reader.duration) as progress:
        track = Summary.of(reader)
        track.measure_loudness()
        if axis_seconds is not None:
            track.draw(axis_seconds)
        speech = _find_speech(reader.sample_rate) if with_speech else None
        for samples in reader.blocks():
            track.add(samples)
            if speech is not None:
                speech.add(as_frame(samples, reader.sample_rate)[0])
            progress.advance(len(samples) / reader.sample_rate)
        track.samples_per_channel = reader.samples_per_channel or 0
        track.speech = speech.finish() if speech is not None else None
        if track.picture is not None:
            track.picture.finish()
        return track


def _find_speech(sample_rate: int) -> SpeechSpans:
    from livekit_utils.cli.speech import find_speech

    return find_speech(sample_rate)
