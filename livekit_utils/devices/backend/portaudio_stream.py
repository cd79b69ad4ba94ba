"""PortAudioStream: opens one stream, serves its callbacks, and watches whether it goes on.

The same code runs in a process of its own or in a thread of the application. PortAudio is not thread-safe: everything
but the callbacks happens in the thread that calls `open`.
"""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable
from typing import Any

from livekit_utils.devices.backend import portaudio
from livekit_utils.devices.backend.backlog import Backlog
from livekit_utils.devices.backend.choice import find_device, identify
from livekit_utils.devices.backend.memory import (
    CALLBACK_NS,
    CALLBACKS,
    DEVICE_GAPS,
    LATENCY_NS,
    MOVED,
    PAUSED,
    STALE_SAMPLES,
    ZERO_SAMPLES,
    DeviceMemory,
    ring_capacities,
)
from livekit_utils.devices.backend.renderer import DeviceRenderer
from livekit_utils.devices.backend.request import DeviceError, DeviceRequest, OpenedDevice

# Interval between two looks at the stream.
_LOOK_EVERY_S = 0.1

# Without a callback for this long, a device in steady motion is lost; it should call back every block. A device with
# long blocks gets as many blocks.
_STALLED_S = 0.5
_STALLED_BLOCKS = 3

# The same for a device that is not in steady motion yet. Some take a second or two to start: an idle null sink of
# PulseAudio takes a first block at once, and the next one when its two seconds of silence are over.
_NEVER_STARTED_S = 3.0

# It is in steady motion when it has moved for so long without a gap, and without a pause between two callbacks as long
# as the second figure. A device with long blocks gets two of them. A null sink of PulseAudio begins anew after a gap,
# and stands still for two seconds again.
_STEADY_S = 0.15
_LONGEST_PAUSE_S = 0.1
_STEADY_BLOCKS = 2

# A speaker's first blocks only fill buffers. Its sound moves when it takes one this long after the first.
_FILLED_S = 0.02

# A look that comes this late shows that the whole machine was stalled, which is no fault of the device.
_HELD_UP_S = 0.25

# Time for the fade of a pause (5 ms) to reach the speaker, in blocks of up to 25 ms.
_FADE_OUT_S = 0.03


