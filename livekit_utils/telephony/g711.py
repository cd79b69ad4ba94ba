"""encode_ulaw, decode_ulaw, encode_alaw and decode_alaw convert between frames and the codes of G.711."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit_utils._kernels.g711 import alaw_to_s16, s16_to_alaw, s16_to_ulaw, ulaw_to_s16
from livekit_utils._runtime.arguments import check_int
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame

if TYPE_CHECKING:
    from livekit import rtc
    from typing_extensions import Buffer

__all__ = ["decode_alaw", "decode_ulaw", "encode_alaw", "encode_ulaw"]


@public
def encode_ulaw(frame: AudioFrame | rtc.AudioFrame) -> bytes:
    """Encodes a frame in the mu-law of ITU-T G.711, a byte for each sample of each channel, at the frame's own rate.

    G.711 codes 14 bits. Of 16, the lowest two are dropped by an arithmetic shift, then the magnitude is coded: as in
    the C code that Sun Microsystems published (g711.c), SoX, and the module `audioop` that Python had until 3.12. Every
    code comes back after `decode_ulaw` and `encode_ulaw`, except that the negative zero (0x7F) becomes 0xFF.

    Raises:
        TypeError: It is no frame.

    Example:
        >>> encode_ulaw(AudioFrame.create(8000, 1, 3))
        b'\\xff\\xff\\xff'
    """
    return s16_to_ulaw(as_audio_frame(frame))


@public
def decode_ulaw(data: Buffer, sample_rate: int = 8000, num_channels: int = 1) -> AudioFrame:
    """Decodes the mu-law of ITU-T G.711.

    Args:
        data: Bytes, one for each sample of each channel, interleaved.
        sample_rate: Hz, from 1.
        num_channels: From 1.

    Returns:
        A new frame of that rate; the samples reach +-32124.

    Raises:
        ValueError: A number is out of range, or the bytes are not as many for each channel.
        TypeError: The data is no buffer of bytes, or a number no integer.

    Example:
        >>> decode_ulaw(b"\\x00\\x7f\\x80\\xff").data.tolist()
        [-32124, 0, 32124, 0]
    """
    return _framed(ulaw_to_s16(data), sample_rate, num_channels)


@public
def encode_alaw(frame: AudioFrame | rtc.AudioFrame) -> bytes:
    """Encodes a frame in the A-law of ITU-T G.711, a byte for each sample of each channel, at the frame's own rate.

    G.711 codes 13 bits. Of 16, the lowest three are dropped by an arithmetic shift, then the one's complement of a
    negative value is coded: as in the software tools of ITU-T G.191, the C code that Sun Microsystems published
    (g711.c), SoX, and the module `audioop` that Python had until 3.12. Every code comes back after `decode_alaw` and
    `encode_alaw`.

    Raises:
        TypeError: It is no frame.

    Example:
        >>> encode_alaw(AudioFrame.create(8000, 1, 3))
        b'\\xd5\\xd5\\xd5'
    """
    return s16_to_alaw(as_audio_frame(frame))


@public
def decode_alaw(data: Buffer, sample_rate: int = 8000, num_channels: int = 1) -> AudioFrame:
    """Decodes the A-law of ITU-T G.711.

    Args, errors and threads are those of `decode_ulaw`.

    Returns:
        A new frame of that rate; the samples reach +-32256.

    Example:
        >>> decode_alaw(b"\\x2a\\x55\\xaa\\xd5").data.tolist()
        [-32256, -8, 32256, 8]
    """
    return _framed(alaw_to_s16(data), sample_rate, num_channels)


def _framed(samples: bytearray, sample_rate: int, num_channels: int) -> AudioFrame:
    sample_rate = check_int("sample_rate", sample_rate, 1)
    num_channels = check_int("num_channels", num_channels, 1)
    num_bytes = len(samples) // 2
    if num_bytes % num_channels:
        raise ValueError(
            f"data: expected a multiple of {num_channels} bytes for {num_channels} channels, got {num_bytes}"
        )
    return AudioFrame(samples, sample_rate, num_channels, num_bytes // num_channels)
