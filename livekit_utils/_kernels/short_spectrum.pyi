from collections.abc import Sequence

from typing_extensions import Buffer

class ShortSpectrum:
    def __init__(self, num_channels: int, samples_per_channel: int, bins: Sequence[int]) -> None: ...
    def push(self, mic: Buffer, out: Buffer, ref: Buffer, spectra: Buffer) -> None: ...
