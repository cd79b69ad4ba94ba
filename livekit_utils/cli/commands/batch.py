"""Implements the command `livekit-utils batch`."""

from __future__ import annotations

import json as json_module
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING

import click

from livekit_utils.cli.errors import CliError, printable
from livekit_utils.cli.numbers import MAX_GAIN_DB, MIN_GAIN_DB, Count, Decibels, Seconds
from livekit_utils.cli.options import (
    PATH,
    channels_option,
    choice_option,
    combined,
    inputs_argument,
    normalize_option,
    quality_option,
    rate_option,
    trim_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from livekit_utils.batch.result import Result
    from livekit_utils.batch.summary import Summary
    from livekit_utils.cli.corpus import Corpus
    from livekit_utils.conversion.engines import AudioResamplerQuality

# What an output may be.
FORMATS = ("wav", "flac", "ogg", "opus")

MANIFEST_NAME = "manifest.jsonl"


EXAMPLES = (
    "livekit-utils batch recordings corpus --rate 16k --channels 1",
    "livekit-utils batch recordings corpus --rate 16k --jobs 4 --retry-failed --json",
)


@click.command()
@inputs_argument
@click.argument("output", metavar="OUT", type=PATH)
@combined(
    rate_option("Hz, as 16k; by default that of each input."),
    channels_option(),
    choice_option("--format", FORMATS, "flac", "WAV and FLAC have 16 bits; ogg is Vorbis."),
    quality_option("medium"),
    click.option(
        "--gain",
        type=Decibels(MIN_GAIN_DB, MAX_GAIN_DB),
        metavar="dB",
        default=0.0,
        help="Gain of all outputs in dB, as -6 or -6dB.",
    ),
    normalize_option,
    trim_option,
    click.option("--mix", is_flag=True, help="The inputs are manifests of mixes."),
    click.option("--jobs", type=Count(1, 4096), metavar="N", help="Processes; by default one for each core."),
    click.option(
        "--scheduler",
        metavar="ADDRESS|FILE",
        help="Have the workers of a Dask scheduler do it, as tcp://host:8786.",
    ),
    click.option(
        "--timeout",
        type=Seconds(0.1, 1_000_000),
        metavar="SECONDS",
        help="Fail a file that takes longer, and end its process; not with --scheduler.",
    ),
    click.option("--retry-failed", is_flag=True, help="Try again what failed in an earlier run."),
    click.option("--keep-suffix", is_flag=True, help="Call the output of a.mp3 a.mp3.flac, beside that of a.wav."),
    click.option("--null", is_flag=True, help="A null byte ends each name on standard input."),
    click.option("--dry-run", is_flag=True, help="Only say what would be done, a line for each file."),
    click.option("--json", is_flag=True, help="Print the result as one JSON object."),
    click.option("--force", is_flag=True, help="Write into a folder that has files but no manifest; may replace them."),
)
def batch(
    inputs: Sequence[Path],
    output: Path,
    rate: int | None,
    channels: int | None,
    format: str,
    quality: AudioResamplerQuality,
    normalize: str | None,
    gain: float,
    trim: bool,
    mix: bool,
    jobs: int | None,
    scheduler: str | None,
    timeout: float | None,
    retry_failed: bool,
    keep_suffix: bool,
    null: bool,
    dry_run: bool,
    json: bool,
    force: bool,
) -> None:
    """Convert a corpus: any number of files, on all cores or on a cluster. The same command once more goes on.

    The outputs lie in OUT as the inputs lie in their folder. OUT/manifest.jsonl has a line for each file: its rates,
    length, level, loudness and checksum, or its error. A file that fails stops no other. What is done is not done
    again, unless its input or the options have changed.

    With --mix, each line of a manifest is a mix: {"output": "a.flac", "inputs": [{"path": "speech.wav"},
    {"path": "noise.wav", "snr_db": 10, "loop": true}]}. Inputs also take gain_db and offset_s; "length": "first" ends
    the mix with its first input.

    Exit codes: 0 all files are done, 1 some failed, 2 wrong usage, 130 interrupted.
    """
    from livekit_utils.cli.corpus import Corpus
    from livekit_utils.cli.normalization import Normalization

    if normalize is not None:
        Normalization(normalize)
        if gain:
            raise CliError("--gain: expected none beside --normalize, which sets the level")
    options = {
        "sample_rate": rate,
        "num_channels": channels,
        "quality": quality,
        "normalize": normalize,
        "gain_db": gain,
        "trim": trim,
    }
    corpus = Corpus([str(path) for path in inputs], output, format, options, mix, null, keep_suffix)
    corpus.check()
    if scheduler is not None and jobs is not None:
        raise CliError("--jobs: expected no --scheduler beside it, whose workers are counted there")
    if scheduler is not None and timeout is not None:
        raise CliError("--timeout: expected no --scheduler beside it, whose workers cannot be ended from here")
    if dry_run:
        _show(corpus, retry_failed, as_json=json)
        return
    _check_folder(output, force)
    summary = _run(corpus, scheduler, jobs, timeout, retry_failed)
    _report(summary, output, as_json=json)
    if not summary.ok:
        raise click.exceptions.Exit(1)


def _check_folder(output: Path, force: bool) -> None:
    """Refuses a folder of somebody else, where outputs could replace files."""
    if force or not output.is_dir() or (output / MANIFEST_NAME).exists():
        return
    if any(output.iterdir()):
        raise CliError(f"{output}: expected a new or an empty folder, or one with {MANIFEST_NAME}; --force takes it")


def _run(
    corpus: Corpus, scheduler: str | None, jobs: int | None, timeout_s: float | None, retry_failed: bool
) -> Summary:
    from livekit_utils.batch.errors import BatchError
    from livekit_utils.batch.run import run_batch
    from livekit_utils.cli.cluster import cluster
    from livekit_utils.cli.view.batch_progress import BatchProgress

    with ExitStack() as stack:
        executor = None if scheduler is None else stack.enter_context(cluster(scheduler))
        countable = "-" not in corpus.inputs
        progress = stack.enter_context(BatchProgress(corpus.jobs if countable else None))
        try:
            return run_batch(
                corpus.jobs(),
                executor=executor,
                manifest=corpus.output / MANIFEST_NAME,
                on_result=progress.add,
                retry_failed=retry_failed,
                num_workers=jobs,
                timeout_s=timeout_s,
            )
        except (BatchError, ImportError) as error:
            raise CliError(str(error)) from error


def _show(corpus: Corpus, retry_failed: bool, as_json: bool) -> None:
    """Prints what would become of each file; nothing is written."""
    from livekit_utils.batch.conversion import named
    from livekit_utils.batch.manifest import Manifest
    from livekit_utils.batch.plan import Plan

    counts = {"convert": 0, "done": 0, "failed": 0}

    def show(action: str, input: str | list[str], output: str | None, error: str | None = None) -> None:
        counts[action] += 1
        if as_json:
            fields = {"action": action, "input": input, "output": output, "error": error}
            click.echo(json_module.dumps(fields))
        else:
            names = input if isinstance(input, str) else ", ".join(input)
            click.echo(printable(f"{action}: " + (error or f"{names} -> {output}")))

    def take(result: Result) -> None:
        show("done" if result.ok else "failed", result.input, result.output, result.error)

    path = corpus.output / MANIFEST_NAME
    with Manifest(path, read_only=True) if path.exists() else nullcontext() as manifest:
        plan = Plan(corpus.jobs(), take, manifest, None, retry_failed)
        while (task := plan.next()) is not None:
            for job in task.jobs:
                show("convert", named(job), str(job.output))
    if not as_json:
        click.echo(", ".join(f"{number} {action}" for action, number in counts.items()), err=True)


def _report(summary: Summary, output: Path, as_json: bool) -> None:
    speed = summary.seconds / summary.elapsed_s if summary.elapsed_s else 0.0
    if as_json:
        fields = {
            "manifest": str(output / MANIFEST_NAME),
            "num_files": summary.num_files,
            "num_done": summary.num_done,
            "num_skipped": summary.num_skipped,
            "num_failed": summary.num_failed,
            "num_clipped": summary.num_clipped,
            "num_bad_lines": summary.num_bad_lines,
            "seconds": summary.seconds,
            "elapsed_s": summary.elapsed_s,
            "cpu_s": summary.cpu_s,
            "times_real_time": speed,
            "failures": [
                {"input": result.input, "output": result.output, "error": result.error} for result in summary.failures
            ],
        }
        click.echo(json_module.dumps(fields))
        return
    done = f"{summary.num_done} done, {summary.num_skipped} done before, {summary.num_failed} failed"
    click.echo(f"{done}; {summary.seconds:.0f} s of sound in {summary.elapsed_s:.1f} s, {speed:.0f} x real time")
    if summary.num_bad_lines:
        click.echo(f"warning: {summary.num_bad_lines} lines of {MANIFEST_NAME} cannot be read", err=True)
    if summary.num_clipped:
        advice = "--gain=-3 or --normalize=-1 avoids it"
        click.echo(f"clipped outputs: {summary.num_clipped}; {advice}; num_clipped in {MANIFEST_NAME} tells which")
    if summary.num_failed:
        click.echo(f"errors are in {printable(str(output / MANIFEST_NAME))}")
