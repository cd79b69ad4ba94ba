from collections.abc import Sequence

from typing_extensions import Buffer

def convert_picture(
    data: Buffer,
    format: int,
    width: int,
    height: int,
    to_format: int,
    *,
    flip_y: bool = False,
    red: float = 0.299,
    blue: float = 0.114,
    full_range: bool = False,
    strides: Sequence[int] | None = None,
    writable: bool = True,
) -> bytearray | bytes: ...
def scale_picture(
    data: Buffer, format: int, width: int, height: int, to_width: int, to_height: int, *, filter: int = 0
) -> bytearray: ...
