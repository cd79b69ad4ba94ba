"""Recorder in virtual time: everything is where it was on the clock."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioSource, AudioStream, LocalAudioTrack, Recorder
from tests.support.long_runs import shortened
from tests.support.recordings import MemoryFile, Microphone, clicks, in_memory
from tests.support.virtual_time import VirtualTimeLoop, run

RATE = 8000


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[MemoryFile]:
    return in_memory(monkeypatch)


def recorder(**options: Any) -> Recorder:
    return Recorder("a.wav", **{"sample_rate": RATE, **options})


def tone(seconds: float, value: int = 1000, rate: int = RATE) -> AudioFrame:
    samples = np.full(round(seconds * rate), value, np.int16)
    return AudioFrame(samples, rate, 1, len(samples))


def stalls(at_s: float) -> float:
    """Stalls of 0 to 5 s, one every 20 s; what is late comes in a burst."""
    number = int(at_s // 20)
    length_s = number * 0.5 % 5.5
    return max(0.0, length_s - at_s % 20)


def bursts(at_s: float) -> float:
    """20 frames at a time, by a clock that is 300 ppm fast."""
    return -round(at_s * 1.0003 * 100) % 20 / 100


def jitters_little(at_s: float) -> float:
    return jitters(at_s) / 4


def jitters(at_s: float) -> float:
    """By up to 30 ms, as if at random."""
    return math.sin(at_s * 12_345.678) * 43_758.5453 % 1 * 0.03


def steady(at_s: float) -> float:
    return 0.0


@pytest.mark.parametrize(
    ("ppm", "lateness", "seconds"),
    [
        (300, stalls, shortened(3600)),
        (-300, jitters, shortened(3600)),
        (0, stalls, 600),
        (0, jitters, 600),
        (0, jitters_little, 600),
        (0, steady, 600),
        (300, steady, 600),
        (-300, stalls, 600),
        (500, jitters, 600),
        (300, bursts, 600),
    ],
)
def test_a_stream_of_another_clock(
    files: list[MemoryFile], ppm: float, lateness: Callable[[float], float], seconds: int
) -> None:
    microphone = Microphone(RATE, ppm=ppm, lateness=lateness, per_s=50 if seconds > 600 else 100)
    ppm_found = 0.0

    async def main() -> None:
        async with recorder(num_channels=1) as recording:
            recording.add_stream(microphone.frames())
            await asyncio.sleep(seconds)
            stats = recording.stats().streams["stream 1"]
            assert stats.num_gaps == 0
            nonlocal ppm_found
            ppm_found = stats.ppm
            assert recording.duration_s == pytest.approx(seconds)

    run(main())
    samples = files[0].samples
    assert abs(len(samples) - seconds * RATE) <= 1
    found = clicks(samples, RATE)
    count = len(found)
    assert count >= seconds - 2
    off = found - np.array(microphone.clicks)[:count]
    print(f"off by {off.min() * 1000:.2f} to {off.max() * 1000:.2f} ms")
    assert np.abs(off).max() <= 0.010
    assert ppm_found == pytest.approx(ppm, abs=50)
    if ppm == 0 and lateness is not jitters:
        assert np.ptp(off) <= 1 / RATE  # not a sample is lost or made


def test_many_on_one_clock(files: list[MemoryFile]) -> None:
    """Three streams of other rates and clocks, one stalled, each on its side."""
    left = Microphone(16_000, ppm=200, lateness=stalls)
    right = Microphone(RATE, ppm=-300, lateness=jitters, value=2000)

    async def main() -> None:
        async with recorder() as recording:
            recording.add_stream(left.frames(), channel=0)
            await asyncio.sleep(0.5)
            recording.add_stream(right.frames(), channel=1)
            await asyncio.sleep(600)

    run(main())
    samples = files[0].samples
    assert abs(len(samples) - 600.5 * RATE) <= 1
    for channel, microphone, begin in ((0, left, 0.0), (1, right, 0.5)):
        found = clicks(samples, RATE, channel)
        assert len(found) >= 598
        off = found - np.array(microphone.clicks)[: len(found)] - begin
        assert np.abs(off).max() <= 0.010


@pytest.mark.parametrize("pause_s", [0.03, 0.2, 1.0, 4.0, 30.0])
@pytest.mark.parametrize("length_s", [0.1, 2.0])
def test_pauses_are_where_they_were(files: list[MemoryFile], pause_s: float, length_s: float) -> None:
    begins = []

    async def talk() -> AsyncIterator[AudioFrame]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        for _ in range(10):
            await asyncio.sleep(pause_s)
            begins.append(loop.time() - start)
            for _ in range(round(length_s * 100)):
                await asyncio.sleep(0.01)
                yield tone(0.01)

    async def main() -> None:
        async with recorder(num_channels=1) as recording:
            recording.add_stream(talk())
            await asyncio.sleep(10 * (pause_s + length_s) + 1)

    run(main())
    sounds = files[0].samples[:, 0] != 0
    edges = np.flatnonzero(np.diff(sounds.astype(int)) == 1) + 1
    assert np.count_nonzero(sounds) == round(10 * length_s * RATE)
    assert len(edges) == 10
    assert np.abs(edges / RATE - np.array(begins)).max() <= 0.010


@pytest.mark.parametrize("rate", [RATE, 24_000, 11_025])
def test_an_interrupted_source_is_recorded_as_it_is_heard(files: list[MemoryFile], rate: int) -> None:
    places: list[tuple[float, float]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        source = AudioSource(rate, 1)
        track = LocalAudioTrack.create_audio_track("agent", source)
        async with recorder() as recording:
            recording.add_track(track, channel=1)
            for number in range(20):
                await asyncio.sleep(0.317 + number / 10)
                begin = loop.time() - start
                await source.capture_frame(tone(0.9, rate=rate))  # faster than real time
                if number % 2:
                    await asyncio.sleep(0.25)
                    source.clear_queue()
                    places.append((begin, 0.25))
                else:
                    await source.wait_for_playout()
                    places.append((begin, 0.9))
            await asyncio.sleep(1)
            assert list(recording.stats().streams) == ["agent"]
            await source.aclose()
            assert recording.stats().streams == {}
            await asyncio.sleep(1)

    run(main())
    samples = files[0].samples
    assert not samples[:, 0].any()
    sounds = np.diff((samples[:, 1] > 500).astype(int), prepend=0, append=0)
    begins, ends = np.flatnonzero(sounds == 1) / RATE, np.flatnonzero(sounds == -1) / RATE
    assert len(begins) == len(places)
    assert np.abs(begins - [begin for begin, _ in places]).max() <= 2 / RATE
    assert np.abs(ends - begins - [length for _, length in places]).max() <= 0.0101  # of what was handed out


def test_a_source_while_the_loop_is_held_up(files: list[MemoryFile]) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, queue_size_ms=20_000)
        track = LocalAudioTrack.create_audio_track("agent", source)
        async with recorder(num_channels=1) as recording:
            recording.add_track(track)
            await asyncio.sleep(1)
            await source.capture_frame(tone(10))
            await asyncio.sleep(1)
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualTimeLoop)
            loop.block(4)
            await asyncio.sleep(7)
            await source.aclose()

    run(main())
    sounds = np.flatnonzero(files[0].samples[:, 0])
    assert len(sounds) == 10 * RATE
    assert abs(sounds[0] - RATE) <= 1
    assert sounds[-1] - sounds[0] == len(sounds) - 1


def test_all_streams_while_the_loop_is_held_up(files: list[MemoryFile]) -> None:
    microphone = Microphone(RATE)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        async with recorder(num_channels=1) as recording:
            recording.add_stream(microphone.frames())
            for _ in range(20):
                await asyncio.sleep(3)
                loop.block(2.5)
            await asyncio.sleep(1)

    run(main())
    found = clicks(files[0].samples, RATE)
    assert len(found) >= 108
    assert np.abs(found - np.array(microphone.clicks)[: len(found)]).max() <= 2 / RATE


def test_the_sdks_way_a_track_that_is_read_by_a_stream(files: list[MemoryFile]) -> None:
    """Events with a frame; the stream says when it is idle."""

    async def main() -> None:
        source = AudioSource(RATE, 1)
        stream = AudioStream(LocalAudioTrack.create_audio_track("a", source), sample_rate=RATE)
        async with recorder(num_channels=1) as recording:
            recording.add_stream(stream)
            for _ in range(3):
                await asyncio.sleep(5)
                await source.capture_frame(tone(0.5))
            await asyncio.sleep(0.8)
            assert recording.stats().written_s > 14.9
        await stream.aclose()
        await source.aclose()

    run(main())
    sounds = np.diff((files[0].samples[:, 0] != 0).astype(int), prepend=0)
    begins = np.flatnonzero(sounds == 1) / RATE
    assert np.abs(begins - [5, 10, 15]).max() <= 0.011  # a stream hands out what begins to be heard


def test_streams_that_misbehave(files: list[MemoryFile], caplog: Any) -> None:
    async def raises() -> AsyncIterator[Any]:
        await asyncio.sleep(1)
        yield tone(0.01)
        raise ValueError("no more")

    async def ends() -> AsyncIterator[Any]:
        await asyncio.sleep(1)
        yield tone(0.01)

    async def never() -> AsyncIterator[Any]:
        await asyncio.sleep(1e6)
        yield tone(0.01)

    async def odd() -> AsyncIterator[Any]:
        yield 17

    async def changes() -> AsyncIterator[Any]:
        for rate, channels in ((8000, 1), (48_000, 2), (8000, 3), (16_000, 1)):
            for _ in range(100):
                await asyncio.sleep(0.01)
                yield AudioFrame(np.full((rate // 100, channels), 500, np.int16), rate, channels, rate // 100)

    async def main() -> None:
        async with recorder() as recording:
            recording.add_stream(raises(), name="raises")
            recording.add_stream(ends(), name="ends")
            recording.add_stream(never(), name="never")
            recording.add_stream(odd(), name="odd")
            recording.add_stream(changes(), name="changes", channel=1)
            await asyncio.sleep(3.5)
            assert set(recording.stats().streams) == {"never", "changes"}
            assert recording.stats().written_s > 3
            await asyncio.sleep(6.5)

    run(main())
    samples = files[0].samples
    assert len(samples) == 10 * RATE
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 2
    assert any("'raises' failed and is removed: no more" in error for error in errors)
    assert any("'odd' failed and is removed" in error for error in errors)
    right = np.flatnonzero(samples[:, 1] > 400)
    assert abs(right[-1] - 4 * RATE) <= 2


def test_channels_that_cannot_be_converted_are_silence(files: list[MemoryFile], caplog: Any) -> None:
    async def three() -> AsyncIterator[Any]:
        for channels in (1, 3, 1):
            for _ in range(100):
                await asyncio.sleep(0.01)
                yield AudioFrame(np.full((RATE // 100, channels), 500, np.int16), RATE, channels, RATE // 100)

    async def main() -> None:
        async with recorder() as recording:
            recording.add_stream(three())
            await asyncio.sleep(2.5)
            assert recording.stats().streams["stream 1"].num_refused == 100
            await asyncio.sleep(2.5)

    run(main())
    samples = files[0].samples[:, 0]
    assert (samples[:RATE] == 500).all()
    assert not samples[RATE : 2 * RATE].any()
    assert (samples[2 * RATE : 3 * RATE] == 500).all()
    assert len(caplog.records) == 1


def test_a_stream_that_is_always_ready_is_read_as_the_clock_goes(files: list[MemoryFile]) -> None:
    num_read = 0

    async def ready() -> AsyncIterator[AudioFrame]:
        nonlocal num_read
        while True:
            num_read += 1
            yield tone(0.01)

    async def main() -> None:
        async with recorder(num_channels=1) as recording:
            await asyncio.sleep(1)
            recording.add_stream(ready())
            await asyncio.sleep(10)
            assert 1000 <= num_read <= 1120
            recording.pause()
            await asyncio.sleep(10)
            assert num_read <= 2250
            recording.resume()
            await asyncio.sleep(10)

    run(main())
    samples = files[0].samples[:, 0]
    assert len(samples) == 21 * RATE
    assert np.flatnonzero(samples)[0] == RATE
    assert (samples[RATE:] != 0).all()


@pytest.mark.parametrize("how", ["in a pause", "after the end"])
def test_what_is_not_recorded_is_read_no_faster_than_it_would_be_heard(files: list[MemoryFile], how: str) -> None:
    num_read = 0

    async def ready() -> AsyncIterator[AudioFrame]:
        nonlocal num_read
        while True:
            num_read += 1
            yield tone(0.01)

    async def main() -> None:
        async with recorder(num_channels=1, max_duration_s=2 if how == "after the end" else None) as recording:
            if how == "in a pause":
                recording.pause()
            else:
                await asyncio.sleep(3)
            recording.add_stream(ready())
            await asyncio.sleep(10)
            assert 990 <= num_read <= 1120

    run(main())


def test_pause_takes_no_time(files: list[MemoryFile]) -> None:
    microphone = Microphone(RATE)

    async def main() -> None:
        async with recorder(num_channels=1) as recording:
            recording.add_stream(microphone.frames())
            await asyncio.sleep(10.25)
            recording.pause()
            recording.pause()
            assert recording.paused
            await asyncio.sleep(7.5)
            assert recording.duration_s == pytest.approx(10.25)
            recording.resume()
            recording.resume()
            await asyncio.sleep(5)
            assert recording.duration_s == pytest.approx(15.25)

    run(main())
    samples = files[0].samples
    assert abs(len(samples) - 15.25 * RATE) <= 1
    expected = [*range(11), *np.arange(18, 22.6) - 7.5]
    assert np.abs(clicks(samples, RATE) - expected).max() <= 0.010


def test_split_loses_no_sample(files: list[MemoryFile]) -> None:
    async def count() -> AsyncIterator[AudioFrame]:
        number = 1
        while True:
            await asyncio.sleep(0.01)
            samples = (np.arange(number, number + 80) % 30_000 + 1).astype(np.int16)
            number += 80
            yield AudioFrame(samples, RATE, 1, 80)

    async def main() -> None:
        async with recorder(num_channels=1) as recording:
            recording.add_stream(count())
            recording.mark("one")
            await asyncio.sleep(1.2345)
            recording.split("b.wav")
            recording.split("c.wav")
            await asyncio.sleep(2.5)
            recording.mark("zwei ü")
            recording.split("d.wav")

    run(main())
    assert [file.path.name for file in files] == ["a.wav", "b.wav", "c.wav", "d.wav"]
    assert [len(file.samples) for file in files] == [9876, 0, 20_000, 0]
    assert all(file.ended for file in files)
    samples = np.concatenate([file.samples[:, 0] for file in files]).astype(int)
    there = samples[: np.flatnonzero(samples)[-1] + 1]
    assert len(there) > 29_700
    assert set(np.diff(there)) <= {1, 1 - 30_000}
    assert [json.loads(line) for line in files[0].marks] == [{"at_s": 0, "text": "one"}]
    assert [json.loads(line) for line in files[2].marks] == [{"at_s": 2.5, "text": "zwei ü"}]


@pytest.mark.parametrize("seconds", [0.3, 1.23456])
def test_a_recording_ends_at_its_longest(files: list[MemoryFile], seconds: float) -> None:
    """To the sample, whatever a stream, a track, and one that is always ready go on to deliver."""
    source = AudioSource(RATE, 1)
    read = 0

    async def ready() -> AsyncIterator[AudioFrame]:
        nonlocal read
        while True:
            read += 1
            yield tone(0.1, 100)

    async def main() -> None:
        async with recorder(num_channels=3, max_duration_s=seconds) as recording:
            recording.add_stream(Microphone(RATE, ppm=200).frames(), channel=0)
            recording.add_stream(ready(), channel=1)
            recording.add_track(LocalAudioTrack.create_audio_track("a", source), channel=2)
            for _ in range(50):
                await source.capture_frame(tone(0.1))
                recording.mark("x")
            assert recording.duration_s == seconds
            assert not recording.paused

    run(main())
    samples = files[0].samples
    assert len(samples) == round(seconds * RATE)
    assert (samples[:, 1] == 100).all()
    assert (samples[RATE // 50 :, 2] == 1000).all()
    assert read < 75
    assert json.loads(files[0].marks[-1]) == {"at_s": seconds, "text": "x"}


def test_sound_that_a_slow_disk_has_lost_is_counted_over_all_files(files: list[MemoryFile]) -> None:
    async def main() -> None:
        async with recorder() as recording:
            for number in range(3):
                files[-1].num_lost = RATE // 100
                await asyncio.sleep(1)
                recording.split(f"{number}.wav")
                await asyncio.sleep(1)
            assert recording.stats().lost_ms == pytest.approx(30)
        assert recording.stats().lost_ms == pytest.approx(30)

    run(main())


def test_write_lies_where_the_caller_says(files: list[MemoryFile]) -> None:
    async def main() -> None:
        async with recorder() as recording:
            for number in range(100):  # faster than real time, of another rate
                frame = AudioFrame(np.full(480, 1000, np.int16), 24_000, 1, 480)
                recording.write(frame, at_s=5 + number * 0.02, channel=0)
            recording.write(tone(1, 500), at_s=6, gain=2.0)
            await asyncio.sleep(3)
            with pytest.raises(ValueError, match=r"at_s: expected 2.\d+ or more, which is not written yet, got 1.0"):
                recording.write(tone(1), at_s=1.0)
            with pytest.raises(ValueError, match="expected frames of 1 or 2 channels, got 3"):
                recording.write(AudioFrame.create(RATE, 3, 80), at_s=9)
            await asyncio.sleep(7)

    run(main())
    left, right = files[0].samples.T.astype(int)
    assert len(left) == 10 * RATE
    there = np.flatnonzero(left)
    assert (there[0], there[-1]) == (5 * RATE, 7 * RATE - 1)
    middle = left[5 * RATE + 100 : 7 * RATE - 100].copy()
    middle[RATE - 100 :] -= 1000
    assert np.abs(middle - 1000).max() <= 2  # no gap between the frames
    assert np.array_equal(np.flatnonzero(right), np.arange(6 * RATE, 7 * RATE))
    assert set(right[6 * RATE : 7 * RATE]) == {1000}


def test_what_is_not_settled_is_previewed(files: list[MemoryFile]) -> None:
    """A stream has stopped without a word; the other one is written for the case that the process is killed."""
    stalled, live = Microphone(RATE, until_s=3), Microphone(RATE, value=2000)

    async def stops() -> AsyncIterator[AudioFrame]:
        async for frame in stalled.frames():
            yield frame
        await asyncio.sleep(1e6)

    async def main() -> None:
        async with recorder() as recording:
            recording.add_stream(stops(), channel=0)
            recording.add_stream(live.frames(), channel=1)
            await asyncio.sleep(7.5)
            (file,) = files
            written = len(file.samples)
            assert written <= 3 * RATE
            assert written + len(file.previews[-1]) > 6.8 * RATE
            seen = np.concatenate([file.samples, file.previews[-1]])
            assert list(clicks(seen, RATE, 1)) == list(range(len(clicks(seen, RATE, 1))))
            num_previews = len(file.previews)
            await asyncio.sleep(10)
            assert len(file.previews) <= num_previews + 6
            assert len(file.samples) > 17 * RATE

    run(main())
    samples = files[0].samples
    assert list(clicks(samples, RATE, 0)) == [0, 1, 2]
    assert list(clicks(samples, RATE, 1)) == list(range(18))[: len(clicks(samples, RATE, 1))]
    assert len(samples) == 17.5 * RATE


def test_what_is_removed_stays_recorded(files: list[MemoryFile]) -> None:
    microphone = Microphone(RATE)
    stream = microphone.frames()

    async def main() -> None:
        async with recorder(num_channels=1) as recording:
            recording.add_stream(stream)
            with pytest.raises(ValueError, match="is recorded already"):
                recording.add_stream(stream)
            await asyncio.sleep(3.5)
            recording.remove_stream(stream)
            with pytest.raises(ValueError, match="stream: expected one of this Recorder"):
                recording.remove_stream(stream)
            await asyncio.sleep(3.5)

    run(main())
    assert len(files[0].samples) == 7 * RATE
    assert list(clicks(files[0].samples, RATE)) == [0, 1, 2, 3]


def test_late_frames_of_a_removed_stream(files: list[MemoryFile]) -> None:
    """A stream that ends by itself may be removed afterwards, and a track too."""

    async def short() -> AsyncIterator[AudioFrame]:
        yield tone(0.01)

    stream = short()

    async def main() -> None:
        source = AudioSource(RATE, 1)
        track = LocalAudioTrack.create_audio_track("a", source)
        async with recorder(num_channels=1) as recording:
            recording.add_stream(stream)
            recording.add_track(track)
            await asyncio.sleep(1)
            recording.remove_stream(stream)
            recording.remove_track(track)
            recording.add_track(track, name="again")
            await source.aclose()
            recording.remove_track(track)
            with pytest.raises(ValueError, match="track: expected one of this Recorder"):
                recording.remove_track(LocalAudioTrack.create_audio_track("b", source))

    run(main())
