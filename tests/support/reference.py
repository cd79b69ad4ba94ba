"""Slow, obvious versions of the kernels in exact arithmetic, for the compiled ones to agree with."""

import math
from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

GAIN_UNITY = 1 << 24


def pcm(samples: Iterable[int]) -> bytes:
    return array("h", samples).tobytes()


def ints(data: bytes | bytearray | memoryview) -> list[int]:
    return array("h", bytes(data)).tolist()


def clamp(value: int) -> int:
    return max(-32768, min(32767, value))


def concat(blocks: Iterable[Sequence[int]]) -> list[int]:
    return [sample for block in blocks for sample in block]


def fixed_gain(gain: float) -> int:
    """The nearest number of 2**-24 steps, ties away from zero, as far as 31 bits go."""
    steps = abs(Fraction(gain)) * GAIN_UNITY
    nearest = math.floor(steps + Fraction(1, 2))
    return min(nearest if gain >= 0 else -nearest, 2**31 - 1)


def ramp_gain(gain_from: int, gain: int, ramp_length: int, frame: int) -> int:
    if frame >= ramp_length:
        return gain
    step = math.trunc(Fraction((gain - gain_from) << 24, ramp_length))
    return gain_from + ((step * frame) >> 24)


@dataclass
class MixSource:
    samples: list[int]
    gain: int = GAIN_UNITY
    gain_from: int = GAIN_UNITY
    ramp_length: int = 0
    ramp_position: int = 0


