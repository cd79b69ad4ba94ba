"""AudioStream: each reader gets all the audio, in its own format, in memory of its own."""

from __future__ import annotations

import asyncio
import gc
import math
import threading
import weakref
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from livekit_utils import (
    AudioFrame,
    AudioFrameEvent,
    AudioMixer,
    AudioSource,
    AudioStream,
    AudioStreamStats,
    LocalAudioTrack,
    LocalVideoTrack,
    TrackKind,
    VideoSource,
)
from livekit_utils.tracks.audio_source import _IDLE_S
from tests.support.randomness import Rand
from tests.support.tape import RATE, Tape, constant, converted, filled_up, now, read, samples_of, soon, turns
from tests.support.virtual_time import run


def track_of(source: AudioSource) -> LocalAudioTrack:
    return LocalAudioTrack.create_audio_track("voice", source)


def counted(num_frames: int, num_dropped_frames: int = 0, num_queued_frames: int = 0) -> AudioStreamStats:
    return AudioStreamStats(
        num_frames=num_frames,
        num_dropped_frames=num_dropped_frames,
        num_queued_frames=num_queued_frames,
        num_processor_failures=0,
    )


def noise(rand: Rand, samples: int, rate: int = RATE, channels: int = 1) -> AudioFrame:
    return AudioFrame(rand.quiet_pcm(samples * channels), rate, channels, samples)


async def play(source: AudioSource, *frames: AudioFrame) -> None:
    for frame in frames:
        await source.capture_frame(frame)
    await source.wait_for_playout()


@pytest.mark.parametrize(
    ("source_rate", "source_channels"), [(48000, 1), (48000, 2), (44100, 1), (22050, 2), (8000, 1), (11025, 1)]
)
def test_each_in_its_own_format(rand: Rand, source_rate: int, source_channels: int) -> None:
    formats = [
        (rate, channels, ms)
        for rate in (48000, 16000, 24000, 44100, source_rate)
        for channels in {1, source_channels, 2 if source_channels == 1 else 1}
        for ms in (None, 5, 20, 32.5, 1000)
    ]

    async def main() -> None:
        source = AudioSource(source_rate, source_channels)
        track = track_of(source)
        streams = [AudioStream(track, None, 0, *given) for given in formats]
        whole = noise(rand, round(source_rate * 0.7371), source_rate, source_channels)
        samples = np.asarray(whole)
        at = 0
        while at < len(samples):
            piece = samples[at : at + rand.randrange(1, 3000)]
            await source.capture_frame(AudioFrame(piece, source_rate, source_channels, len(piece)))
            at += len(piece)
        await source.wait_for_playout()
        await source.aclose()
        for (rate, channels, ms), stream in zip(formats, streams, strict=True):
            frames = await read(stream)
            size = math.floor(Fraction(rate) * Fraction(ms or 10) / 1000)
            assert {(f.sample_rate, f.num_channels) for f in frames} == {(rate, channels)}
            assert {f.samples_per_channel for f in frames[:-1]} <= {size}
            assert 0 < frames[-1].samples_per_channel <= size
            expected = converted(whole, rate, channels)
            if ms is not None:
                expected = filled_up(expected, 2 * channels * size)
            assert samples_of(frames) == expected, (rate, channels, ms)
            assert stream.stats() == counted(len(frames))

    run(main())


def test_defaults_and_both_constructors() -> None:
    async def main() -> None:
        source = AudioSource(16000, 2)
        track = track_of(source)
        streams = [
            AudioStream(track),
            AudioStream.from_track(track=track),
            AudioStream(track, sample_rate=48000, num_channels=1, frame_size_ms=10, capacity=0),
            AudioStream.from_track(
                track=track, loop=None, capacity=0, sample_rate=48000, num_channels=1, frame_size_ms=None
            ),
        ]
        await play(source, constant(5, 20, 16000, 2))
        await source.aclose()
        for stream in streams:
            assert repr(stream) == "AudioStream(track='voice', sample_rate=48000, num_channels=1)"
            assert aiter(stream) is stream
            event = await anext(stream)
            assert isinstance(event, AudioFrameEvent)
            assert (event.frame.sample_rate, event.frame.num_channels, event.frame.samples_per_channel) == (
                48000,
                1,
                480,
            )

    run(main())


