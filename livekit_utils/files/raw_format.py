"""RawFormat says what the samples of a file without a header are."""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

import livekit_utils._kernels.pcm as pcm
from livekit_utils.files.byte_ranges import RangeList
from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.part import Contents, Part
from livekit_utils.files.plain_headers import au_header, num_bytes_of, wav_header

# Those of the decoder, which checks them for all other files.
_MAX_SAMPLE_RATE = 3_072_000
_MAX_CHANNELS = 128


@dataclass(frozen=True)
class RawFormat:
    """Holds the format of a file without a header.

    Args:
        encoding: As `livekit_utils.AudioByteStream` names them.
        sample_rate: Hz.
        num_channels: 1 or more; the samples are interleaved.
    """

    encoding: str
    sample_rate: int
    num_channels: int = 1

    @classmethod
    def parse(cls, text: str) -> RawFormat:
        """Reads "ENCODING:RATE", as ulaw:8000 or ulaw:8k, or "ENCODING:RATE:CHANNELS".

        Raises:
            ValueError: It is something else.
        """
        encoding, *numbers = text.split(":")
        if encoding not in pcm.ENCODINGS:
            raise ValueError(f"expected an encoding ({', '.join(pcm.ENCODINGS)}), got {encoding!r:.80}")
        if numbers and (thousands := re.fullmatch(r"([0-9]{1,20})(?:\.([0-9]{1,3}))?k", numbers[0], re.IGNORECASE)):
            numbers[0] = thousands[1] + (thousands[2] or "").ljust(3, "0")
        if len(numbers) not in (1, 2) or not all(number.isascii() and number.isdigit() for number in numbers):
            raise ValueError(f"expected ENCODING:RATE or ENCODING:RATE:CHANNELS, got {text!r:.80}")
        rate, num_channels = int(numbers[0][:20]), int(numbers[1][:20]) if len(numbers) == 2 else 1
        if not 1 <= rate <= _MAX_SAMPLE_RATE:
            raise ValueError(f"expected a rate of 1 to {_MAX_SAMPLE_RATE} Hz, got {rate}")
        if not 1 <= num_channels <= _MAX_CHANNELS:
            raise ValueError(f"expected 1 to {_MAX_CHANNELS} channels, got {num_channels}")
        return cls(encoding, rate, num_channels)

    def contents(self, file: BinaryIO) -> Contents:
        """Returns the sound that a seekable file is, with a header for libsndfile.

        Raises:
            SoundFileError: The file is empty.
            OSError: It cannot be read.
        """
        size = file.seek(0, os.SEEK_END)
        if not size:
            raise SoundFileError(f"expected samples of {self.encoding}, got an empty file")
        block = self.num_channels * num_bytes_of(self.encoding)
        samples_per_channel, num_left = divmod(size, block)
        # AU knows no u8; WAV tells no more than 4 GiB.
        make = wav_header if self.encoding == "u8" else au_header
        try:
            header = make(self.encoding, self.sample_rate, self.num_channels, samples_per_channel)
        except struct.error:
            raise SoundFileError(f"{self.encoding}: expected less than 4 GiB, got {size} bytes") from None
        contents = Contents()
        contents.add(Part(RangeList(header).add(0, size - num_left)))
        if num_left:
            contents.warnings.append(f"the last {num_left} bytes are no whole sample of all channels, and are left out")
        return contents
