"""Which rows are ahead of LiveKit's own package; one that no longer is fails the run."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import quantiles

from benchmarks.row import Row

# Rows in which the SDK is ahead. One that is not here, and in which it is ahead in three rounds of four, was lost.
BEHIND: frozenset[str] = frozenset(
    (
        *(f"voice/{stages}/{rate}" for stages in ("echo", "all") for rate in (16000, 24000, 48000)),
        # It keeps a clock of what is heard, and of what is to be seen, which the SDK's does not.
        *(f"av_synchronizer/{push}/{clock}" for push in ("push", "push_audio") for clock in ("wall", "cpu")),
        # libsamplerate, the documented default.
        *(
            f"audio_resampler/{rates}/{quality}"
            for rates in ("48000-16000", "16000-48000", "44100-48000")
            for quality in ("low", "medium", "high", "very_high")
        ),
    )
)


def lost(rows: Sequence[Row]) -> list[str]:
    """Names of the rows in which ours was ahead of the SDK, and is not. Counts are no costs: more may be better."""
    costs = [row for row in rows if row.contender == "sdk" and row.quantity.unit != "integer"]
    return [row.name for row in costs if row.name not in BEHIND and _is_behind(row)]


def _is_behind(row: Row) -> bool:
    if len(row.ratios) < 2:
        return row.ratio > 1
    low, _, _ = quantiles(row.ratios, n=4, method="inclusive")
    return low > 1
