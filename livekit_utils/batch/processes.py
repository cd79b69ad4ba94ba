"""Processes: an executor whose dead worker takes nothing with it but the task that it was at.

The standard process pool loses all that was pending when one of its processes dies, and cannot tell which task it was.
Here each process has a pipe of its own, and gets the next task when it has done the one before.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

from livekit_utils.batch.errors import BatchError

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

# Seconds that a process has to end.
_PATIENCE_S = 60.0

# Processes that may be killed in a row before one has begun.
_MAX_DEATHS = 3


def num_cores() -> int:
    """Returns how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class WorkerDied(RuntimeError):
    """The process that was at a task has died."""


class WorkerTimeoutError(WorkerDied):
    """The process that was at a task was ended, because the task took too long."""


class Processes(Executor):
    """Runs tasks in processes of its own. A task whose process dies gets `WorkerDied`; no other task notices.

    The processes begin with the first tasks. They end with `shutdown`, and by themselves when this process is gone.

    Args:
        num_workers: Processes.
        timeout_s: Seconds after which the process of a task is ended, whatever it is in; None for no limit.
    """

    def __init__(self, num_workers: int, timeout_s: float | None = None) -> None:
        self.num_workers, self._timeout_s = num_workers, timeout_s
        # Not fork: a copy of a process with threads may hang. The program's main module must be importable.
        self._context = multiprocessing.get_context("spawn")
        self._tasks: queue.SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]] | None]
        self._tasks = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._processes: set[BaseProcess] = set()
        self._is_closed = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Has a function called in a process; keyword arguments are not taken."""
        if kwargs:
            raise TypeError("kwargs: expected none")
        with self._lock:
            if self._is_closed:
                raise RuntimeError("cannot submit after shutdown")
            if len(self._threads) < self.num_workers:
                thread = threading.Thread(target=self._serve, name="livekit_utils batch", daemon=True)
                self._threads.append(thread)
                thread.start()
        future: Future[Any] = Future()
        self._tasks.put((future, fn, args))
        return future

    def _serve(self) -> None:
        """Gives one process tasks, and replaces it when it has died."""
        worker: _Worker | None = None
        while (task := self._tasks.get()) is not None:
            future, fn, args = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                if worker is None:
                    worker = self._start()
                result = worker.call(fn, args, self._timeout_s)
            except WorkerDied as error:
                if worker is not None:
                    self._processes.discard(worker.process)
                worker = None
                future.set_exception(error)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
        if worker is not None:
            worker.end()
            self._processes.discard(worker.process)

    def _start(self) -> _Worker:
        """Returns a new process that can take tasks. One that is killed meanwhile, as by the kernel for its memory, is
        replaced; one that ends by itself would do so again."""
        num_deaths = 0
        while True:
            with self._lock:
                if self._is_closed:
                    raise BatchError("the processes were ended")
                worker = _Worker(self._context)
                self._processes.add(worker.process)
            try:
                worker.begin()
            except WorkerDied as error:
                self._processes.discard(worker.process)
                num_deaths += 1
                if num_deaths == _MAX_DEATHS or (worker.process.exitcode or 0) >= 0:
                    raise BatchError(f"a worker process cannot begin: {error}; the main module must be importable, and "
                                     'start nothing but under `if __name__ == "__main__"`') from None  # fmt: skip
            else:
                return worker

    def kill(self) -> None:
        """Ends the processes at once, and what they are at. Their tasks get errors."""
        with self._lock:
            self._is_closed = True
            for process in list(self._processes):
                process.kill()
        self.shutdown(cancel_futures=True)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the processes when all tasks are done."""
        with self._lock:
            self._is_closed = True
        if cancel_futures:
            with contextlib.suppress(queue.Empty):
                while True:
                    task = self._tasks.get_nowait()
                    if task is not None:
                        task[0].cancel()
        for _ in self._threads:
            self._tasks.put(None)
        if wait:
            for thread in self._threads:
                thread.join()


class _Worker:
    """A process, seen from the thread that gives it tasks."""

    def __init__(self, context: Any) -> None:
        self._pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()  # so that the pipe ends with the process

    def begin(self) -> None:
        """Waits until it can take tasks."""
        self._receive()

    def call(self, fn: Callable[..., Any], args: tuple[Any, ...], timeout_s: float | None) -> Any:
        """Returns what the function returns there, or raises what it raises."""
        try:
            self._pipe.send((fn, args))
            is_in_time = self._pipe.poll(timeout_s)
        except OSError:
            raise self._died() from None
        if not is_in_time:
            self.process.kill()
            self._died()
            raise WorkerTimeoutError(f"it took more than {timeout_s:g} s")
        is_ok, value = self._receive()
        if not is_ok:
            raise value
        return value

    def _receive(self) -> Any:
        try:
            return self._pipe.recv()
        except (EOFError, OSError):
            raise self._died() from None

    def _died(self) -> WorkerDied:
        self.process.join(_PATIENCE_S)
        self._pipe.close()
        code = self.process.exitcode
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return WorkerDied(f"its process was killed by {signal.Signals(-code).name}")
        return WorkerDied(f"its process ended with exit code {code}")

    def end(self) -> None:
        """Lets it end."""
        self._pipe.close()
        self.process.join(_PATIENCE_S)


def _work(pipe: Connection) -> None:
    """Runs in the process, until the other end of the pipe is gone."""
    # Ctrl-C reaches all processes of a terminal. The one that the user has started decides what it means.
    for name in ("SIGINT", "SIGQUIT"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="livekit_utils batch", daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        pipe.send("begun")
        while True:
            fn, args = pipe.recv()
            try:
                answer = True, fn(*args)
            except Exception as error:
                answer = False, error
            pipe.send(answer)


def _end_with_parent() -> None:
    """Ends this process when the one that has started it is gone: what it is at may take hours, or never end."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