def test_a_track() -> None:
    source = AudioSource(RATE, 1)
    one, other = track_of(source), track_of(source)
    assert (one.name, one.kind, one.muted) == ("voice", TrackKind.KIND_AUDIO, False)
    assert one.sid != other.sid
    assert one.sid.startswith("TR_")
    for name in (None, 3, b"x"):
        with pytest.raises(TypeError, match="name"):
            LocalAudioTrack.create_audio_track(name, source)  # type: ignore[arg-type]
    for wrong in (None, VideoSource(2, 2), one, AudioSource):
        with pytest.raises(TypeError, match="AudioSource"):
            LocalAudioTrack.create_audio_track("x", wrong)  # type: ignore[arg-type]


def test_frames_are_owned_by_their_reader(rand: Rand) -> None:
    """Changing one changes nothing in another stream, in a later frame, or in the pusher's buffer."""
    for queue_ms in (0, 1000):

        async def main(queue_ms: float = queue_ms) -> None:
            source = AudioSource(RATE, 1, queue_ms)
            track = track_of(source)
            streams = [AudioStream(track, frame_size_ms=ms) for ms in (10, 10, 20, 7)]
            original = rand.pcm(9600)
            data = bytearray(original)
            await play(source, AudioFrame(data, RATE, 1, 9600))
            assert data == original
            data[:] = bytes(len(data))
            await source.aclose()
            for stream in streams:
                heard = b""
                async for event in stream:
                    heard += bytes(event.frame.data)
                    np.asarray(event.frame)[:] = -1
                assert heard.rstrip(b"\0") == original.rstrip(b"\0")
            assert data == bytes(len(data))

        run(main())


@pytest.mark.parametrize("capacity", [1, 3, 50])
def test_capacity_drops_the_oldest(capacity: int, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        track = track_of(source)
        bounded, unbounded = AudioStream(track, capacity=capacity), AudioStream(track)
        await play(source, *[constant(i) for i in range(1, 61)])
        assert bounded.stats() == counted(60, num_dropped_frames=60 - capacity, num_queued_frames=capacity)
        assert unbounded.stats() == counted(60, num_queued_frames=60)
        await source.aclose()
        assert [f.data[0] for f in await read(bounded)] == list(range(61 - capacity, 61))
        assert [f.data[0] for f in await read(unbounded)] == list(range(1, 61))

    run(main())
    assert len(caplog.records) == 1
    assert "voice" in caplog.records[0].getMessage()


def test_a_steadily_slow_reader_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        stream = AudioStream(track_of(source), capacity=5)
        pusher = asyncio.create_task(play(source, *[constant(1)] * 3000))
        for _ in range(1000):
            await asyncio.sleep(0.03)
            await anext(stream)
        await pusher
        assert stream.stats().num_dropped_frames > 1900
        await source.aclose()

    run(main())
    assert 1 <= len(caplog.records) <= 3


def test_a_dead_reader_holds_up_nobody() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 100)
        tape = Tape(source)
        track = track_of(source)
        dead, alive = AudioStream(track, capacity=2), AudioStream(track)
        reader = asyncio.create_task(read(alive))
        stuck = asyncio.create_task(anext(dead))  # type: ignore[arg-type]
        await play(source, *[constant(1, 100)] * 100)
        tape.assert_on_time()
        await source.aclose()
        assert len(await reader) == 1000
        await stuck

    run(main())


def test_what_is_queued_is_delivered_before_the_end() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        stream = AudioStream(track_of(source))
        await play(source, *[constant(i) for i in range(1, 6)])
        await source.aclose()
        assert [f.data[0] for f in await read(stream)] == [1, 2, 3, 4, 5]
        for _ in range(10):
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
        assert await read(stream) == []

    run(main())


