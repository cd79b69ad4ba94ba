"""Plays sound files, for the command `play`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError, printable
from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.cli.files.raw_files import parse_raw
from livekit_utils.cli.files.standard_streams import check_inputs
from livekit_utils.cli.gains import parse_gains
from livekit_utils.cli.interruption import run
from livekit_utils.cli.mixing import add_files, make_mixer, waited_for
from livekit_utils.cli.sound_devices import announce_recovery, installed, logging_to, parse_device
from livekit_utils.cli.view.progress_bar import ProgressBar
from livekit_utils.cli.view.report import describe_clipping
from livekit_utils.cli.view.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import Console

    from livekit_utils.devices.output_player import OutputPlayer
    from livekit_utils.frames.audio_frame import AudioFrame
    from livekit_utils.mixing.audio_mixer import AudioMixer

# 300 ms, because slow disks matter more here than delay.
_BUFFER_MS = 300


def play_files(files: Sequence[Path], device: str | None, gain: Sequence[str], damaged: bool, raw: str | None) -> None:
    """Plays files at the same time, to their end. The arguments are those of the command.

    Raises:
        CliError, OSError: A file cannot be read, or there is no such device.
    """
    check_inputs(files)
    gains_db = parse_gains(gain, files)
    format = parse_raw(raw, files)
    from rich.console import Console

    console = Console(stderr=True)
    with ExitStack() as stack:
        readers = [stack.enter_context(AudioReader(path, damaged=damaged, raw=format)) for path in files]
        rate = max(reader.sample_rate for reader in readers)
        channels = max(reader.num_channels for reader in readers)
        mixer = make_mixer(readers, rate, channels, blocksize=max(1, rate // 100))
        stack.enter_context(logging_to(console))
        title = files[0].name if len(files) == 1 else f"{len(files)} files"
        durations = [reader.duration for reader in readers]
        known = [duration for duration in durations if duration is not None]
        total = max(known) if len(known) == len(durations) else None
        progress = stack.enter_context(ProgressBar(title, total, console))
        run(_play, mixer, readers, gains_db, rate, channels, device, progress, console)


async def _play(
    mixer: AudioMixer,
    readers: list[AudioReader],
    gains_db: list[float],
    rate: int,
    channels: int,
    device: str | None,
    progress: ProgressBar,
    console: Console,
) -> None:
    tracks = [Summary.of(reader, gain_db) for reader, gain_db in zip(readers, gains_db, strict=True)]
    async with mixer, _open_player(rate, channels, device) as player:
        player.on_state_change(announce_recovery(console))
        # A file that fails does not stop the others: its error is reported in the end.
        failures = add_files(
            mixer,
            [(track, _frames(track, reader)) for track, reader in zip(tracks, readers, strict=True)],
        )
        with installed():
            await player.start()
        player.add_stream(_counted(mixer, progress))
        await player.wait_for_playout()
    for line in describe_clipping(tracks):
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)
    if failures:
        raise failures[0]


def _frames(track: Summary, reader: AudioReader) -> Iterator[AudioFrame] | AsyncIterator[AudioFrame]:
    frames = track.frames(reader.blocks())
    return waited_for(frames, reader.interrupt) if reader.is_live else frames


def _open_player(rate: int, channels: int, device: str | None) -> OutputPlayer:
    from livekit_utils.devices.media_devices import MediaDevices

    with installed():
        try:
            devices = MediaDevices(output_sample_rate=rate, num_channels=channels, blocksize=rate // 50)
        except ValueError as error:
            raise CliError(str(error).replace("output_sample_rate", "the rate of the files")) from error
        return devices.open_output(output_device=parse_device(device), buffer_ms=_BUFFER_MS)


async def _counted(mixer: AudioMixer, progress: ProgressBar) -> AsyncIterator[AudioFrame]:
    async for frame in mixer:
        progress.advance(frame.duration)
        yield frame
