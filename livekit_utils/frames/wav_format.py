"""read_wav_format reads what the header of a WAV file says of its sound."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["UNKNOWN_SIZE", "WavFormat", "read_wav_format"]

UNKNOWN_SIZE = 0x7FFFF000
"""Bytes. A header that is written before its length is known says 0, or this and more."""

MAX_FORMAT_BYTES = 4096
"""No format of samples has as many."""

# WAVE_FORMAT_EXTENSIBLE has the codec in the first bytes of a longer format.
_EXTENSIBLE = 0xFFFE

# By codec and bits.
_ENCODINGS = {
    (1, 8): "u8",
    (1, 16): "s16le",
    (1, 24): "s24le",
    (1, 32): "s32le",
    (3, 32): "f32le",
    (3, 64): "f64le",
    (6, 8): "alaw",
    (7, 8): "ulaw",
}


@dataclass(frozen=True)
class WavFormat:
    """What a header says of the sound after it."""

    sample_rate: int
    num_channels: int
    encoding: str


def read_wav_format(text: memoryview) -> WavFormat:
    """Reads the chunk `fmt `, without its name and size.

    Raises:
        ValueError: It is none, or not of samples that are known.
    """
    if len(text) < 16:
        raise unusable(f"16 to {MAX_FORMAT_BYTES} bytes of format", str(len(text)))
    tag, num_channels, rate = (int.from_bytes(text[a:b], "little") for a, b in ((0, 2), (2, 4), (4, 8)))
    bits = int.from_bytes(text[14:16], "little")
    if tag == _EXTENSIBLE and len(text) >= 26:
        tag = int.from_bytes(text[24:26], "little")
    encoding = _ENCODINGS.get((tag, bits))
    if encoding is None:
        raise unusable("PCM, float, A-law or mu-law", f"codec {tag} of {bits} bits")
    if num_channels < 1 or not 1 <= rate < 2**31:
        raise unusable("a rate and channels from 1", f"{rate} Hz and {num_channels} channels")
    return WavFormat(rate, num_channels, encoding)


def unusable(expected: str, got: str) -> ValueError:
    """Returns the error for a header that no sound can follow."""
    return ValueError(f"data: expected in the header of a WAV file {expected}, got {got}")
