"""Microphone: the frames of a microphone until Ctrl-C, for commands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from livekit_utils.audio_stream import AudioStream
from livekit_utils.cli.errors import CliError
from livekit_utils.cli.sound_devices import announce_recovery, installed, parse_device
from livekit_utils.local_audio_track import LocalAudioTrack

if TYPE_CHECKING:
    from rich.console import Console

    from livekit_utils.audio_frame import AudioFrame
    from livekit_utils.input_capture import InputCapture


class Microphone:
    """An open microphone; made by `open_microphone`."""

    def __init__(self, capture: InputCapture, stream: AudioStream) -> None:
        self.capture = capture
        self._stream = stream
        self.interrupted = False

    async def frames(self) -> AsyncIterator[AudioFrame]:
        """Of 10 ms; a Ctrl-C is their end, and no error."""
        while True:
            try:
                event = await anext(self._stream)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is not None:
                    task.uncancel()
                self.interrupted = True
                return
            yield event.frame


@asynccontextmanager
async def open_microphone(
    device: str | None, rate: int, channels: int, processing: bool, console: Console
) -> AsyncIterator[Microphone]:
    from livekit_utils.media_devices import MediaDevices

    stages: dict[str, Any] = dict.fromkeys(
        ("enable_aec", "noise_suppression", "high_pass_filter", "auto_gain_control"), processing
    )
    if processing:
        stages["enable_aec"] = False  # nothing is played here
    with installed():
        devices = MediaDevices(input_sample_rate=rate, num_channels=channels, blocksize=rate // 50)
        try:
            capture = await devices.aopen_input(**stages, input_device=parse_device(device))
        except TypeError as error:
            raise CliError(str(error)) from error
    async with capture:
        capture.on_state_change(announce_recovery(console))
        track = LocalAudioTrack.create_audio_track("microphone", capture.source)
        async with AudioStream(track, sample_rate=rate, num_channels=channels) as stream:
            try:
                yield Microphone(capture, stream)
            finally:
                await capture.source.aclose()
