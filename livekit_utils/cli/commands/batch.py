"""Implements the command `livekit-utils batch`."""

from __future__ import annotations

import json as json_module
from contextlib import ExitStack, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livekit_utils.cli.errors import CliError, printable
from livekit_utils.conversion.audio_resampler import AudioResamplerQuality

if TYPE_CHECKING:
    from livekit_utils.batch.result import Result
    from livekit_utils.batch.summary import Summary
    from livekit_utils.cli.corpus import Corpus

MANIFEST_NAME = "manifest.jsonl"


class Format(StrEnum):
    """The kind of the outputs."""

    WAV = "wav"
    FLAC = "flac"
    OGG = "ogg"
    OPUS = "opus"


def batch(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="IN...",
            help="Folders, patterns in quotes, manifests (.jsonl, .csv), sound files and videos; - is a list of names "
            "on standard input.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The folder of the outputs.", show_default=False)],
    rate: Annotated[int | None, typer.Option(help="Hz; by default that of each input.")] = None,
    channels: Annotated[
        int | None, typer.Option(min=1, max=128, help="1 averages the channels; a higher number copies mono to all.")
    ] = None,
    format: Annotated[Format, typer.Option(help="WAV and FLAC have 16 bits; ogg is Vorbis.")] = Format.FLAC,
    quality: Annotated[
        AudioResamplerQuality, typer.Option(help="Higher qualities keep more treble and take longer.")
    ] = AudioResamplerQuality.MEDIUM,
    normalize: Annotated[
        str | None,
        typer.Option(
            metavar="dBFS|LUFS", help="Bring each output's peak to a level, as -1, or its loudness, as -16LUFS."
        ),
    ] = None,
    trim: Annotated[
        bool, typer.Option("--trim", help="Leave out what is before the first and after the last word, but 0.2 s.")
    ] = False,
    mix: Annotated[bool, typer.Option("--mix", help="The inputs are manifests of mixes.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; by default one for each core.")] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS|FILE", help="Have the workers of a Dask scheduler do it, as tcp://host:8786."),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed in an earlier run.")
    ] = False,
    keep_suffix: Annotated[
        bool, typer.Option("--keep-suffix", help="Call the output of a.mp3 a.mp3.flac, beside that of a.wav.")
    ] = False,
    null: Annotated[bool, typer.Option("--null", help="A null byte ends each name on standard input.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done, a line for each file.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that has files but no manifest; may replace them.")
    ] = False,
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

    options = {
        "sample_rate": rate,
        "num_channels": channels,
        "quality": quality,
        "normalize": normalize,
        "trim": trim,
    }
    corpus = Corpus([str(path) for path in inputs], output, format.value, options, mix, null, keep_suffix)
    corpus.check()
    if scheduler is not None and jobs is not None:
        raise CliError("--jobs: expected no --scheduler beside it, whose workers are counted there")
    if dry_run:
        _show(corpus, retry_failed, as_json=json)
        return
    _check_folder(output, force)
    summary = _run(corpus, scheduler, jobs, retry_failed)
    _report(summary, output, as_json=json)
    if not summary.ok:
        raise typer.Exit(1)


def _check_folder(output: Path, force: bool) -> None:
    """Refuses a folder of somebody else, where outputs could replace files."""
    if force or not output.is_dir() or (output / MANIFEST_NAME).exists():
        return
    if any(output.iterdir()):
        raise CliError(f"{output}: expected a new or an empty folder, or one with {MANIFEST_NAME}; --force takes it")


def _run(corpus: Corpus, scheduler: str | None, jobs: int | None, retry_failed: bool) -> Summary:
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
            typer.echo(json_module.dumps(fields))
        else:
            names = input if isinstance(input, str) else ", ".join(input)
            typer.echo(printable(f"{action}: " + (error or f"{names} -> {output}")))

    def take(result: Result) -> None:
        show("done" if result.ok else "failed", result.input, result.output, result.error)

    path = corpus.output / MANIFEST_NAME
    with Manifest(path, read_only=True) if path.exists() else nullcontext() as manifest:
        plan = Plan(corpus.jobs(), take, manifest, None, retry_failed)
        while (task := plan.next()) is not None:
            for job in task.jobs:
                show("convert", named(job), str(job.output))
    if not as_json:
        typer.echo(", ".join(f"{number} {action}" for action, number in counts.items()), err=True)


def _report(summary: Summary, output: Path, as_json: bool) -> None:
    speed = summary.seconds / summary.elapsed_s if summary.elapsed_s else 0.0
    if as_json:
        fields = {
            "manifest": str(output / MANIFEST_NAME),
            "num_files": summary.num_files,
            "num_done": summary.num_done,
            "num_skipped": summary.num_skipped,
            "num_failed": summary.num_failed,
            "num_bad_lines": summary.num_bad_lines,
            "seconds": summary.seconds,
            "elapsed_s": summary.elapsed_s,
            "cpu_s": summary.cpu_s,
            "times_real_time": speed,
            "failures": [
                {"input": result.input, "output": result.output, "error": result.error} for result in summary.failures
            ],
        }
        typer.echo(json_module.dumps(fields))
        return
    done = f"{summary.num_done} done, {summary.num_skipped} done before, {summary.num_failed} failed"
    typer.echo(f"{done}; {summary.seconds:.0f} s of sound in {summary.elapsed_s:.1f} s, {speed:.0f} x real time")
    if summary.num_bad_lines:
        typer.echo(f"warning: {summary.num_bad_lines} lines of {MANIFEST_NAME} cannot be read", err=True)
    if summary.num_failed:
        typer.echo(f"errors are in {printable(str(output / MANIFEST_NAME))}")
