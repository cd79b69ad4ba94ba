"""InputCapture: a microphone that is open.

How it works. The device's blocks come through a ring that the device's side fills; after each, the event loop is woken.
What is there is taken in the same turn, converted, cut into frames of 10 ms, and processed together with what the
speakers were given meanwhile. The first frame goes to the source at once, which passes it straight to its streams. What
else there is goes there by a task, one frame in a turn, so that readers come to theirs; the task also waits where the
source takes nothing (it is paused), while the ring fills.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from livekit_utils._runtime.arguments import check_int
from livekit_utils._runtime.lifecycle import AsyncClosing
from livekit_utils.devices.backend.request import MAX_DEVICE_CHANNELS, DeviceRequest
from livekit_utils.devices.captured_audio import CapturedAudio
from livekit_utils.devices.device_state import DeviceState, DeviceStateChange
from livekit_utils.devices.device_stream import DeviceLink, DeviceStream
from livekit_utils.devices.speaker_tap import SpeakerTap, TapReader
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.tracks.audio_source import AudioSource

__all__ = ["InputCapture", "InputCaptureStats"]

logger = logging.getLogger("livekit_utils")


@dataclass(frozen=True, slots=True)
class InputCaptureStats:
    """What an `InputCapture` has delivered so far."""

    state: DeviceState
    device: str
    """The name of the device in use, or of the one that is missed."""
    num_frames: int
    """Frames of 10 ms that went into the source."""
    dropped_ms: float
    """Sound left out because the event loop did not fetch it in time."""
    num_refused: int
    """Frames that the source did not take: it is closed, or fails."""
    num_unprocessed: int
    """Frames that passed as they were because processing failed."""
    latency_ms: float
    """From the microphone to the block that holds the sound, by PortAudio's clock."""
    num_device_gaps: int
    """Overflows that PortAudio has reported."""
    num_reopened: int
    """How often the device was opened again after a loss."""


# Beyond `queue_capacity`, so that a microphone can be told from one whose sound is only late.
_SPARE_MS = 1000
_MAX_CAPACITY = 60_000
# Of the delay that the devices tell, which is two to four of their blocks: it bridges one, and leaves the echo behind
# its reference.
_RESERVE, _MAX_RESERVE_S = 1 / 3, 0.06


