"""convert_file converts one file, and tells what became of it."""

from __future__ import annotations

import os
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from errno import EDQUOT, ENOSPC
from typing import TYPE_CHECKING, Any

import numpy as np

from livekit_utils._kernels.loudness import MAX_RATE, MIN_RATE, Loudness
from livekit_utils.batch.job import factor, stats_of
from livekit_utils.batch.mixture import Mixture
from livekit_utils.batch.output_file import OutputFile
from livekit_utils.batch.programme import OneSound, Trimmed
from livekit_utils.batch.result import Result
from livekit_utils.batch.source import Source
from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.level_meter import LevelMeter
from livekit_utils.signals.normalization import Normalization
from livekit_utils.signals.programme_gain import normalizing_gain

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from concurrent.futures import Future

    from livekit_utils.batch.job import Job
    from livekit_utils.frames.audio_frame import AudioFrame
    from livekit_utils.signals.programme_gain import Programme

# Files that are written to the disk at a time, while the next one is converted: a file system takes them together.
_NUM_SYNCED = 4


def convert_file(job: Job) -> Result:
    """Converts one file, or mixes several into one. It never raises: what goes wrong is in the result.

    The output is whole or absent: a temporary file is written, synced to the disk and renamed. A file that fails leaves
    what had its output's name before. The same inputs and parameters give the same bytes, whoever calls this.

    Threads: any, and any number of calls at the same time; also processes and machines that share a file system.

    Example:
        >>> from livekit_utils.batch import Job
        >>> result = convert_file(Job("/nowhere/speech.mp3", "/nowhere/speech.wav"))
        >>> result.ok, result.error
        (False, '/nowhere/speech.mp3: No such file or directory')
    """
    conversion = _Conversion(job)
    conversion.convert()
    return conversion.finish()


def convert_files(jobs: Sequence[Job]) -> list[Result]:
    """Converts files one after the other: what an executor is given at a time. While some are written to the disk,
    which takes as long as to convert a short file, the next one is converted."""
    if len(jobs) == 1:
        return [convert_file(jobs[0])]
    results: list[Result] = []
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(_NUM_SYNCED, "livekit_utils disk") as disk:
        for job in jobs:
            conversion = _Conversion(job)
            conversion.convert()
            waiting.append(disk.submit(conversion.finish))
            if len(waiting) > _NUM_SYNCED:
                results.append(waiting.popleft().result())
        results += [future.result() for future in waiting]
    return results


def failed(job: Job, error: str, **fields: Any) -> Result:
    """Returns the result of a file that failed."""
    return Result(ok=False, input=named(job), output=str(job.output), error=error, **fields)


def named(job: Job) -> str | list[str]:
    """Returns the input or the inputs of a job, as a result has them."""
    return list(job.paths) if job.mixed else job.paths[0]


class _Conversion:
    """Converts one file in two steps, each in any thread: `convert` computes, and `finish` waits for the disk.

    Nothing of them raises an Exception.
    """

    def __init__(self, job: Job) -> None:
        self._steps = _steps(job)
        self._elapsed_s = self._cpu_s = 0.0
        self._result: Result | None = None

    def convert(self) -> None:
        """Does what has to be done before the output is committed."""
        began, cpu = time.perf_counter(), time.thread_time()
        try:
            next(self._steps)
        except StopIteration as end:
            self._result = end.value
        self._elapsed_s += time.perf_counter() - began
        self._cpu_s += time.thread_time() - cpu

    def finish(self) -> Result:
        """Does the rest."""
        while self._result is None:
            self.convert()
        return replace(
            self._result,
            elapsed_s=round(self._elapsed_s, 6),
            cpu_s=round(self._cpu_s, 6),
            finished_at=round(time.time(), 3),
        )


