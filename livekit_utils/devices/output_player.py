"""OutputPlayer: plays tracks and streams on a speaker.

A Playout reads the tracks and streams and keeps the ring before the device as full as it has to be. The device's side
only copies from there, so a stall of the application is not heard until the ring is empty.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from livekit_utils._runtime.arguments import check_int, check_ms, check_type
from livekit_utils._runtime.lifecycle import AsyncClosing, Done
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.tasks import start_task
from livekit_utils.devices.apm_feed import ApmFeed
from livekit_utils.devices.backend.request import MAX_DEVICE_CHANNELS, DeviceRequest
from livekit_utils.devices.defaults import DEFAULT_CHANNELS, DEFAULT_SAMPLE_RATE
from livekit_utils.devices.device_state import DeviceState, DeviceStateChange
from livekit_utils.devices.device_stream import DeviceLink, DeviceStream
from livekit_utils.devices.playout import Playout
from livekit_utils.devices.playout_depth import PlayoutDepth
from livekit_utils.devices.speaker_tap import SpeakerTap
from livekit_utils.frames import sdk
from livekit_utils.tracks.audio_stream import AudioStream
from livekit_utils.tracks.track import LocalAudioTrack

__all__ = ["OutputPlayer", "OutputPlayerStats"]


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class OutputPlayerStats:
    """Describes what an `OutputPlayer` has done so far."""

    state: DeviceState
    """The state of the speaker now."""
    device: str
    """The name of the device in use, or of the one that was lost."""
    num_inputs: int
    """Tracks and streams that are being played and have not ended."""
    queued_ms: float
    """Sound that waits to be played: in the ring before the device, and in the longest queue of an input."""
    latency_ms: float
    """Time from the next sample given to the device to the speaker, by PortAudio's clock."""
    depth_ms: float
    """Sound that is kept ready for the device, if there is so much: what it takes at once, and what bridges the delays
    with which sound has come of late."""
    gap_ms: float
    """Silence that the device was given in the middle of sound, because sound came too late."""
    num_gaps: int
    """Times that this has happened. When it repeats, it is logged."""
    dropped_ms: float
    """Sound that was left out because the device did not take it in time, summed over the inputs."""
    num_stalls: int
    """Underruns of an input that it ended within half a second."""
    num_device_gaps: int
    """Underflows that PortAudio has reported."""
    num_reopened: int
    """Number of times that a device was opened again: after a loss, or to take the one that was asked for back."""
    is_substitute: bool
    """Whether `device` is the default one, in place of the one that was asked for and is away."""


_MAX_BUFFER_MS = 60_000

# Room of the device's ring beyond a block or `buffer_ms`, for bursts and delays.
_SPARE_MS = 500


