"""OutputPlayer on a sound card in virtual time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioSource, DeviceState, LocalAudioTrack, OutputPlayer
from tests.support.randomness import Rand
from tests.support.sound_card import SoundCard, plug_in, refusal
from tests.support.speakers import BLOCK, RATE, at_once, frames, heard, in_time, player, ramp
from tests.support.virtual_time import run


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SoundCard:
    return plug_in(monkeypatch, SoundCard())


def test_a_stream_is_heard_to_the_sample(card: SoundCard, rand: Rand) -> None:
    samples = ramp(rand.randrange(20_000, 60_000))

    async def main() -> None:
        async with player() as speaker:
            speaker.add_stream(at_once(samples, rand.choice([1, 100, 480, 1000, 7000])))
            await speaker.start()
            await asyncio.wait_for(speaker.wait_for_playout(), 5)
            stats = speaker.stats()
            assert (stats.gap_ms, stats.dropped_ms, stats.num_stalls, stats.num_inputs) == (0, 0, 0, 0)

    run(main())
    assert np.array_equal(heard(card), samples)


def test_a_track_is_heard_to_the_sample_and_soon(card: SoundCard) -> None:
    samples = ramp(RATE)

    async def main() -> None:
        source = AudioSource(RATE, 1)
        speaker = player()
        await speaker.add_track(LocalAudioTrack.create_audio_track("voice", source))
        await speaker.start()
        await asyncio.sleep(0.5035)
        before = len(card.heard)
        for frame in frames(samples):
            await source.capture_frame(frame)
        await source.wait_for_playout()
        await speaker.wait_for_playout()
        first = next(i for i, block in enumerate(card.heard) if any(block))
        assert first - before <= 3  # blocks of 10 ms
        assert speaker.stats().gap_ms == 0
        await speaker.aclose()
        await source.aclose()

    run(main())
    assert np.array_equal(heard(card), samples)


def test_tracks_and_streams_are_summed(card: SoundCard) -> None:
    one, two = np.full(24_000, 100, np.int16), np.full(24_000, 20_000, np.int16)

    async def main() -> None:
        async with player() as speaker:
            speaker.add_stream(at_once(one))
            speaker.add_stream(at_once(two))
            speaker.add_stream(at_once(two))
            await speaker.start()
            await speaker.wait_for_playout()

    run(main())
    assert np.array_equal(heard(card), np.full(24_000, 32767, np.int16))


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_other_formats_are_converted(card: SoundCard, rate: int) -> None:
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)

    async def stereo() -> AsyncIterator[AudioFrame]:
        yield AudioFrame(np.repeat(tone, 2).tobytes(), rate, 2, len(tone))

    async def main() -> None:
        async with player() as speaker:
            speaker.add_stream(stereo())
            await speaker.start()
            await speaker.wait_for_playout()

    run(main())
    sound = card.sound[:, 0].astype(float)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert abs(np.argmax(spectrum) * RATE / len(sound) - 440) < 2
    assert abs(np.count_nonzero(np.abs(sound) > 10) / RATE - 1) < 0.02


@pytest.mark.parametrize(("rate", "channels"), [(48000, 2), (44100, 1), (16000, 2)])
def test_a_device_of_another_format(monkeypatch: pytest.MonkeyPatch, rate: int, channels: int) -> None:
    card = plug_in(monkeypatch, SoundCard(rate, channels))
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.int16)

    async def main() -> None:
        async with player() as speaker:
            speaker.add_stream(at_once(tone))
            await speaker.start()
            await speaker.wait_for_playout()
            assert speaker.stats().gap_ms == 0

    run(main())
    sound = card.sound
    assert all(np.array_equal(sound[:, 0], sound[:, i]) for i in range(channels))
    spectrum = np.abs(np.fft.rfft(sound[:, 0] * np.hanning(len(sound))))
    assert abs(np.argmax(spectrum) * rate / len(sound) - 440) < 2


@pytest.mark.parametrize(("mixed", "there"), [(2, 6), (4, 2)])
def test_channels_go_to_their_namesakes(monkeypatch: pytest.MonkeyPatch, mixed: int, there: int) -> None:
    card = plug_in(monkeypatch, SoundCard(num_channels=there))
    samples = np.stack([ramp(4800, first=100 * i) for i in range(mixed)], axis=1)

    async def stream() -> AsyncIterator[AudioFrame]:
        yield AudioFrame(samples.tobytes(), RATE, mixed, len(samples))

    async def main() -> None:
        async with OutputPlayer(None, RATE, mixed, None, blocksize=BLOCK) as speaker:
            speaker.add_stream(stream())
            await speaker.start()
            await speaker.wait_for_playout()

    run(main())
    first = np.flatnonzero(card.sound[:, 0])[0]
    sound = card.sound[first : first + len(samples)]
    same = min(mixed, there)
    assert np.array_equal(sound[:, :same], samples[:, :same])
    assert not sound[:, same:].any()


def test_a_stream_is_read_no_faster_than_it_is_played(card: SoundCard) -> None:
    num_read = 0

    async def endless() -> AsyncIterator[AudioFrame]:
        nonlocal num_read
        while True:
            num_read += 1
            yield AudioFrame.create(RATE, 1, BLOCK)

    async def main() -> None:
        async with player() as speaker:
            speaker.add_stream(endless())
            await speaker.start()
            await asyncio.sleep(10)
            assert 1000 <= num_read <= 1010

    run(main())


def test_pause_and_resume_go_on_there_without_a_click(card: SoundCard) -> None:
    level = np.full(RATE, 10_000, np.int16)

    async def main() -> None:
        async with player() as speaker:
            speaker.add_stream(at_once(level))
            await speaker.start()
            await asyncio.sleep(0.3)
            speaker.pause()
            speaker.pause()
            assert speaker.paused
            await asyncio.sleep(1)
            speaker.resume()
            await speaker.wait_for_playout()

    run(main())
    sound = card.sound[:, 0].astype(int)
    assert np.abs(np.diff(sound[:-10])).max() <= 10_000
    inside = sound[np.flatnonzero(sound)[0] : np.flatnonzero(sound)[-1]]
    assert np.abs(np.diff(inside)).max() < 100  # a fade of 5 ms has steps of 42
    assert abs((inside == 0).sum() / RATE - 1) < 0.02
    assert abs((inside != 0).sum() - RATE) <= 4  # the ends of the fades are 0


def test_clear_fades_and_drops_what_is_queued(card: SoundCard) -> None:
    async def main() -> None:
        async with player(buffer_ms=500) as speaker:
            speaker.add_stream(at_once(np.full(RATE // 2, 10_000, np.int16)))
            await speaker.start()
            await asyncio.sleep(0.2)
            speaker.clear(fade_ms=20)
            assert speaker.stats().queued_ms == 0
            await asyncio.sleep(0.1)
            quiet = len(card.heard)
            await asyncio.sleep(0.1)
            assert not any(card.heard[quiet - 2])

    run(main())
    sound = card.sound[:, 0].astype(int)
    there = np.flatnonzero(sound)
    first = there[0]
    falling = np.diff(sound[first : first + RATE // 2])
    assert falling.min() >= -15  # over 20 ms, by 10.4 a sample


def test_a_lost_device_comes_back_in_the_same_player(card: SoundCard, caplog: pytest.LogCaptureFixture) -> None:
    changes = []

    async def main() -> None:
        async with player() as speaker:
            iterated = []
            iterating = asyncio.create_task(anext(speaker.state_changes()))
            stop = speaker.on_state_change(changes.append)
            speaker.add_stream(in_time(ramp(6 * RATE)), live=True)
            await speaker.start()
            await asyncio.sleep(0.5)
            iterated.append(await iterating)
            assert iterated[0].state is DeviceState.RUNNING
            card.refusals = [refusal(), refusal()]
            card.workers[0].lose("pulled out")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert speaker.state is DeviceState.LOST
            assert speaker.reason == "pulled out"
            await asyncio.sleep(2)
            assert speaker.state is DeviceState.RECOVERED
            assert card.workers[0].num_closed == 1
            assert speaker.stats().queued_ms <= 40  # no old backlog
            assert speaker.stats().num_reopened == 1
            await asyncio.sleep(0.5)
            stop()

    with caplog.at_level(logging.INFO):
        run(main())
    assert [change.state for change in changes] == [DeviceState.RUNNING, DeviceState.LOST, DeviceState.RECOVERED]
    assert sum("lost" in record.getMessage() for record in caplog.records) == 1
    assert any(any(block) for block in card.heard[-20:])


def test_a_live_stream_fills_no_memory_while_there_is_no_device(card: SoundCard) -> None:
    async def main() -> None:
        async with player() as speaker:
            speaker.add_stream(in_time(ramp(30 * RATE)), live=True)
            await speaker.start()
            await asyncio.sleep(1)
            card.refusals = [refusal() for _ in range(1000)]
            card.workers[0].lose("pulled out")
            for _ in range(25):
                await asyncio.sleep(1)
                assert speaker.stats().queued_ms <= 50

    run(main())


@pytest.mark.parametrize("buffer_ms", [0, 30, 500])
def test_a_stream_goes_on_after_a_loss(card: SoundCard, buffer_ms: float) -> None:
    async def main() -> None:
        async with player(buffer_ms=buffer_ms) as speaker:
            speaker.add_stream(at_once(ramp(3 * RATE)))
            await speaker.start()
            await asyncio.sleep(0.7)
            card.workers[0].lose()
            await asyncio.sleep(1)
            before = len(card.heard)
            await asyncio.wait_for(speaker.wait_for_playout(), 5)
            # Only what was on its way to the device is lost.
            sound = np.frombuffer(b"".join(card.heard[before - 90 :]), np.int16)
            assert np.count_nonzero(sound) >= 3 * RATE - (0.8 + buffer_ms / 1000) * RATE

    run(main())


def test_an_input_that_raises_is_removed_and_said_once(card: SoundCard, caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> AsyncIterator[AudioFrame]:
        for frame in frames(ramp(BLOCK * 10)):
            yield frame
        raise OSError("torn")

    async def main() -> None:
        async with player() as speaker:
            speaker.add_stream(broken())
            await speaker.start()
            await speaker.wait_for_playout()

    run(main())
    assert np.array_equal(heard(card), ramp(BLOCK * 10))
    assert next(record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR).endswith("torn")
    assert sum(record.levelno >= logging.ERROR for record in caplog.records) == 1


def test_add_track_needs_no_await(card: SoundCard) -> None:
    async def main() -> None:
        sources = [AudioSource(RATE, 1) for _ in range(3)]
        tracks = [LocalAudioTrack.create_audio_track("t", source) for source in sources]
        async with player() as speaker:
            speaker.add_track(tracks[0])
            await speaker.add_track(tracks[1])
            await asyncio.create_task(speaker.add_track(tracks[2]))
            await speaker.add_track(tracks[2])
            assert speaker.stats().num_inputs == 3
            speaker.remove_track(tracks[0])
            await speaker.remove_track(tracks[0])
            assert speaker.stats().num_inputs == 2
            await speaker.start()
            await sources[1].aclose()
            await asyncio.sleep(0.1)
            assert speaker.stats().num_inputs == 1
            speaker.add_track(tracks[1])
            await asyncio.sleep(0.1)
            assert speaker.stats().num_inputs == 1  # its end is found at once
        for source in sources:
            await source.aclose()

    run(main())
