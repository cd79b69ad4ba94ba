from collections.abc import Iterable

from typing_extensions import Buffer

def concat_s16(blocks: Iterable[Buffer]) -> bytearray: ...
