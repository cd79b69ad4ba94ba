"""Microphone delivers the frames of a microphone until Ctrl-C; `open_capture` opens one for who reads it otherwise."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.sound_devices import announce_recovery, installed, parse_device
from livekit_utils.devices.device_state import DeviceState
from livekit_utils.tracks.audio_stream import AudioStream
from livekit_utils.tracks.track import LocalAudioTrack

if TYPE_CHECKING:
    from rich.console import Console

    from livekit_utils.cli.interruption import Interruption
    from livekit_utils.devices.device_state import DeviceStateChange
    from livekit_utils.devices.gap_meter import InputGap
    from livekit_utils.devices.input_capture import InputCapture
    from livekit_utils.frames.audio_frame import AudioFrame


class DeadDevice:
    """Knows whether a device was lost before its first sample.

    Args:
        capture: The device.
    """

    def __init__(self, capture: InputCapture) -> None:
        self._dead: DeviceStateChange | None = None
        capture.on_state_change(self._note)

    def _note(self, change: DeviceStateChange) -> None:
        if (change.previous, change.state) == (DeviceState.OPENING, DeviceState.LOST):
            self._dead = change

    def check(self) -> None:
        """Raises CliError if it was. Who names a device that is dead wants to know, and not to hear another."""
        if self._dead is not None:
            raise CliError(f"no sound comes from {self._dead.device!r}: {self._dead.reason}")


# Without a frame for 100 ms, the caller gets None, so that it can show the state of the device.
_PATIENCE_S = 0.1


class Microphone:
    """An open microphone. Use `open_microphone` to make one."""

    def __init__(self, capture: InputCapture, stream: AudioStream, interruption: Interruption) -> None:
        self.capture = capture
        self._stream = stream
        self._interruption = interruption
        self._gaps: deque[InputGap] = deque()
        self._num_frames = 0  # that were yielded
        capture.on_gap(self._gaps.append)
        self._dead = DeadDevice(capture)

    def trouble(self) -> str:
        """Returns the state of the device, or "" while it runs."""
        state = self.capture.state
        return "" if state.is_running else state.value

    async def frames(self) -> AsyncIterator[AudioFrame | None]:
        """Yields frames of 10 ms, and None after each 100 ms without one. Ctrl-C ends them.

        Raises:
            CliError: The device never started.
        """
        while not self._interruption.is_set:
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    event = await anext(self._stream)
            except TimeoutError:
                self._dead.check()
                yield None
            else:
                yield event.frame
                self._num_frames += 1

    def gap_ms(self) -> float:
        """Returns the milliseconds of sound that are missing before the frame that was yielded last. Call it once for
        each frame."""
        missing_ms = 0.0
        # The stream gives each frame of the capture, from the first one on.
        while self._gaps and self._gaps[0].num_frames <= self._num_frames:
            missing_ms += self._gaps.popleft().duration_ms
        return missing_ms


@asynccontextmanager
async def open_capture(
    device: str | None, rate: int, channels: int, processing: bool, console: Console
) -> AsyncIterator[InputCapture]:
    """Opens a microphone; Ctrl-C raises KeyboardInterrupt meanwhile."""
    from livekit_utils.devices.media_devices import MediaDevices

    stages: dict[str, Any] = dict.fromkeys(
        ("enable_aec", "noise_suppression", "high_pass_filter", "auto_gain_control"), processing
    )
    if processing:
        stages["enable_aec"] = False  # the command plays nothing that could echo
    with installed():
        devices = MediaDevices(input_sample_rate=rate, num_channels=channels, blocksize=rate // 50)
        try:
            capture = await devices.aopen_input(**stages, input_device=parse_device(device))
        except TypeError as error:
            raise CliError(str(error)) from error
    async with capture:
        capture.on_state_change(announce_recovery(console))
        try:
            yield capture
        finally:
            await capture.source.aclose()


@asynccontextmanager
async def open_microphone(
    device: str | None, rate: int, channels: int, processing: bool, console: Console, interruption: Interruption
) -> AsyncIterator[Microphone]:
    """Opens a microphone. Ctrl-C raises KeyboardInterrupt until it is open, and ends its frames afterwards."""
    async with open_capture(device, rate, channels, processing, console) as capture:
        interruption.expect()
        track = LocalAudioTrack.create_audio_track("microphone", capture.source)
        async with AudioStream(track, sample_rate=rate, num_channels=channels) as stream:
            yield Microphone(capture, stream, interruption)
