"""Small sound files of every kind, as bytes."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from livekit_utils.files.sound_reader import SoundReader


def signal(seed: int, num_frames: int, num_channels: int = 1, sample_rate: int = 48000) -> npt.NDArray[np.float32]:
    """Tones and noise, so that codecs have something to do."""
    print(f"seed {seed}")
    time = np.arange(num_frames)[:, None] / sample_rate
    tones = 0.3 * np.sin(2 * np.pi * np.array([440, 550, 660])[:num_channels] * time * (1 + 0.1 * time))
    hiss = np.random.default_rng(seed).normal(0, 0.05, tones.shape)
    return (tones + hiss).astype(np.float32)


def encode(
    samples: npt.NDArray[Any], sample_rate: int, format: str, subtype: str | None = None, **options: Any
) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, subtype, format=format, **options)
    return file.getvalue()


class _OneWay(soundfile.SoundFile):  # type: ignore[misc]
    def seekable(self) -> bool:
        return False


def decode(data: bytes, dtype: str = "float32") -> npt.NDArray[Any]:
    """What libsndfile gives in one piece, without any seek."""
    with _OneWay(io.BytesIO(data)) as file:
        return np.array(file.read(20_000_000, dtype=dtype, always_2d=True))


def read(reader: SoundReader, samples_per_channel: int = 4800) -> npt.NDArray[Any]:
    """All that is left."""
    blocks = []
    while len(block := reader.read(samples_per_channel)):
        blocks.append(block)
    return np.concatenate(blocks) if blocks else np.empty((0, reader.num_channels), np.float32)


def read_all(data: bytes, samples_per_channel: int = 4800) -> npt.NDArray[Any]:
    """What our reader gives, in pieces; it must have no warning, and the length that it tells."""
    with SoundReader(io.BytesIO(data)) as reader:
        samples = read(reader, samples_per_channel)
        assert reader.warnings == []
        assert reader.samples_per_channel in (None, len(samples))
        return samples


def mpeg_frames(data: bytes) -> list[bytes]:
    """The frames of an MP3 file of LAME's, which has one bit rate for each frame and no tag at the end."""
    bitrates = {True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
                False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)}  # fmt: skip
    position, frames = 0, []
    while position < len(data):
        version = data[position + 1] >> 3 & 3
        rate = (44100, 48000, 32000)[data[position + 2] >> 2 & 3] >> (0 if version == 3 else 1 if version == 2 else 2)
        bitrate = 1000 * bitrates[version == 3][data[position + 2] >> 4]
        size = (144 if version == 3 else 72) * bitrate // rate + (data[position + 2] >> 1 & 1)
        frames.append(data[position : position + size])
        position += size
    return frames


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(content) if size is None else size) + content + bytes(len(content) % 2)


def write_long_wav(path: Path, sample_rate: int = 48_000) -> None:
    """Hours of silence, which take no room on the disk, and longer to be read than any test runs."""
    num_bytes = 4_000_000_000
    path.write_bytes(wav(b"", data_size=num_bytes, sample_rate=sample_rate))
    os.truncate(path, path.stat().st_size + num_bytes)


def wav(data: bytes, *chunks: bytes, data_size: int | None = None, tail: bytes = b"", sample_rate: int = 8000) -> bytes:
    """A mono 16-bit WAV."""
    fmt = struct.pack("<HHIIHH", 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    body = b"WAVE" + chunk(b"fmt ", fmt) + b"".join(chunks)
    body += b"data" + struct.pack("<I", len(data) if data_size is None else data_size) + data + tail
    return b"RIFF" + struct.pack("<I", len(body)) + body
