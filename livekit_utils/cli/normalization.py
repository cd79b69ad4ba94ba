"""The option --normalize."""

from __future__ import annotations

from livekit_utils.cli.errors import CliError
from livekit_utils.signals import normalization
from livekit_utils.signals.normalization import Gain, Measurement

__all__ = ["Gain", "Measurement", "Normalization"]


class Normalization(normalization.Normalization):
    """A `Normalization` whose errors name the option.

    Raises:
        CliError: The text is no level, or is out of range; of `measure`, the loudness cannot be measured.
    """

    def __init__(self, text: str) -> None:
        try:
            super().__init__(text)
        except ValueError as error:
            raise CliError(f"--normalize: {error}") from None

    def measure(self, sample_rate: int, num_channels: int) -> Measurement:
        try:
            return super().measure(sample_rate, num_channels)
        except ValueError as error:
            raise CliError(f"--normalize: {error}") from None
