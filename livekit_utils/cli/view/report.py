"""Prints the report of a command: a table for people, JSON for programs."""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livekit_utils.cli.errors import printable
from livekit_utils.cli.numbers import MIN_GAIN_DB
from livekit_utils.cli.view.table import print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livekit_utils.cli.view.summary import Summary

_FIGURES = ("rate", "channels", "length")


@dataclass
class Report:
    """Holds the result of a job."""

    inputs: Sequence[Summary]
    output: Summary
    seconds: float
    """The time that the job took."""
    on_stderr: bool = False
    """Whether stdout has the sound."""

    @property
    def real_time_factor(self) -> float:
        """Seconds of audio per second of work."""
        return self.output.duration / self.seconds

    def print(self, *, as_json: bool, clipping_hint: str, loudness_note: str = "") -> None:
        """Prints the report on stdout, or on stderr. The hint tells how to avoid clipping; the note, why a loudness was
        not reached."""
        if as_json:
            _print_json(
                {
                    "inputs": [
                        {**_as_dict(track), "gain_db": track.gain_db, "clipped_samples": track.num_clipped}
                        for track in self.inputs
                    ],
                    "output": _as_dict(self.output) | (_loudness_dict(self.output) if self.output.loudness else {}),
                    **({"loudness_note": loudness_note or None} if self.output.loudness else {}),
                    "clipped_samples": self.output.meter.num_clipped,
                    "seconds": self.seconds,
                    "real_time_factor": self.real_time_factor,
                },
                on_stderr=self.on_stderr,
            )
            return
        rows = [
            ("in", track.name, *_cells(track), f"{track.gain_db:+.1f} dB", *_levels(track)) for track in self.inputs
        ]
        rows.append(("out", self.output.name, *_cells(self.output), "", *_levels(self.output)))
        print_table(("", "name", *_FIGURES, "gain", "peak", "RMS"), rows, on_stderr=self.on_stderr)
        clipped = self.output.meter.num_clipped
        on_reading = describe_clipping(self.inputs)
        hint = clipping_hint if clipped and not on_reading else ""  # one piece of advice
        self._say(f"clipped samples: {clipped}{'; ' + hint if hint else ''}")
        for line in on_reading:
            self._say(line)
        if self.output.loudness is not None:
            note = f"; {loudness_note}" if loudness_note else ""
            self._say(f"loudness: {', '.join(_loudness(self.output))}{note}")
        self._say(f"real-time factor: {self.real_time_factor:.0f} (in {self.seconds:.2f} s)")

    def _say(self, text: str) -> None:
        print(printable(text), file=sys.stderr if self.on_stderr else sys.stdout)


def describe_clipping(inputs: Sequence[Summary]) -> list[str]:
    """Returns a line for each input that was clipped when it was read, which says how to avoid it."""
    stems = [Path(track.name).stem for track in inputs]
    lines = []
    for index, (track, stem) in enumerate(zip(inputs, stems, strict=True)):
        if track.num_clipped:
            peak = f"peaks at {track.meter.peak_dbfs + track.gain_db:+.1f} dBFS"
            line = f"clipped on reading: {track.num_clipped} samples of {track.name}, which {peak}"
            gain_db = -math.ceil(track.meter.peak_dbfs)
            if gain_db >= MIN_GAIN_DB:
                is_plain = stems.count(stem) == 1 and re.fullmatch(r"\w[\w.-]*", stem)
                line += f"; --gain {stem if is_plain else index + 1}={gain_db}"
            lines.append(line)
    return lines


def print_info(tracks: Sequence[Summary], *, as_json: bool) -> None:
    """Prints the figures of sound files."""
    if as_json:
        _print_json({"files": [_as_dict(track) | _loudness_dict(track) for track in tracks]})
        return
    rows = [(track.name, f"{track.format} {track.subtype}", *_cells(track), *_levels(track)) for track in tracks]
    if tracks:
        print_table(("name", "format", *_FIGURES, "peak", "RMS"), rows, left=["format"])
        loudness = [(track.name, *_loudness(track)) for track in tracks]
        print()
        print_table(("name", "loudness", "range", "true peak"), loudness)
    for track in tracks:
        if track.speech is not None:
            spans = ", ".join(f"{start:.2f} to {end:.2f}" for start, end in track.speech)
            print(printable(f"{track.name}: " + (f"speech from {spans} s" if spans else "no speech")))


def _as_dict(track: Summary) -> dict[str, Any]:
    return {
        "name": track.name,
        "path": track.path,
        "format": track.format,
        "subtype": track.subtype,
        "sample_rate": track.sample_rate,
        "channels": track.num_channels,
        "frames": track.samples_per_channel,
        "duration": track.duration,
        "peak_dbfs": _finite(track.meter.peak_dbfs),
        "rms_dbfs": _finite(track.meter.rms_dbfs),
        **({} if track.speech is None else {"speech": [list(span) for span in track.speech]}),
    }


def _loudness_dict(track: Summary) -> dict[str, float | None]:
    found = track.loudness
    return {
        "integrated_lufs": None if found is None else _finite(found.integrated_lufs),
        "loudness_range_lu": None if found is None else found.loudness_range_lu,
        "true_peak_dbtp": None if found is None else _finite(found.true_peak_dbtp),
    }


def _finite(level: float) -> float | None:
    """Returns None for the level of silence, because JSON has no infinity."""
    return level if math.isfinite(level) else None


def _print_json(report: dict[str, Any], *, on_stderr: bool = False) -> None:
    import json

    print(json.dumps(report, indent=2, allow_nan=False), file=sys.stderr if on_stderr else sys.stdout)


def _cells(track: Summary) -> list[str]:
    """Returns rate, channels and length."""
    return [f"{track.sample_rate} Hz", str(track.num_channels), format_length(track.duration)]


def _levels(track: Summary) -> list[str]:
    """Returns peak and RMS."""
    return [_level(track.meter.peak_dbfs, "dBFS"), _level(track.meter.rms_dbfs, "dBFS")]


def _loudness(track: Summary) -> list[str]:
    """Returns loudness, range and true peak."""
    if track.loudness is None:
        return ["-", "-", "-"]
    found = track.loudness
    return [
        _level(found.integrated_lufs, "LUFS"),
        _level(found.loudness_range_lu, "LU"),
        _level(found.true_peak_dbtp, "dBTP"),
    ]


def _level(level: float, unit: str) -> str:
    return f"{round(level, 1) + 0.0:.1f} {unit}"  # + 0.0: no -0.0


def format_length(seconds: float) -> str:
    """Returns a length in seconds, with minutes and hours if there are any."""
    minutes, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:06.3f}"
    return f"{minutes}:{rest:06.3f}" if minutes else f"{rest:.3f} s"
