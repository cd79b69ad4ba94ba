"""MediaDevices: lists and opens the microphones and speakers of this machine."""

from __future__ import annotations

import asyncio
import importlib.util
from dataclasses import replace
from typing import Any

from livekit_utils._runtime.arguments import check_int
from livekit_utils._runtime.install import install_line
from livekit_utils._runtime.public_path import public
from livekit_utils.devices.backend.isolation import choose_isolated
from livekit_utils.devices.backend.request import MAX_DEVICE_CHANNELS
from livekit_utils.devices.defaults import BLOCKSIZE, DEFAULT_CHANNELS, DEFAULT_SAMPLE_RATE
from livekit_utils.devices.input_capture import InputCapture, InputOptions, aopen_capture, open_capture
from livekit_utils.devices.output_player import OutputPlayer
from livekit_utils.devices.speaker_tap import SpeakerTap

__all__ = ["MediaDevices"]

# Time that the sound system gets to list the devices, in seconds.
_LIST_S = 5.0


@public
class MediaDevices:
    """Lists and opens microphones and speakers, through PyAudio and PortAudio.

    Where the platform allows it, each open device has a process of its own that shares memory with the application. So
    a busy interpreter is not audible, a sound server that hangs can be left behind, and the list of devices is always
    current. A device that is lost is opened again until it is closed.

    A device that was asked for and stays away for 3 s is replaced by the default one of that moment. It is looked for
    every second or two, by its name without the number of its card, and taken back. Without processes of their own,
    devices are looked for in the list that PortAudio made when the first one was opened, until all are closed.

    Args:
        loop: Ignored; the SDK's class takes it.
        input_sample_rate: Rate of the sound of microphones in Hz, 8000 to 384000. A device of another rate is
            converted.
        output_sample_rate: Rate of the mix for speakers in Hz, 1000 to 384000.
        num_channels: Channels of microphones and of the mix, 1 to 64.
        blocksize: Samples per channel that a device delivers or takes at a time, up to 1000000; 0 leaves it to the
            device. It decides the latency: 10 ms (480 at 48 kHz) are a good choice for conversations; the default of
            50 ms is the documented one, and costs the least.
        isolated: Whether each device gets a process of its own; None decides by the platform.

    Raises:
        ImportError: PyAudio is not installed.
        ValueError: A number is out of range.
        TypeError: An argument is of the wrong type.
    """

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        input_sample_rate: int = DEFAULT_SAMPLE_RATE,
        output_sample_rate: int = DEFAULT_SAMPLE_RATE,
        num_channels: int = DEFAULT_CHANNELS,
        blocksize: int = BLOCKSIZE,
        isolated: bool | None = None,
    ) -> None:
        if importlib.util.find_spec("pyaudio") is None:
            raise ImportError(f"microphones and speakers need PyAudio: {install_line('devices')}")
        self._input_sample_rate = check_int("input_sample_rate", input_sample_rate, 8000, 384_000)
        self._output_sample_rate = check_int("output_sample_rate", output_sample_rate, 1000, 384_000)
        self._num_channels = check_int("num_channels", num_channels, 1, MAX_DEVICE_CHANNELS)
        self._blocksize = check_int("blocksize", blocksize, 0, 1_000_000)
        self._isolated = choose_isolated(isolated)
        self._input_options = InputOptions(
            sample_rate=self._input_sample_rate,
            num_channels=self._num_channels,
            blocksize=self._blocksize,
            isolated=self._isolated,
        )
        self._tap = SpeakerTap(self._output_sample_rate, self._num_channels)

    # -- listing ------------------------------------------------------------------------------------------------------

    def list_input_devices(self) -> list[dict[str, Any]]:
        """Returns the microphones that are connected now. It takes about 100 ms, also while devices are open.

        Returns:
            A dict for each: `name` (str), `index` (int), `channels` (int, the most it has), `sample_rate` (float, its
            default in Hz), `host_api` (str), `is_default` (bool); and what the SDK's has, which is that of the module
            `sounddevice`: `hostapi` (int), `max_input_channels`, `max_output_channels` (int), `default_samplerate`
            (float), `default_low_input_latency`, `default_low_output_latency`, `default_high_input_latency`,
            `default_high_output_latency` (float, seconds). On Linux, sound servers report e.g. 32 channels at 44100 Hz
            for every device, and convert internally.

        Raises:
            DeviceError: The sound system does not answer.
        """
        return self._list("input")

    def list_output_devices(self) -> list[dict[str, Any]]:
        """Returns the speakers that are connected now, as `list_input_devices` does microphones."""
        return self._list("output")

    def default_input_device(self) -> int | None:
        """Returns the index of the default microphone; None if there is no microphone."""
        return next((device["index"] for device in self._list("input") if device["is_default"]), None)

    def default_output_device(self) -> int | None:
        """Returns the index of the default speaker; None if there is no speaker."""
        return next((device["index"] for device in self._list("output") if device["is_default"]), None)

    def _list(self, side: str) -> list[dict[str, Any]]:
        if self._isolated:
            from livekit_utils.devices.backend.worker_process import list_devices
        else:
            from livekit_utils.devices.backend.worker_thread import list_devices
        every = list_devices(_LIST_S)
        return [
            {
                **{key: value for key, value in device.items() if not key.startswith("is_default_")},
                "channels": device[f"max_{side}_channels"],
                "default_samplerate": device["sample_rate"],
                "is_default": device[f"is_default_{side}"],
            }
            for device in every
            if device[f"max_{side}_channels"] > 0
        ]

    # -- opening ------------------------------------------------------------------------------------------------------

    def open_input(
        self,
        *,
        enable_aec: bool = True,
        noise_suppression: bool = True,
        high_pass_filter: bool = True,
        auto_gain_control: bool = True,
        input_device: int | str | None = None,
        queue_capacity: int = 50,
        input_channel_index: int | None = None,
    ) -> InputCapture:
        """Opens a microphone, in a running event loop. It blocks the loop for about 100 ms; `aopen_input` does not.

        Args:
            enable_aec: Cancel the echo of the sound that players of this object play; either may be opened first.
            noise_suppression: Suppress steady noise.
            high_pass_filter: Remove rumble.
            auto_gain_control: Bring speech to an even level.
            input_device: An index, a name, or a part of one that fits no other device; None for the default.
            queue_capacity: Frames of 10 ms, 1 to 60000, that may wait while the event loop is held up; then the oldest
                are dropped, and counted in `InputCapture.stats`.
            input_channel_index: Take this one channel of the device, 0 to 63; None for all.

        Raises:
            DeviceError: The device does not exist, or cannot be opened; the message says what to do.
            ImportError: PyAudio does not load, or processing is wanted and pywebrtc-audio is not installed.
            ValueError: A number is out of range.
            TypeError: An argument is of the wrong type.
            RuntimeError: No event loop is running.
        """
        options = replace(
            self._input_options,
            enable_aec=enable_aec,
            noise_suppression=noise_suppression,
            high_pass_filter=high_pass_filter,
            auto_gain_control=auto_gain_control,
            input_device=input_device,
            queue_capacity=queue_capacity,
            input_channel_index=input_channel_index,
        )
        return open_capture(options, self._tap)

    async def aopen_input(
        self,
        *,
        enable_aec: bool = True,
        noise_suppression: bool = True,
        high_pass_filter: bool = True,
        auto_gain_control: bool = True,
        input_device: int | str | None = None,
        queue_capacity: int = 50,
        input_channel_index: int | None = None,
    ) -> InputCapture:
        """Opens a microphone as `open_input` does, without blocking the event loop."""
        options = replace(
            self._input_options,
            enable_aec=enable_aec,
            noise_suppression=noise_suppression,
            high_pass_filter=high_pass_filter,
            auto_gain_control=auto_gain_control,
            input_device=input_device,
            queue_capacity=queue_capacity,
            input_channel_index=input_channel_index,
        )
        return await aopen_capture(options, self._tap)

    def open_output(self, *, output_device: int | str | None = None, buffer_ms: float | None = None) -> OutputPlayer:
        """Returns a player for a speaker; its `start` opens the device.

        Args:
            output_device: An index, a name, or a part of one that fits no other device; None for the default.
            buffer_ms: Sound that is kept ready for the device; see `OutputPlayer`.

        Raises:
            ValueError: A number is out of range.
            TypeError: An argument is of the wrong type.
        """
        return OutputPlayer(
            None,
            self._output_sample_rate,
            self._num_channels,
            output_device,
            None,
            self._tap,
            blocksize=self._blocksize,
            buffer_ms=buffer_ms,
            isolated=self._isolated,
        )

    def __repr__(self) -> str:
        return (
            f"MediaDevices(input_sample_rate={self._input_sample_rate}, "
            f"output_sample_rate={self._output_sample_rate}, num_channels={self._num_channels})"
        )
