"""Plan: which files are to be done, in groups, and which are done already."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from livekit_utils.batch.conversion import failed, named
from livekit_utils.batch.job import Job, stats_of
from livekit_utils.batch.manifest import hash_of
from livekit_utils.batch.result import Result
from livekit_utils.batch.tasks import Costs, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from livekit_utils.batch.manifest import Manifest

_TAKEN = "expected an output of its own, got {}, which is that of an earlier input; its suffix may keep them apart"


class Plan:
    """Takes jobs from an iterable as they are needed.

    Args:
        jobs: The files.
        take: Is called with the results of files for which nothing is to be done.
        manifest: What was done before; None for nothing.
        scratch: A folder for unfinished files, for jobs that name none.
        retry_failed: Whether what has failed before is to be done again.
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        take: Callable[[Result], object],
        manifest: Manifest | None,
        scratch: str | None,
        retry_failed: bool,
    ) -> None:
        self._jobs = iter(jobs)
        self.take = take
        self._manifest, self._scratch, self._retry_failed = manifest, scratch, retry_failed
        self._outputs = Outputs(scratch)
        self.costs = Costs()

    def next(self) -> Task | None:
        """Returns the next task; None if there is no more."""
        jobs: list[Job] = []
        seconds = 0.0
        while not self.costs.is_full(jobs, seconds):
            job = next(self._jobs, None)
            if job is None:
                break
            is_first = self._outputs.add(job)
            if not is_first:
                if is_first is False:
                    self.take(replace(failed(job, f"{job.paths[0]}: {_TAKEN.format(job.output)}"), output=None))
                continue
            stats = stats_of(job)
            if self._is_known(job, stats):
                continue
            seconds += self.costs.estimate(job, sum(size for size, _ in stats))
            if job.scratch is None and self._scratch is not None:
                job = job.with_scratch(self._scratch)
            jobs.append(job)
        return Task(tuple(jobs)) if jobs else None

    def _is_known(self, job: Job, stats: list[tuple[int, int]]) -> bool:
        if self._manifest is None:
            return False
        key = job.key(stats)
        if self._manifest.is_done(job, key):
            self.take(Result(ok=True, input=named(job), output=str(job.output), skipped=True))
            return True
        error = None if self._retry_failed else self._manifest.failure(job, key)
        if error is not None:
            self.take(failed(job, error, skipped=True))
        return error is not None


class Outputs:
    """Sees to it that no two jobs have one output.

    Args:
        folder: An existing one, by which is found whether the file system tells upper from lower case.
    """

    def __init__(self, folder: str | None) -> None:
        # A hash of each output, and one of what it is made of: with the manifest's, 10 million take 3 GB.
        self._sources: dict[int, int] = {}
        self._folds = folder is not None and ignores_case(folder)

    def add(self, job: Job) -> bool | None:
        """Returns whether a job is the first with its output; None if it is the same job once more."""
        output = os.path.abspath(job.output)
        if self._folds:
            output = unicodedata.normalize("NFC", output).casefold()
        output_hash, source = hash_of(output), hash_of("\0".join((job.key(()), *job.paths)))
        first = self._sources.get(output_hash)
        if first is None:
            self._sources[output_hash] = source
            return True
        return None if first == source else False


def ignores_case(folder: str) -> bool:
    """Returns whether a folder's file system takes upper and lower case for the same."""
    head, name = os.path.split(os.path.dirname(folder))
    try:
        return os.path.samefile(os.path.join(head, name), os.path.join(head, name.upper()))
    except OSError:
        return False
