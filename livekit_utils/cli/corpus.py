"""The jobs of the command `batch`: what is found, with the options of the command."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit_utils.batch.inputs import Input, find_inputs
from livekit_utils.batch.job import FORMATS, Job
from livekit_utils.batch.mixes import find_mixes
from livekit_utils.cli.errors import CliError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Corpus:
    """Finds jobs, as they are asked for; again each time.

    Args:
        inputs: As the user names them.
        output: The folder of the outputs.
        format: The kind of the outputs.
        options: Of all jobs.
        mix: Whether the inputs are manifests of mixes.
        null: Whether names on standard input end with a null byte.
        keep_suffix: Whether an output is called as its input with the suffix of its kind behind it.
    """

    inputs: list[str]
    output: Path
    format: str
    options: dict[str, Any]
    mix: bool = False
    null: bool = False
    keep_suffix: bool = False

    def check(self) -> None:
        """Refuses what would write among the inputs.

        Raises:
            CliError: The folder of the outputs is that of the inputs or above it, or no folder, or the format is none.
        """
        if self.output.exists() and not self.output.is_dir():
            raise CliError(f"{self.output}: expected a folder for the outputs, got a file")
        target = os.path.realpath(self.output)
        for name in self.inputs:
            if name != "-" and os.path.isdir(name):
                source = os.path.realpath(name)
                if source == target or source.startswith(os.path.join(target, "")):
                    raise CliError(
                        f"{self.output}: expected a folder for the outputs that the inputs are not in, got {name}"
                    )
        if self.inputs.count("-") > 1:
            raise CliError('expected "-" once, because standard input can be read only once')
        if self.mix and any(name == "-" or os.path.isdir(name) for name in self.inputs):
            raise CliError("--mix: expected manifests, as JSON lines or CSV")

    def jobs(self) -> Iterator[Job]:
        """Yields the jobs.

        Raises:
            CliError: A manifest is none, a pattern finds nothing, or an option is out of range.
            OSError: A folder or a manifest cannot be read, or a file that is named does not exist.
        """
        try:
            yield from self._mixes() if self.mix else self._conversions()
        except ValueError as error:
            raise CliError(str(error)) from error

    def _conversions(self) -> Iterator[Job]:
        leave_out = os.path.realpath(self.output)
        standard_input = None if sys.stdin is None else sys.stdin.buffer  # None where it was closed
        for found in find_inputs(self.inputs, standard_input, null=self.null, leave_out=leave_out):
            yield Job(found.path, self._output(found), **self._options(found.output))

    def _options(self, output: str | None) -> dict[str, Any]:
        """Returns the options of a job whose manifest names its output: the suffix of that tells its kind."""
        if output is None or os.path.splitext(output)[1].lower().removeprefix(".") not in FORMATS:
            return {**self.options, "format": self.format}
        return self.options

    def _output(self, found: Input) -> Path:
        if found.output is not None:
            return self.output / found.output
        tree = found.tree if self.keep_suffix else os.path.splitext(found.tree)[0]
        return self.output / f"{tree}.{self.format}"

    def _mixes(self) -> Iterator[Job]:
        for name in self.inputs:
            for where, inputs, output, length in find_mixes(name):
                try:
                    yield Job(inputs, self.output / output, length=length, **self._options(output))  # type: ignore[arg-type]
                except ValueError as error:
                    raise ValueError(f"{where}: {error}") from None
