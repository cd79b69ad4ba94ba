"""convert_file converts one file, and tells what became of it."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import replace
from errno import EDQUOT, ENOSPC
from typing import TYPE_CHECKING, Any

import numpy as np

from livekit_utils._kernels.loudness import MAX_RATE, MIN_RATE, Loudness
from livekit_utils.batch.job import stats_of
from livekit_utils.batch.mixture import Mixture
from livekit_utils.batch.output_file import OutputFile
from livekit_utils.batch.programme import OneSound, normalizing_gain
from livekit_utils.batch.result import Result
from livekit_utils.batch.source import Source
from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.level_meter import LevelMeter
from livekit_utils.signals.normalization import Normalization

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livekit_utils.batch.job import Job
    from livekit_utils.batch.programme import Programme
    from livekit_utils.frames.audio_frame import AudioFrame


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
    began, cpu = time.perf_counter(), time.thread_time()
    result = _attempt(job)
    return replace(
        result,
        elapsed_s=round(time.perf_counter() - began, 6),
        cpu_s=round(time.thread_time() - cpu, 6),
        finished_at=round(time.time(), 3),
    )


def convert_files(jobs: Sequence[Job]) -> list[Result]:
    """Converts files one after the other: what an executor is given at a time."""
    return [convert_file(job) for job in jobs]


def failed(job: Job, error: str, **fields: Any) -> Result:
    """Returns the result of a file that failed."""
    return Result(ok=False, input=named(job), output=str(job.output), error=error, **fields)


def named(job: Job) -> str | list[str]:
    """Returns the input or the inputs of a job, as a result has them."""
    return list(job.paths) if job.mixed else job.paths[0]


def _attempt(job: Job) -> Result:
    stats = stats_of(job)
    try:
        with ExitStack() as stack:
            sources = []
            for path in job.paths:
                _check_output(job, path)
                sources.append(stack.enter_context(_opened(path)))
            programme = Mixture(sources, job) if job.mixed else OneSound(sources[0], job)
            return _written(job, sources, programme)
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


def _written(job: Job, sources: Sequence[Source], programme: Programme) -> Result:
    assert job.format is not None
    gain, note = 1.0, ""
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
        warnings=(*(warning for source in sources for warning in source.warnings), *filter(None, [note])),
    )


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
