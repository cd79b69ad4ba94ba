"""Places, delays, fades, ducking, pauses and the limiter, beside a model in exact integers and in virtual time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioMixer
from tests.support import reference
from tests.support.shaping import DUCK, UNITY, ShapedModel, sides
from tests.support.virtual_time import run

RATE = 8000
CEILING_DBFS = -3.0
LIMITER = (math.floor(32768 * 10 ** (CEILING_DBFS / 20)), 40, 800.0)
LEAST_SOUND = 104


class Feed(AsyncIterator[AudioFrame]):
    """A stream to which the test gives frames."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[AudioFrame | None] = asyncio.Queue()

    def push(self, samples: bytes, num_channels: int) -> None:
        self.frames.put_nowait(AudioFrame(samples, RATE, num_channels, len(samples) // 2 // num_channels))

    def end(self) -> None:
        self.frames.put_nowait(None)

    async def __anext__(self) -> AudioFrame:
        frame = await self.frames.get()
        if frame is None:
            raise StopAsyncIteration
        return frame


async def settle() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


@dataclass(eq=False)
class Person:
    """A stream, its model, and what the mixer has to know of it."""

    name: str
    model: ShapedModel
    stream: Feed = field(default_factory=Feed)
    has_joined: bool = False
    ended: bool = False
    is_paused: bool = False
    stalls: int = 0  # blocks for which it delivers nothing
    is_leaving: bool = False
    duck_under: str | None = None
    duck: tuple[float, int, int] = (0.0, 0, 0)
    is_down: bool = False

    @property
    def is_held(self) -> bool:
        return self.model.left == 0

    @property
    def is_heard(self) -> bool:
        if self.is_held:
            return False
        return bool(self.model.frames or self.model.rest or (self.has_joined and not self.ended))


class Party:
    """A mixer and its model. Every step is a block, for which everybody delivers who can."""

    def __init__(self, rand: Any, num_channels: int, block: int, limits: bool) -> None:
        self.rand, self.num_channels, self.block, self.limits = rand, num_channels, block, limits
        self.mixer = AudioMixer(
            RATE, num_channels, blocksize=block, ceiling_dbfs=CEILING_DBFS if limits else None, capacity=1000
        )
        self.without = "b"
        self.output = self.mixer.output(without=self.without)
        self.people: list[Person] = []
        self.num_named = 0
        self.sums: list[int] = []
        self.sums_without: list[int] = []
        self.num_blocks = 0

    def length(self, ms: float) -> int:
        return round(ms * RATE / 1000)

    def add(self, name: str | None = None) -> None:
        rand = self.rand
        if name is None:
            name = next(n for n in "bcdefgh" if n not in [person.name for person in self.people])
        gain = rand.choice((1.0, 1.0, rand.uniform(-2, 2)))
        pan = rand.choice((0.0, rand.uniform(-1, 1))) if self.num_channels == 2 else 0.0
        delay_ms, fade_in_ms = rand.choice((0, 0, rand.uniform(0, 60))), rand.choice((0, 0, rand.uniform(0, 100)))
        under = rand.choice((None, "a", "b", "c"))
        person = Person(name, ShapedModel(self.num_channels, gain), duck_under=None if under == name else under)
        db, attack_ms, release_ms = rand.uniform(-30, 0), rand.choice((0, rand.uniform(0, 40))), rand.uniform(0, 90)
        person.duck = 10 ** (db / 20), self.length(attack_ms), self.length(release_ms)
        person.model.set_sides(*sides(pan), 0)
        person.model.set_delay(self.length(delay_ms))
        person.model.fade_in(self.length(fade_in_ms))
        self.mixer.add_stream(
            person.stream, gain=gain, name=name, pan=pan, delay_ms=delay_ms, fade_in_ms=fade_in_ms,
            duck_under=person.duck_under, duck_db=db, attack_ms=attack_ms, release_ms=release_ms,
        )  # fmt: skip
        self.people.append(person)

    def change(self, person: Person) -> None:
        """Does anything to a stream."""
        rand, model, stream = self.rand, person.model, person.stream
        what = rand.choice(("gain", "pan", "fade", "pause", "resume", "stall", "end", "remove"))
        ms = rand.choice((0, 10, rand.uniform(0, 80)))
        if what == "gain":
            gain = rand.uniform(-2, 2)
            self.mixer.set_gain(stream, gain, ms)
            model.set_gain(gain, self.length(ms))
        elif what == "pan" and self.num_channels == 2:
            pan = rand.choice((0.0, -1.0, 1.0, rand.uniform(-1, 1)))
            self.mixer.set_pan(stream, pan, ms)
            model.set_sides(*sides(pan), self.length(ms))
        elif what == "pause" and not person.is_paused and person.name != "a":
            self.mixer.pause(stream)
            person.is_paused = True
            model.hold(80 if person.is_heard else 0)
        elif what == "resume" and person.is_paused:
            self.mixer.resume(stream)
            person.is_paused = False
            if person.is_held and not model.frames:
                person.has_joined = False
            model.go_on(80)
        elif person.name == "a" or person.is_paused:
            pass  # somebody has to keep the mix going
        elif what == "fade":
            self.mixer.fade_out(stream, ms)
            if self.length(ms) and person.is_heard:
                model.fade_out(self.length(ms))
                person.is_leaving = True
            else:
                self.people.remove(person)
        elif what == "stall":
            person.stalls = rand.randint(1, 5)
        elif what == "end" and person.has_joined and not person.ended:
            stream.end()
            person.ended = True
        elif what == "remove" and not person.ended:
            self.mixer.remove_stream(stream)
            self.people.remove(person)

    async def step(self) -> None:
        for person in list(self.people):
            if self.rand.random() < 0.15 and not person.ended:
                self.change(person)
        if len(self.people) < 5 and self.rand.random() < 0.2:
            self.add()
        await settle()
        self.people = [p for p in self.people if not p.ended or p.model.frames or p.model.rest]
        deliver = []
        for person in self.people:
            if person.stalls:
                person.stalls -= 1
            elif not person.ended and not person.is_held:
                deliver.append(person)
        deliver.sort(key=lambda person: person.has_joined)
        for person in deliver:
            quiet = self.rand.random() < 0.4
            n = self.block * self.num_channels
            samples = self.rand.quiet_pcm(n, self.rand.choice((0, 60))) if quiet else self.rand.pcm(n)
            person.stream.push(samples, self.num_channels)
            person.model.push(reference.ints(samples))
            if not person.has_joined:
                person.has_joined = True
                await settle()
        self.mix()
        await settle()

    def mix(self) -> None:
        for person in self.people:
            if person.has_joined and not person.ended and not person.is_held:
                person.has_joined = len(person.model.frames) >= self.block
        heard = {person.name for person in self.people if person.model.has_sound(self.block, LEAST_SOUND)}
        for person in self.people:
            is_down = person.duck_under in heard
            if is_down != person.is_down:
                person.is_down = is_down
                gain, attack, release = person.duck
                person.model.set_factor(DUCK, gain if is_down else 1.0, attack if is_down else release)
        parts = {person: person.model.take(self.block) for person in self.people}
        silence = [0] * self.block * self.num_channels
        self.sums += [sum(values) for values in zip(silence, *parts.values(), strict=True)]
        others = [part for person, part in parts.items() if person.name != self.without]
        self.sums_without += [sum(values) for values in zip(silence, *others, strict=True)]
        self.num_blocks += 1
        self.people = [p for p in self.people if not p.is_leaving or (p.is_heard and not p.model.has_faded_out)]

    def expected(self, sums: list[int]) -> list[int]:
        if not self.limits:
            return [reference.clamp((x + UNITY // 2) // UNITY) for x in sums]
        rest = -(-(LIMITER[1] - 1) // self.block) * self.block
        return reference.limited(sums + [0] * rest * self.num_channels, self.num_channels, *LIMITER)[0]


@pytest.mark.parametrize("limits", [False, True])
@pytest.mark.parametrize(("num_channels", "block"), [(1, 80), (2, 80), (2, 64), (2, 100), (2, 300)])
def test_random_schedules(rand: Any, num_channels: int, block: int, limits: bool) -> None:
    async def main() -> None:
        party = Party(rand, num_channels, block, limits)
        got: list[AudioFrame] = []
        async with party.mixer as mixer, party.output as output:
            party.add("a")
            for _ in range(60):
                await party.step()
                got.append(await anext(mixer))
            for person in party.people:
                if person.is_paused:
                    mixer.resume(person.stream)
                    if person.is_held and not person.model.frames:
                        person.has_joined = False
                    person.model.go_on(80)
                person.stream.end()
                person.ended = True
            mixer.end_input()
            await settle()
            party.people = [p for p in party.people if p.model.frames or p.model.rest]
            while party.people:
                party.mix()
                party.people = [p for p in party.people if p.model.frames or p.model.rest]
            got += [frame async for frame in mixer]
            heard_by_b = [frame async for frame in output]
        assert all(frame.samples_per_channel == block for frame in got)
        assert reference.ints(b"".join(bytes(frame.data) for frame in got)) == party.expected(party.sums)
        assert reference.ints(b"".join(bytes(frame.data) for frame in heard_by_b)) == party.expected(party.sums_without)

    run(main())


def frames_of(samples: np.ndarray[Any, Any], num_channels: int = 1, rate: int = 48000) -> list[AudioFrame]:
    size = rate // 100 * num_channels
    blocks = [samples[i : i + size] for i in range(0, len(samples), size)]
    return [AudioFrame(block.tobytes(), rate, num_channels, len(block) // num_channels) for block in blocks]


async def ready(frames: list[AudioFrame]) -> AsyncIterator[AudioFrame]:
    for frame in frames:
        yield frame


def samples_of(frames: list[AudioFrame]) -> np.ndarray[Any, Any]:
    return np.frombuffer(b"".join(bytes(frame.data) for frame in frames), np.int16)


def tone(seconds: float, peak: float = 10000, hz: float = 523) -> np.ndarray[Any, Any]:
    return np.round(peak * np.sin(2 * np.pi * hz * np.arange(int(seconds * 48000)) / 48000)).astype(np.int16)


def loudest_click(samples: np.ndarray[Any, Any], above_hz: float = 6000) -> float:
    """The greatest level above a frequency in any stretch of 5 ms, in dB of a full-scale sine."""
    window = np.blackman(240)
    starts = range(0, len(samples) - 240, 60)
    spectra = [np.abs(np.fft.rfft(samples[i : i + 240] * window)) for i in starts]
    first = int(above_hz / 200)
    return float(20 * np.log10(np.max([s[first:] for s in spectra]) / (32768 * window.sum() / 2) + 1e-12))


@pytest.mark.parametrize("what", ["fade", "pan", "pause", "duck", "limit", "nothing", "remove"])
def test_no_option_clicks(what: str) -> None:
    """In the spectrogram of a tone; `remove_stream` shows what a click looks like."""

    async def main() -> np.ndarray[Any, Any]:
        options: dict[str, Any] = {"fade_in_ms": 20} if what in ("fade", "nothing") else {}
        if what == "duck":
            options |= {"duck_under": "voice"}
        ceiling = -12.0 if what == "limit" else None
        out: list[AudioFrame] = []
        async with AudioMixer(48000, 2, blocksize=480, capacity=1, ceiling_dbfs=ceiling) as mixer:
            base = ready(frames_of(np.zeros(2 * 48000, np.int16), 2))
            stereo = np.repeat(np.concatenate([np.zeros(4800, np.int16), tone(0.5)]), 2)
            stream = ready(frames_of(stereo, 2))
            mixer.add_stream(base)
            mixer.add_stream(stream, **options)
            for number in range(60):
                if number == 30 and what == "pan":
                    mixer.set_pan(stream, -1)
                if number == 30 and what == "pause":
                    mixer.pause(stream)
                if number == 40 and what == "pause":
                    mixer.resume(stream)
                if number == 30 and what == "fade":
                    mixer.fade_out(stream, 20)
                if number == 30 and what == "remove":
                    mixer.remove_stream(stream)
                if number == 30 and what == "duck":
                    mixer.add_stream(ready(frames_of(np.full(9600, 200, np.int16))), name="voice", pan=1)
                if number == 30 and what == "limit":
                    mixer.set_gain(stream, 3.0)
                out.append(await anext(mixer))
        heard = samples_of(out)[0::2].astype(float)
        assert np.abs(heard).max() > 5000
        return heard[4800 * 2 : 48000]

    level = loudest_click(run(main()))
    assert level > -50 if what == "remove" else level < -80, level


def test_a_crossfade_keeps_the_power() -> None:
    """Two streams of noise, one of which fades in while the other fades out."""

    async def main() -> np.ndarray[Any, Any]:
        rng = np.random.default_rng(1)
        old, new = (rng.integers(-8000, 8000, 2 * 48000).astype(np.int16) for _ in range(2))
        streams = [ready(frames_of(old)), ready(frames_of(new))]
        out: list[AudioFrame] = []
        async with AudioMixer(48000, 1, blocksize=480, capacity=1) as mixer:
            mixer.add_stream(streams[0], name="old")
            for number in range(150):
                if number == 50:
                    mixer.add_stream(streams[1], name="new", fade_in_ms=500)
                    mixer.fade_out(streams[0], 500)
                out.append(await anext(mixer))
            assert list(mixer.stats().streams) == ["new"]
        return samples_of(out).astype(float)

    mixed = run(main())
    powers = [np.mean(mixed[i : i + 4800] ** 2) for i in range(0, len(mixed) - 4800, 2400)]
    assert 10 * math.log10(max(powers) / min(powers)) < 0.6


def test_a_stream_that_fades_out_and_delivers_nothing_is_removed() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with AudioMixer(RATE, 1, blocksize=80) as mixer:
            feed = Feed()
            mixer.add_stream(feed, name="alone")
            feed.push(bytes(160), 1)
            await anext(mixer)
            mixer.fade_out(feed, 200)
            begin = loop.time()
            mixer.end_input()
            assert [frame async for frame in mixer] == []
            assert loop.time() == pytest.approx(begin + 0.3)
            assert mixer.stats().streams == {}

    run(main())


def test_a_stream_that_is_not_heard_leaves_at_once() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=80) as mixer:
            never, paused, left = Feed(), Feed(), Feed()
            for feed, name in ((never, "never"), (paused, "paused"), (left, "left")):
                mixer.add_stream(feed, name=name)
            await settle()
            mixer.pause(paused)
            mixer.fade_out(never, 500)
            mixer.fade_out(paused, 500)
            assert list(mixer.stats().streams) == ["left"]
            left.push(bytes(160), 1)
            await anext(mixer)
            mixer.fade_out(left, 0)
            assert mixer.stats().streams == {}
            ended = Feed()
            mixer.add_stream(ended)
            ended.end()
            await settle()
            mixer.fade_out(ended, 10)  # changes nothing
            with pytest.raises(ValueError, match="not a stream"):
                mixer.fade_out(left, 10)

    run(main())


def test_the_mix_goes_on_until_a_delayed_stream_is_heard() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=80) as mixer:
            mixer.add_stream(ready([AudioFrame(reference.pcm(range(1, 101)), RATE, 1, 100)]), delay_ms=25)
            mixer.end_input()
            out = samples_of([frame async for frame in mixer])
        assert out.tolist() == [0] * 200 + list(range(1, 101)) + [0] * 20

    run(main())


def test_a_paused_file_is_not_read_and_goes_on_where_it_was(rand: Any) -> None:
    """Nothing is skipped, and nobody waits for it."""
    samples = [rand.quiet_pcm(80) for _ in range(50)]
    read = 0

    async def file() -> AsyncIterator[AudioFrame]:
        nonlocal read
        for block in samples:
            read += 1
            yield AudioFrame(block, RATE, 1, 80)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=80, capacity=1) as mixer:
            stream, other = file(), ready([AudioFrame(bytes(160), RATE, 1, 80)] * 200)
            mixer.add_stream(stream, name="file")
            mixer.add_stream(other)
            out = [await anext(mixer) for _ in range(10)]
            mixer.pause(stream)
            mixer.pause(stream)
            assert mixer.stats().streams["file"].is_paused
            out += [await anext(mixer) for _ in range(5)]
            was_read = read
            out += [await anext(mixer) for _ in range(50)]
            assert read == was_read
            mixer.resume(stream)
            mixer.resume(stream)
            assert not mixer.stats().streams["file"].is_paused
            out += [await anext(mixer) for _ in range(60)]
        heard = [block for block in (reference.ints(frame.data) for frame in out) if any(block)]
        given = [reference.ints(block) for block in samples]
        faded = [a != b for a, b in zip(heard, given, strict=True)]
        assert sum(faded) == 2
        assert faded.index(True) + 1 == len(faded) - 1 - faded[::-1].index(True)

    run(main())


def test_a_paused_stream_keeps_the_iteration_alive() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=80, capacity=1) as mixer:
            stream = ready([AudioFrame(reference.pcm([5] * 80), RATE, 1, 80)] * 6)
            mixer.add_stream(stream)
            mixer.end_input()
            await anext(mixer)
            mixer.pause(stream)
            got = [await anext(mixer), await anext(mixer)]
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(mixer), 60)
            mixer.resume(stream)
            got += [frame async for frame in mixer]
            assert sum(frame.samples_per_channel for frame in got) == 5 * 80

    run(main())


async def limited(samples: np.ndarray, rate: int, ceiling_dbfs: float) -> np.ndarray:
    """The samples times 4 through the limiter of a mixer."""
    block = rate // 100
    frames = [AudioFrame(part.astype(np.int16).tobytes(), rate, 1, block) for part in samples.reshape(-1, block)]
    async with AudioMixer(rate, 1, blocksize=block, capacity=1000, ceiling_dbfs=ceiling_dbfs) as mixer:
        mixer.add_stream(ready(frames), gain=4.0)
        mixer.end_input()
        return np.concatenate([np.frombuffer(mixed.data, np.int16) async for mixed in mixer])


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000, 96000])
def test_the_limiter_is_late_by_5_ms_and_lets_go_in_100(rate: int) -> None:
    """Loud for 10 ms, then quiet: a reduction falls to 1/e in 100 ms."""
    samples = np.full(rate // 100 * 40, 2000)
    samples[: rate // 100] = 30000
    out = run(limited(samples, rate, -1.0))
    assert np.flatnonzero(out)[0] == round(0.005 * rate) - 1
    reduction = 1 - out / 8000.0
    early, later = reduction[round(0.06 * rate)], reduction[round(0.16 * rate)]
    assert later / early == pytest.approx(math.exp(-1), rel=0.01)


@pytest.mark.parametrize("ceiling_dbfs", [-60.0, -59.8, -20.0, -6.0, -1.0, 0.0])
def test_the_ceiling_is_reached_and_not_passed(ceiling_dbfs: float) -> None:
    ceiling = math.floor(32768 * 10 ** (ceiling_dbfs / 20))
    for sign in (1, -1):
        out = run(limited(np.full(4800, sign * 30000), 48000, ceiling_dbfs)).astype(int) * sign
        assert min(ceiling, 32767) - max(1, ceiling // 1000) <= out.max() <= min(ceiling, 32767 + (sign < 0))


def test_the_limiter_tells_its_reduction_and_gives_out_what_it_holds() -> None:
    async def main() -> None:
        loud = [AudioFrame(reference.pcm([30000] * 80), RATE, 1, 80)] * 10
        async with AudioMixer(RATE, 1, blocksize=80, ceiling_dbfs=-6.0, capacity=1) as mixer:
            assert mixer.stats().reduction_db == 0
            mixer.add_stream(ready(loud))
            mixer.add_stream(ready(loud))
            mixer.end_input()
            out = [await anext(mixer) for _ in range(9)]
            assert mixer.stats().reduction_db == pytest.approx(20 * math.log10(60000 / 16422), abs=0.01)
            out += [frame async for frame in mixer]
        samples = samples_of(out)
        assert len(samples) == 11 * 80
        assert samples.max() == math.floor(32768 * 10 ** (-6 / 20))
        assert (samples[39 : 39 + 800] > 16000).sum() > 780
        assert (samples[39 + 800 :] == 0).all()

    run(main())


def test_refusals() -> None:
    for wrong in (0.1, -60.1, math.nan):
        with pytest.raises(ValueError, match="ceiling_dbfs"):
            AudioMixer(RATE, 1, ceiling_dbfs=wrong)
    stereo, mono = AudioMixer(RATE, 2), AudioMixer(RATE, 1)
    for options in (
        {"pan": 1.1}, {"pan": math.nan}, {"delay_ms": -1}, {"delay_ms": 10_001}, {"fade_in_ms": -1},
        {"duck_under": "me"}, {"duck_db": 1}, {"duck_db": -121}, {"attack_ms": -1}, {"release_ms": -1},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=next(iter(options))):
            stereo.add_stream(Feed(), name="me", **options)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="duck_under"):
        stereo.add_stream(Feed(), duck_under=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="pan: expected 0 in a mixer of 1 channels"):
        mono.add_stream(Feed(), pan=0.5)
    assert stereo.stats().streams == mono.stats().streams == {}
    for call in (stereo.pause, stereo.resume, lambda s: stereo.set_pan(s, 0), lambda s: stereo.fade_out(s, 5)):
        with pytest.raises(ValueError, match="not a stream of this AudioMixer"):
            call(Feed())


def test_shapes_go_on_in_real_time() -> None:
    """A mixer that keeps time pauses, delays, ducks and fades as any other does."""

    async def main() -> None:
        frame = AudioFrame(reference.pcm([1000] * 80), RATE, 1, 80)
        async with AudioMixer(RATE, 1, blocksize=80, realtime=True, ceiling_dbfs=-1.0) as mixer:
            music, voice = ready([frame] * 1000), Feed()
            mixer.add_stream(music, name="music", duck_under="voice", duck_db=-20, attack_ms=0, release_ms=0)
            mixer.add_stream(voice, name="voice", delay_ms=200)
            levels = [int(samples_of([await anext(mixer)]).max()) for _ in range(30)]
            assert levels[-1] == 1000
            for _ in range(20):
                voice.push(reference.pcm([500] * 80), 1)
            levels = [int(samples_of([await anext(mixer)]).max()) for _ in range(60)]
            assert 600 in levels
            assert levels[-1] == 1000
            mixer.pause(music)
            assert [int(samples_of([await anext(mixer)]).max()) for _ in range(5)][-1] == 0
            mixer.resume(music)
            assert [int(samples_of([await anext(mixer)]).max()) for _ in range(20)][-1] == 1000
            mixer.fade_out(music, 50)
            assert [int(samples_of([await anext(mixer)]).max()) for _ in range(10)][-1] == 0
            assert list(mixer.stats().streams) == ["voice"]

    run(main())
