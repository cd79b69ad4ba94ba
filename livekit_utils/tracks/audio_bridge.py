"""AudioBridge: a track of the LiveKit SDK, to be published, that carries what a source of this package plays.

Our source keeps the time. So the SDK's source has no queue: it passes each 10 ms on when it gets them, and neither
holds them back nor lets them grow late. It has no silence of its own then; between sounds the bridge sends it. A room
needs that: a track without packets is not announced to anybody, and the time of its packets has to go on.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import deque
from typing import Any

from livekit_utils._kernels.sample_queue import SampleQueue
from livekit_utils._runtime.tasks import start_task
from livekit_utils._runtime.trouble import ENDS_PROGRAM, Trouble
from livekit_utils._runtime.weak import unless_gone
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.frames import sdk
from livekit_utils.frames.audio_frame import AudioFrame, copy_audio_frame
from livekit_utils.tracks.audio_source import AudioSource

# Sample rates that the SDK encodes well. Other audio is sent at 48 kHz.
_SENT_RATES = frozenset({8000, 16_000, 24_000, 32_000, 44_100, 48_000})

# Before 1.1.3, the SDK's source cannot do without a queue. A clock of its own takes from it, and sends silence where it
# is empty. So every sound begins with a little silence: a frame that comes later than the first one is still in time.
_QUEUE_MS = 50
_NUM_LEAD = 2

# Time in seconds between two looks for silence to send: that of a packet.
_TICK_S = 0.02

# Frames of silence that are sent at once, at most: those of half a second in which the event loop was held up.
_MAX_SILENCE = 50

# Frames that may wait to be sent, 1 s: the SDK takes them in less than a millisecond, or does not work any more.
_MAX_WAITING = 100


class AudioBridge:
    """Makes a track of the SDK, and gives it what the streams on a source's tracks get.

    The bridge lives as long as the SDK's track or whoever else has it. It ends with the source: what has been played
    until then is sent, and the SDK's source is closed.

    Args:
        name: Of the SDK's track.
        source: What is sent.

    Raises:
        ImportError: The SDK is not installed, cannot be imported, or is too old.
        RuntimeError: No event loop runs, or the source is closed.
        ValueError: The source's sample rate is too low to be sent.

    Threads: it sends in the event loop in which it was made. The source may be used in another.
    """

    def __init__(self, name: str, source: AudioSource) -> None:
        source._check_open()
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError("a track is made one of the LiveKit SDK in a running event loop") from None
        rtc = sdk.load()
        self._sends_silence = sdk.has_direct_sources(rtc)
        rate = source.sample_rate if source.sample_rate in _SENT_RATES else 48_000
        channels = source.num_channels if source.num_channels <= 2 else 1
        self._converter = FrameConverter(rate, channels)
        self._converter.change_format(source.sample_rate, source.num_channels)  # raises if it cannot
        self._samples = SampleQueue(channels)  # less than 10 ms
        self._silence = AudioFrame.create(rate, channels, rate // 100)
        sdk_source = rtc.AudioSource(
            rate, channels, queue_size_ms=0 if self._sends_silence else _QUEUE_MS, loop=self._loop
        )
        self._sender = _Sender(name, sdk_source, self._loop)
        weakref.finalize(self, self._sender.give_up).atexit = False
        self.track = rtc.LocalAudioTrack.create_audio_track(name, sdk_source)
        """The SDK's track."""
        self.track._livekit_utils_bridge = self  # whoever keeps the track keeps it going
        self._is_idle = True
        self._lock = threading.Lock()  # no silence gets between sounds: it is sent in another thread than they come in
        self._silence_from = self._loop.time()  # when the first frame was due
        self._timer: asyncio.TimerHandle | None = None
        source._fan_out.attach(self)
        self._start_silence()

    @property
    def is_over(self) -> bool:
        """Whether its event loop is closed. Another loop needs another bridge."""
        return self._loop.is_closed()

    # -- what the source calls, in its thread -------------------------------------------------------------------------

    def _receive(self, frame: AudioFrame) -> None:
        if self._is_idle:
            with self._lock:
                self._is_idle = False
            if not self._sends_silence:
                self._sender.extend([self._silence] * _NUM_LEAD)
        if self.track.muted:
            frame = AudioFrame.create(frame.sample_rate, frame.num_channels, frame.samples_per_channel)
        for converted in self._converter.push(frame):
            self._cut(converted)
        self._wake()

    def _on_idle(self) -> None:
        self._flush()
        self._is_idle = True
        self._wake()

    def _end(self) -> None:
        self._flush()
        self._sender.ended = True
        self._wake()

    def _flush(self) -> None:
        for converted in self._converter.flush():
            self._cut(converted)
        missing = -self._samples.samples_per_channel % self._silence.samples_per_channel
        self._cut(AudioFrame.create(self._silence.sample_rate, self._silence.num_channels, missing))

    def _cut(self, frame: AudioFrame) -> None:
        """Cuts audio into frames of 10 ms. They are copies: the frame is the source's, or even the user's."""
        size = self._silence.samples_per_channel
        if frame.samples_per_channel == size and not self._samples.samples_per_channel:
            self._sender.put(copy_audio_frame(frame))
            return
        self._samples.push(frame)
        while self._samples.samples_per_channel >= size:
            self._sender.put(AudioFrame(self._samples.pop(size), frame.sample_rate, frame.num_channels, size))

    def _wake(self) -> None:
        """Has the bridge's loop send what waits."""
        try:
            is_here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            is_here = False
        if is_here:
            self._work()
            return
        try:
            self._loop.call_soon_threadsafe(self._work)
        except RuntimeError:  # the loop is closed: nobody will send anything
            self._sender.give_up()

    # -- in the bridge's event loop -----------------------------------------------------------------------------------

    def _work(self) -> None:
        self._sender.work()
        if self._is_idle and self._timer is None:
            self._start_silence()

    def _start_silence(self) -> None:
        if self._sends_silence and self._is_idle and not self._sender.ended:
            self._timer = self._loop.call_later(_TICK_S, unless_gone(self._on_tick))

    def _on_tick(self) -> None:
        """Sends the silence that the time since the last sound asks for, so that the audio sent goes on with the
        clock."""
        self._timer = None
        due = int((self._loop.time() - self._silence_from) * 100) - self._sender.num_taken
        if due > _MAX_SILENCE:
            self._silence_from += (due - 1) / 100
            due = 1
        with self._lock:
            if self._is_idle and not self._sender.ended:
                self._sender.extend([self._silence] * due)
        self._work()


