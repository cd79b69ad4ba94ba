"""G.711 from its tables of decision and output values, by search, for the kernels to agree with.

The values are those of ITU-T G.711, tables 1a/1b (A-law, in 13 bits) and 2a/2b (mu-law, in 14 bits): segments of
16 steps, which double from one to the next.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

# Where the steps begin, and where the last one ends.
_ULAW = list(accumulate([0, 1] + [2] * 15 + [2 ** (k + 2) for k in range(7) for _ in range(16)]))
_ALAW = list(accumulate([0] + [2] * 32 + [2 ** (k + 2) for k in range(6) for _ in range(16)]))


def ulaw_output(magnitude_code: int) -> int:
    """The output value of a step, in 14 bits: 0, then the middle of the step."""
    return 0 if magnitude_code == 0 else (_ULAW[magnitude_code] + _ULAW[magnitude_code + 1]) // 2


def alaw_output(magnitude_code: int) -> int:
    return (_ALAW[magnitude_code] + _ALAW[magnitude_code + 1]) // 2


def decode_ulaw(code: int) -> int:
    value = 4 * ulaw_output(~code & 0x7F)
    return value if code & 0x80 else -value


def decode_alaw(code: int) -> int:
    value = 8 * alaw_output((code ^ 0x55) & 0x7F)
    return value if code & 0x80 else -value


def encode_ulaw(sample: int) -> int:
    value = sample // 4
    step = min(bisect_right(_ULAW, abs(value)) - 1, 127)
    return (0xFF if value >= 0 else 0x7F) ^ step


def encode_alaw(sample: int) -> int:
    value = sample // 8
    step = min(bisect_right(_ALAW, value if value >= 0 else -value - 1) - 1, 127)
    return (0xD5 if value >= 0 else 0x55) ^ step
