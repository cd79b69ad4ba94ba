"""OutputPlayer: a speaker that plays tracks and streams.

A Playout reads the tracks and streams and keeps the ring before the device filled up to a target. The device's side
only copies from there, so a stall of the application is not heard until the ring is empty.
"""

from __future__ import annotations

import asyncio
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
from livekit_utils.devices.playout import Playout
from livekit_utils.devices.speaker_reference import SpeakerReference
from livekit_utils.frames import sdk
from livekit_utils.tracks.audio_stream import AudioStream
from livekit_utils.tracks.track import LocalAudioTrack

__all__ = ["OutputPlayer", "OutputPlayerStats"]


@dataclass(frozen=True, kw_only=True, slots=True)
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
        target_s = block_s + _BRIDGED_S
        if buffer_ms is not None:
            target_s = max(target_s, check_ms("buffer_ms", buffer_ms, _MAX_BUFFER_MS) / 1000)
        target = math.ceil(target_s * self._sample_rate)
        limit = target + math.ceil((block_s + _SLACK_S) * self._sample_rate)
        patience_s = min(max(target_s - block_s, 0.005), _MAX_PATIENCE_S)
        self._apm_feed: ApmFeed | None = None
        if apm_for_reverse is not None and delay_estimator is None:
            delay_estimator = SpeakerReference(self._sample_rate, self._num_channels)
            self._apm_feed = ApmFeed(apm_for_reverse, delay_estimator)
        self._echo_reference = delay_estimator
        # The apm is told of each block.
        self._playout = Playout(
            self._sample_rate, self._num_channels, target, limit, patience_s, every_block=self._apm_feed is not None
        )
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
            on_open=self._on_open,
            on_wake=self._on_wake,
            on_lost=self._on_lost,
        )
        self._starting: asyncio.Task[None] | None = None

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
        if not self._playout.has(track):
            self._playout.add(track, _open_track(track, self._sample_rate, self._num_channels), live=True)
        return Done()

    def remove_track(self, track: Any) -> Done:
        """Stops playing a track, at once but for what is before the device already. One that is not played is no error:
        it may just have ended. Awaited or not, as `add_track`."""
        self._playout.remove(track)
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
        if self._playout.has(stream):
            raise ValueError(f"{stream!r} is played by this OutputPlayer already")
        self._playout.add(stream, stream, live)

    def remove_stream(self, stream: AsyncIterable[Any]) -> None:
        """Stops playing a stream, at once but for what is before the device already.

        Raises:
            ValueError: It is not played, or has ended.
        """
        if not self._playout.remove(stream):
            raise ValueError(f"{stream!r} is not played by this OutputPlayer")

    def pause(self) -> None:
        """Fades out within 5 ms and stays silent until `resume`, which goes on there. Live tracks go on meanwhile, and
        come back at what is new. In a pause, nothing happens."""
        self._playout.paused = True

    def resume(self) -> None:
        """Goes on after a pause. Without one, nothing happens."""
        self._playout.paused = False

    @property
    def paused(self) -> bool:
        return self._playout.paused

    def clear(self, fade_ms: float = 0) -> None:
        """Drops what is on its way to the speaker. Streams and tracks stay, and what they deliver from now on is heard.

        Args:
            fade_ms: What is heard now fades out in so many milliseconds, instead of breaking off.
        """
        self._playout.clear(check_ms("fade_ms", fade_ms, _MAX_BUFFER_MS) / 1000)

    async def wait_for_playout(self) -> None:
        """Returns when all streams have ended, and everything that they and the tracks have delivered has been heard;
        or when the player is closed. While the device is lost or a pause lasts, that waits."""
        await self._playout.wait_until_done()
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
        return self._stream.latency + self._playout.fill / self._sample_rate

    def on_state_change(self, listener: Callable[[DeviceStateChange], None]) -> Callable[[], None]:
        """Calls back at every change of the state, in the event loop; what is returned ends that."""
        return self._stream.states.listen(listener)

    def state_changes(self) -> AsyncIterator[DeviceStateChange]:
        """Every change of the state from now on; it ends when the player is closed."""
        return self._stream.states.changes()

    def stats(self) -> OutputPlayerStats:
        """What the player has done so far."""
        playout = self._playout
        return OutputPlayerStats(
            state=self.state,
            device=self.device,
            num_inputs=playout.num_inputs,
            queued_ms=playout.num_queued * 1000 / self._sample_rate,
            latency_ms=self._stream.latency * 1000,
            gap_ms=self._stream.gap_ms,
            dropped_ms=playout.num_dropped * 1000 / self._sample_rate,
            num_stalls=playout.num_stalls,
            num_device_gaps=self._stream.device_gaps,
            num_reopened=self._stream.num_reopened,
        )

    async def aclose(self) -> None:
        """Stops at once, with a short fade, and gives the device back. Those who wait for playout go on. It takes two
        seconds at most, whatever the sound server does, and does not hold up the event loop. A second call does nothing
        more."""
        self._closed = True
        self._playout.close()
        starting = self._starting
        if starting is not None:
            starting.cancel()
        await self._stream.aclose()
        if self._apm_feed is not None:
            self._apm_feed.close()
        tasks = self._playout.tasks - {asyncio.current_task()}
        if starting is not None:
            tasks.add(starting)
        if tasks:
            await asyncio.wait(tasks, timeout=1)

    # -- called by the device ------------------------------------------------------------------------------------------

    def _on_open(self, link: DeviceLink) -> None:
        if self._echo_reference is not None:
            self._echo_reference.add_output(self._stream, link)
        self._playout.open(link)

    def _on_wake(self) -> None:
        if self._apm_feed is not None:
            self._apm_feed.tell()
        self._playout.on_wake()

    def _on_lost(self) -> None:
        if self._echo_reference is not None:
            self._echo_reference.remove_output(self._stream)
        self._playout.lose()

    def __repr__(self) -> str:
        return f"OutputPlayer({self.device!r}, {self.state.value})"


def _open_track(track: Any, sample_rate: int, num_channels: int) -> Any:
    """A stream on an audio track, of this package or the LiveKit SDK.

    Raises:
        TypeError: Not an audio track.
    """
    if isinstance(track, LocalAudioTrack):
        return AudioStream(track, sample_rate=sample_rate, num_channels=num_channels)
    if sdk.is_audio_track(track):
        return sdk.open_audio_stream(track, sample_rate, num_channels)
    raise TypeError(f"track: expected an audio track, got {track!r}")
