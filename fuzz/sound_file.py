"""The command line's reader of sound files with any file: frames, or a CliError."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from livekit_utils._kernels.pcm import ENCODINGS
from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.files.raw_format import RawFormat

_MAX_FRAMES = 2_000_000


def seeds() -> list[bytes]:
    """Small files of each format that the reader knows."""
    tone = (np.sin(np.arange(2 * 900) / 9) * 9000).astype(np.int16).reshape(-1, 2)
    formats = [("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAV", "IMA_ADPCM"), ("FLAC", "PCM_16")]
    formats += [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III"), ("AU", "ULAW"), ("AU", "PCM_24")]
    files = []
    for format, subtype in formats:
        if subtype in soundfile.available_subtypes(format):
            file = io.BytesIO()
            soundfile.write(file, tone, 16000, subtype, format=format)
            files.append(file.getvalue())
    return files


def fuzz(data: bytes) -> None:
    _read(data, None)
    if data:
        # Without a header, anything is a sound.
        encoding = ENCODINGS[data[0] % len(ENCODINGS)]
        _read(data, RawFormat(encoding, 8000, 1 + data[-1] % 3))


def _read(data: bytes, raw: RawFormat | None) -> None:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        try:
            with AudioReader(path, raw=raw) as reader:
                assert reader.sample_rate >= 1
                assert reader.num_channels >= 1
                assert (reader.samples_per_channel or 0) >= 0
                num_frames = 0
                for samples in reader.blocks():
                    assert samples.shape[1] == reader.num_channels
                    num_frames += len(samples)
                    if num_frames > _MAX_FRAMES:
                        return  # a few bytes may say that hours of silence follow
                assert num_frames == reader.samples_per_channel
        except CliError:
            assert raw is None