class InputCapture(AsyncClosing):
    """A microphone that is open, made by `MediaDevices.open_input`.

    It is opened again whenever it is lost, until it is closed; source, track and streams stay the same meanwhile.

    Attributes:
        source: An `AudioSource` that gets a frame of 10 ms every 10 ms, whatever the blocks of the device. It passes
            them straight to the streams on its tracks (its queue has size 0). `aclose` does not close it.
        input_stream: What stands for the open device.
        task: Takes the sound to the source, where that is not done at once.
        apm: The `AudioProcessingModule` that each frame goes through; None without processing.
        delay_estimator: What the echo canceller learns of the speakers, and of the way to them.

    Threads: to be used in the event loop in which it was opened.
    """

    def __init__(
        self,
        request: DeviceRequest,
        *,
        isolated: bool | None,
        sample_rate: int,
        num_channels: int,
        channel_index: int | None,
        queue_capacity: int,
        apm: Any,
        echo_reference: SpeakerTap,
    ) -> None:
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._channel_index = channel_index
        self._queue_capacity = queue_capacity
        self._link: DeviceLink | None = None
        self._audio: CapturedAudio | None = None
        self._left: list[AudioFrame] = []  # for the task
        self._busy = asyncio.Event()  # the task is at it, and takes what comes in the ring
        self._num_frames = 0
        self._num_refused = 0
        self._refusing = False
        self._num_unprocessed = 0
        self._failing = False
        self._dropped_frames = 0
        self._num_overruns = 0
        self._echo: TapReader | None = None
        self._listeners: list[Callable[[DeviceStateChange], None]] = []
        self.source = AudioSource(sample_rate, num_channels, queue_size_ms=0)
        self.input_stream = DeviceStream(
            request, isolated, on_open=self._begin, on_wake=self._on_wake, on_lost=self._end
        )
        self.apm = apm
        self.delay_estimator = echo_reference
        self.task: asyncio.Task[None] | None = None

    @classmethod
    def request(
        cls,
        *,
        device: int | str | None,
        sample_rate: int,
        num_channels: int,
        channel_index: int | None,
        block_frames: int,
        queue_capacity: int,
    ) -> DeviceRequest:
        """What to ask of the device.

        Raises:
            ValueError: Something is out of range.
            TypeError: Something is of the wrong kind.
        """
        check_int("queue_capacity", queue_capacity, 1, _MAX_CAPACITY)
        if channel_index is not None:
            check_int("input_channel_index", channel_index, 0, MAX_DEVICE_CHANNELS - 1)
        # One channel asked of two gives their mix; so at least two are opened to pick one.
        wanted = num_channels if channel_index is None else max(2, channel_index + 1)
        fewest = 1 if channel_index is None and num_channels <= 2 else num_channels
        return DeviceRequest(
            is_input=True,
            device=device,
            host_api=None,
            sample_rate=sample_rate,
            num_channels=wanted,
            min_channels=fewest if channel_index is None else channel_index + 1,
            block_size=block_frames,
            ring_ms=queue_capacity * 10 + _SPARE_MS,
        )

    def _start(self) -> None:
        """After the device was opened, in the running loop."""
        if self.apm is not None and self.apm.echo_cancellation:
            self._echo = self.delay_estimator.open_reader()
        self.task = asyncio.get_running_loop().create_task(self._capture(), name="InputCapture")
        self.input_stream.start()

    # -- what is known of it ------------------------------------------------------------------------------------------

    @property
    def state(self) -> DeviceState:
        return self.input_stream.states.state

    @property
    def reason(self) -> str:
        """Of the state, in words."""
        return self.input_stream.states.reason

    @property
    def device(self) -> str:
        """The name of the device in use, or of the one that is missed."""
        return self.input_stream.name

    @property
    def latency(self) -> float:
        """Seconds from the microphone to the block that holds the sound, by PortAudio's clock."""
        return self.input_stream.latency

    def on_state_change(self, listener: Callable[[DeviceStateChange], None]) -> Callable[[], None]:
        """Calls back at every change of the state, in the event loop; what is returned ends that."""
        return self.input_stream.states.listen(listener)

    def state_changes(self) -> AsyncIterator[DeviceStateChange]:
        """Every change of the state from now on; it ends when the capture is closed."""
        return self.input_stream.states.changes()

    def stats(self) -> InputCaptureStats:
        """What it has delivered so far."""
        return InputCaptureStats(
            state=self.state,
            device=self.device,
            num_frames=self._num_frames,
            dropped_ms=self._dropped_frames * 10.0,
            num_refused=self._num_refused,
            num_unprocessed=self._num_unprocessed,
            latency_ms=self.latency * 1000,
            num_device_gaps=self.input_stream.device_gaps,
            num_reopened=self.input_stream.num_reopened,
        )

    # -- the sound ----------------------------------------------------------------------------------------------------

    def _begin(self, link: DeviceLink) -> None:
        """The device was opened, perhaps anew."""
        self._link = link
        self._audio = CapturedAudio(link.info, self._sample_rate, self._num_channels, self._channel_index)
        self._num_overruns = 0
        if self._echo is not None:
            self._echo.clear()

    def _end(self) -> None:
        self._link = self._audio = None

    async def _capture(self) -> None:
        while True:
            await self._busy.wait()
            for frame in self._left:
                try:
                    await self.source.capture_frame(frame)
                except Exception as error:
                    self._note_refusal(error)
                else:
                    self._note_taken()
            self._busy.clear()
            self._pass_on()

    def _on_wake(self) -> None:
        """After each block of the device."""
        if not self._busy.is_set():
            self._pass_on()

    def _pass_on(self) -> None:
        frames = self._process(self._take())
        if frames and self._is_taken(frames[0]):
            del frames[0]
        if frames:
            self._left = frames
            self._busy.set()

    def _is_taken(self, frame: AudioFrame) -> bool:
        """Whether nothing more is to be done with it."""
        try:
            taken = self.source._offer(frame)
        except Exception as error:
            self._note_refusal(error)
            return True
        if taken:
            self._note_taken()
        return taken

    def _note_taken(self) -> None:
        self._num_frames += 1
        self._refusing = False

    def _note_refusal(self, error: Exception) -> None:
        self._num_refused += 1
        if not self._refusing:
            logger.error("the source of microphone %r refuses its sound: %s", self.device, error)
        self._refusing = True

    def _take(self) -> list[AudioFrame]:
        """What the device has delivered, without what is too old."""
        link, audio = self._link, self._audio
        if link is None or audio is None:
            return []
        ring, info = link.memory.ring, link.info
        num_waiting = ring.readable // info.num_channels
        most = self._queue_capacity * info.sample_rate // 100
        if ring.overruns != self._num_overruns:
            # It overflowed, so all of it is older than what was lost.
            self._num_overruns = ring.overruns
            most = 0
        if num_waiting > most:
            self._drop(num_waiting - most, info.sample_rate)
            ring.commit_read((num_waiting - most) * info.num_channels)
        return audio.push(ring.read(min(num_waiting, most) * info.num_channels))

    def _drop(self, num_frames: int, sample_rate: int) -> None:
        if not self._dropped_frames:
            logger.warning("microphone %r: the event loop was held up, sound was dropped", self.device)
        self._dropped_frames += round(num_frames * 100 / sample_rate)

    def _process(self, frames: list[AudioFrame]) -> list[AudioFrame]:
        if self.apm is None or not frames:
            return frames
        latency_ns = 0
        played: list[AudioFrame | None] = [None] * len(frames)
        if self._echo is not None:
            parts, latency_ns = self._echo.read(len(frames))
            played = list(parts)
        for frame, reverse in zip(frames, played, strict=True):
            try:
                if reverse is not None and reverse.samples_per_channel:
                    delay_s = latency_ns / 1e9 + self.latency
                    self.apm.set_stream_delay_ms(round(delay_s * 1000))
                    self.apm._set_reserve_ms(min(delay_s * _RESERVE, _MAX_RESERVE_S) * 1000)
                    self.apm.process_reverse_stream(reverse)
                self.apm.process_stream(frame)
            except Exception as error:
                # The frame passes as it is; an error that lasts is said once.
                self._num_unprocessed += 1
                if not self._failing:
                    logger.error("processing of microphone %r failed: %s", self.device, error, exc_info=error)
                self._failing = True
            else:
                self._failing = False
        return frames

    # -- the end ------------------------------------------------------------------------------------------------------

    async def aclose(self) -> None:
        """Gives the device back and ends the task; the source stays open. It takes two seconds at most, whatever the
        sound server does, and does not hold up the event loop. A second call does nothing more."""
        if self._echo is not None:
            self._echo.close()
        if self.task is not None:
            self.task.cancel()
        await self.input_stream.aclose()
        if self.task is not None:
            await asyncio.wait([self.task])
        if self.apm is not None:
            self.apm.close()

    def __repr__(self) -> str:
        return f"InputCapture({self.device!r}, {self.state.value})"
