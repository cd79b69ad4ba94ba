"""OutputPlayer: a speaker that plays tracks and streams.

How it works. A task per track or stream reads frames into a PlayoutInput. After each block that the device takes, and
whenever something arrives, the PlayoutMixer fills the ring before the device up to its target; the device's side only
copies from there. So the device is the clock, and what the application does is not heard until the ring is empty.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from livekit_utils._runtime.arguments import check_int, check_ms
from livekit_utils._runtime.lifecycle import AsyncClosing, Done
from livekit_utils.devices.apm_feed import ApmFeed
from livekit_utils.devices.backend.request import MAX_DEVICE_CHANNELS, DeviceRequest
from livekit_utils.devices.device_state import DeviceState, DeviceStateChange
from livekit_utils.devices.device_stream import DeviceLink, DeviceStream
from livekit_utils.devices.playout import PlayoutInput, PlayoutMixer
from livekit_utils.devices.speaker_feed import SpeakerFeed
from livekit_utils.devices.speaker_tap import SpeakerTap
from livekit_utils.devices.track_audio import close_iterator, open_track

__all__ = ["OutputPlayer", "OutputPlayerStats"]

logger = logging.getLogger("livekit_utils")


@dataclass(frozen=True, slots=True)
class OutputPlayerStats:
    """What an `OutputPlayer` has done so far."""

    state: DeviceState
    device: str
    """The name of the device in use, or of the one that is missed."""
    num_inputs: int
    """Tracks and streams that may be heard."""
    queued_ms: float
    """Sound on its way to the device."""
    latency_ms: float
    """From the next sample given to the device to the speaker, by PortAudio's clock."""
    gap_ms: float
    """Silence in the middle of sound: what came too late."""
    dropped_ms: float
    """Sound left out because the device did not take it in time, summed over the inputs."""
    num_stalls: int
    """How often an input ran dry and went on within half a second."""
    num_device_gaps: int
    """Underflows that PortAudio has reported."""
    num_reopened: int
    """How often the device was opened again after a loss."""


_MAX_BUFFER_MS = 60_000
# What an event loop that has other things to do as well, on a machine that has, may come too late.
_BRIDGED_S = 0.02
# Between two blocks of the device there is up to one of them beyond the target, and what came late besides. More than
# that is left out before it becomes a delay.
_SLACK_S = 0.03
_MAX_PATIENCE_S = 0.1
# Frames that an input that is always ready gives before the others have their turn.
_READS_IN_A_ROW = 16
_ALWAYS = 1 << 32


