"""Sides: several microphones in one file, on one clock.

A single microphone is recorded sample by sample (`recording.py`), as its own clock goes. Several have a clock each, and
drift apart; so a Recorder puts them on that of the computer, and stretches them by single samples.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.microphone import DeadDevice, open_capture
from livekit_utils.cli.recording import PATIENCE_S, explained, kept, nothing_in
from livekit_utils.cli.view.level_bar import LevelBar
from livekit_utils.files.recording_file import format_of
from livekit_utils.recording.recorder import Recorder
from livekit_utils.tracks.audio_stream import AudioStream
from livekit_utils.tracks.track import LocalAudioTrack

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from rich.console import Console

    from livekit_utils.cli.interruption import Interruption
    from livekit_utils.cli.view.summary import Summary
    from livekit_utils.devices.device_state import DeviceState, DeviceStateChange
    from livekit_utils.devices.input_capture import InputCapture
    from livekit_utils.frames.audio_frame import AudioFrame

# Seconds between two looks at what could end the recording.
_LOOK_S = 0.05

# Seconds in which sound may come that was there before the recording's end.
_GRACE_S = 0.2


# Seconds after which the last sound of a device that was left has come.
_UNDER_WAY_S = 0.1


class _Side:
    """The frames of one microphone, as a stream of a Recorder: nothing while another one stands in for it, whose sound
    belongs on no side, or on another one."""

    def __init__(self, capture: InputCapture, track: Summary, bar: LevelBar) -> None:
        self._capture, self._track, self._bar = capture, track, bar
        self._dead = DeadDevice(capture)
        self._stood_in = False  # another device, until it was taken back
        self._another_until = -math.inf  # its sound may be under way until this time of the loop
        capture.on_state_change(self._note)

    def _note(self, change: DeviceStateChange) -> None:
        if change.is_substitute:
            self._stood_in = True
        elif self._stood_in and change.state.is_running:
            self._stood_in = False
            self._another_until = asyncio.get_running_loop().time() + _UNDER_WAY_S

    @property
    def device(self) -> str:
        return self._capture.device

    @property
    def state(self) -> DeviceState:
        return self._capture.state

    @property
    def has_begun(self) -> bool:
        """Whether the microphone has delivered anything."""
        return self._capture.stats().num_frames > 0

    def check(self) -> None:
        """Raises CliError if the device was lost before its first sample."""
        self._dead.check()

    @property
    def idle(self) -> bool:
        """Whether nothing is to be expected; a Recorder does not wait for it then."""
        return not self.state.is_running or self._is_another

    @property
    def _is_another(self) -> bool:
        # The state changes a moment after the device.
        is_now = self._stood_in or self._capture.input_stream.is_substitute
        return is_now or asyncio.get_running_loop().time() < self._another_until

    async def __aiter__(self) -> AsyncGenerator[AudioFrame, None]:
        """Yields what comes from now on."""
        track = LocalAudioTrack.create_audio_track("microphone", self._capture.source)
        async with AudioStream(track, sample_rate=self._track.sample_rate, num_channels=1) as stream:
            async for event in stream:
                if not self._is_another:
                    self._track.add_frame(event.frame)
                    self._bar.add(event.frame)
                    yield event.frame


class Sides:
    """Records several microphones, each on a channel of its own, or all on one.

    Args:
        path: The file.
        track: Is told of the frames; has the format of the file.
        seconds: The length; None for none.
        overwrite: Whether an existing file may be replaced.
    """

    def __init__(self, path: Path, track: Summary, seconds: float | None, overwrite: bool) -> None:
        self._path, self._track, self._seconds, self._overwrite = path, track, seconds, overwrite

    async def run(
        self, devices: Sequence[str | None], processing: bool, console: Console, interruption: Interruption
    ) -> None:
        """Records until the length is reached, the disk is full, or Ctrl-C.

        Raises:
            CliError: A device never started, or not everything could be written.
        """
        track = self._track
        with explained(self._path):
            track.format = format_of(self._path, None)
            recorder = Recorder(
                self._path,
                sample_rate=track.sample_rate,
                num_channels=track.num_channels,
                overwrite=self._overwrite,
                max_duration_s=self._seconds,
            )
        track.subtype = "OPUS" if track.format == "OGG" else "PCM_16"
        try:
            async with AsyncExitStack() as stack:
                stack.push_async_callback(_close, recorder)
                captures = [
                    await stack.enter_async_context(open_capture(device, track.sample_rate, 1, processing, console))
                    for device in devices
                ]
                interruption.expect()
                names = ", ".join(capture.device for capture in captures)
                bar = stack.enter_context(LevelBar(f"recording {names}", console))
                sides = [_Side(capture, track, bar) for capture in captures]
                stack.push_async_callback(_close, recorder)  # before the devices, which takes a while
                await self._record(recorder, sides, bar, interruption)
        except CliError as error:
            if recorder.duration_s == 0:
                error.add_note(nothing_in(self._path))
            raise
        track.samples_per_channel = round(recorder.duration_s * track.sample_rate)
        track.meter.num_values = track.samples_per_channel * track.num_channels

    async def _record(
        self, recorder: Recorder, sides: Sequence[_Side], bar: LevelBar, interruption: Interruption
    ) -> None:
        give_up_at = self._now() + max(PATIENCE_S, self._seconds or 0)
        # The clock starts with the first sound, so that no file is made of silence alone.
        while not any(side.has_begun for side in sides):
            if interruption.is_set or self._now() > give_up_at:
                return
            await self._look(sides, bar)
        for index, side in enumerate(sides):
            channel = index if self._track.num_channels > 1 else None
            recorder.add_stream(side, channel=channel, name=f"{index}: {side.device}")
        while not interruption.is_set and recorder.stats().error is None:
            if self._seconds is not None and recorder.duration_s >= self._seconds:
                await asyncio.sleep(_GRACE_S)
                return
            await self._look(sides, bar)

    async def _look(self, sides: Sequence[_Side], bar: LevelBar) -> None:
        await asyncio.sleep(_LOOK_S)
        for side in sides:
            side.check()
        bar.show(lambda: ", ".join(f"{side.device}: {side.state.value}" for side in sides if not side.state.is_running))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


async def _close(recorder: Recorder) -> None:
    with kept():
        await recorder.aclose()
