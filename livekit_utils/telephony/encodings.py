"""The encodings of samples in byte streams and packets."""

from __future__ import annotations

from typing import Literal, get_args

import livekit_utils._kernels.pcm as pcm

Encoding = Literal[
    "s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "u8", "f32le", "f32be", "f64le", "ulaw", "alaw"
]

ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
"""In the order by which the compiled code numbers them."""

assert ENCODINGS == pcm.ENCODINGS


def encoding_number(encoding: str) -> int:
    """Returns the place of an encoding, by which the compiled code knows it; checked.

    Raises:
        ValueError: There is no such encoding.
        TypeError: It is no str.
    """
    if not isinstance(encoding, str):
        raise TypeError(f"encoding: expected one of {', '.join(ENCODINGS)}, got {type(encoding).__name__}")
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding: expected one of {', '.join(ENCODINGS)}, got {encoding!r:.80}")
    return ENCODINGS.index(encoding)
