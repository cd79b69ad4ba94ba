"""DeviceStream: opens a microphone or speaker, and opens it again whenever it is lost."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

from livekit_utils._runtime.tasks import start_task
from livekit_utils._runtime.threads import in_thread
from livekit_utils.devices.backend.isolation import choose_isolated
from livekit_utils.devices.backend.memory import (
    CALLBACKS,
    DEVICE_GAPS,
    GAP_SAMPLES,
    GAPS,
    LATENCY_NS,
    MOVED,
    DeviceMemory,
)
from livekit_utils.devices.backend.request import DeviceError, DeviceRequest, OpenedDevice
from livekit_utils.devices.backend.worker import Worker
from livekit_utils.devices.device_search import DeviceSearch
from livekit_utils.devices.device_state import DeviceState, DeviceStates
from livekit_utils.devices.microphone_health import MicrophoneHealth

logger = logging.getLogger("livekit_utils")

# Time that the sound system gets to open a device, in seconds: the first time, and in each attempt after a loss.
_OPEN_S = 5.0
_REOPEN_S = 2.0

# While another device is in use, the one chosen is looked for this often, in seconds. It is taken back when it has
# moved for so long, because the other one works.
_LOOK_S = 2.0
_STEADY_S = 0.5

# Time that a device gets after it was opened until its first sample moves: a little more than the worker waits, or as
# many blocks. It is looked at this often.
_START_S = 3.5
_START_BLOCKS = 4
_POLL_S = 0.02

# A microphone's sound is compared with the clock this often, in seconds.
_HEALTH_S = 1.0

# A microphone that delivers too little gets blocks four times as large, but at least of this many milliseconds.
_LEAST_LARGER_BLOCK_MS = 40


@dataclass(frozen=True, slots=True)
class DeviceLink:
    """The application's end of an open device: the memory that both share, and the format of the device."""

    memory: DeviceMemory
    info: OpenedDevice

    @property
    def latency(self) -> float:
        """Seconds between the device and its side of the ring, by PortAudio's clock."""
        return self.memory.words[LATENCY_NS] / 1e9

    @property
    def gap_ms(self) -> float:
        """Milliseconds of silence that a speaker was given in the middle of sound, since it was opened."""
        return self.memory.words[GAP_SAMPLES] * 1000 / self.info.sample_rate

    @property
    def num_gaps(self) -> int:
        """How many times a speaker was given silence in the middle of sound, since it was opened."""
        return self.memory.words[GAPS]


