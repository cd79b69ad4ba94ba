"""Prints one digest per kernel over random data; every instruction set must print the same."""

import hashlib
import random
import sys
from array import array
from collections.abc import Callable, Iterator

from livekit_utils._kernels import simd
from livekit_utils._kernels.channels import downmix_s16, upmix_s16
from livekit_utils._kernels.convert import f32_to_s16, s16_to_f32
from livekit_utils._kernels.dtmf import Dtmf
from livekit_utils._kernels.echo_power import EchoPower
from livekit_utils._kernels.g711 import alaw_to_s16, s16_to_alaw, s16_to_ulaw, ulaw_to_s16
from livekit_utils._kernels.gain_queue import GainQueue, Ramp, mix_each
from livekit_utils._kernels.gain_queue import mix as mix_queues
from livekit_utils._kernels.level import level_s16
from livekit_utils._kernels.limiter import Limiter
from livekit_utils._kernels.linear import LinearInterpolator
from livekit_utils._kernels.loudness import Loudness
from livekit_utils._kernels.overlap_add import OverlapAdd
from livekit_utils._kernels.pcm import PCM_ENCODINGS, from_s16, to_s16
from livekit_utils._kernels.pixels import convert_picture, scale_picture
from livekit_utils._kernels.polyphase import PolyphaseConverter, PolyphaseFilter
from livekit_utils._kernels.shaped_queue import DUCK, ShapedQueue
from livekit_utils._kernels.short_spectrum import ShortSpectrum
from livekit_utils._kernels.sine import sine_s16
from livekit_utils._kernels.upper_band import UpperBand
from livekit_utils._kernels.variable_ratio import LANES, VariableConverter, VariableFilter
from livekit_utils.frames.audio_frame import AudioFrame, combine_audio_frames

SIZES = (0, 1, 7, 8, 9, 15, 17, 31, 33, 63, 65, 255, 256, 257, 480, 1023, 1025, 4095, 4097, 33_000)


def pcm(rand: random.Random, num_samples: int) -> memoryview:
    """At an odd address half of the time; full scale half of the time."""
    odd = rand.random() < 0.5
    if rand.random() < 0.5:
        data = rand.randbytes(2 * num_samples)
    else:
        data = array("h", rand.choices((-32768, 32767, -1, 0, 1), k=num_samples)).tobytes()
    return memoryview(b"x" * odd + data)[odd:]


def mix(rand: random.Random) -> Iterator[bytes]:
    for n in SIZES:
        blocks = [pcm(rand, n) for _ in range(rand.choice((1, 2, 7, 8, 9, 17)))]
        gains = [rand.choice((1.0, rand.uniform(-2, 2), rand.uniform(-127, 127))) for _ in blocks]
        for queues in ([GainQueue(1) for _ in blocks], [GainQueue(1, gain) for gain in gains]):
            for queue, block in zip(queues, blocks, strict=True):
                queue.push(block)
            yield mix_queues(queues, n, 1)
            for queue, block in zip(queues, blocks, strict=True):
                queue.push(block)
            yield from mix_each(queues, n, 1, [[], queues[:1], queues[::2]])


def ramp(rand: random.Random) -> Iterator[bytes]:
    for num_channels in (1, 2, 3, 128):
        fade = Ramp(num_channels)
        for n in (0, 1, 33, 128, 129, 257, 480):
            fade.start(rand.uniform(-2, 2), rand.choice((0, 1, 100, 1000)))
            yield fade.apply(pcm(rand, n * num_channels))


def gain_queue(rand: random.Random) -> Iterator[bytes]:
    for num_channels in (1, 2, 3, 128):
        inputs = [GainQueue(num_channels, rand.uniform(-2, 2)) for _ in range(9)]
        for n in (0, 1, 33, 128, 129, 257, 480):
            for source in inputs:
                source.push(pcm(rand, n * num_channels))
                source.set_gain(rand.uniform(-2, 2), rand.choice((0, 1, 100, 1000)))
            yield from mix_each(inputs, n, num_channels, [[], inputs[:1], inputs[::2]])
            yield repr([source.level for source in inputs]).encode()


def shaped_queue(rand: random.Random) -> Iterator[bytes]:
    for num_channels in (1, 2, 3):
        inputs = [ShapedQueue(num_channels, rand.uniform(-2, 2)) for _ in range(5)]
        for source in inputs:
            source.set_delay(rand.choice((0, 77, 300)))
            source.fade_in(rand.choice((0, 100, 1000)))
        for n in (1, 33, 128, 129, 257, 480):
            for source in inputs:
                source.push(pcm(rand, n * num_channels))
                source.set_sides(rand.uniform(0, 1.4), rand.uniform(0, 1.4), rand.choice((0, 1, 100, 1000)))
                source.set_factor(DUCK, rand.uniform(0, 1), rand.choice((0, 1, 100, 1000)))
            yield mix_queues(inputs, n, num_channels)


