"""PipedRaw: reads samples without a header that come through a pipe, as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from livekit_utils.files.piped_samples import PipedSound
from livekit_utils.files.plain_headers import num_bytes_of, wav_codec
from livekit_utils.files.wav_stream import SUBTYPES, decoder

if TYPE_CHECKING:
    from livekit_utils.files.pipe_reader import PipeReader
    from livekit_utils.files.raw_format import RawFormat


class PipedRaw(PipedSound):
    """Decodes samples as a WAV of the same codec is decoded.

    Args:
        pipe: The pipe.
        raw: What its samples are.
    """

    def __init__(self, pipe: PipeReader, raw: RawFormat) -> None:
        super().__init__(pipe)
        self.sample_rate, self.num_channels = raw.sample_rate, raw.num_channels
        codec = wav_codec(raw.encoding)
        decode = decoder(*codec, ">" if raw.encoding.endswith("be") else "<")
        assert decode is not None
        self._decode = decode
        self.format, self.subtype = "RAW", SUBTYPES[codec]
        self.is_s16 = decode(b"").dtype == np.int16
        self._block = raw.num_channels * num_bytes_of(raw.encoding)
        self._rest = b""  # the beginning of a block

    def _take(self, data: bytes) -> None:
        self._is_over = not data
        data = self._rest + data
        num_bytes = len(data) - len(data) % self._block
        self._rest = data[num_bytes:]
        if num_bytes:
            self._pieces.append(self._decode(data[:num_bytes]).reshape(-1, self.num_channels))
        if self._is_over and self._rest:
            self.warnings.append(
                f"the last {len(self._rest)} bytes are no whole sample of all channels, and are left out"
            )