class DeviceStream:
    """Opens a device, reports its blocks, and opens it again when it is lost, until it is closed.

    Args:
        request: The device to open, and its format.
        isolated: Whether the device gets a process of its own; None decides by the platform.
        on_open: Called with the link to each device that was opened, before its first `on_wake`.
        on_wake: Called after each block of the device; never without a link.
        on_lost: Called when the link that `on_open` was given has ended: the device was lost or closed.

    Threads: for one event loop, except `open`, which blocks and may be called in any thread.
    """

    def __init__(
        self,
        request: DeviceRequest,
        isolated: bool | None,
        *,
        on_open: Callable[[DeviceLink], None],
        on_wake: Callable[[], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._request = request
        self._isolated = choose_isolated(isolated)
        self._on_open, self._on_wake, self._on_lost = on_open, on_wake, on_lost
        self._worker: Worker | None = None
        self._link: DeviceLink | None = None  # while the worker is listened to
        self._task: asyncio.Task[None] | None = None
        self._lost_worker: Worker | None = None  # to be closed
        self._lost = asyncio.Event()  # the device in use has ended
        self._why_lost = ""
        self._closed = False
        self._device_gaps = 0
        self._gap_ms, self._num_gaps = 0.0, 0
        self.states = DeviceStates("microphone" if request.is_input else "speaker")
        self._info: OpenedDevice | None = None  # of the device in use, or of the one that was lost
        self._block_size = request.block_size  # of the next attempt to open a device
        self._search = DeviceSearch()
        self._health = MicrophoneHealth() if request.is_input else None
        self.is_substitute = False  # whether the device in use, or the one lost, takes the place of the one chosen
        self.num_reopened = 0

    # -- opening ------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Opens the device. It blocks, usually for about 100 ms.

        Raises:
            DeviceError: The device cannot be opened.
            ImportError: PyAudio is not installed.
        """
        self._begin_with(self._open_worker(self._request, _OPEN_S))

    async def aopen(self) -> None:
        """Opens the device as `open` does, without blocking the event loop."""
        opening = functools.partial(self._open_worker, self._request, _OPEN_S)
        self._begin_with(await in_thread(f"open {self._request.wanted}", opening, _close))

    def start(self) -> None:
        """Begins to call back, in the running loop. Does nothing before the device is opened."""
        worker = self._worker
        if self._task is None and worker is not None:
            self._chosen = worker.info.identity
            self._listen(worker)
            self._task = start_task(self._look_after(), self.states.subject)

    def _open_worker(self, request: DeviceRequest, timeout_s: float) -> Worker:
        # Imported here, because most programs open no device, and what starts processes takes a while to load.
        if self._isolated:
            from livekit_utils.devices.backend.worker_process import WorkerProcess

            return WorkerProcess(request, timeout_s)
        from livekit_utils.devices.backend.worker_thread import WorkerThread

        return WorkerThread(request, timeout_s)

    def _begin_with(self, worker: Worker) -> None:
        self._worker, self._info = worker, worker.info

    # -- the state of the device --------------------------------------------------------------------------------------

    @property
    def link(self) -> DeviceLink | None:
        """The link that `on_open` was given last; None once `on_lost` was called."""
        return self._link

    @property
    def name(self) -> str:
        """The name of the device in use, or of the one that was lost; before any is open, the device asked for."""
        return self._request.wanted if self._info is None else self._info.name

    @property
    def latency(self) -> float:
        """Seconds between the device and its side of the ring, by PortAudio's clock; 0 without a device."""
        return 0.0 if self._link is None else self._link.latency

    @property
    def device_gaps(self) -> int:
        """The number of overflows or underflows that PortAudio has reported, for all devices since the start."""
        return self._device_gaps + (0 if self._link is None else self._link.memory.words[DEVICE_GAPS])

    @property
    def gap_ms(self) -> float:
        """Milliseconds of silence that speakers were given in the middle of sound, for all since the start."""
        return self._gap_ms + (0 if self._link is None else self._link.gap_ms)

    @property
    def num_gaps(self) -> int:
        """How many times speakers were given silence in the middle of sound, for all since the start."""
        return self._num_gaps + (0 if self._link is None else self._link.num_gaps)

    @property
    def missing_ms(self) -> float:
        """Milliseconds of sound that microphones should have delivered by the clock, and have not."""
        return 0.0 if self._health is None else self._health.missing_ms

    @property
    def zeros_ms(self) -> float:
        """Milliseconds of sound of microphones in blocks of nothing but zeros."""
        return 0.0 if self._health is None else self._health.zeros_ms

    # -- looking after it ---------------------------------------------------------------------------------------------

    def _listen(self, worker: Worker) -> None:
        """Begins with a device that was just opened."""
        self._lost = asyncio.Event()
        loop = asyncio.get_running_loop()
        # Without the worker, which keeps this: nothing but the garbage collector would free its memory and files.
        worker.listen(loop, self._on_wake, functools.partial(self._lose, self._lost))
        self._link = DeviceLink(worker.memory, worker.info)
        if self._health is not None:
            block_s = self._block_size / self._request.sample_rate
            self._health.begin(worker.memory, worker.info, loop.time(), block_s)
        self._on_open(self._link)

    def _lose(self, lost: asyncio.Event, reason: str) -> None:
        """Called when the device in use has ended."""
        worker = self._worker
        if lost is not self._lost or worker is None:
            return
        worker.leave()
        self._forget()
        self._lost_worker = worker
        self._why_lost = reason
        now = asyncio.get_running_loop().time()
        self._search.lost(now, self.is_substitute, worker.memory.words[CALLBACKS])
        self.states.become(DeviceState.LOST, reason, self.name, self.is_substitute)
        self._lost.set()

    def _forget(self) -> None:
        self._device_gaps, self._gap_ms, self._num_gaps = self.device_gaps, self.gap_ms, self.num_gaps
        if self._health is not None:
            self._health.end()
        self._worker = None
        if self._link is not None:
            self._link = None
            self._on_lost()

    async def _look_after(self) -> None:
        """Opens the device chosen whenever another one or none is in use, and the default one in its place when it is
        away for long."""
        await self._say_running()
        while True:
            if self._worker is not None:
                await self._stay()
            if self._worker is None:
                await self._close_lost()
                await asyncio.sleep(self._search.next_pause_s())
            await self._search_once()

    async def _say_running(self) -> None:
        """Says when the first sample has moved, or returns when the device was lost before."""
        if self._worker is not None and await _starts(self._worker, self._lost, math.inf):
            self.states.become(DeviceState.RUNNING, "opened", self.name)

    async def _stay(self) -> None:
        """Stays with the device in use until it is lost, or until it is time to look for the one chosen."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _LOOK_S if self.is_substitute else math.inf
        while not self._lost.is_set():
            now = loop.time()
            if now >= end:
                return
            next_look = end if self._health is None else min(end, now + _HEALTH_S)
            if not await _is_set(self._lost, next_look - now) and self._health is not None:
                self._judge(self._health, loop.time())

    def _judge(self, health: MicrophoneHealth, now: float) -> None:
        """Gives up a microphone that delivers too little of its sound, if it can be opened with larger blocks."""
        part = health.look(now)
        if part is None or self._worker is None:
            return
        request = self._request
        least = request.sample_rate * _LEAST_LARGER_BLOCK_MS // 1000
        block_size = min(max(4 * self._block_size, least), request.max_block_size)
        if block_size <= self._block_size:
            health.cannot_help(part)
            return
        self._block_size = block_size
        block_ms = block_size * 1000 / request.sample_rate
        reason = f"it delivers only {100 * part:.0f} % of its sound; it is opened again with blocks of {block_ms:g} ms"
        self._lose(self._lost, reason)

    async def _search_once(self) -> None:
        """Tries the device chosen, and where none is in use perhaps the default one in its place."""
        loop = asyncio.get_running_loop()
        failure = ""
        for is_substitute in (False, True):
            if is_substitute and (self._worker is not None or self._request.device is None):
                continue
            if not self._search.may_try(loop.time(), is_substitute):
                continue
            try:
                worker = await self._try(self._new_request(is_substitute))
            except Exception as error:  # the next attempt may succeed, whatever the error
                logger.debug("%s", error)
                failure = failure or str(error)
                continue
            await self._take(worker, is_substitute)
            return
        if self._worker is None and failure:
            self.states.reason = f"{self._why_lost}; last attempt to open it again: {failure}"

    def _new_request(self, is_substitute: bool) -> DeviceRequest:
        request = self._request
        return dataclasses.replace(
            request,
            device=None if is_substitute else request.device,
            identity=None if request.device is None else self._chosen,
            min_channels=request.min_channels_again or request.min_channels,
            block_size=self._block_size,
        )

    async def _try(self, request: DeviceRequest) -> Worker:
        """Opens a device, and returns it when sound moves on it; while another is in use, when it moves steadily.

        Raises:
            DeviceError: It cannot be opened, or no sound moves.
        """
        open_it = functools.partial(self._open_worker, request, _REOPEN_S)
        worker = await in_thread(f"reopen {self.name}", open_it, _close)
        ended = _End()
        starts = False
        try:
            worker.listen(asyncio.get_running_loop(), _ignore, ended.note)
            longest_s = max(_START_S, _START_BLOCKS * request.block_size / request.sample_rate)
            starts = await _starts(worker, ended, longest_s, _STEADY_S if self._worker is not None else 0.0)
        finally:
            worker.leave()
            if not starts:
                await in_thread(f"close {worker.info.name}", worker.close)
        if not starts:
            why = ended.reason or "no sound moves"
            raise DeviceError(f"{worker.info.name!r} was opened, but {why}", device=worker.info.name)
        return worker

    async def _take(self, worker: Worker, is_substitute: bool) -> None:
        """Goes on with a device that was opened; leaves the substitute that was in use, if any."""
        now, replaced = asyncio.get_running_loop().time(), self._worker
        if replaced is None:
            reason = f"open again after {self._search.lost_s(now):.1f} s"
        else:
            reason = f"open again after {self._search.away_s(now):.1f} s, and taken back from {self.name!r}"
            replaced.leave()
            self._forget()
            self._lost_worker = replaced
            if self._request.is_input:
                worker.memory.ring.clear()  # what was said while the other one was in use
        self.is_substitute = is_substitute
        if is_substitute:
            reason = f"{reason}, in place of {self._chosen.name!r}"
        else:
            self._chosen = worker.info.identity
        self._worker, self._info = worker, worker.info
        self._listen(worker)
        if self._request.is_input:
            self._on_wake()  # for the sound since the first sample
        self.num_reopened += 1
        self.states.replace(reason, self.name, is_substitute)
        await self._close_lost()

    async def _close_lost(self) -> None:
        worker, self._lost_worker = self._lost_worker, None
        if worker is not None:
            await in_thread(f"close {worker.info.name}", worker.close)

    # -- the end ------------------------------------------------------------------------------------------------------

    async def aclose(self) -> None:
        """Closes the device, within about two seconds. A second call waits as well, but does nothing else."""
        if not self._closed:
            self._closed = True
            self.states.become(DeviceState.CLOSED, "closed", self.name)
        if self._task is not None:
            self._task.cancel()
        worker = self._worker
        if worker is not None:
            worker.leave()
            self._forget()
            await in_thread(f"close {self.name}", worker.close)
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._close_lost()

    def __repr__(self) -> str:
        return f"DeviceStream({self.name!r}, {self.states.state.value})"


class _End(asyncio.Event):
    """The end of a device, with the reason."""

    reason = ""

    def note(self, reason: str) -> None:
        self.reason = reason
        self.set()


async def _starts(worker: Worker, ended: asyncio.Event, longest_s: float, steady_s: float = 0.0) -> bool:
    """Waits for the first sample, and then for another block after `steady_s`. Returns False if the device ends before
    that, or takes longer than `longest_s`."""
    loop, words = asyncio.get_running_loop(), worker.memory.words
    deadline = loop.time() + longest_s
    while not words[MOVED]:
        if await _is_set(ended, _POLL_S) or loop.time() > deadline:
            return False
    if steady_s and await _is_set(ended, steady_s):
        return False
    num_callbacks = words[CALLBACKS]
    while steady_s and words[CALLBACKS] == num_callbacks:
        if await _is_set(ended, _POLL_S) or loop.time() > deadline + steady_s:
            return False
    return True


async def _is_set(event: asyncio.Event, timeout_s: float) -> bool:
    """Waits for an event for so long, and returns whether it is set."""
    try:
        async with asyncio.timeout(None if timeout_s == math.inf else timeout_s):
            return await event.wait()
    except TimeoutError:
        return event.is_set()


def _ignore() -> None:
    """Takes the wakes of a device that is not in use yet."""


def _close(worker: Worker) -> None:
    worker.close()
