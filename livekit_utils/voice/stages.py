"""Stages: what AudioProcessingModule is asked to do."""

from __future__ import annotations

from typing import NamedTuple


class Stages(NamedTuple):
    echo_cancellation: bool
    noise_suppression: bool
    high_pass_filter: bool
    auto_gain_control: bool
    noise_suppression_level: int
    max_gain_db: float

    def of_enhancer(self) -> Stages:
        """What makes no difference to noise suppression and gain control is left out."""
        return self._replace(echo_cancellation=False, high_pass_filter=False)