def _steps(job: Job) -> Generator[None, None, Result]:
    """Converts a file. After what it yields, the disk is waited for."""
    stats = stats_of(job)
    try:
        with ExitStack() as stack:
            sources = []
            for path in job.paths:
                _check_output(job, path)
                sources.append(stack.enter_context(_opened(path)))
            programme: Programme = Mixture(sources, job) if job.mixed else OneSound(sources[0], job)
            if job.mixed and job.trim:
                programme = Trimmed(programme)
            return (yield from _written(job, sources, programme))
    except Exception as error:
        disk_full = isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT)
        return failed(job, _described(error, job), key=job.key(stats), disk_full=disk_full)


def _opened(path: str) -> Source:
    # An error of one of several files has to say which.
    try:
        return Source(path)
    except SoundFileError as error:
        raise SoundFileError(f"{path}: {error}") from error


def _check_output(job: Job, path: str) -> None:
    if os.path.exists(job.output) and os.path.samefile(path, job.output):
        raise ValueError(f"{job.output}: expected another file than the input; inputs are never replaced")


def _written(job: Job, sources: Sequence[Source], programme: Programme) -> Generator[None, None, Result]:
    assert job.format is not None
    gain, note = factor(job.gain_db), ""
    if job.normalize is not None:
        gain, note = normalizing_gain(programme, Normalization(job.normalize))
    rate, num_channels = programme.sample_rate, programme.num_channels
    level = _Level(rate, num_channels)
    with OutputFile(str(job.output), job.scratch, job.format, rate, num_channels) as output:
        for frame in programme.frames(gain):
            level.add(frame)
            output.write(frame)
        if not level.samples_per_channel:
            raise SoundFileError("expected sound, got none")
        yield
        size, digest = output.commit()
    return Result(
        ok=True,
        input=named(job),
        output=str(job.output),
        seconds=level.samples_per_channel / rate,
        sample_rate=rate,
        num_channels=num_channels,
        input_sample_rate=sources[0].sample_rate,
        input_num_channels=sources[0].num_channels,
        input_seconds=sum(source.samples_per_channel / source.sample_rate for source in sources),
        peak_dbfs=level.meter.peak_dbfs,
        rms_dbfs=level.meter.rms_dbfs,
        loudness_lufs=level.loudness_lufs,
        num_clipped=level.meter.num_clipped,
        sha256=digest,
        output_bytes=size,
        input_bytes=sum(source.stat[0] for source in sources),
        key=job.key([source.stat for source in sources]),
        warnings=(
            *(warning for source in sources for warning in source.warnings),
            *filter(None, [note, _clipping(programme)]),
        ),
    )


def _clipping(programme: Programme) -> str:
    """Returns a warning where inputs have lost what was above full scale; an empty text where they have not."""
    if not programme.num_clipped:
        return ""
    return f"clipped on reading: {programme.num_clipped} samples above full scale; a lower gain_db keeps them"


class _Level:
    """Measures an output."""

    def __init__(self, sample_rate: int, num_channels: int) -> None:
        self.meter = LevelMeter()
        self.samples_per_channel = 0
        self._loudness = Loudness(sample_rate, num_channels) if MIN_RATE <= sample_rate <= MAX_RATE else None

    def add(self, frame: AudioFrame) -> None:
        self.meter.add(np.asarray(frame))
        self.samples_per_channel += frame.samples_per_channel
        if self._loudness is not None:
            self._loudness.push(frame)

    @property
    def loudness_lufs(self) -> float | None:
        return None if self._loudness is None else self._loudness.integrated


def _described(error: Exception, job: Job) -> str:
    """Returns what is told of an error: a line that names the file."""
    if isinstance(error, OSError) and error.strerror:
        where = error.filename if error.filename is not None else job.output
        return f"{os.fsdecode(where)}: {error.strerror}"
    text = str(error) or type(error).__name__
    if not isinstance(error, (ValueError, ImportError)):
        text = f"{type(error).__name__}: {text}"
    return text if any(path in text for path in (*job.paths, str(job.output))) else f"{job.paths[0]}: {text}"
