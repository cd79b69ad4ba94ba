"""run_batch converts any number of files, and goes on whatever becomes of some of them."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from livekit_utils._runtime.arguments import check_int, check_number
from livekit_utils.batch.dispatch import Dispatch
from livekit_utils.batch.manifest import Manifest
from livekit_utils.batch.plan import Plan
from livekit_utils.batch.processes import Processes, num_cores
from livekit_utils.batch.scratch import Scratch
from livekit_utils.batch.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Executor

    from livekit_utils.batch.job import Job
    from livekit_utils.batch.result import Result


def run_batch(
    jobs: Iterable[Job],
    *,
    executor: Executor | None = None,
    manifest: str | os.PathLike[str] | None = None,
    on_result: Callable[[Result], object] | None = None,
    retry_failed: bool = False,
    num_workers: int | None = None,
    max_deaths: int = 3,
    timeout_s: float | None = None,
) -> Summary:
    """Converts any number of files. One that fails does not stop the others.

    Jobs are taken from the iterable as they are needed, and given to the executor in groups that take half a second,
    as the files before have shown. A file that kills its process is tried again alone, so that no other file is blamed
    for it, and fails when it has done so `max_deaths` times. A standard process pool is broken by the first death:
    processes of our own then take its place. Dask tries again by itself (`distributed.scheduler.allowed-failures`).
    A file that takes more than `timeout_s`, alone in its process, has that ended, and fails.

    With a manifest, a file that is done is not done again as long as the size and the time of its input, its
    parameters and the size of its output are the same. Two runs cannot have one manifest at the same time. Temporary
    files lie in a folder beside it, and those of a run that was killed are removed: workers of it that still run
    cannot finish a file any more.

    Args:
        jobs: The files. Two that have the same output are an error of the second one.
        executor: Any `concurrent.futures.Executor`: threads, processes, or that of a Dask client
            (`client.get_executor()`). It stays open. None is one process for each core. On other machines, the same
            paths must lead to the same files.
        manifest: The file with a line for each file; `manifest.jsonl` in the folder of the outputs by convention.
        on_result: Is called with each result, in the thread of the caller, in the order in which files are done.
        retry_failed: Whether files that have failed in an earlier run are tried again.
        num_workers: Tasks that the executor runs at a time; None asks the executor.
        max_deaths: 1 or more.
        timeout_s: Seconds that a file may take, 0.1 to 1000000; None for no limit. Only without an executor, whose
            workers cannot be ended from here.

    Returns:
        How many files were done, skipped or failed.

    Raises:
        BatchError: Another run has the manifest, or the executor can run no tasks.
        OSError: The manifest cannot be written, or the disk is full. Files that had no room are not in the manifest.
        ValueError: A number is out of range, or there is a limit of time beside an executor.

    Threads: may be called in any; use one for each manifest. A program that calls it without an executor must be
    importable (`if __name__ == "__main__":`), as for any process pool.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> from livekit_utils.batch import Job
        >>> with ThreadPoolExecutor(2) as threads:
        ...     summary = run_batch([Job("/nowhere/a.wav", "/nowhere/a.flac")], executor=threads)
        >>> summary.num_failed, summary.failures[0].error
        (1, '/nowhere/a.wav: No such file or directory')
    """
    check_int("max_deaths", max_deaths, 1, 1_000_000)
    if num_workers is not None:
        check_int("num_workers", num_workers, 1, 1_000_000)
    if timeout_s is not None:
        check_number("timeout_s", timeout_s, 0.1, 1_000_000)
        if executor is not None:
            raise ValueError("timeout_s: expected none beside an executor, whose workers cannot be ended from here")
    began = time.monotonic()
    summary = Summary()
    with ExitStack() as stack:
        records = scratch = None
        if manifest is not None:
            records = stack.enter_context(Manifest(Path(manifest)))
            summary.num_bad_lines = records.num_bad_lines
            scratch = stack.enter_context(Scratch(Path(manifest).parent))
        if executor is None:
            executor = Processes(num_workers or num_cores(), timeout_s)
            stack.callback(executor.kill)

        def take(result: Result) -> None:
            if records is not None and not result.skipped:
                records.append(result)
            summary.add(result)
            plan.costs.learn(result)
            if on_result is not None:
                on_result(result)

        plan = Plan(jobs, take, records, None if scratch is None else scratch.path, retry_failed)
        stack.enter_context(Dispatch(executor, plan, num_workers, max_deaths)).run()
    summary.elapsed_s = time.monotonic() - began
    return summary
