"""InputCapture: an open microphone whose sound goes to an AudioSource.

How it works. The device's side writes its blocks into a ring and wakes the event loop after each. In the same turn the
sound is taken from the ring, converted, cut into frames of 10 ms, and processed together with the sound that the
speakers were given meanwhile. The first frame goes to the source at once, which passes it straight to its streams. If
there are more frames, a task takes them to the source, one in a turn, so that readers have their turn; the task also
waits while the source takes nothing (in a pause), and the ring fills.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit_utils._runtime.arguments import check_int
from livekit_utils._runtime.lifecycle import AsyncClosing
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.tasks import start_task
from livekit_utils._runtime.trouble import ENDS_PROGRAM, Trouble
from livekit_utils.devices.backend.memory import LATENCY_NS
from livekit_utils.devices.backend.request import MAX_DEVICE_CHANNELS, DeviceRequest
from livekit_utils.devices.captured_audio import CapturedAudio
from livekit_utils.devices.device_state import DeviceState, DeviceStateChange
from livekit_utils.devices.device_stream import DeviceLink, DeviceStream
from livekit_utils.devices.gap_meter import GapMeter, InputGap
from livekit_utils.devices.speaker_tap import SpeakerTap, TapReader
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.tracks.audio_source import AudioSource
from livekit_utils.tracks.audio_stream import AudioStream
from livekit_utils.tracks.track import LocalAudioTrack

if TYPE_CHECKING:
    from livekit_utils.voice.audio_processing_module import AudioProcessingModule

__all__ = ["InputCapture", "InputCaptureStats"]

logger = logging.getLogger("livekit_utils")

# Room of the device's ring beyond `queue_capacity`, in milliseconds. It tells sound that is late, of which the newest
# is kept, from an overflow, after which everything in the ring is too old.
_SPARE_MS = 1000

# The largest block that a microphone may get when it does not keep up with a smaller one.
_MAX_BLOCK_MS = 100

_MAX_CAPACITY = 60_000
_FRAME_MS = 10


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class InputCaptureStats:
    """State and counters of an `InputCapture`. Frames have 10 ms.

    Sound that the device has delivered is in `num_frames`, `num_refused` or `dropped_ms`, or on its way.
    """

    state: DeviceState
    """The state of the microphone now."""
    device: str
    """Name of the device in use, or of the one that was lost."""
    num_frames: int
    """Frames that the source has taken."""
    dropped_ms: float
    """Sound that was dropped because it was not taken in time, because the device stood still and gave it much too
    late, or because the device or the capture was closed."""
    num_refused: int
    """Frames that the source did not take: it is closed, or fails."""
    num_unprocessed: int
    """Frames that were passed on unprocessed because processing failed."""
    latency_ms: float
    """Time from the microphone to the block that holds the sound, by PortAudio's clock."""
    num_unread: int
    """Frames that an `async for` over the capture did not get, because it was read too slowly."""
    num_device_gaps: int
    """Overflows that PortAudio has reported."""
    num_reopened: int
    """Times that a device was opened again: after a loss, or to take the one that was asked for back."""
    is_substitute: bool
    """Whether `device` is the default one, in place of the one that was asked for and is away."""
    missing_ms: float
    """Sound that the device should have delivered by the clock, and has not. It is counted when less than four fifths
    come for 3 s."""
    zeros_ms: float
    """Sound in blocks of nothing but zeros, as of a microphone that is muted or that the user has not permitted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InputOptions:
    """The arguments of `MediaDevices` and of its `open_input` that make an InputCapture; checked.

    Raises:
        ValueError: A number is out of range.
        TypeError: A value is of the wrong type.
    """

    sample_rate: int
    num_channels: int
    blocksize: int
    isolated: bool
    enable_aec: bool = True
    noise_suppression: bool = True
    high_pass_filter: bool = True
    auto_gain_control: bool = True
    input_device: int | str | None = None
    queue_capacity: int = 50
    input_channel_index: int | None = None

    def __post_init__(self) -> None:
        check_int("queue_capacity", self.queue_capacity, 1, _MAX_CAPACITY)
        if self.input_channel_index is not None:
            check_int("input_channel_index", self.input_channel_index, 0, MAX_DEVICE_CHANNELS - 1)

    def request(self) -> DeviceRequest:
        """Returns the request for the device."""
        index = self.input_channel_index
        # One channel asked of two gives their mix; so at least two are opened to pick one.
        wanted = self.num_channels if index is None else max(2, index + 1)
        fewest = 1 if self.num_channels <= 2 else self.num_channels
        return DeviceRequest(
            is_input=True,
            device=self.input_device,
            identity=None,
            sample_rate=self.sample_rate,
            num_channels=wanted,
            min_channels=fewest if index is None else index + 1,
            block_size=self.blocksize,
            ring_ms=self.queue_capacity * _FRAME_MS + _SPARE_MS,
            # A headset may come back with one channel, and is better than none.
            min_channels_again=0 if index is None else 1,
            # A block has to fit where sound may wait.
            max_block_size=min(_MAX_BLOCK_MS, self.queue_capacity * _FRAME_MS) * self.sample_rate // 1000,
        )

    def make_apm(self) -> AudioProcessingModule | None:
        """Returns the processing that is wanted; None for none."""
        if not (self.enable_aec or self.noise_suppression or self.high_pass_filter or self.auto_gain_control):
            return None
        from livekit_utils.voice.audio_processing_module import AudioProcessingModule

        return AudioProcessingModule(
            echo_cancellation=self.enable_aec,
            noise_suppression=self.noise_suppression,
            high_pass_filter=self.high_pass_filter,
            auto_gain_control=self.auto_gain_control,
        )


@public
class InputCapture(AsyncClosing):
    """A microphone that is open, made by `MediaDevices.open_input`.

    It is opened again whenever it is lost, until it is closed; source, track and streams stay the same meanwhile. A
    microphone that was asked for and stays away for 3 s is replaced by the default one; it is looked for every second
    or two, and taken back when it delivers again. Where several have its name, it is waited for until all are there:
    no other one is opened in its place. One that delivers less than four fifths of its sound is opened again with
    larger blocks; one that delivers nothing but zeros for 3 s is named in a warning. `stats` counts both.

    `async for frame in capture` gives the microphone's frames of 10 ms, from then on, until the capture or its source
    is closed; what is queued then is still given. Any number of tasks may iterate, and each gets every frame, as one of
    its own that it may change. A loop that is held up finds the newest `queue_capacity` frames: the oldest are dropped,
    counted in `stats` and logged, so that it never lags behind for good. To read in another format, or with a
    processor, open an `AudioStream` on a track of the source.

    Attributes:
        source: An `AudioSource` that gets a frame of 10 ms every 10 ms, whatever the device's block is. It passes them
            straight to the streams on its tracks (its queue has size 0). `aclose` does not close it.
        input_stream: The open device.
        task: The task that takes sound to the source when that cannot be done at once.
        apm: The `AudioProcessingModule` that processes each frame; None without processing.
        delay_estimator: The tap from which the echo canceller gets the sound of the speakers, and their latency.

    Threads: for the event loop in which it was opened.
    """

    def __init__(self, options: InputOptions, tap: SpeakerTap) -> None:
        self._options = options
        self._link: DeviceLink | None = None
        self._audio: CapturedAudio | None = None
        self._left: deque[AudioFrame] = deque()  # for the task
        self._busy = asyncio.Event()  # the task is taking frames to the source, and then what is in the ring
        self._echo: TapReader | None = None
        self._num_frames = 0
        self._dropped_ms = 0.0  # without the open device
        self._gap_meter = GapMeter()
        self._is_new = False  # the device: nothing was taken from it
        self._gap_listeners: list[Callable[[InputGap], None]] = []
        self._num_given = 0  # frames, taken by the source or not
        self._told_ms = 0.0  # of what the open device has delivered and was dropped
        self._loss = Trouble("microphone %r: sound was dropped, because it was not taken in time", logging.WARNING)
        self._stop = Trouble(
            "microphone %r stood still, and then gave old sound, which was dropped", logging.WARNING, num_good=20
        )
        self._refusal = Trouble("the source of microphone %r refuses its sound: %s")
        self._processing = Trouble("processing of microphone %r failed: %s")
        self.apm = options.make_apm()
        self.source = AudioSource(options.sample_rate, options.num_channels, queue_size_ms=0)
        self.input_stream = DeviceStream(
            options.request(), options.isolated, on_open=self._begin, on_wake=self._on_wake, on_lost=self._end
        )
        self.delay_estimator = tap
        self.task: asyncio.Task[None] | None = None
        self._readers: set[AudioStream] = set()  # one for each `async for`
        self._num_unread = 0  # by those that have ended

    def _start(self) -> None:
        """Begins, in the running loop, after the device was opened."""
        if self.apm is not None and self.apm.echo_cancellation:
            self._echo = self.delay_estimator.open_reader()
        self.task = start_task(self._capture(), "InputCapture")
        self.input_stream.start()

    # -- the state ----------------------------------------------------------------------------------------------------

    @property
    def state(self) -> DeviceState:
        """Whether the microphone is open, and delivers."""
        return self.input_stream.states.state

    @property
    def reason(self) -> str:
        """The reason of the state, in words."""
        return self.input_stream.states.reason

    @property
    def device(self) -> str:
        """The name of the device in use, or of the one that was lost."""
        return self.input_stream.name

    @property
    def latency(self) -> float:
        """Seconds from the microphone to the block that holds the sound, by PortAudio's clock."""
        return self.input_stream.latency

    def on_state_change(self, listener: Callable[[DeviceStateChange], None]) -> Callable[[], None]:
        """Calls `listener` at every change of the state, in the event loop. Returns a function that ends this."""
        return self.input_stream.states.listen(listener)

    def on_gap(self, listener: Callable[[InputGap], None]) -> Callable[[], None]:
        """Calls `listener`, in the event loop, when sound goes on after some is missing, because the device was away or
        because sound was dropped. Returns a function that ends this.

        The times are those at which the device delivered its blocks, however late the event loop was to see them.

        Raises:
            TypeError: It cannot be called.
        """
        if not callable(listener):
            raise TypeError(f"listener: expected a callable, got {listener!r}")
        self._gap_listeners.append(listener)

        def stop() -> None:
            if listener in self._gap_listeners:
                self._gap_listeners.remove(listener)

        return stop

    @property
    def away_ms(self) -> float:
        """Milliseconds since the last sound ended, while the device is lost; else 0. In the event loop."""
        end_ns = self._gap_meter.end_ns
        return 0.0 if end_ns is None else max(0.0, asyncio.get_running_loop().time() * 1000 - end_ns / 1e6)

    def state_changes(self) -> AsyncIterator[DeviceStateChange]:
        """Returns an iterator of every change of the state from now on. It ends when the capture is closed."""
        return self.input_stream.states.changes()

    def stats(self) -> InputCaptureStats:
        """Returns the state and the counters."""
        return InputCaptureStats(
            state=self.state,
            device=self.device,
            num_frames=self._num_frames,
            dropped_ms=self._dropped_ms + (0.0 if self._audio is None else self._audio.dropped_ms),
            num_refused=self._refusal.count,
            num_unprocessed=self._processing.count,
            latency_ms=self.latency * 1000,
            num_unread=self._num_unread + sum(reader.stats().num_dropped_frames for reader in self._readers),
            num_device_gaps=self.input_stream.device_gaps,
            num_reopened=self.input_stream.num_reopened,
            is_substitute=self.input_stream.is_substitute,
            missing_ms=self.input_stream.missing_ms,
            zeros_ms=self.input_stream.zeros_ms,
        )

    # -- the sound ----------------------------------------------------------------------------------------------------

    def _begin(self, link: DeviceLink) -> None:
        """Starts with a device that was opened, the first time or again."""
        options = self._options
        self._link = link
        self._audio = CapturedAudio(
            link,
            options.sample_rate,
            options.num_channels,
            options.input_channel_index,
            options.queue_capacity * _FRAME_MS,
            self._loss,
            self._stop,
        )
        self._gap_meter.begin(link)
        self._is_new = True
        self._told_ms = 0.0
        if self._echo is not None:
            self._echo.clear()

    def _end(self) -> None:
        """Ends with a device that was lost or closed."""
        if self._audio is not None and self._link is not None:
            dropped_ms = self._audio.close()
            self._dropped_ms += dropped_ms
            self._gap_meter.end(self._link, dropped_ms - self._told_ms)
        self._link = self._audio = None

    def _on_wake(self) -> None:
        """Called after each block of the device."""
        if not self._busy.is_set():
            self._pass_on()

    def _pass_on(self) -> None:
        """Takes what the device has delivered. The first frame goes to the source here, the others by the task."""
        if self._audio is None or self._link is None:
            return
        gap_ms = 0.0
        if self._is_new:
            gap_ms = self._gap_meter.heard()
            self._is_new = False
        frames = self._audio.take()
        dropped_ms = self._audio.dropped_ms
        gap_ms, self._told_ms = gap_ms + dropped_ms - self._told_ms, dropped_ms
        if gap_ms > 0:
            self._tell(InputGap(num_frames=self._num_given, duration_ms=gap_ms))
        self._num_given += len(frames)
        self._process(frames, self._link)
        if frames and self._is_taken(frames[0]):
            del frames[0]
        if frames:
            self._left.extend(frames)
            self._busy.set()

    def _tell(self, gap: InputGap) -> None:
        for listener in list(self._gap_listeners):
            try:
                listener(gap)
            except ENDS_PROGRAM:
                raise
            except BaseException:
                logger.exception("%r failed", listener)

    async def _capture(self) -> None:
        while True:
            await self._busy.wait()
            while self._left:
                if self._is_taken(self._left[0]):
                    self._left.popleft()
                    await asyncio.sleep(0)  # the readers' turn
                else:
                    await self._wait_for_room(self._left[0])
                    self._left.popleft()
            self._busy.clear()
            self._pass_on()

    def _is_taken(self, frame: AudioFrame) -> bool:
        """Returns whether the source has taken or refused the frame; False if it has no room, as in a pause."""
        try:
            taken = self.source._offer(frame)
        except Exception as error:
            self._refusal.failed(self.device, error)
            return True
        if taken:
            self._note_taken()
        return taken

    async def _wait_for_room(self, frame: AudioFrame) -> None:
        try:
            await self.source.capture_frame(frame)
        except Exception as error:
            self._refusal.failed(self.device, error)
        else:
            self._note_taken()

    def _note_taken(self) -> None:
        self._num_frames += 1
        if self._refusal.count:
            self._refusal.good()

    def _process(self, frames: list[AudioFrame], link: DeviceLink) -> None:
        """Processes frames in place, each together with the sound that was played meanwhile."""
        if self.apm is None or not frames:
            return
        played: Sequence[AudioFrame | None] = [None] * len(frames)
        delay_s = 0.0
        if self._echo is not None:
            played, latency_ns = self._echo.read(len(frames))
            delay_s = (latency_ns + link.memory.words[LATENCY_NS]) / 1e9
        for frame, reference in zip(frames, played, strict=True):
            try:
                self.apm.process(frame, reference, delay_s)
            except ENDS_PROGRAM:
                raise
            except BaseException as error:  # the frame passes as it is
                self._processing.failed(self.device, error, error=error)
            else:
                if self._processing.count:
                    self._processing.good()

    # -- for `async for` ----------------------------------------------------------------------------------------------

    async def __aiter__(self) -> AsyncGenerator[AudioFrame, None]:
        if self._closed:
            return
        options = self._options
        reader = AudioStream(
            LocalAudioTrack.create_audio_track(self.device, self.source),
            capacity=options.queue_capacity,
            sample_rate=options.sample_rate,
            num_channels=options.num_channels,
        )
        self._readers.add(reader)
        try:
            async for event in reader:
                yield event.frame
        finally:
            self._readers.discard(reader)
            self._num_unread += reader.stats().num_dropped_frames
            await reader.aclose()

    # -- the end ------------------------------------------------------------------------------------------------------

    async def aclose(self) -> None:
        """Closes the device and ends the task; the source stays open. It takes at most two seconds, even if the sound
        server hangs, and does not block the event loop. A second call does nothing more."""
        self._closed = True
        for reader in self._readers:
            reader._end()  # after the frames that it has
        if self._echo is not None:
            self._echo.close()
        if self.task is not None:
            self.task.cancel()
        await self.input_stream.aclose()
        if self.task is not None:
            await asyncio.wait([self.task])
        self._dropped_ms += len(self._left) * _FRAME_MS
        self._left.clear()
        if self.apm is not None:
            self.apm.close()

    def __repr__(self) -> str:
        return f"InputCapture({self.device!r}, {self.state.value})"


def open_capture(options: InputOptions, tap: SpeakerTap) -> InputCapture:
    """Opens a microphone; blocks meanwhile. In a running event loop.

    Raises:
        DeviceError: The device cannot be opened.
        ImportError: PyAudio or the package for processing is not installed.
        RuntimeError: No event loop is running.
    """
    asyncio.get_running_loop()
    capture = InputCapture(options, tap)
    capture.input_stream.open()
    capture._start()
    return capture


async def aopen_capture(options: InputOptions, tap: SpeakerTap) -> InputCapture:
    """Opens a microphone as `open_capture` does, without blocking the event loop."""
    capture = InputCapture(options, tap)
    await capture.input_stream.aopen()
    capture._start()
    return capture
