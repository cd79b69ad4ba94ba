from typing import Final, Literal

Level = Literal["baseline", "avx2", "avx512"]

level: Final[Level]
LEVEL: Final[int]

def detected() -> Level: ...
