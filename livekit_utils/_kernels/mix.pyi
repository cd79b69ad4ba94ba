from collections.abc import Iterable

from typing_extensions import Buffer

def mix_s16(blocks: Iterable[Buffer], gains: Iterable[float] | None = None) -> bytearray: ...
