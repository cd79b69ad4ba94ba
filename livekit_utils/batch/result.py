"""Result says what became of one file."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """Says what became of one file. It can be pickled.

    Of a file that failed, only `input`, `output`, `error`, and the times are of use.
    """

    ok: bool
    input: str | list[str]
    """The path, or the paths of a mix."""
    output: str | None
    """The path; None if the file has none, because another input took it."""
    error: str | None = None
    """What went wrong, in a line."""
    seconds: float = 0.0
    """The length of the output."""
    sample_rate: int | None = None
    """Of the output, in Hz."""
    num_channels: int | None = None
    """Of the output."""
    input_sample_rate: int | None = None
    """In Hz; of a mix, of its first input."""
    input_num_channels: int | None = None
    input_seconds: float = 0.0
    """The length of what was read."""
    peak_dbfs: float | None = None
    """Of the output; -inf is silence, in a manifest null."""
    rms_dbfs: float | None = None
    """Of the output, where 0 is a full-scale square wave."""
    loudness_lufs: float | None = None
    """Of the output, by ITU-R BS.1770; None where the rate has none, -inf for less than 400 ms."""
    num_clipped: int = 0
    """Samples of the output at full scale."""
    sha256: str | None = None
    """Of the bytes of the output."""
    output_bytes: int | None = None
    input_bytes: int | None = None
    """Of all inputs."""
    key: str | None = None
    """What the output depends on: the size and time of the inputs, and the parameters. See `Job.key`."""
    warnings: tuple[str, ...] = ()
    """What is strange about the input but does not harm its sound."""
    elapsed_s: float = 0.0
    """How long it took."""
    cpu_s: float = 0.0
    """CPU time of its thread."""
    finished_at: float = 0.0
    """Seconds since 1970."""
    disk_full: bool = False
    """Whether there was no room for the output: no fault of the file."""
    skipped: bool = False
    """Whether it was there already: done, or failed, in an earlier run."""

    def line(self, output: str | None) -> bytes:
        """Returns the line of a manifest, in which the output is called `output`."""
        fields: dict[str, Any] = {name: _finite(value) for name, value in vars(self).items()}
        del fields["disk_full"], fields["skipped"]
        fields["output"] = output
        return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