def convert(rand: random.Random) -> Iterator[bytes]:
    special = (float("nan"), float("inf"), -float("inf"), 1e-45, -0.0, 1.0, -1.0, 0.5 / 32768, 1.5 / 32768)
    for n in SIZES:
        out = array("f", bytes(4 * n))
        s16_to_f32(pcm(rand, n), out)
        yield out.tobytes()
        floats = array("f", (rand.choice((rand.uniform(-1.2, 1.2), *special)) for _ in range(n)))
        yield f32_to_s16(floats)


def g711(rand: random.Random) -> Iterator[bytes]:
    for n in SIZES:
        for decode, encode in ((ulaw_to_s16, s16_to_ulaw), (alaw_to_s16, s16_to_alaw)):
            yield decode(rand.randbytes(n))
            yield encode(pcm(rand, n))


def encodings(rand: random.Random) -> Iterator[bytes]:
    for n in SIZES:
        for encoding in PCM_ENCODINGS:
            data, clipped = from_s16(pcm(rand, n), encoding)
            yield bytes(data) + repr(clipped).encode()
            samples, clipped = to_s16(rand.randbytes(len(data)), encoding)
            yield bytes(samples) + repr(clipped).encode()


def level(rand: random.Random) -> Iterator[bytes]:
    for n in SIZES:
        yield repr(level_s16(pcm(rand, n))).encode()


def channels(rand: random.Random) -> Iterator[bytes]:
    for n in SIZES:
        for num_channels in (1, 2, 3, 4, 6, 8):
            yield upmix_s16(pcm(rand, n), num_channels)
            yield downmix_s16(pcm(rand, n * num_channels), num_channels)