class _Sender:
    """Hands frames to a source of the SDK, one after the other, by a task that runs while there are any.

    It does not know the bridge, which so does not stay because of a frame that is on its way.
    """

    def __init__(self, name: str, source: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._name = name
        self._source = source
        self._loop = loop
        self._frames: deque[AudioFrame] = deque()
        self._task: asyncio.Task[None] | None = None
        self._trouble = Trouble("track %r: the LiveKit SDK takes no audio: %s")
        self._num_sent = 0
        self.ended = False
        """Whether the source is to be closed after the frames that wait."""

    @property
    def num_taken(self) -> int:
        """Frames that were sent or wait for it."""
        return self._num_sent + len(self._frames)

    def put(self, frame: AudioFrame) -> None:
        if len(self._frames) >= _MAX_WAITING:
            self._frames.popleft()
            self._trouble.failed(self._name, "it is too slow")
        self._frames.append(frame)

    def extend(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            self.put(frame)

    def work(self) -> None:
        """Sends what waits. Call it in the loop."""
        if self._task is None and (self._frames or self.ended):
            self._task = start_task(self._send(), f"livekit_utils sends {self._name!r}")

    def give_up(self) -> None:
        """Drops what waits, in any thread, if its loop is closed: there is nobody to send it."""
        if not self._loop.is_closed():
            return
        self._frames.clear()
        task, self._task = self._task, None
        coroutine = task.get_coro() if task is not None else None
        if coroutine is not None:
            coroutine.close()  # it would wait for ever, with a subscription that the SDK keeps
        if self.ended:
            self._source._ffi_handle.dispose()

    async def _send(self) -> None:
        try:
            while self._frames:
                # One after the other: the SDK may mix up the order of frames that are captured at the same time.
                try:
                    await self._source.capture_frame(self._frames.popleft())
                    self._trouble.good()
                except (*ENDS_PROGRAM, GeneratorExit, asyncio.CancelledError):
                    raise
                except BaseException as error:
                    self._trouble.failed(self._name, error, error=error)
                self._num_sent += 1
        finally:
            self._task = None
            if self.ended:
                self._source._ffi_handle.dispose()
