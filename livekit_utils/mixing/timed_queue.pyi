from collections.abc import Callable
from typing import TypeVar

from livekit_utils.conversion.arrival_window import ArrivalWindow
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.mixing.block_clock import BlockClock
from livekit_utils.mixing.mix_input import MixInput
from livekit_utils.mixing.pace import Pace

class TimedQueue(MixInput):
    clock: BlockClock
    time: Callable[[], float]
    pace: Pace | None
    window: ArrivalWindow | None
    live: bool
    playing: bool
    is_calm: bool
    block: int
    fade: int
    first_at: float
    waited_s: float
    asked_at: float
    kept: int
    def __init__(self, num_channels: int, gain: float = 1.0) -> None: ...
    def arrive(self, now: float, frame: AudioFrame) -> None: ...
    def fill_s(self, now: float) -> float: ...
    def reserve(self, now: float) -> float: ...
    def set_reserve(self, seconds: float, now: float) -> None: ...
    def target(self, now: float) -> int: ...
    def surplus(self, now: float, overdue_s: float) -> int: ...

_T = TypeVar("_T", bound=MixInput)

def begin_block(sources: list[_T], now: float) -> list[_T]: ...
def end_block(sources: list[_T]) -> list[_T]: ...
