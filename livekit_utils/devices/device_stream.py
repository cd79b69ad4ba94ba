"""DeviceStream: opens a microphone or speaker, and opens it again whenever it is lost."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass

from livekit_utils._runtime.tasks import start_task
from livekit_utils._runtime.threads import in_thread
from livekit_utils.devices.backend.memory import DEVICE_GAPS, GAP_SAMPLES, LATENCY_NS, MOVED, DeviceMemory
from livekit_utils.devices.backend.request import DeviceError, DeviceRequest, OpenedDevice
from livekit_utils.devices.backend.worker import Worker
from livekit_utils.devices.backend.worker_process import WorkerProcess, choose_isolated
from livekit_utils.devices.backend.worker_thread import WorkerThread
from livekit_utils.devices.device_state import DeviceState, DeviceStates

logger = logging.getLogger("livekit_utils")

# Time that the sound system gets to open a device, in seconds: the first time, and in each attempt after a loss.
_OPEN_S = 5.0
_REOPEN_S = 2.0

# Pause between attempts after a loss, in seconds. It doubles from the first to the longest.
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0

# A device that was chosen is tried alone for 3 s after a loss: a headset that is plugged in again is back by then. After
# that the default device is tried as well. While that one is in use, the one chosen is looked for this often.
_FAITHFUL_S = 3.0
_LOOK_S = 2.0

# Time that a device gets after it was opened until its first sample moves; a little more than the worker waits. It is
# looked at this often.
_START_S = 3.5
_POLL_S = 0.02


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
        self._gap_ms = 0.0
        self.states = DeviceStates("microphone" if request.is_input else "speaker")
        self._info: OpenedDevice | None = None  # of the device in use, or of the one that was lost
        self.num_reopened = 0

    # -- opening ------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Opens the device. It blocks, usually for about 100 ms.

        Raises:
            DeviceError: The device cannot be opened.
            ImportError: PyAudio is not installed.
        """
        self._adopt(self._open_worker(self._request, _OPEN_S))

    async def aopen(self) -> None:
        """Opens the device as `open` does, without blocking the event loop."""
        opening = functools.partial(self._open_worker, self._request, _OPEN_S)
        self._adopt(await in_thread(f"open {self._request.wanted}", opening, _close))

    def start(self) -> None:
        """Begins to call back, in the running loop. Does nothing before the device is opened."""
        worker = self._worker
        if self._task is None and worker is not None:
            self._chosen = worker.info.identity
            self._listen(worker)
            self._task = start_task(self._look_after(worker), self.states.subject)

    def _open_worker(self, request: DeviceRequest, timeout_s: float) -> Worker:
        return WorkerProcess(request, timeout_s) if self._isolated else WorkerThread(request, timeout_s)

    def _adopt(self, worker: Worker) -> Worker:
        self._worker, self._info = worker, worker.info
        return worker

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

    # -- looking after it ---------------------------------------------------------------------------------------------

    def _listen(self, worker: Worker) -> None:
        """Begins with a device that was just opened."""
        self._lost = asyncio.Event()
        worker.listen(asyncio.get_running_loop(), self._on_wake, functools.partial(self._lose, worker))
        self._link = DeviceLink(worker.memory, worker.info)
        self._on_open(self._link)

    def _lose(self, worker: Worker, reason: str) -> None:
        """Called when the device in use has ended."""
        if worker is not self._worker:
            return
        worker.leave()
        self._forget()
        self._lost_worker = worker
        self._why_lost = reason
        self.states.become(DeviceState.LOST, reason, self.name)
        self._lost.set()

    def _forget(self) -> None:
        self._device_gaps, self._gap_ms = self.device_gaps, self.gap_ms
        self._worker = None
        if self._link is not None:
            self._link = None
            self._on_lost()

    async def _look_after(self, worker: Worker) -> None:
        """Says when the first sample has moved. From then on, opens the device chosen whenever another one or none is
        in use, and the default one in its place when it is away for long."""
        loop = asyncio.get_running_loop()
        away_since: float | None = loop.time()  # the device chosen has not moved since; None while it is in use
        pause_s = _FIRST_PAUSE_S
        if await self._moves(worker, self._lost):
            self.states.become(DeviceState.RUNNING, "opened", self.name)
            away_since = None
        while True:
            if self._worker is not None:
                await _is_set(self._lost, None if away_since is None else _LOOK_S)
            if away_since is None:
                away_since = loop.time()
            if self._worker is None:
                await self._close_lost()
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            opened = await self._try_all(self._worker is None and loop.time() - away_since > _FAITHFUL_S)
            if opened is None:
                continue
            is_chosen = opened[1]
            reason = f"open again after {loop.time() - away_since:.1f} s"
            await self._take(opened[0], reason if is_chosen else f"{reason}, in place of {self._chosen.name!r}")
            pause_s = _FIRST_PAUSE_S
            if is_chosen:
                away_since = None

    async def _try_all(self, with_default: bool) -> tuple[Worker, bool] | None:
        """Tries the device chosen, and perhaps the default one. Returns the one on which sound moves, and whether it is
        the one chosen; None if there is none."""
        named = self._request.device is not None
        chosen = dataclasses.replace(
            self._request,
            identity=self._chosen if named else None,
            min_channels=self._request.min_channels_again or self._request.min_channels,
        )
        requests = [chosen]
        if named and with_default:
            requests.append(dataclasses.replace(chosen, device=None))
        for request in requests:
            try:
                worker = await self._try(request)
            except Exception as error:  # the next attempt may succeed, whatever the error
                if self._worker is None:
                    self.states.reason = f"{self._why_lost}; last attempt to open it again: {error}"
                logger.debug("%s", error)
                continue
            if request is chosen and named:
                self._chosen = worker.info.identity
            return worker, request is chosen
        return None

    async def _try(self, request: DeviceRequest) -> Worker:
        """Opens a device, and returns it when sound moves on it.

        Raises:
            DeviceError: It cannot be opened, or no sound moves.
        """
        open_it = functools.partial(self._open_worker, request, _REOPEN_S)
        worker = await in_thread(f"reopen {self.name}", open_it, _close)
        ended = asyncio.Event()
        moves = False
        try:
            worker.listen(asyncio.get_running_loop(), _ignore, lambda reason: ended.set())
            moves = await self._moves(worker, ended)
        finally:
            worker.leave()
            if not moves:
                await in_thread(f"close {worker.info.name}", worker.close)
        if not moves:
            raise DeviceError(f"{worker.info.name!r} was opened, but no sound moves", device=worker.info.name)
        return worker

    async def _moves(self, worker: Worker, ended: asyncio.Event) -> bool:
        """Waits for the first sample; returns False if the device ends before, or takes too long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _START_S
        while not worker.memory.words[MOVED]:
            if await _is_set(ended, _POLL_S) or (ended is not self._lost and loop.time() > deadline):
                return False
        return True

    async def _take(self, worker: Worker, reason: str) -> None:
        """Goes on with a device that was opened; leaves the substitute that was in use, if any."""
        replaced = self._worker
        if replaced is not None:
            replaced.leave()
            self._forget()
            self._lost_worker = replaced
        self._listen(self._adopt(worker))
        self.num_reopened += 1
        self.states.replace(reason, self.name)
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


async def _is_set(event: asyncio.Event, timeout_s: float | None) -> bool:
    """Waits for an event for so long, and returns whether it is set."""
    try:
        async with asyncio.timeout(timeout_s):
            return await event.wait()
    except TimeoutError:
        return event.is_set()


def _ignore() -> None:
    """Takes the wakes of a device that is not in use yet."""


def _close(worker: Worker) -> None:
    worker.close()
