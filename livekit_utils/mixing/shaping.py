"""Shaping gives the streams of a mixer their places, times, fades and pauses."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from livekit_utils._runtime.arguments import check_ms, check_number, check_type
from livekit_utils.mixing.ducking import Ducking
from livekit_utils.mixing.mixer_input import MixerInput

_MAX_RAMP_MS = 3_600_000
_MAX_DELAY_MS = 10_000

# A pause and its end fade over this time, as `set_gain` does by default.
_PAUSE_MS = 10


@dataclass(frozen=True)
class Shape:
    """What `add_stream` asks for; lengths are in samples per channel."""

    pan: float
    delay: int
    fade_in: int
    duck_under: str | None
    duck_db: float
    attack: int
    release: int


class Shaping:
    """What happens to the streams of one mixer besides their gains.

    Args:
        block: Samples per channel of a block.
        sample_rate: Hz.
        num_channels: Of the mixer.
        timeout_s: Time that a block waits for a stream.
        remove: Takes a stream out of the mixer.
        on_removed: Called after a removal that nobody waits for.
    """

    def __init__(
        self,
        block: int,
        sample_rate: int,
        num_channels: int,
        timeout_s: float,
        remove: Callable[[MixerInput], None],
        on_removed: Callable[[], None],
    ) -> None:
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._timeout_s = timeout_s
        self._remove, self._on_removed = remove, on_removed
        self._ducking = Ducking(block)
        self.is_active = False
        """Whether `before_block` has anything to do. No property: every block asks."""
        self.leaving: dict[MixerInput, asyncio.TimerHandle] = {}
        """Streams that fade out, and when they go at the latest. Without any, `after_block` has nothing to do."""

    def check(
        self,
        name: str,
        pan: float,
        delay_ms: float,
        fade_in_ms: float,
        duck_under: str | None,
        duck_db: float,
        attack_ms: float,
        release_ms: float,
    ) -> Shape:
        """Returns what `add_stream` asks for.

        Raises:
            ValueError: A number is out of range, or the stream is to be ducked under itself.
            TypeError: An argument is of a wrong type.
        """
        if duck_under is not None:
            check_type("duck_under", duck_under, str)
            if duck_under == name:
                raise ValueError(f"duck_under: expected the name of another stream, got {duck_under!r}")
        return Shape(
            pan=self._check_pan(pan),
            delay=self._length("delay_ms", delay_ms, _MAX_DELAY_MS),
            fade_in=self._length("fade_in_ms", fade_in_ms),
            duck_under=duck_under,
            duck_db=check_number("duck_db", duck_db, -120, 0),
            attack=self._length("attack_ms", attack_ms),
            release=self._length("release_ms", release_ms),
        )

    def apply(self, shape: Shape, source: MixerInput) -> None:
        """Gives a new stream its shape."""
        if shape.pan:
            source.set_sides(*find_sides(shape.pan), 0)
        if shape.delay:
            source.set_delay(shape.delay)
        if shape.fade_in:
            source.fade_in(shape.fade_in)
        if shape.duck_under is not None:
            self._ducking.add(source, shape.duck_under, shape.duck_db, shape.attack, shape.release)
            self.is_active = True

    def set_pan(self, source: MixerInput, pan: float, ramp_ms: float) -> None:
        """Moves a stream between left and right."""
        source.set_sides(*find_sides(self._check_pan(pan)), self._length("ramp_ms", ramp_ms))

    def fade_out(self, source: MixerInput, ms: float) -> None:
        """Fades a stream out and then removes it; at once if it is not heard now."""
        length = self._length("ms", ms)
        if not length or not _is_heard(source):
            self._remove(source)
            return
        source.fade_out(length)
        self._wait(source, length / self._sample_rate + self._timeout_s)

    def pause(self, source: MixerInput) -> None:
        """Stops a stream; see `AudioMixer.pause`."""
        if not source.is_paused:
            source.is_paused = True
            source.hold(self._length("ms", _PAUSE_MS) if _is_heard(source) else 0)

    def resume(self, source: MixerInput) -> None:
        """Lets a stream go on."""
        if not source.is_paused:
            return
        was_held = source.is_held
        source.is_paused = False
        source.go_on(self._length("ms", _PAUSE_MS))
        if was_held and source.samples_per_channel == 0 and source.expected:
            source.await_join()  # it may take its time, as a newcomer may

    def before_block(self, inputs: list[MixerInput]) -> None:
        """Prepares the next block of these streams."""
        self._ducking.update(inputs)

    def after_block(self) -> None:
        """Removes the streams that have faded out."""
        for source in [source for source in self.leaving if source.has_faded_out or not _is_heard(source)]:
            self._remove(source)

    def forget(self, source: MixerInput) -> None:
        """A stream is mixed no more."""
        self._ducking.forget(source)
        self.is_active = bool(self._ducking)
        timer = self.leaving.pop(source, None)
        if timer is not None:
            timer.cancel()

    def _wait(self, source: MixerInput, seconds: float) -> None:
        earlier = self.leaving.get(source)
        if earlier is not None:
            earlier.cancel()
        loop = asyncio.get_running_loop()
        self.leaving[source] = loop.call_later(seconds, self._look_after, source, seconds, source.num_delivered)

    def _look_after(self, source: MixerInput, seconds: float, num_delivered: int) -> None:
        """A stream that delivers nothing may never fade, because nothing is mixed, and need not."""
        if source.samples_per_channel or source.num_delivered != num_delivered:
            self._wait(source, seconds)
        else:
            self._remove(source)
            self._on_removed()

    def _check_pan(self, pan: float) -> float:
        pan = check_number("pan", pan, -1, 1)
        if pan and self._num_channels != 2:
            raise ValueError(f"pan: expected 0 in a mixer of {self._num_channels} channels, got {pan}")
        return pan

    def _length(self, name: str, ms: float, most: int = _MAX_RAMP_MS) -> int:
        return round(check_ms(name, ms, most) * self._sample_rate / 1000)


def find_sides(pan: float) -> tuple[float, float]:
    """Returns the gains of left and right, which have the same power together at any place: the sine and cosine law,
    by which both are 1 in the middle."""
    if pan == 0:
        return 1.0, 1.0
    angle = (pan + 1) * math.pi / 4
    return math.sqrt(2) * math.cos(angle), math.sqrt(2) * math.sin(angle)


def _is_heard(source: MixerInput) -> bool:
    """Whether a stream is heard, or will be with its next frame."""
    if source.is_held:
        return False
    if source.samples_per_channel or source.rest:
        return True
    return source.num_delivered > 0 and not (source.joining or source.late or source.ended)