class OutputPlayer(AsyncClosing):
    """Plays any number of tracks and streams on a speaker; usually made by `MediaDevices.open_output`.

    Each is converted to the player's format, and all are mixed. The device is opened by `start`, and opened again
    whenever it is lost, until the player is closed; tracks and streams stay.

    Args:
        loop: Not needed, and not used: the player belongs to the event loop in which it is used.
        sample_rate: Hz, 1000 to 384000; of the mix. A device that cannot do it gets it converted.
        num_channels: 1 to 64; of the mix.
        output_device: An index, a name, or an unmistakable part of one; None for the default.
        apm_for_reverse: An `AudioProcessingModule` that is told what the speaker is given, for its echo canceller.
        delay_estimator: What joins the player with the microphones of a MediaDevices, which then fetch that themselves.
        blocksize: Samples per channel that the device takes at a time; 0 for what it prefers.
        buffer_ms: Sound that is kept ready for the device, up to a minute. It bridges what keeps the event loop or
            the GIL busy for less than that, and delays what is played by as much. None for a block of the
            device and 20 ms.
        isolated: Whether the device gets a process of its own, so that neither a busy interpreter nor a hanging sound
            server reaches from one to the other. None for wherever that is possible.

    Raises:
        ValueError: Something is out of range.

    Threads: to be used in one event loop.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop | None,
        sample_rate: int,
        num_channels: int,
        output_device: int | str | None,
        apm_for_reverse: Any = None,
        delay_estimator: Any = None,
        *,
        blocksize: int = 0,
        buffer_ms: float | None = None,
        isolated: bool | None = None,
    ) -> None:
        self._sample_rate = check_int("sample_rate", sample_rate, 1000, 384_000)
        self._num_channels = check_int("num_channels", num_channels, 1, MAX_DEVICE_CHANNELS)
        block_s = check_int("blocksize", blocksize, 0) / self._sample_rate or 0.01
        self._block = max(1, self._sample_rate // 100)
        target_s = block_s + _BRIDGED_S
        if buffer_ms is not None:
            target_s = max(target_s, check_ms("buffer_ms", buffer_ms, _MAX_BUFFER_MS) / 1000)
        self._target = math.ceil(target_s * self._sample_rate)
        self._limit = self._target + math.ceil((block_s + _SLACK_S) * self._sample_rate)
        patience_s = min(max(target_s - block_s, 0.005), _MAX_PATIENCE_S)
        self._mixer = PlayoutMixer(self._num_channels, self._block, self._target, patience_s)
        self._apm_feed: ApmFeed | None = None
        if apm_for_reverse is not None and delay_estimator is None:
            delay_estimator = SpeakerTap(self._sample_rate, self._num_channels)
            self._apm_feed = ApmFeed(apm_for_reverse, delay_estimator)
        self._echo_reference = delay_estimator
        self._stream = DeviceStream(
            DeviceRequest(
                is_input=False,
                device=output_device,
                host_api=None,
                sample_rate=self._sample_rate,
                num_channels=self._num_channels,
                min_channels=1,
                block_frames=blocksize,
                ring_ms=round(target_s * 1000) + 500,
            ),
            isolated,
            on_open=self._begin,
            on_wake=self._on_wake,
            on_lost=self._end,
        )
        self._feed = SpeakerFeed(self._sample_rate, self._num_channels)
        self._num_dropped = 0
        self._num_stalls = 0
        self._timer: asyncio.TimerHandle | None = None
        self._waiters: set[asyncio.Future[None]] = set()
        self._starting: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    # -- what is played -----------------------------------------------------------------------------------------------

    def add_track(self, track: Any) -> Done:
        """Plays a track from now on: of this package, or a track of the LiveKit SDK.

        The track is live: what the speaker cannot play in time is left out, counted in `stats`, so that it never lags.
        The work is done at once; what is returned may be awaited, made a task, or ignored. A track that is played
        already stays as it is.

        Raises:
            TypeError: Not an audio track.
            RuntimeError: The player is closed, or no event loop runs.
        """
        self._check_open()
        if self._find(track) is None:
            self._add(track, open_track(track, self._sample_rate, self._num_channels), live=True)
        return Done()

    def remove_track(self, track: Any) -> Done:
        """Stops playing a track, at once but for what is before the device already. One that is not played is no error:
        it may just have ended. Awaited or not, as `add_track`."""
        self._remove(track)
        return Done()

    def add_stream(self, stream: AsyncIterable[Any], *, live: bool = False) -> None:
        """Plays frames, or events with a `frame`, of any rate and of one channel or as many as the player has.

        Args:
            stream: Read no faster than it is played, from its first frame to its end; then it is forgotten. One that
                raises is logged and forgotten; what it delivered before is heard.
            live: Treat it as a track, which goes on whether it is heard or not.

        Raises:
            TypeError: Not an async iterable.
            ValueError: It is played already.
            RuntimeError: The player is closed, or no event loop runs.
        """
        self._check_open()
        if not hasattr(type(stream), "__aiter__"):
            raise TypeError(f"expected an async iterable of frames, got {type(stream).__name__}")
        if self._find(stream) is not None:
            raise ValueError(f"{stream!r} is played by this OutputPlayer already")
        self._add(stream, stream, live=live)

    def remove_stream(self, stream: AsyncIterable[Any]) -> None:
        """Stops playing a stream, at once but for what is before the device already.

        Raises:
            ValueError: It is not played, or has ended.
        """
        if not self._remove(stream):
            raise ValueError(f"{stream!r} is not played by this OutputPlayer")

    def pause(self) -> None:
        """Fades out within 5 ms and stays silent until `resume`, which goes on there. Live tracks go on meanwhile, and
        come back at what is new. In a pause, nothing happens."""
        self._feed.paused = True

    def resume(self) -> None:
        """Goes on after a pause. Without one, nothing happens."""
        self._feed.paused = False

    @property
    def paused(self) -> bool:
        return self._feed.paused

    def clear(self, fade_ms: float = 0) -> None:
        """Drops what is on its way to the speaker. Streams and tracks stay, and what they deliver from now on is heard.

        Args:
            fade_ms: What is heard now fades out in so many milliseconds, instead of breaking off.
        """
        fade_s = check_ms("fade_ms", fade_ms, _MAX_BUFFER_MS) / 1000
        for source in self._mixer.inputs:
            source.clear()
        self._feed.clear(fade_s)
        for source in self._mixer.inputs:
            source.make_room(0)

    async def wait_for_playout(self) -> None:
        """Returns when all streams have ended, and everything that they and the tracks have delivered has been heard;
        or when the player is closed. While the device is lost or a pause lasts, that waits."""
        loop = asyncio.get_running_loop()
        while not self._closed and not self._is_done():
            waiter = loop.create_future()
            self._waiters.add(waiter)
            self._pump()
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)
        await asyncio.sleep(0 if self._closed else self._stream.latency)

    # -- the device ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Opens the device and begins to play; tracks may be added before and after. A second call does nothing.

        Raises:
            DeviceError: The device cannot be opened; what to do is in the message.
            RuntimeError: The player is closed.
        """
        self._check_open()
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._stream.aopen(), name="OutputPlayer.start")
        starting = self._starting
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            if not starting.cancelled():
                raise  # whoever starts it gives up; it may be tried again
        except BaseException:
            self._starting = None
            raise
        self._check_open()
        self._stream.start()

    @property
    def state(self) -> DeviceState:
        return self._stream.states.state

    @property
    def reason(self) -> str:
        """Of the state, in words."""
        return self._stream.states.reason

    @property
    def device(self) -> str:
        """The name of the device in use, or of the one that is missed or will be opened."""
        return self._stream.name

    @property
    def latency(self) -> float:
        """Seconds from what is mixed now to the speaker: what is queued before the device, and what the device says of
        itself."""
        return self._stream.latency + self._feed.level / self._sample_rate

    def on_state_change(self, listener: Callable[[DeviceStateChange], None]) -> Callable[[], None]:
        """Calls back at every change of the state, in the event loop; what is returned ends that."""
        return self._stream.states.listen(listener)

    def state_changes(self) -> AsyncIterator[DeviceStateChange]:
        """Every change of the state from now on; it ends when the player is closed."""
        return self._stream.states.changes()

    def stats(self) -> OutputPlayerStats:
        """What the player has done so far."""
        inputs = self._mixer.inputs
        queued = self._feed.level + max((source.num_frames for source in inputs), default=0)
        return OutputPlayerStats(
            state=self.state,
            device=self.device,
            num_inputs=len(inputs),
            queued_ms=queued * 1000 / self._sample_rate,
            latency_ms=self._stream.latency * 1000,
            gap_ms=self._stream.gap_ms,
            dropped_ms=(self._num_dropped + sum(source.num_dropped for source in inputs)) * 1000 / self._sample_rate,
            num_stalls=self._num_stalls + sum(source.num_stalls for source in inputs),
            num_device_gaps=self._stream.device_gaps,
            num_reopened=self._stream.num_reopened,
        )

    async def aclose(self) -> None:
        """Stops at once, with a short fade, and gives the device back. Those who wait for playout go on. It takes two
        seconds at most, whatever the sound server does, and does not hold up the event loop. A second call does nothing
        more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for source in list(self._mixer.inputs):
            self._forget(source)
        self._release_waiters()
        starting = self._starting
        if starting is not None:
            starting.cancel()
        await self._stream.aclose()
        if self._apm_feed is not None:
            self._apm_feed.close()
        tasks = self._closing - {asyncio.current_task()}
        if starting is not None:
            tasks.add(starting)
        if tasks:
            await asyncio.wait(tasks, timeout=1)

    # -- reading the inputs -------------------------------------------------------------------------------------------

    def _add(self, key: Any, stream: Any, live: bool) -> None:
        source = PlayoutInput(key, live, self._sample_rate, self._num_channels, self._target, self._limit, self._block)
        source.task = asyncio.get_running_loop().create_task(
            self._read(source, stream, stream is not key), name=f"OutputPlayer {key!r}"
        )
        self._closing.add(source.task)
        source.task.add_done_callback(self._closing.discard)
        self._mixer.inputs.append(source)

    async def _read(self, source: PlayoutInput, stream: Any, close: bool) -> None:
        loop = asyncio.get_running_loop()
        iterator = aiter(stream)
        try:
            num_read = 0
            async for item in iterator:
                source.push(item, self._feed.level, loop.time())
                self._pump()
                if source.live:
                    source.review(self._feed.level, loop.time())
                elif source.is_full(self._feed.level):
                    source.room = loop.create_future()
                    await source.room
                num_read += 1
                if num_read % _READS_IN_A_ROW == 0:
                    await asyncio.sleep(0)
        except Exception as error:
            logger.error("OutputPlayer: %r failed and is removed: %s", source.stream, error, exc_info=error)
        finally:
            source.task = None
            source.end()
            self._pump()
            if close or iterator is not stream:
                await close_iterator(iterator)

    def _find(self, key: Any) -> PlayoutInput | None:
        return next((source for source in self._mixer.inputs if source.stream is key and not source.ended), None)

    def _remove(self, key: Any) -> bool:
        source = self._find(key)
        if source is None:
            return False
        self._forget(source)
        self._pump()
        return True

    def _forget(self, source: PlayoutInput) -> None:
        self._mixer.inputs = [other for other in self._mixer.inputs if other is not source]
        self._num_dropped += source.num_dropped
        self._num_stalls += source.num_stalls
        if source.task is not None:
            source.task.cancel()

    # -- feeding the device -------------------------------------------------------------------------------------------

    def _begin(self, link: DeviceLink) -> None:
        """The device was opened, perhaps anew."""
        self._feed.begin(link)
        for source in self._mixer.inputs:
            source.stop()
        if self._echo_reference is not None:
            self._echo_reference.add_output(self._stream, link)
        self._pump()

    def _end(self) -> None:
        """The device was lost, or closed."""
        if self._echo_reference is not None:
            self._echo_reference.remove_output(self._stream)
        self._feed.end()
        for source in self._mixer.inputs:
            source.stop()

    def _on_wake(self) -> None:
        if self._apm_feed is not None:
            self._apm_feed.tell()
        self._pump()
        if self._waiters and self._is_done():
            self._release_waiters()

    def _pump(self) -> None:
        """Fills the ring up to the target, as far as the inputs go, and has the device wake the loop when there is more
        to do."""
        if self._closed or not self._feed.ready:
            return
        self._fill()
        if self._feed.wake_below(self._cares_below):
            self._fill()
        self._set_timer()

    def _fill(self) -> None:
        now = asyncio.get_running_loop().time()
        before = self._mixer.inputs
        while (block := self._mixer.next_block(self._feed.level, now)) is not None:
            self._feed.write(block)
        if self._mixer.inputs is not before:
            kept = self._mixer.inputs
            for source in before:
                if source not in kept:
                    self._forget(source)

    @property
    def _cares_below(self) -> int:
        """How many frames before the device are as good as any more."""
        if self._apm_feed is not None:
            return _ALWAYS  # it is to be told of each block
        return max(self._mixer.cares_below, 1 if self._waiters else 0)

    def _set_timer(self) -> None:
        """Where the next block waits for an input, it must not wait for longer than agreed."""
        due = self._mixer.waits_until
        if due is None or self._timer is not None:
            return
        self._timer = asyncio.get_running_loop().call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._pump()

    def _is_done(self) -> bool:
        streams = [source for source in self._mixer.inputs if source.num_frames or not source.live]
        return not streams and self._feed.ready and not self._feed.level

    def _release_waiters(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("this OutputPlayer is closed")

    def __repr__(self) -> str:
        return f"OutputPlayer({self.device!r}, {self.state.value})"