@pytest.mark.parametrize("rate", [48000, 16000, 44100])
def test_a_break_gives_out_what_was_held_back(rand: Rand, rate: int) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        stream = AudioStream(track_of(source), sample_rate=rate, frame_size_ms=20)
        for _ in range(3):
            sound = noise(rand, 1200)  # 25 ms
            got: list[AudioFrame] = []
            begin = now()
            await source.capture_frame(sound)
            while sum(f.samples_per_channel for f in got) < rate * 25 // 1000:
                got.append((await soon(anext(stream), 1)).frame)  # type: ignore[attr-defined, arg-type]
            assert now() <= begin + 0.025 + _IDLE_S + 0.001
            # A stretch of its own; frames are 20 ms, as was asked for.
            assert samples_of(got) == filled_up(converted(sound, rate, 1), 2 * (rate // 50))
            await asyncio.sleep(rand.random())
        await source.aclose()
        assert await read(stream) == []

    run(main())


def test_captures_in_time_are_one_stretch(rand: Rand) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        stream = AudioStream(track_of(source), sample_rate=16000, frame_size_ms=30)
        whole = noise(rand, 480 * 40)
        for i in range(40):
            await source.capture_frame(AudioFrame(whole.data[480 * i : 480 * (i + 1)], RATE, 1, 480))
            await asyncio.sleep(0.01 + rand.choice([0, 0.005, 0.02]))
        await source.aclose()
        frames = await read(stream)
        assert samples_of(frames) == filled_up(converted(whole, 16000, 1), 960)
        assert {f.samples_per_channel for f in frames} == {480}

    run(main())


def test_late_readers_and_late_streams() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        track = track_of(source)
        early = AudioStream(track)
        task = asyncio.create_task(play(source, *[constant(i) for i in range(1, 21)]))
        await asyncio.sleep(0.095)  # ten chunks are out
        late = AudioStream(track)
        await task
        await source.aclose()
        after = AudioStream(track)  # on a track that has ended
        assert [f.data[0] for f in await read(early)] == list(range(1, 21))
        assert [f.data[0] for f in await read(late)] == list(range(11, 21))
        assert await soon(read(after)) == []
        await after.aclose()

    run(main())


@pytest.mark.parametrize("read_first", [False, True])
def test_a_stream_that_is_dropped_without_close_is_gone(read_first: bool) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        stream = AudioStream(track_of(source), sample_rate=16000)
        await play(source, constant(1, 25))
        if read_first:
            await anext(stream)
        gone = weakref.ref(stream)
        del stream
        gc.collect()
        assert gone() is None
        assert len(source._fan_out) == 0
        await play(source, constant(1, 25))
        await source.aclose()

    run(main())


def test_a_mixer_takes_streams_as_they_are(rand: Rand) -> None:
    async def main() -> None:
        sources = [AudioSource(RATE, 1) for _ in range(3)]
        sounds = [noise(rand, 48000) for _ in sources]
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            for source in sources:
                mixer.add_stream(AudioStream(track_of(source)))
            mixer.end_input()
            players = [asyncio.create_task(play(*both)) for both in zip(sources, sounds, strict=True)]
            mixed = [await anext(mixer) for _ in range(100)]
            await asyncio.gather(*players)
            for source in sources:
                await source.aclose()
            assert [f async for f in mixer] == []
        total = sum(np.frombuffer(sound.data, np.int16).astype(int) for sound in sounds)
        assert np.array_equal(np.frombuffer(samples_of(mixed), np.int16), np.clip(total, -32768, 32767))

    run(main())


def test_mute_is_silence_of_the_same_length() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        muted, other = track_of(source), track_of(source)
        streams = [AudioStream(muted), AudioStream(muted, sample_rate=16000), AudioStream(other)]
        for turn in range(4):
            if turn % 2:
                muted.mute()
                muted.mute()
                assert muted.muted
            else:
                muted.unmute()
            await play(source, constant(100 + turn, 50))
        await source.aclose()
        same, resampled, heard = [await read(stream) for stream in streams]
        assert [f.data[0] for f in same][::5] == [100, 0, 102, 0]
        assert all(len(set(f.data.tolist())) == 1 for f in same)
        assert sum(f.samples_per_channel for f in resampled) == 3200
        assert [f.data[0] for f in heard][::5] == [100, 101, 102, 103]

    run(main())


def test_read_in_another_threads_loop(rand: Rand) -> None:
    """Real time, and short; nothing is measured."""
    sound = noise(rand, 48000 * 3 // 10)
    source = AudioSource(RATE, 1)
    track = track_of(source)
    streams = [AudioStream(track, sample_rate=rate) for rate in (48000, 16000)]
    results: dict[int, bytes] = {}

    def reader(i: int) -> None:
        frames = asyncio.run(asyncio.wait_for(read(streams[i]), 60))
        results[i] = samples_of(frames)

    threads = [threading.Thread(target=reader, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()

    async def main() -> None:
        await play(source, sound)
        await source.aclose()

    asyncio.run(asyncio.wait_for(main(), 60))
    for thread in threads:
        thread.join(60)
    assert results == {0: bytes(sound.data), 1: converted(sound, 16000, 1)}


@pytest.mark.parametrize(
    "arguments",
    [
        {"sample_rate": 0},
        {"sample_rate": -16000},
        {"sample_rate": 100},  # 48000 Hz is more than 256 times that
        {"sample_rate": 2**31},
        {"num_channels": 0},
        {"num_channels": 129},
        {"num_channels": 3},  # two channels cannot become three
        {"capacity": -1},
        {"frame_size_ms": 0},
        {"frame_size_ms": -10},
        {"frame_size_ms": 0.001},
        {"frame_size_ms": 60_001},
        {"frame_size_ms": math.nan},
        {"frame_size_ms": math.inf},
    ],
    ids=str,
)
def test_numbers_out_of_range(arguments: dict[str, Any]) -> None:
    source = AudioSource(RATE, 2)
    makers: list[Callable[..., AudioStream]] = [AudioStream, AudioStream.from_track]
    for make in makers:
        with pytest.raises(ValueError, match=r"expected|got"):
            make(track=track_of(source), **arguments)
    assert len(source._fan_out) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"sample_rate": "16000"},
        {"sample_rate": 16000.0},
        {"num_channels": None},
        {"capacity": 1.5},
        {"capacity": None},
        {"frame_size_ms": []},
        {"frame_size_ms": "20"},
    ],
    ids=str,
)
def test_things_of_another_kind(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        AudioStream(track_of(AudioSource(RATE, 1)), **arguments)


def test_not_a_track() -> None:
    video = LocalVideoTrack.create_video_track("camera", VideoSource(2, 2))
    for wrong in (None, AudioSource(RATE, 1), video, "voice", LocalAudioTrack):
        with pytest.raises(
            TypeError, match="track: expected a track of the LiveKit SDK or a livekit_utils LocalAudioTrack"
        ):
            AudioStream(wrong)  # type: ignore[arg-type]


def test_several_readers_of_one_stream_share_its_frames() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        stream = AudioStream(track_of(source))
        readers = [asyncio.create_task(read(stream)) for _ in range(3)]
        await turns(2)
        await play(source, *[constant(i) for i in range(1, 31)])
        await source.aclose()
        got = await asyncio.gather(*readers)
        assert sorted(f.data[0] for frames in got for f in frames) == list(range(1, 31))

    run(main())


@pytest.mark.parametrize("queue_size_ms", [0, 1000])
def test_frames_without_samples_are_as_if_nothing_had_been_captured(queue_size_ms: int) -> None:
    async def main() -> None:
        async with AudioSource(RATE, 1, queue_size_ms) as source, AudioStream(track_of(source)) as stream:
            idle = []
            for i in range(40):
                await source.capture_frame(constant(1) if i == 20 else AudioFrame.create(RATE, 1, 0))
                await asyncio.sleep(0.019)
                idle.append(stream.idle)
            # It is idle 40 to 50 ms after the only sound.
            assert idle == [True] * 20 + [False] * 2 + [True] * 18
            assert stream.stats() == counted(1, num_queued_frames=1)

    run(main())


@pytest.mark.parametrize(
    ("num_channels", "channels", "expected"),
    [(1, [0], [0]), (1, [4], [400]), (1, [1, 3], [200]), (2, [5, 0], [500, 0]), (2, [3], [300, 300])],
)
@pytest.mark.parametrize("rate", [RATE, 16000])
def test_channels_are_picked_in_order(rate: int, num_channels: int, channels: list[int], expected: list[int]) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 6)
        stream = AudioStream(track_of(source), None, 0, rate, num_channels, channels=channels)
        other = AudioStream.from_track(
            track=track_of(source), sample_rate=rate, num_channels=num_channels, channels=channels
        )
        values = np.tile(np.arange(6, dtype=np.int16) * 100, 4800)
        await play(source, AudioFrame(values, RATE, 6, 4800))
        await source.aclose()
        for reader in (stream, other):
            frames = [event.frame async for event in reader]
            assert {frame.num_channels for frame in frames} == {num_channels}
            samples = np.concatenate([np.asarray(frame) for frame in frames])
            assert len(samples) == rate // 10
            middle = samples[rate // 50 : -rate // 50]  # away from the edges, where a resampler rings
            assert np.abs(middle - np.array(expected)).max() <= (0 if rate == RATE else 2)

    run(main())


@pytest.mark.parametrize(
    ("num_channels", "channels", "error"),
    [
        (1, [2], r"channels: expected numbers from 0 to 1, got \[2\]"),
        (1, [], "channels: expected 1 to 128 numbers, got 0"),
        (1, [-1], "channels: expected 0 to 127, got -1"),
        (3, [0, 1], "expected frames of 1 or 3 channels, got 2"),
    ],
)
def test_channels_that_the_track_does_not_have_are_refused(num_channels: int, channels: list[int], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        AudioStream(track_of(AudioSource(RATE, 2)), num_channels=num_channels, channels=channels)
