"""Writes the headers of WAV and AU files whose samples are plain numbers or G.711."""

from __future__ import annotations

import struct

_UNKNOWN_SIZE = 0xFFFFFFFF

# The codec and the bits of a sample.
_WAV = {
    "u8": (1, 8),
    "s16le": (1, 16),
    "s24le": (1, 24),
    "s32le": (1, 32),
    "f32le": (3, 32),
    "f64le": (3, 64),
    "alaw": (6, 8),
    "ulaw": (7, 8),
}

_PCM = 1

# By the name without byte order: the number of the encoding.
_AU = {"ulaw": 1, "s16": 3, "s24": 4, "s32": 5, "f32": 6, "f64": 7, "alaw": 27}

_NUM_BYTES = {"u8": 1, "ulaw": 1, "alaw": 1, "s16": 2, "s24": 3, "s32": 4, "f32": 4, "f64": 8}


def wav_codec(encoding: str) -> tuple[int, int]:
    """Returns the number of the codec and the bits of a sample in WAV, of whatever byte order."""
    return _WAV[encoding.removesuffix("be") + "le" if encoding.endswith("be") else encoding]


def num_bytes_of(encoding: str) -> int:
    """Returns the bytes of a sample of an encoding as `livekit_utils.AudioByteStream` names them."""
    return _NUM_BYTES[encoding.removesuffix("le").removesuffix("be")]


def wav_header(encoding: str, sample_rate: int, num_channels: int, samples_per_channel: int) -> bytes:
    """Returns what stands before the samples in a WAV file. A byte of 0 has to follow an odd number of bytes.

    Raises:
        KeyError: WAV has no such encoding.
        struct.error: It cannot hold the numbers.
    """
    tag, bits = _WAV[encoding]
    block = num_channels * bits // 8
    num_data = samples_per_channel * block
    form = struct.pack("<HHIIHH", tag, num_channels, sample_rate, sample_rate * block, block, bits)
    if tag == _PCM:
        chunks = struct.pack("<4sI", b"fmt ", len(form)) + form
    else:  # tells how many bytes the format has more, and how many samples there are
        chunks = struct.pack("<4sI", b"fmt ", len(form) + 2) + form + bytes(2)
        chunks += struct.pack("<4sII", b"fact", 4, samples_per_channel)
    size = 4 + len(chunks) + 8 + num_data + num_data % 2
    return struct.pack("<4sI4s", b"RIFF", size, b"WAVE") + chunks + struct.pack("<4sI", b"data", num_data)


def au_header(encoding: str, sample_rate: int, num_channels: int, samples_per_channel: int) -> bytes:
    """Returns what stands before the samples in an AU file: big-endian, unless the encoding is little-endian.

    Raises:
        KeyError: AU has no such encoding.
        struct.error: It cannot hold the numbers.
    """
    name = encoding.removesuffix("le").removesuffix("be")
    order, mark = ("<", b"dns.") if encoding.endswith("le") else (">", b".snd")
    num_data = samples_per_channel * num_channels * num_bytes_of(encoding)
    told = min(num_data, _UNKNOWN_SIZE)  # that and more: up to the end of the file
    head = struct.pack(f"{order}IIIII", 28, told, _AU[name], sample_rate, num_channels)
    return mark + head + bytes(4)
