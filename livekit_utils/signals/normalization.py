"""Normalization finds the gain that brings an output to a peak or a loudness that somebody has written down."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit_utils._kernels.level import level_s16
from livekit_utils._kernels.loudness import MAX_CHANNELS, MAX_RATE, MIN_RATE
from livekit_utils.signals.loudness_meter import LoudnessMeter

if TYPE_CHECKING:
    from livekit_utils.frames.audio_frame import AudioFrame

# dBTP: what EBU R 128 permits.
CEILING_DBTP = -1.0

_MIN_DB = -60.0

# In steps of int16: what is at full scale counts as clipped, and rounding may add 2.
_HIGHEST_PEAK = 32764


@dataclass(frozen=True)
class Gain:
    """What has to be done to an output."""

    db: float
    is_known: bool = True
    """False where there is nothing that a gain could be computed from."""
    note: str = ""
    """Says why the level that was asked for is not reached; empty if it is."""


class Normalization:
    """Measures an output at some gain, and tells what gain is missing.

    Args:
        text: A peak, "-1", "-1dB" or "-1dBFS", or a loudness, "-16LUFS".

    Raises:
        ValueError: It is neither, or is out of range.
    """

    def __init__(self, text: str) -> None:
        number, self.unit = text.strip(), "dBFS"
        for ending, unit in (("lufs", "LUFS"), ("dbfs", "dBFS"), ("db", "dBFS")):
            if number.lower().endswith(ending):
                number, self.unit = number[: -len(ending)], unit
                break
        self.is_loudness = self.unit == "LUFS"
        try:
            self.level = float(number)
        except ValueError:
            raise ValueError(f"expected a peak in dBFS or a loudness in LUFS, as -1 or -16LUFS, got {text!r}") from None
        if not _MIN_DB <= self.level <= 0:
            raise ValueError(f"expected {_MIN_DB:.0f} to 0 {self.unit}, got {self.level:g}")

    def __str__(self) -> str:
        return f"{self.level:g} {self.unit}"

    def measure(self, sample_rate: int, num_channels: int) -> Measurement:
        """Returns a measurement of an output of this format.

        Raises:
            ValueError: Its loudness cannot be measured.
        """
        can_measure = MIN_RATE <= sample_rate <= MAX_RATE and 1 <= num_channels <= MAX_CHANNELS
        if self.is_loudness and not can_measure:
            raise ValueError(
                f"expected {MIN_RATE} to {MAX_RATE} Hz and 1 to {MAX_CHANNELS} channels for a loudness, "
                f"got {sample_rate} Hz and {num_channels}"
            )
        return Measurement(self, LoudnessMeter(sample_rate, num_channels) if self.is_loudness else None)


class Measurement:
    """Measures one output; `Normalization.measure` makes it."""

    def __init__(self, wanted: Normalization, loudness: LoudnessMeter | None) -> None:
        self._wanted = wanted
        self._loudness = loudness
        self.peak = 0
        """In steps of int16."""

    @property
    def is_clipped(self) -> bool:
        """Whether samples are at full scale, so that more may have been cut off."""
        return self.peak >= 32767

    def add(self, frame: AudioFrame) -> None:
        """Measures the next frame."""
        self.peak = max(self.peak, level_s16(frame)[0])
        if self._loudness is not None:
            self._loudness.push(frame)

    def gain(self) -> Gain:
        """Returns the gain that is missing in what was measured. A loudness is not reached where the true peak would
        come above `CEILING_DBTP`: the gain is then lower."""
        if not self.peak:
            return Gain(0.0, is_known=False)
        if self._loudness is None:
            wanted = min(32767 * 10 ** (self._wanted.level / 20), _HIGHEST_PEAK)
            return Gain(20 * math.log10(wanted / self.peak))
        loudness, true_peak = self._loudness.integrated_lufs, self._loudness.true_peak_dbtp
        if loudness == -math.inf:
            reason = "there is no loudness below -70 LUFS or within 400 ms"
            return Gain(0.0, is_known=False, note=f"not brought to {self._wanted}: {reason}")
        needed, most = self._wanted.level - loudness, CEILING_DBTP - true_peak
        if needed <= most:
            return Gain(needed)
        reason = f"more would bring the true peak above {CEILING_DBTP:g} dBTP"
        return Gain(most, note=f"{needed - most:.1f} dB below {self._wanted}: {reason}")
