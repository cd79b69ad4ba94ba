from typing import Final

from typing_extensions import Buffer

from livekit_utils._kernels.polyphase import PolyphaseFilter
from livekit_utils.frames.audio_frame import AudioFrame

MIN_RATE: Final[int]
MAX_RATE: Final[int]

class LineDecoder:
    def __init__(
        self,
        encoding: int,
        line_rate: int,
        sample_rate: int,
        packet_samples: int,
        frame_samples: int,
        filter: PolyphaseFilter | None,
    ) -> None: ...
    @property
    def num_clipped(self) -> int: ...
    @property
    def num_lost(self) -> int: ...
    def decode(self, payload: Buffer | None) -> AudioFrame: ...
    def reset(self) -> None: ...

class LineEncoder:
    def __init__(self, encoding: int, packet_samples: int, filter: PolyphaseFilter | None) -> None: ...
    def encode(self, samples: Buffer) -> list[bytes]: ...
    def flush(self) -> list[bytes]: ...
    def reset(self) -> None: ...
