"""OpenedDevice: what a device turned out to be when it was opened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpenedDevice:
    name: str
    index: int
    host_api: str
    sample_rate: int
    num_channels: int
    ring_samples: int
    tap_samples: int
