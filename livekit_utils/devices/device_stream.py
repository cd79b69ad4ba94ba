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
from livekit_utils.devices.backend.memory import DEVICE_GAPS, GAP_SAMPLES, GAPS, LATENCY_NS, DeviceMemory
from livekit_utils.devices.backend.request import DeviceRequest, OpenedDevice
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

# A device that was asked for by name is tried alone for 3 s after a loss: a headset that is plugged in again is back by
# then. After that the default device is tried as well.
_FAITHFUL_S = 3.0


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
        self._closed = False
        self._device_gaps = 0
        self._gap_ms, self._num_gaps = 0.0, 0
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
            ended = self._listen(worker, DeviceState.RUNNING, "opened")
            self._task = start_task(self._look_after(worker, ended), self.states.subject)

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

    @property
    def num_gaps(self) -> int:
        """How many times speakers were given silence in the middle of sound, for all since the start."""
        return self._num_gaps + (0 if self._link is None else self._link.num_gaps)

    # -- looking after it ---------------------------------------------------------------------------------------------

    def _listen(self, worker: Worker, state: DeviceState, reason: str) -> asyncio.Future[str]:
        """Begins with a device that was just opened. Returns a future of the reason of its end."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[str] = loop.create_future()
        worker.listen(loop, self._on_wake, functools.partial(_settle, ended))
        self._link = DeviceLink(worker.memory, worker.info)
        self._on_open(self._link)
        self.states.become(state, reason, self.name)
        return ended

    async def _look_after(self, worker: Worker, ended: asyncio.Future[str]) -> None:
        while True:
            try:
                reason = await ended
            finally:
                worker.leave()
            self._forget()
            self.states.become(DeviceState.LOST, reason, self.name)
            await in_thread(f"close {self.name}", worker.close)
            worker, reason = await self._reopen(worker.info)
            self.num_reopened += 1
            ended = self._listen(worker, DeviceState.RECOVERED, reason)

    def _forget(self) -> None:
        self._device_gaps, self._gap_ms, self._num_gaps = self.device_gaps, self.gap_ms, self.num_gaps
        self._worker = None
        if self._link is not None:
            self._link = None
            self._on_lost()

    async def _reopen(self, missed: OpenedDevice) -> tuple[Worker, str]:
        """Tries until a device is open again. Returns its worker, and a sentence about it for the log."""
        loop = asyncio.get_running_loop()
        lost, lost_at, pause_s = self.states.reason, loop.time(), _FIRST_PAUSE_S
        same = self._request
        if same.device is not None:
            # The index may belong to another device now.
            same = dataclasses.replace(same, device=missed.name, host_api=missed.host_api)
        while True:
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            requests = [same]
            if same.device is not None and loop.time() - lost_at > _FAITHFUL_S:
                requests.append(dataclasses.replace(same, device=None, host_api=None))
            for request in requests:
                try:
                    open_again = functools.partial(self._open_worker, request, _REOPEN_S)
                    worker = self._adopt(await in_thread(f"reopen {self.name}", open_again, _close))
                except Exception as error:  # the next attempt may succeed, whatever the error
                    self.states.reason = f"{lost}; last attempt to open it again: {error}"
                    logger.debug("%s", error)
                    continue
                instead = "" if request is same else f", as the default device, in place of {missed.name!r}"
                return worker, f"open again after {loop.time() - lost_at:.1f} s{instead}"

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

    def __repr__(self) -> str:
        return f"DeviceStream({self.name!r}, {self.states.state.value})"


def _settle(future: asyncio.Future[str], reason: str) -> None:
    if not future.done():
        future.set_result(reason)


def _close(worker: Worker) -> None:
    worker.close()
