"""What may lie on a stream of a mix, in exact integers and one sample after the other."""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Sequence

from tests.support import reference

UNITY = reference.GAIN_UNITY
HOLD, DUCK = 0, 1


class Move:
    """A factor that goes from one value to another in a straight line, once it has begun."""

    def __init__(self, value: int = UNITY, start: int | None = None, length: int = 0, begun: bool = True) -> None:
        self.value, self.start, self.length, self.begun = value, value if start is None else start, length, begun
        self.position = 0

    @property
    def now(self) -> int:
        if not self.begun:
            return self.start
        return reference.ramp_gain(self.start, self.value, self.length, self.position)

    def to(self, value: float, length: int) -> Move:
        return Move(reference.fixed_gain(value), self.now, length)

    def step(self) -> None:
        self.position += self.begun


def sine(x: int) -> int:
    """The polynomial of csrc/mix_shape.h."""
    square = x * x // UNITY
    y = 0
    for coefficient in (-72522, 1332419, -10836170, 26353489):
        y = coefficient + y * square // UNITY
    return min(x * y // UNITY, UNITY)


def sides(pan: float) -> tuple[float, float]:
    """Equal power, 1 and 1 in the middle."""
    angle = (pan + 1) * math.pi / 4
    return (math.sqrt(2) * math.cos(angle), math.sqrt(2) * math.sin(angle)) if pan else (1.0, 1.0)


class ShapedModel:
    """A ShapedQueue."""

    def __init__(self, num_channels: int, gain: float = 1.0) -> None:
        self.num_channels = num_channels
        # Samples, whether they are the first of the stream, and whether they come from the queue.
        self.frames: deque[tuple[list[int], bool, bool]] = deque()
        self.line: deque[tuple[list[int], bool, bool]] = deque()
        self.gain = Move(reference.fixed_gain(gain))
        self.fade = Move()
        self.factors = [Move(), Move()]
        self.places = [Move(), Move()]
        self.left: int | None = None
        self.num_pushed = 0
        self.last_gain = 0
        self.heard: list[int] = []

    def push(self, samples: Sequence[int]) -> None:
        for i in range(0, len(samples), self.num_channels):
            self.frames.append((list(samples[i : i + self.num_channels]), self.num_pushed == 0, True))
            self.num_pushed += 1

    def push_silence(self, samples_per_channel: int) -> None:
        self.frames.extend(([0] * self.num_channels, False, True) for _ in range(samples_per_channel))

    def set_delay(self, samples_per_channel: int) -> None:
        self.line = deque(([0] * self.num_channels, False, False) for _ in range(samples_per_channel))

    def fade_in(self, length: int) -> None:
        if length:
            self.fade = Move(UNITY, 0, length, begun=False)

    def fade_out(self, length: int) -> None:
        self.fade = self.fade.to(0, length)

    def set_gain(self, gain: float, length: int) -> None:
        self.gain = self.gain.to(gain, length)

    def set_sides(self, left: float, right: float, length: int) -> None:
        self.places = [place.to(value, length) for place, value in zip(self.places, (left, right), strict=True)]

    def set_factor(self, factor: int, value: float, length: int) -> None:
        self.factors[factor] = self.factors[factor].to(value, length)

    def hold(self, length: int) -> None:
        self.set_factor(HOLD, 0.0, length)
        self.left = length

    def go_on(self, length: int) -> None:
        self.set_factor(HOLD, 1.0, length)
        self.left = None

    def take(self, samples_per_channel: int) -> list[int]:
        """Its part of the sum, with 24 fractional bits; `heard` is what it is made of."""
        out: list[int] = []
        self.heard = []
        for _ in range(samples_per_channel):
            frame, is_first = [0] * self.num_channels, False
            if self.left != 0:
                self.line.append(self.frames.popleft() if self.frames else (frame, False, False))
                frame, is_first, _ = self.line.popleft()
                if self.left:
                    self.left -= 1
            if is_first:
                self.fade.begun = True
            self.heard += frame
            out += [x * gain for x, gain in zip(frame, self._gains(), strict=True)]
            for move in (self.gain, self.fade, *self.factors, *self.places):
                move.step()
        return out

    @property
    def rest(self) -> int:
        """Frames until all that was taken from the queue is heard."""
        return max((k + 1 for k, (_, _, is_taken) in enumerate(self.line) if is_taken), default=0)

    @property
    def has_faded_out(self) -> bool:
        return self.fade.value == 0 and self.fade.now == 0

    def has_sound(self, samples_per_channel: int, least: int) -> bool:
        """By what it is going to take."""
        twin = copy.deepcopy(self)
        twin.factors[DUCK] = Move()
        peak, loudest = 0, []
        for _ in range(samples_per_channel if self.left is None else min(samples_per_channel, self.left)):
            twin.take(1)
            peak = max(peak, *map(abs, twin.heard))
            loudest.append(abs(twin.last_gain))
        return peak > 0 and peak * max(loudest[0], loudest[-1]) >= least * UNITY

    def _gains(self) -> list[int]:
        gain = self.gain.now * sine(self.fade.now) // UNITY
        for factor in self.factors:
            gain = gain * factor.now // UNITY
        self.last_gain = gain
        if self.num_channels != 2:
            return [gain] * self.num_channels
        return [max(-(2**31), min(2**31 - 1, gain * place.now // UNITY)) for place in self.places]
