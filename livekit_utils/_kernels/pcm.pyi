from typing import Final

from typing_extensions import Buffer

PCM_ENCODINGS: Final[tuple[str, ...]]
ENCODINGS: Final[tuple[str, ...]]

def to_s16(data: Buffer, encoding: str) -> tuple[bytearray, int]: ...
def from_s16(data: Buffer, encoding: str) -> tuple[bytearray, int]: ...
