"""Loudest: who speaks, and which streams of a mixer are heard if not all may be."""

from __future__ import annotations

import math
from collections.abc import Sequence

from livekit_utils._kernels.gain_queue import measure
from livekit_utils.mixing.mixer_input import MixerInput

# Below this, in dBFS, a stream is silent. A quiet voice is at about -45, the noise of a headset below -60.
_SILENCE_DBFS = -55.0
_SILENCE = 10 ** (_SILENCE_DBFS / 10)

# A stream has to be louder by this factor of power (3 dB) than one that is heard to take its place.
_LOUDER = 2.0

# Time constants of the rise and the fall of loudness, by a factor of e; 10 dB down take 0.7 s. So a voice keeps its
# place between its words.
_RISE_S = 0.02
_FALL_S = 0.3

# Length of the fades where streams change places: short, but without a click.
_FADE_S = 0.01


class Loudest:
    """Follows how loud streams are, and opens the loudest and closes the others.

    A stream takes the place of another when it is 3 dB louder, and not silent. As long as no more streams are there
    than may be heard, all are, to the bit.

    Args:
        num_heard: How many may be heard; None for all.
        sample_rate: Of the mix.
        block: Samples per channel of a block.
    """

    def __init__(self, num_heard: int | None, sample_rate: int, block: int) -> None:
        self._num_heard = num_heard
        self._block = block
        self._rise = -math.expm1(-block / sample_rate / _RISE_S)
        self._fall = -math.expm1(-block / sample_rate / _FALL_S)
        self._fade = max(1, round(_FADE_S * sample_rate))

    def look(self, sources: list[MixerInput]) -> None:
        """Looks at the block that is mixed next, and decides who is heard in it."""
        for source, power in zip(sources, measure(sources, self._block), strict=True):
            source.power += (self._rise if power > source.power else self._fall) * (power - source.power)
        if self._num_heard is not None:
            self._choose(sources, self._num_heard)

    def _choose(self, sources: Sequence[MixerInput], num_heard: int) -> None:
        heard: list[MixerInput] = []
        others: list[MixerInput] = []
        for source in sources:
            if source.samples_per_channel or source.is_heard is not None:
                (heard if source.is_heard else others).append(source)
        if len(heard) > num_heard:  # one of them was away
            heard.sort(key=_power, reverse=True)
            others += heard[num_heard:]
            for source in heard[num_heard:]:
                self._set_heard(source, False)
            del heard[num_heard:]
        if not others:
            return
        others.sort(key=_power, reverse=True)
        while others and len(heard) < num_heard:
            heard.append(others.pop(0))
            self._set_heard(heard[-1], True)
        if others and others[0].power >= _SILENCE:
            heard.sort(key=_power)
            for louder, quieter in zip(others, heard, strict=False):
                if louder.power < _SILENCE or louder.power <= quieter.power * _LOUDER:
                    break
                self._set_heard(louder, True)
                self._set_heard(quieter, False)
        for source in others:
            if source.is_heard is None:
                self._set_heard(source, False)

    def _set_heard(self, source: MixerInput, is_heard: bool) -> None:
        # A stream that begins does not fade in.
        source.gate(is_heard, 0 if source.is_heard is None else self._fade)
        source.is_heard = is_heard

    def speakers(self, sources: Sequence[MixerInput]) -> list[str]:
        """The names of the streams that are heard and not silent, loudest first."""
        speaking = [source for source in sources if source.power >= _SILENCE and source.is_heard is not False]
        return [source.name for source in sorted(speaking, key=_power, reverse=True)]


def _power(source: MixerInput) -> float:
    return source.power