class PortAudioStream:
    """Moves samples between one microphone or speaker and its DeviceMemory.

    Args:
        request: What to open.
        wake: Called in the sound card's thread after each block of a microphone, and after a block of a speaker that
            leaves fewer samples than the application asked to be woken for. It must neither wait nor raise.
        begin: Called in that thread before the first block.
    """

    def __init__(
        self, request: DeviceRequest, wake: Callable[[], None], begin: Callable[[], object] = lambda: None
    ) -> None:
        self._request = request
        self._wake = wake
        self._begin = begin
        self._portaudio: Any = None
        self._stream: Any = None
        self._memory: DeviceMemory | None = None
        self._renderer: DeviceRenderer | None = None
        self._continue = 0
        self._block_s = request.block_size / request.sample_rate
        self._first_ns = 0  # of the first callback
        self._moving_from_ns = 0  # of the first callback since the last gap or pause
        self._longest_pause_ns = max(_LONGEST_PAUSE_S, _STEADY_BLOCKS * self._block_s) * 1e9
        self._failure: BaseException | None = None

    @property
    def memory(self) -> DeviceMemory:
        assert self._memory is not None
        return self._memory

    def open(self, make_memory: Callable[[int], mmap.mmap]) -> OpenedDevice:
        """Opens and starts the stream.

        Args:
            make_memory: Returns zeroed memory of as many bytes as it is given.

        Raises:
            DeviceError: The device cannot be opened.
        """
        pyaudio = portaudio.load()
        self._continue = pyaudio.paContinue
        request = self._request
        try:
            self._portaudio = pyaudio.PyAudio()
            devices = portaudio.list_devices(self._portaudio)
            device = find_device(devices, request)
            identity = identify(devices, device, request)
            callback = self._on_input if request.is_input else self._on_output
            self._stream, sample_rate, num_channels = portaudio.open_stream(
                pyaudio, self._portaudio, device, request, callback
            )
            sizes = ring_capacities(sample_rate, num_channels, request.ring_ms)
            self._memory = DeviceMemory.create(make_memory(DeviceMemory.num_bytes(*sizes)), *sizes)
            if not request.is_input:
                self._renderer = DeviceRenderer(self._memory, sample_rate, num_channels)
            self._stream.start_stream()
        except DeviceError:
            raise
        except OSError as error:
            raise portaudio.as_device_error(error, request) from error
        return OpenedDevice(
            identity.name,
            device["index"],
            identity.host_api,
            sample_rate,
            num_channels,
            *sizes,
            ordinal=identity.ordinal,
            others=identity.others,
        )

    def watch(self, wait: Callable[[float], bool]) -> str | None:
        """Returns when the stream has ended, or the application wants it to end.

        Args:
            wait: Waits for the seconds that it is given, and returns whether the application wants the stream to end.

        Returns:
            Why the device was lost; None if the application wanted the end.
        """
        words = self.memory.words
        since = time.monotonic_ns()
        steady_ns = max(_STEADY_S, _STEADY_BLOCKS * self._block_s) * 1e9
        while True:
            before = time.monotonic_ns()
            if wait(_LOOK_EVERY_S):
                return None
            now = time.monotonic_ns()
            if now - before > _HELD_UP_S * 1e9:
                since = now
            if self._failure is not None:
                return f"its callback failed: {self._failure!r}"
            try:
                if not self._stream.is_active():
                    return "the sound system ended the stream"
            except OSError as error:
                return f"the sound system ended the stream ({error})"
            steady = words[CALLBACK_NS] - self._moving_from_ns >= steady_ns
            last = max(since, words[CALLBACK_NS])
            limit = max(_STALLED_S if steady else _NEVER_STARTED_S, _STALLED_BLOCKS * self._block_s)
            if now - last > limit * 1e9:
                return "the device stopped moving" if words[MOVED] else "the device never started to move"

    def fade_out(self) -> float:
        """Has a speaker fade to silence without a click; returns the seconds that it takes."""
        if self._memory is None or self._request.is_input:
            return 0.0
        self._memory.words[PAUSED] = 1
        return _FADE_OUT_S

    def close(self) -> None:
        """Closes the stream and PortAudio. It blocks for as long as the sound server hangs."""
        stream, self._stream = self._stream, None
        opened, self._portaudio = self._portaudio, None
        try:
            if stream is not None:
                stream.close()
        finally:
            if opened is not None:
                opened.terminate()

    # -- in the sound card's thread -----------------------------------------------------------------------------------

    def _on_input(self, sample_rate: int, num_channels: int) -> Callable[..., Any]:
        backlog = Backlog(sample_rate)

        def callback(data: bytes, samples_per_channel: int, times: dict[str, float], flags: int) -> tuple[None, int]:
            try:
                memory = self.memory
                now_ns = self._note(memory, flags, times["current_time"] - times["input_buffer_adc_time"])
                if data == bytes(len(data)):
                    memory.words[ZERO_SAMPLES] += samples_per_channel
                if backlog.is_stale(samples_per_channel, now_ns):
                    memory.words[STALE_SAMPLES] += samples_per_channel
                else:
                    memory.ring.write(data)
                self._wake()
            except BaseException as error:  # PyAudio would throw it into the thread that opened the stream
                self._failure = error
            return None, self._continue

        return callback

    def _on_output(self, sample_rate: int, num_channels: int) -> Callable[..., Any]:
        def callback(data: None, samples_per_channel: int, times: dict[str, float], flags: int) -> tuple[bytes, int]:
            try:
                renderer = self._renderer
                assert renderer is not None
                now_ns = self._note(self.memory, flags, times["output_buffer_dac_time"] - times["current_time"])
                block = renderer.render(samples_per_channel, now_ns)
                if renderer.is_low:
                    self._wake()
                return block, self._continue
            except BaseException as error:
                self._failure = error
            return bytes(samples_per_channel * num_channels * 2), self._continue

        return callback

    def _note(self, memory: DeviceMemory, flags: int, latency_s: float) -> int:
        """Notes a call of the sound card, and returns its time."""
        words = memory.words
        now = time.monotonic_ns()
        if not words[CALLBACKS]:
            self._begin()
            self._first_ns = now
        if flags or now - words[CALLBACK_NS] > self._longest_pause_ns:
            self._moving_from_ns = now
        if not words[MOVED] and (self._request.is_input or now - self._first_ns >= _FILLED_S * 1e9):
            words[MOVED] = 1
        words[CALLBACK_NS] = now
        words[CALLBACKS] += 1
        if flags:
            words[DEVICE_GAPS] += 1
        if 0 <= latency_s < 10:
            words[LATENCY_NS] = round(latency_s * 1e9)
        return now
