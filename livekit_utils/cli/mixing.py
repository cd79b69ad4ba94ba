"""Helps the command that plays a mix of files."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING

from livekit_utils._runtime.threads import in_thread
from livekit_utils.cli.conversion import check_inputs_of_mix
from livekit_utils.mixing.audio_mixer import AudioMixer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence

    from livekit_utils.cli.files.audio_reader import AudioReader
    from livekit_utils.cli.view.summary import Summary
    from livekit_utils.frames.audio_frame import AudioFrame

# Effectively no timeout (11 days): a slow disk delays the mix, and is never left out of it.
_NEVER_LATE_MS = 1e9


def make_mixer(readers: Sequence[AudioReader], rate: int, channels: int, blocksize: int = 0) -> AudioMixer:
    """Makes a mixer for files, which are never late.

    Raises:
        CliError: A file cannot be converted to the rate and channels of the mixer.
    """
    check_inputs_of_mix(readers, rate, channels)
    return AudioMixer(rate, channels, blocksize=blocksize, stream_timeout_ms=_NEVER_LATE_MS)


def add_files(
    mixer: AudioMixer, files: Iterable[tuple[Summary, Iterable[AudioFrame] | AsyncIterable[AudioFrame]]]
) -> list[Exception]:
    """Adds files to a mixer, and ends its input.

    Args:
        files: The summary and the frames of each file, as `Summary.frames` yields them, or `waited_for`.

    Returns:
        A list that gets the errors of the files while they are mixed. The mixer goes on without such a file.
    """
    failures: list[Exception] = []
    for index, (track, frames) in enumerate(files):
        gain = math.pow(10, track.rest_db / 20)
        mixer.add_stream(_stream(frames, failures), gain=gain, name=f"{index}: {track.name}")
    mixer.end_input()
    return failures


async def waited_for(frames: Iterator[AudioFrame], interrupt: Callable[[], None]) -> AsyncGenerator[AudioFrame, None]:
    """Yields frames that come from a thread, because they have to be waited for.

    Args:
        frames: The frames.
        interrupt: Ends a wait for the next one.
    """
    reading: asyncio.Future[AudioFrame | None] | None = None
    try:
        while True:
            reading = asyncio.ensure_future(in_thread("read standard input", lambda: next(frames, None)))
            frame = await asyncio.shield(reading)
            if frame is None:
                return
            yield frame
    finally:
        interrupt()
        if reading is not None and not reading.done():
            await asyncio.wait([reading])


async def _stream(
    frames: Iterable[AudioFrame] | AsyncIterable[AudioFrame], failures: list[Exception]
) -> AsyncIterator[AudioFrame]:
    # The mixer would log the error instead.
    try:
        if isinstance(frames, AsyncIterable):
            async for frame in frames:
                yield frame
            return
        for frame in frames:
            yield frame
    except Exception as error:
        failures.append(error)
