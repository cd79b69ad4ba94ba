"""Ducking lowers streams of a mixer while others have sound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from livekit_utils._kernels.shaped_queue import DUCK
from livekit_utils.mixing.mixer_input import MixerInput

# Peak from which on a stream has sound, at a full scale of 32768: -50 dBFS, above the noise of a quiet room.
LEAST_SOUND = 104


@dataclass
class _Ducked:
    source: MixerInput
    under: str
    gain: float
    attack: int  # samples per channel
    release: int
    is_down: bool = False


class Ducking:
    """Decides before each block, from what will be heard in it, so that no syllable is missed.

    Args:
        block: Samples per channel of a block.
    """

    def __init__(self, block: int) -> None:
        self._block = block
        self._ducked: list[_Ducked] = []

    def __bool__(self) -> bool:
        """Whether any stream is ducked."""
        return bool(self._ducked)

    def add(self, source: MixerInput, under: str, db: float, attack: int, release: int) -> None:
        """Ducks a stream under another, which need not be there."""
        self._ducked.append(_Ducked(source, under, 10 ** (db / 20), attack, release))

    def forget(self, source: MixerInput) -> None:
        """Takes a stream out that is mixed no more."""
        if self._ducked:
            self._ducked = [ducked for ducked in self._ducked if ducked.source is not source]

    def update(self, inputs: Iterable[MixerInput]) -> None:
        """Lets gains begin to move, before the next block is mixed."""
        named = {ducked.under for ducked in self._ducked}
        heard = {s.name for s in inputs if s.name in named and s.has_sound(self._block, LEAST_SOUND)}
        for ducked in self._ducked:
            is_down = ducked.under in heard
            if is_down != ducked.is_down:
                ducked.is_down = is_down
                if is_down:
                    ducked.source.set_factor(DUCK, ducked.gain, ducked.attack)
                else:
                    ducked.source.set_factor(DUCK, 1.0, ducked.release)