@public
class OutputPlayer(AsyncClosing):
    """Plays any number of tracks and streams on a speaker; usually made by `MediaDevices.open_output`.

    Each is converted to the player's format, and all are mixed. `start` opens the device. A device that is lost is
    opened again, until the player is closed; the tracks and streams stay. A device that was asked for and stays away
    for 3 s is replaced by the default one; it is looked for every second or two, and taken back when it is there again.

    The arguments may be given by position, as LiveKit documents them, or by name, as the SDK takes them.

    Args:
        loop: Not needed, and not used: the player belongs to the event loop in which it is used.
        sample_rate: Of the mix in Hz, 1000 to 384000. For a device that cannot do it the mix is converted.
        num_channels: Of the mix, 1 to 64.
        output_device: An index, a name, or a part of one that fits no other device; None for the default.
        apm_for_reverse: An `AudioProcessingModule` that gets what the speaker is given, for its echo canceller.
        delay_estimator: What joins the player with the microphones of a MediaDevices, which then fetch that themselves.
        blocksize: Samples per channel that the device takes at a time; 0 for what it prefers.
        buffer_ms: Sound that is kept ready for the device at least, 0 to 60000. Stalls of the event loop or the GIL
            that are shorter are not heard; everything is played later by as much. A device that takes more at once gets
            more. None for as little as the device and the lateness of sound allow, which are measured all the time:
            live sound waits for the next block of the device; other streams are read 10 ms further ahead.
        isolated: Whether the device gets a process of its own, so that a stall of the application is not heard, and a
            sound server that hangs does not stall the application. None for wherever that is possible.

    Raises:
        TypeError, ValueError: An argument is of the wrong type or out of range.

    Threads: to be used in one event loop.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop | None = None,
        sample_rate: int = DEFAULT_SAMPLE_RATE,
        num_channels: int = DEFAULT_CHANNELS,
        output_device: int | str | None = None,
        apm_for_reverse: Any = None,
        delay_estimator: Any = None,
        *,
        blocksize: int = 0,
        buffer_ms: float | None = None,
        isolated: bool | None = None,
    ) -> None:
        if loop is not None:  # by position, a number is soon in its place
            check_type("loop", loop, asyncio.AbstractEventLoop, "an")
        self._sample_rate = check_int("sample_rate", sample_rate, 1000, 384_000)
        self._num_channels = check_int("num_channels", num_channels, 1, MAX_DEVICE_CHANNELS)
        block = check_int("blocksize", blocksize, 0) or max(1, self._sample_rate // 100)
        buffer: int | None = None
        if buffer_ms is not None:
            buffer = math.ceil(check_ms("buffer_ms", buffer_ms, _MAX_BUFFER_MS) / 1000 * self._sample_rate)
        depth = PlayoutDepth(self._sample_rate, block, buffer)
        self._apm_feed: ApmFeed | None = None
        if apm_for_reverse is not None and delay_estimator is None:
            delay_estimator = SpeakerTap(self._sample_rate, self._num_channels)
            self._apm_feed = ApmFeed(apm_for_reverse, delay_estimator)
        self._echo_reference = delay_estimator
        # The apm is told of each block.
        self._playout = Playout(self._sample_rate, self._num_channels, depth, every_block=self._apm_feed is not None)
        self._stream = DeviceStream(
            DeviceRequest(
                is_input=False,
                device=output_device,
                identity=None,
                sample_rate=self._sample_rate,
                num_channels=self._num_channels,
                min_channels=1,
                block_size=blocksize,
                ring_ms=round(max(buffer or 0, block) * 1000 / self._sample_rate) + _SPARE_MS,
            ),
            isolated,
            on_open=self._on_open,
            on_wake=self._on_wake,
            on_lost=self._on_lost,
        )
        self._starting: asyncio.Task[None] | None = None

    # -- what is played -----------------------------------------------------------------------------------------------

    def add_track(self, track: Any) -> Done:
        """Plays a track from now on: one of this package, or of the LiveKit SDK.

        The track is live: sound that the speaker cannot play in time is left out and counted in `stats`, so that the
        delay never grows. The call does its work at once; what it returns may be awaited, made a task, or ignored. It
        does nothing if the track is being played already.

        Raises:
            TypeError: Not an audio track.
            RuntimeError: The player is closed, or no event loop runs.
        """
        self._check_open()
        if not self._playout.has(track):
            self._playout.add(track, _open_track(track, self._sample_rate, self._num_channels), live=True)
        return Done()

    def remove_track(self, track: Any) -> Done:
        """Stops playing a track; only what is already queued before the device is still played.

        A track that is not being played is no error: it may just have ended. What the call returns may be awaited, made
        a task, or ignored.
        """
        self._playout.remove(track)
        return Done()

    def add_stream(self, stream: AsyncIterable[Any], *, live: bool = False) -> None:
        """Plays a stream of frames, or of events with a `frame`.

        Args:
            stream: Of frames of any rate, mono or with as many channels as the player. It is read no faster than it is
                played, until it ends. If it raises, that is logged, and it is removed; what it delivered before is
                played.
            live: Treat the stream as a track: leave out what cannot be played in time instead of reading more slowly.

        Raises:
            TypeError: The stream is not an async iterable.
            ValueError: It is being played already.
            RuntimeError: The player is closed, or no event loop runs.
        """
        self._check_open()
        if not hasattr(type(stream), "__aiter__"):
            raise TypeError(f"stream: expected an async iterable of frames, got {type(stream).__name__}")
        if self._playout.has(stream):
            raise ValueError(f"stream: {stream!r} is being played by this OutputPlayer already")
        self._playout.add(stream, stream, live)

    def remove_stream(self, stream: AsyncIterable[Any]) -> None:
        """Stops playing a stream; only what is already queued before the device is still played.

        A stream that has ended by itself, or failed, is played to its end: for it, this does nothing.

        Raises:
            ValueError: The stream was never added, or was removed before.
        """
        if not self._playout.remove(stream):
            raise ValueError(f"stream: {stream!r} is not being played by this OutputPlayer")

    def pause(self) -> None:
        """Fades out within 5 ms and stays silent until `resume`, which goes on where this stopped.

        Live tracks go on meanwhile: after the pause, their newest sound is played. A second call does nothing.
        """
        self._playout.paused = True

    def resume(self) -> None:
        """Goes on after a pause; does nothing without one."""
        self._playout.paused = False

    @property
    def paused(self) -> bool:
        """Whether `pause` was called, and `resume` was not."""
        return self._playout.paused

    def clear(self, fade_ms: float = 0) -> None:
        """Drops the sound that waits to be played. Streams and tracks stay, and what they deliver later is played.

        Args:
            fade_ms: Time over which the sound that is being played fades out, 0 to 60000; 0 breaks it off.

        Raises:
            TypeError, ValueError: `fade_ms` is no number, or out of range.
        """
        self._playout.clear(check_ms("fade_ms", fade_ms, _MAX_BUFFER_MS) / 1000)

    async def wait_for_playout(self) -> None:
        """Returns when all streams have ended and everything that they and the tracks have delivered has been played,
        or when the player is closed. It waits on while the device is lost or the player is paused."""
        await self._playout.wait_until_done()
        await asyncio.sleep(0 if self._closed else self._stream.latency)

    # -- the device ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Opens the device and begins to play; tracks may be added before and after it. A second call does nothing.

        Raises:
            DeviceError: The device cannot be opened; what to do is in the message.
            RuntimeError: The player is closed.
        """
        self._check_open()
        if self._starting is None:
            self._starting = start_task(self._stream.aopen(), "OutputPlayer.start")
        starting = self._starting
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            if not starting.cancelled():
                raise  # the caller gives up; the device goes on opening for the next call
        except BaseException:
            self._starting = None
            raise
        self._check_open()
        self._stream.start()

    @property
    def state(self) -> DeviceState:
        """The state of the device."""
        return self._stream.states.state

    @property
    def reason(self) -> str:
        """Why the device is in its state, in words."""
        return self._stream.states.reason

    @property
    def device(self) -> str:
        """The name of the device in use, of the one that was lost, or of the one to be opened."""
        return self._stream.name

    @property
    def latency(self) -> float:
        """Seconds until a sample that is mixed now leaves the speaker: the sound in the ring before the device, and the
        latency that the device reports."""
        return self._stream.latency + self._playout.fill / self._sample_rate

    def on_state_change(self, listener: Callable[[DeviceStateChange], None]) -> Callable[[], None]:
        """Has `listener` called in the event loop at every change of the state; call what is returned to end that."""
        return self._stream.states.listen(listener)

    def state_changes(self) -> AsyncIterator[DeviceStateChange]:
        """Returns an iterator over all changes of the state from now on; it ends when the player is closed."""
        return self._stream.states.changes()

    def stats(self) -> OutputPlayerStats:
        """Returns what the player has done so far."""
        playout = self._playout
        return OutputPlayerStats(
            state=self.state,
            device=self.device,
            num_inputs=playout.num_inputs,
            queued_ms=playout.num_queued * 1000 / self._sample_rate,
            latency_ms=self._stream.latency * 1000,
            depth_ms=playout.depth * 1000 / self._sample_rate,
            num_gaps=self._stream.num_gaps,
            gap_ms=self._stream.gap_ms,
            dropped_ms=playout.num_dropped * 1000 / self._sample_rate,
            num_stalls=playout.num_stalls,
            num_device_gaps=self._stream.device_gaps,
            num_reopened=self._stream.num_reopened,
            is_substitute=self._stream.is_substitute,
        )

    async def aclose(self) -> None:
        """Stops with a short fade, closes the device, and lets tasks that wait for playout go on.

        It takes at most two seconds, even if the sound server hangs, and does not block the event loop. A second call
        waits too, but does nothing more.
        """
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
    if isinstance(track, LocalAudioTrack) or sdk.is_audio_track(track):
        return AudioStream(track, sample_rate=sample_rate, num_channels=num_channels)
    raise TypeError(f"track: expected an audio track, got {track!r}")
