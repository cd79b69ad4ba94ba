"""What `AudioFrame.from_wav_bytes` does: a whole WAV file in memory becomes a frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from livekit_utils._kernels.g711 import alaw_to_s16, ulaw_to_s16
from livekit_utils._kernels.pcm import to_s16
from livekit_utils.frames.arrays import F, note_clipped
from livekit_utils.frames.wav_format import UNKNOWN_SIZE, read_wav_format, unusable

if TYPE_CHECKING:
    from typing_extensions import Buffer


__all__ = ["frame_of_wav"]

_RIFF_HEADER = 12
_CHUNK_HEADER = 8

_WIDTHS = {"u8": 1, "s16le": 2, "s24le": 3, "s32le": 4, "f32le": 4, "f64le": 8, "alaw": 1, "ulaw": 1}


def frame_of_wav(make: Callable[[Any, int, int, int], F], data: Buffer) -> F:
    """Returns a frame of the sound of a WAV file; `make` is the class to make."""
    try:
        file = memoryview(data).cast("B")
    except TypeError:
        raise TypeError(f"data: expected the bytes of a WAV file, got {type(data).__name__}") from None
    if bytes(file[:4]) != b"RIFF" or bytes(file[8:_RIFF_HEADER]) != b"WAVE":
        raise ValueError(f"data: expected a WAV file, got {len(file)} bytes that begin with {bytes(file[:12])!r}")
    wav_format = None
    position = _RIFF_HEADER
    while len(file) - position >= _CHUNK_HEADER:
        name, size = bytes(file[position : position + 4]), int.from_bytes(file[position + 4 : position + 8], "little")
        position += _CHUNK_HEADER
        if name == b"fmt ":
            wav_format = read_wav_format(file[position : position + size])
        elif name == b"data":
            if wav_format is None:
                raise unusable("a header with the format of the sound", "none")
            is_known = 0 < size < UNKNOWN_SIZE or len(file) == position
            sound = file[position : position + size] if is_known else file[position:]
            width = _WIDTHS[wav_format.encoding] * wav_format.num_channels
            num_samples = len(sound) // width
            samples, num_clipped = _decoded(sound[: num_samples * width], wav_format.encoding)
            frame = make(samples, wav_format.sample_rate, wav_format.num_channels, num_samples)
            note_clipped(frame, num_clipped)
            return frame
        position += size + size % 2
    raise unusable("a data chunk", f"none in {len(file)} bytes")


def _decoded(data: memoryview, encoding: str) -> tuple[bytearray, int]:
    if encoding == "ulaw":
        return ulaw_to_s16(data), 0
    if encoding == "alaw":
        return alaw_to_s16(data), 0
    return to_s16(data, encoding)
