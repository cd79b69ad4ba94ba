"""The bytes of a stranger, in pieces: WAV headers and sound in any order, and whole WAV files."""

from __future__ import annotations

import logging
import struct

from fuzz.input import Input
from livekit_utils import AudioByteStream, AudioFrame
from livekit_utils.telephony.encodings import ENCODINGS

# One warning for each of many thousand streams.
logging.getLogger("livekit_utils").setLevel(logging.ERROR)


def _wav(codec: int, bits: int, num_channels: int, sound: bytes, size: int) -> bytes:
    text = struct.pack("<HHIIHH", codec, num_channels, 8000, 0, num_channels * bits // 8, bits)
    chunks = b"WAVEfmt \x10\x00\x00\x00" + text + b"LIST\x03\x00\x00\x00abc\x00data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", 50 + len(sound)) + chunks + sound


def seeds() -> list[bytes]:
    """Files of known and unknown codecs and lengths, with a chunk behind the sound."""
    return [
        bytes(4) + b"\x14\x00" + _wav(codec, bits, channels, bytes(range(64)), size) + b"LIST\x02\x00\x00\x00ab"
        for codec, bits, channels, size in (
            (1, 16, 1, 64),
            (1, 24, 2, 0),
            (3, 32, 1, 0xFFFFFFFF),
            (7, 8, 1, 5),
            (2, 4, 1, 64),
        )
    ]


def fuzz(data: bytes) -> None:
    source = Input(data)
    encoding = ENCODINGS[source.below(len(ENCODINGS))]
    stream = AudioByteStream(8000, 1 + source.below(3), 7, encoding=encoding, wav=True)
    size = 1 + source.below(100)
    rest = source.rest()
    num_samples = 0
    for start in range(0, len(rest), size):
        try:
            frames = stream.push(rest[start : start + size])
        except ValueError:
            continue
        num_samples += sum(frame.samples_per_channel * frame.num_channels for frame in frames)
    num_samples += sum(frame.samples_per_channel * frame.num_channels for frame in stream.flush())
    assert num_samples <= len(rest)
    try:
        AudioFrame.from_wav_bytes(rest)
    except ValueError:
        return
