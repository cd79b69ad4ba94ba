"""Dispatch: gives an executor tasks, a few at a time, and finds the file that ends processes."""

from __future__ import annotations

import errno
import os
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from typing import TYPE_CHECKING, Any

from livekit_utils.batch.conversion import convert_files, failed
from livekit_utils.batch.errors import BatchError
from livekit_utils.batch.job import stats_of
from livekit_utils.batch.processes import Processes, WorkerDied, WorkerTimeoutError, num_cores
from livekit_utils.batch.tasks import Task

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from livekit_utils.batch.plan import Plan
    from livekit_utils.batch.result import Result

# Tasks that an executor has for each of its workers: one that runs, and one that waits.
_PER_WORKER = 2

# Seconds after which a cluster is asked again how many workers it has.
_ASK_EVERY_S = 5.0


class Dispatch:
    """Runs the tasks of a plan.

    Args:
        executor: Runs them; it stays open.
        plan: Gives them, and takes the results.
        num_workers: Tasks that run at a time; None asks the executor.
        max_deaths: How often a file may end its process.
    """

    def __init__(self, executor: Executor, plan: Plan, num_workers: int | None, max_deaths: int) -> None:
        self._executor, self._plan, self._max_deaths = executor, plan, max_deaths
        self._told_workers = num_workers
        self._num_workers, self._ask_at = 1, 0.0
        self._in_flight: dict[Future[list[Result]], Task] = {}
        # Files of tasks whose process has died, which are tried one by one.
        self._suspects: deque[Task] = deque()
        self._substitute: Processes | None = None
        self._full: Result | None = None

    def run(self) -> None:
        """Runs all tasks.

        Raises:
            BatchError: The executor can run no tasks.
            OSError: The disk is full.
        """
        while True:
            self._fill()
            if not self._in_flight:
                break
            done, _ = wait(self._in_flight, return_when=FIRST_COMPLETED)
            for future in done:
                self._finish(future, self._in_flight.pop(future))
        if self._full is not None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._full.output)

    def _fill(self) -> None:
        """Submits tasks until the executor has enough."""
        while self._full is None and len(self._in_flight) < self._find_limit():
            if self._suspects:
                # Where a process may end for what another task does, a suspect runs when nothing else does.
                is_alone = isinstance(self._executor, Processes)
                if not is_alone and self._in_flight:
                    return
                suspect = self._suspects.popleft()
                self._submit(Task(suspect.jobs, suspect.num_deaths, is_alone=True))
                if not is_alone:
                    return
            else:
                task = self._plan.next()
                if task is None:
                    return
                self._submit(task)

    def _find_limit(self) -> int:
        if self._told_workers is not None:
            return self._told_workers * _PER_WORKER
        if time.monotonic() >= self._ask_at:
            self._num_workers = num_workers_of(self._executor)
            self._ask_at = time.monotonic() + _ASK_EVERY_S
        return self._num_workers * _PER_WORKER

    def _submit(self, task: Task) -> None:
        try:
            future = self._executor.submit(convert_files, task.jobs)
        except BrokenExecutor:
            self._replace_executor()
            future = self._executor.submit(convert_files, task.jobs)
        self._in_flight[future] = task

    def _finish(self, future: Future[list[Result]], task: Task) -> None:
        try:
            results = future.result()
        except Exception as error:
            self._lose(task, error)
            return
        for result in results:
            if result.disk_full:
                self._full = result
            else:
                self._plan.take(result)

    def _lose(self, task: Task, error: Exception) -> None:
        """Sees to a task that has no results."""
        is_final = type(error).__name__ == "KilledWorker"  # Dask has tried it several times
        if isinstance(error, BatchError):
            raise error
        if isinstance(error, BrokenExecutor):
            self._replace_executor()
        elif isinstance(error, CancelledError):
            text = "the executor has cancelled its tasks: it was shut down, or has lost its scheduler"
            raise BatchError(text) from None
        elif not is_final and not isinstance(error, WorkerDied):
            # No file is to blame: convert_file never raises.
            raise BatchError(f"the executor cannot run a task: {type(error).__name__}: {error}") from error
        if not task.is_alone and (len(task.jobs) > 1 or not isinstance(self._executor, Processes)):
            self._suspects.extend(Task((job,)) for job in task.jobs)
            return
        num_deaths = task.num_deaths + 1
        if isinstance(error, WorkerTimeoutError):
            self._fail(task, f"converting it was ended: {error}")
            return
        if num_deaths < self._max_deaths and not is_final:
            self._suspects.append(Task(task.jobs, num_deaths))
            return
        times = "once" if num_deaths == 1 else f"{num_deaths} times"
        reason = "Dask has given it up" if is_final else f"{error}, {times}"
        self._fail(task, f"converting it has ended its process: {reason}")

    def _fail(self, task: Task, text: str) -> None:
        """Gives up the file of a task."""
        (job,) = task.jobs
        self._plan.take(failed(job, f"{job.paths[0]}: {text}", key=job.key(stats_of(job))))

    def _replace_executor(self) -> None:
        """Goes on with processes of our own: a standard pool takes no more tasks when a process has died."""
        if self._substitute is None:
            self._substitute = Processes(num_workers_of(self._executor))
            self._executor = self._substitute

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for future in self._in_flight:
            future.cancel()
        if self._substitute is not None:
            self._substitute.kill()


def num_workers_of(executor: Any) -> int:
    """Returns how many tasks an executor runs at a time, as far as it tells."""
    for name in ("num_workers", "_max_workers"):
        if isinstance(number := getattr(executor, name, None), int):
            return max(1, number)
    client = getattr(executor, "_client", None)  # Dask's; a cluster may grow
    if client is not None:
        threads: dict[str, int] = client.nthreads()
        return max(1, sum(threads.values()))
    return num_cores()
