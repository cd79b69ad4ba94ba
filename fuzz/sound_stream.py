"""The decoder of streams with any bytes: samples, the same however the bytes are cut, or a SoundFileError."""

from __future__ import annotations

import io
import itertools

import numpy as np
import soundfile

from livekit_utils.files.byte_feed import ByteFeed
from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.stream_sound import stream_sound

# Of what a stream gives, so many values are looked at: a few bytes can stand for hours.
_MAX_VALUES = 1_000_000


def seeds() -> list[bytes]:
    """Streams of each format that is cut into parts here, alone and one after the other."""
    tone = (np.sin(np.arange(2 * 900) / 9) * 9000).astype(np.int16).reshape(-1, 2)
    files = []
    for format, subtype in [("WAV", "PCM_16"), ("WAV", "ULAW"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")]:
        if subtype in soundfile.available_subtypes(format):
            file = io.BytesIO()
            soundfile.write(file, tone, 16000, subtype, format=format)
            files += [file.getvalue(), 2 * file.getvalue()]
    return files


def decoded(data: bytes, size: int) -> tuple[list[tuple[int, int, bytes]], str]:
    """What comes of a stream that is cut into pieces of this size: its samples, joined, and the error."""
    feed = ByteFeed()
    for start in range(0, len(data), size):
        feed.push(data[start : start + size])
    feed.end()
    pieces = []
    error = ""
    num_values = 0
    try:
        for sample_rate, samples in stream_sound(feed, None):
            assert sample_rate >= 1
            assert samples.ndim == 2
            values = samples.astype(np.float32).reshape(-1)[: _MAX_VALUES - num_values]
            pieces.append((sample_rate, samples.shape[1], values.tobytes()))
            num_values += len(values)
            if num_values == _MAX_VALUES:
                break
    except SoundFileError as raised:
        error = str(raised)
    runs = itertools.groupby(pieces, key=lambda piece: piece[:2])
    return [(*format, b"".join(piece[2] for piece in run)) for format, run in runs], error


def fuzz(data: bytes) -> None:
    whole, error = decoded(data, len(data) or 1)
    for size in (1 + len(data) % 7, 64):
        cut, cut_error = decoded(data, size)
        assert bool(error) == bool(cut_error), (error, cut_error)
        if not error:
            assert cut == whole
