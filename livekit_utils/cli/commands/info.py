"""Implements the command `livekit-utils info`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from livekit_utils.cli.errors import CliError, describe
from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.cli.files.raw_files import parse_raw
from livekit_utils.cli.files.standard_streams import check_inputs
from livekit_utils.cli.options import DamagedOption, FilesArgument, JsonOption, RawOption
from livekit_utils.cli.speech import SpeechFinder
from livekit_utils.cli.view.progress_bar import ProgressBar
from livekit_utils.cli.view.report import print_info
from livekit_utils.cli.view.summary import Summary

if TYPE_CHECKING:
    from pathlib import Path

    from livekit_utils.files.raw_format import RawFormat


def info(
    files: FilesArgument,
    speech: Annotated[bool, typer.Option("--speech", help="Tell where somebody speaks, in seconds.")] = False,
    damaged: DamagedOption = False,
    raw: RawOption = None,
    json: JsonOption = False,
) -> None:
    """Show the rate, channels, length and levels of sound files. Each file is read to its end.

    Peak: 0 dBFS is full scale, a sample of -32768; floats and lossy formats may be above it. RMS: 0 dBFS is a
    full-scale square wave, so that a full-scale sine wave has -3 dBFS. Both cover all channels.

    Loudness, its range and the true peak are those of ITU-R BS.1770 and EBU R 128, at rates from 8000 to 384000 Hz.
    Five channels are L R C Ls Rs, six are L R C LFE Ls Rs. Less than 400 ms has a loudness of -inf.

    Files that cannot be read are reported as errors after the others.
    """
    check_inputs(files)
    format = parse_raw(raw, files)
    tracks = []
    errors: list[CliError | OSError] = []
    for path in files:
        try:
            tracks.append(_measure(path, damaged, format, speech))
        except (CliError, OSError) as error:
            errors.append(error)
    print_info(tracks, as_json=json)
    for failure in errors[:-1]:
        typer.echo(f"error: {describe(failure)}", err=True)
    if errors:
        raise errors[-1]


def _measure(path: Path, damaged: bool, raw: RawFormat | None, with_speech: bool) -> Summary:
    with AudioReader(path, damaged=damaged, raw=raw) as reader, ProgressBar(reader.name, reader.duration) as progress:
        track = Summary.of(reader)
        track.measure_loudness()
        finder = SpeechFinder(reader.sample_rate) if with_speech else None
        for samples in reader.blocks():
            track.add(samples)
            if finder is not None:
                finder.add(samples)
            progress.advance(len(samples) / reader.sample_rate)
        track.samples_per_channel = reader.samples_per_channel or 0
        track.speech = finder.spans() if finder is not None else None
        return track