def mix(sources: Sequence[MixSource], samples_per_channel: int, num_channels: int) -> list[int]:
    totals = [0] * (samples_per_channel * num_channels)
    for source in sources:
        for frame in range(samples_per_channel):
            gain = ramp_gain(source.gain_from, source.gain, source.ramp_length, source.ramp_position + frame)
            for i in range(frame * num_channels, (frame + 1) * num_channels):
                totals[i] += source.samples[i] * gain
    return [clamp((2 * total + GAIN_UNITY) // (2 * GAIN_UNITY)) for total in totals]


def limited(
    sums: Sequence[int], num_channels: int, ceiling: int, look_ahead: int, release: float
) -> tuple[list[int], list[int]]:
    """The samples of a look-ahead limiter, and the reduction of each frame in 2**-30; see csrc/limiter.h."""
    limit, unity, lost = 256 * ceiling + 127, 1 << 30, round(-math.expm1(-1 / release) * 2**32)
    values = [max(-(2**31), min(2**31 - 1, x >> 16)) for x in sums]
    frames = [values[i : i + num_channels] for i in range(0, len(values), num_channels)]
    peaks = [max(x if x >= 0 else -1 - x for x in frame) for frame in frames]
    needs = [unity - limit * unity // peak if peak > limit else 0 for peak in peaks]
    held = [max(needs[max(0, k - look_ahead + 1) : k + 1]) for k in range(len(needs))]
    falling: list[int] = []
    for need in held:
        last = falling[-1] if falling else 0
        falling.append(max(need, last - ((last * lost) >> 32) - 1, 0))
    reciprocal = -(-(2**32) // look_ahead)
    means = [sum(falling[max(0, k - look_ahead + 1) : k + 1]) for k in range(len(falling))]
    reductions = [(total * reciprocal + 2**32 - 1) >> 32 for total in means]
    delayed = [[0] * num_channels] * (look_ahead - 1) + frames
    out = [
        clamp((x * (unity - cut) + (1 << 37)) >> 38)
        for frame, cut in zip(delayed, reductions, strict=False)
        for x in frame
    ]
    return out, reductions


class MixQueue:
    """A GainQueue as a list of samples and a gain on its way."""

    def __init__(self, num_channels: int, gain: float) -> None:
        self.num_channels = num_channels
        self.samples: list[int] = []
        self.gain = self.gain_from = fixed_gain(gain)
        self.ramp_length = self.ramp_position = 0
        self.level = (0, 0.0)

    @property
    def samples_per_channel(self) -> int:
        return len(self.samples) // self.num_channels

    def push(self, samples: Sequence[int]) -> int:
        self.samples += samples
        return self.samples_per_channel

    def push_silence(self, samples_per_channel: int) -> None:
        self.samples += [0] * (samples_per_channel * self.num_channels)

    def set_gain(self, gain: float, ramp_length: int) -> None:
        self.gain_from = ramp_gain(self.gain_from, self.gain, self.ramp_length, self.ramp_position)
        self.gain = fixed_gain(gain)
        self.ramp_length, self.ramp_position = ramp_length, 0

    def take(self, samples_per_channel: int) -> MixSource:
        num_samples = samples_per_channel * self.num_channels
        taken, self.samples = self.samples[:num_samples], self.samples[num_samples:]
        peak, squares = level(taken)
        self.level = (peak, math.sqrt(squares / len(taken)) if taken else 0.0)
        source = MixSource(
            taken + [0] * (num_samples - len(taken)),
            self.gain,
            self.gain_from,
            self.ramp_length,
            self.ramp_position,
        )
        self.ramp_position += samples_per_channel
        return source


def s16_to_f32(samples: Iterable[int]) -> list[float]:
    return [sample / 32768 for sample in samples]


def f32_to_s16(values: Iterable[float]) -> list[int]:
    def convert(value: float) -> int:
        if math.isnan(value):
            return 0
        if math.isinf(value):
            return 32767 if value > 0 else -32768
        return clamp(round(Fraction(value) * 32768))

    return [convert(value) for value in values]


def level(samples: Sequence[int]) -> tuple[int, int]:
    return max(map(abs, samples), default=0), sum(sample * sample for sample in samples)


def upmix(samples: Iterable[int], num_channels: int) -> list[int]:
    return [sample for sample in samples for _ in range(num_channels)]


def downmix(samples: Sequence[int], num_channels: int) -> list[int]:
    frames = [samples[i : i + num_channels] for i in range(0, len(samples), num_channels)]
    return [math.floor(Fraction(sum(frame), num_channels) + Fraction(1, 2)) for frame in frames]


def high_pass(samples: Sequence[int], sample_rate: int) -> list[float]:
    """One channel through a Butterworth filter of order 4 at 100 Hz, one biquad after the other; not rounded."""
    w = 2 * math.pi * 100 / sample_rate
    out = [float(sample) for sample in samples]
    for angle in (math.pi / 8, 3 * math.pi / 8):
        a, c = math.sin(w) * math.cos(angle), math.cos(w)
        x1 = x2 = y1 = y2 = 0.0
        for i, x in enumerate(out):
            out[i] = ((1 + c) / 2 * (x - 2 * x1 + x2) + 2 * c * y1 - (1 - a) * y2) / (1 + a)
            x1, x2, y1, y2 = x, x1, out[i], y1
    return out


def linear(samples: Sequence[int], input_rate: int, output_rate: int, num_channels: int) -> list[int]:
    """Every output that lies on or between two input frames."""
    last_frame = len(samples) // num_channels - 1
    out: list[int] = []
    k = 0
    while (position := Fraction(k * input_rate, output_rate)) <= last_frame:
        i = math.floor(position)
        weight = position - i
        for channel in range(num_channels):
            here = samples[i * num_channels + channel]
            after = samples[(i + 1) * num_channels + channel] if weight else here
            out.append(math.floor(here * (1 - weight) + after * weight + Fraction(1, 2)))
        k += 1
    return out


def sine(peak: float, phase_turns: float, step_turns: float, num_samples: int) -> list[float]:
    """Not rounded."""
    phase, step = Fraction(phase_turns), Fraction(step_turns)
    return [peak * math.sin(2 * math.pi * float((phase + i * step) % 1)) for i in range(num_samples)]


class Ring:
    """A bounded deque that counts what did not fit and what was not there."""

    def __init__(self, capacity: int) -> None:
        self.capacity = 1
        while self.capacity < capacity:
            self.capacity *= 2
        self.samples: deque[int] = deque()
        self.overruns = self.overrun_samples = self.underruns = self.underrun_samples = 0

    @property
    def room(self) -> int:
        return self.capacity - len(self.samples)

    def write(self, samples: Sequence[int]) -> int:
        n = min(len(samples), self.room)
        self.samples.extend(samples[:n])
        if n < len(samples):
            self.overruns += 1
            self.overrun_samples += len(samples) - n
        return n

    def read(self, num_samples: int) -> list[int]:
        n = min(num_samples, len(self.samples))
        if n < num_samples:
            self.underruns += 1
            self.underrun_samples += num_samples - n
        return self.drop(n)

    def drop(self, num_samples: int) -> list[int]:
        return [self.samples.popleft() for _ in range(num_samples)]
