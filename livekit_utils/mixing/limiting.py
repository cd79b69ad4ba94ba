"""The limiter of a mix: its times, and its ceiling in dBFS."""

from __future__ import annotations

import math

from livekit_utils._kernels.limiter import Limiter

# Seconds. The gain moves over the whole of it before a peak: long enough that a voice is not heard to be cut, and half
# of what may be added to the latency of a call.
LOOK_AHEAD_S = 0.005

# Seconds in which a reduction falls to 1/e: the gain hardly moves within a period of the lowest voice.
RELEASE_S = 0.1

# Of the kernel; reached above 819 kHz.
_MAX_LOOK_AHEAD = 4096


def make_limiter(ceiling_dbfs: float, sample_rate: int, num_channels: int) -> Limiter:
    """Returns a limiter for one mix.

    Args:
        ceiling_dbfs: -60 to 0; 0 is full scale, 32768.
    """
    ceiling = max(32, math.floor(32768 * 10 ** (ceiling_dbfs / 20)))
    look_ahead = min(max(1, round(LOOK_AHEAD_S * sample_rate)), _MAX_LOOK_AHEAD)
    return Limiter(num_channels, ceiling, look_ahead, max(1.0, RELEASE_S * sample_rate))


def reduction_db(limiter: Limiter | None) -> float:
    """Returns by how many dB the last block was lowered at most."""
    return 0.0 if limiter is None else abs(20 * math.log10(limiter.least_gain))