def limiter(rand: random.Random) -> Iterator[bytes]:
    for num_channels in (1, 2, 3, 128):
        limiting = Limiter(num_channels, rand.randint(32, 32768), rand.choice((1, 48, 240, 256)), 4800.0)
        for n in (0, 1, 33, 128, 255, 256, 257, 480, 5000 // num_channels):
            bits = rand.choice((36, 41, 50, 63))
            sums = array("q", (rand.randint(-(2**bits), 2**bits - 1) for _ in range(n * num_channels)))
            yield limiting.process(sums) + repr(limiting.least_gain).encode()
        yield limiting.drained(480)


def linear(rand: random.Random) -> Iterator[bytes]:
    for pair in ((147, 160), (160, 147), (1, 3), (3, 1)):
        interpolator = LinearInterpolator(*pair, 2)
        for n in SIZES:
            yield interpolator.process(pcm(rand, 2 * n))


def polyphase(rand: random.Random) -> Iterator[bytes]:
    for step, num_phases in ((147, 160), (160, 147), (1, 3), (3, 1), (3, 2), (441, 160)):
        for num_taps, bits in ((8, 13), (41, 20), (170, 28)):
            scale = 2**bits * 4 / num_taps
            taps = array("i", (round(rand.uniform(-scale, scale)) for _ in range(num_phases * num_taps)))
            taps[num_taps // 2 :: num_taps] = array("i", [2**bits]) * num_phases  # the large one of a real filter
            filter = PolyphaseFilter(taps, bits, step, num_phases, rand.randrange(num_taps))
            converter = PolyphaseConverter(filter, 2)
            for n in SIZES[:-1]:
                yield converter.process(pcm(rand, 2 * n))


def variable_ratio(rand: random.Random) -> Iterator[bytes]:
    for ratio in (1.0, 0.3, 1.0884, 2.7):
        for num_taps in (LANES, 6 * LANES):
            taps = array("f", (rand.uniform(-4, 4) / num_taps for _ in range(33 * num_taps)))
            filter = VariableFilter(taps, 32, rand.randrange(1, num_taps))
            converter = VariableConverter(filter, 2, ratio, 2 * ratio)
            for n in SIZES[:-1]:
                converter.set_ratio(ratio * rand.uniform(0.5, 1.5), rand.randrange(300))
                yield converter.process(pcm(rand, 2 * n))


def sine(rand: random.Random) -> Iterator[bytes]:
    for n in SIZES:
        yield sine_s16(rand.uniform(0, 32767), rand.random(), rand.uniform(0, 0.5), n)
    yield sine_s16(32767, 0.0, 440 / 48000, 100_000)


def dtmf(rand: random.Random) -> Iterator[bytes]:
    for rate in (8000, 11025, 48000):
        detector = Dtmf(rate)
        for digit in range(16):
            peak, low, high = rand.uniform(1000, 16000), (697, 770, 852, 941), (1209, 1336, 1477, 1633)
            tones = [sine_s16(peak, rand.random(), hz / rate, rate // 20) for hz in (low[digit // 4], high[digit % 4])]
            queues = [GainQueue(1) for _ in tones]
            for queue, tone in zip(queues, tones, strict=True):
                queue.push(tone)
            yield repr(detector.push(mix_queues(queues, rate // 20, 1)) + detector.push(pcm(rand, rate // 20))).encode()
        yield repr(detector.flush()).encode()
        window = array("f", (rand.uniform(-32768, 32767) for _ in range(detector.window)))
        yield repr(detector.measure(window)).encode()


def loudness(rand: random.Random) -> Iterator[bytes]:
    for rate, num_channels in ((8000, 1), (44_100, 2), (96_000, 3), (192_000, 6)):
        meter = Loudness(rate, num_channels)
        for n in SIZES[:-1]:
            meter.push(pcm(rand, n * num_channels))
            meter.push_f32(array("f", (rand.uniform(-2, 2) for _ in range(n * num_channels))))
            yield repr((meter.momentary, meter.short_term, meter.integrated, meter.range, meter.true_peak)).encode()


def short_spectrum(rand: random.Random) -> Iterator[bytes]:
    for num_channels in (1, 2, 3):
        for size in (80, 110, 441, 480, 97):
            spectrum, bins = ShortSpectrum(num_channels, size, range(size + 1)), (2 * num_channels + 1) * (size + 1)
            for _ in range(3):
                out = array("f", bytes(8 * bins))
                spectrum.push(*(pcm(rand, num_channels * size) for _ in range(3)), out)
                yield out.tobytes()


def overlap_add(rand: random.Random) -> Iterator[bytes]:
    for num_channels in (1, 2, 3):
        for size in (80, 110, 441, 480, 97):
            adding, numbers = OverlapAdd(num_channels, size), 2 * num_channels * (size + 1)
            for _ in range(3):
                samples = bytearray(pcm(rand, num_channels * size))
                adding.push(array("f", (rand.uniform(-1e5, 1e5) for _ in range(numbers))), samples)
                yield bytes(samples)


def echo_power(rand: random.Random) -> Iterator[bytes]:
    power, echo = EchoPower(2, 24), array("f", bytes(4 * 48))
    for _ in range(200):
        ref = [rand.uniform(-100, 100) for _ in range(48)]
        power.push(array("f", [x + rand.uniform(-50, 50) for x in (*ref, *ref)]), array("f", ref), echo)
        yield echo.tobytes()


def upper_band(rand: random.Random) -> Iterator[bytes]:
    for num_channels in (1, 2, 3):
        for size in (161, 240, 441, 480, 97):
            upper, mic = UpperBand(num_channels, 160, size, 1, 0), array("f", bytes(8 * num_channels))
            for _ in range(5):
                quiet = array("h", (x >> rand.choice((0, 2)) for x in pcm(rand, 160 * num_channels).cast("h")))
                upper.listen(pcm(rand, 160 * num_channels), quiet, mic, None)
                out = bytearray(pcm(rand, num_channels * size))
                upper.add(pcm(rand, num_channels * size), pcm(rand, num_channels * size), out)
                yield bytes(out)


def pixels(rand: random.Random) -> Iterator[bytes]:
    for format in range(11):
        for to_format in range(11):
            for width, height in ((1, 1), (33, 3), (546, 4)):
                data = rand.randbytes(8 * (width + 1) * (height + 1))
                full_range = rand.random() < 0.5
                yield bytes(convert_picture(data, format, width, height, to_format, full_range=full_range))
                yield bytes(scale_picture(data, format, width, height, 1 + rand.randrange(99), 1 + to_format))


def audio_frame(rand: random.Random) -> Iterator[bytes]:
    for n in SIZES:
        frames = [AudioFrame(pcm(rand, 2 * n), 48000, 2, n) for _ in range(3)]
        yield bytes(combine_audio_frames(frames))
        yield frames[0].to_wav_bytes()


KERNELS: tuple[Callable[[random.Random], Iterator[bytes]], ...] = (
    mix, ramp, gain_queue, shaped_queue, convert, g711, encodings, level, channels, limiter, linear,
    polyphase, variable_ratio, sine, dtmf, loudness, short_spectrum, overlap_add, echo_power, upper_band, pixels,
    audio_frame,
)  # fmt: skip

if __name__ == "__main__":
    print(simd.level, file=sys.stderr)
    for kernel in KERNELS:
        digest = hashlib.sha256()
        for part in kernel(random.Random(sys.argv[1])):
            digest.update(part)
        print(kernel.__name__, digest.hexdigest())
