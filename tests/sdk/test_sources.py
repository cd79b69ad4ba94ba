"""Our synchronizer, mixer and player on the SDK's sources, streams and tracks."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import numpy as np
import pytest

from livekit_utils import (
    AudioFrame,
    AudioMixer,
    AudioSource,
    AudioStream,
    AVSynchronizer,
    LocalAudioTrack,
    VideoBufferType,
    VideoFrame,
    VideoSource,
)
from tests.sdk.test_streams import happens
from tests.support.sound_card import SoundCard, plug_in
from tests.support.speakers import player


class Speaker:
    """The SDK's source and track, with a constant to say."""

    def __init__(self, rtc: Any, value: int, rate: int = 48000, channels: int = 1) -> None:
        self.value, self.rate, self.channels = value, rate, channels
        self.source = rtc.AudioSource(rate, channels)
        self.track = rtc.LocalAudioTrack.create_audio_track(f"says {value}", self.source)

    async def say(self, seconds: float) -> None:
        size = self.rate // 100
        samples = np.full(size * self.channels, self.value, np.int16)
        for _ in range(round(seconds * 100)):
            await self.source.capture_frame(AudioFrame(samples, self.rate, self.channels, size))
        await self.source.wait_for_playout()


def test_the_synchronizer_drives_their_sources(rtc: Any) -> None:
    async def main() -> None:
        audio_source, video_source = rtc.AudioSource(48000, 1), rtc.VideoSource(64, 32)
        stream = rtc.VideoStream(rtc.LocalVideoTrack.create_video_track("camera", video_source))
        shown: list[int] = []

        async def watch() -> None:
            async for event in stream:
                shown.append(event.frame.data[0])

        watching = asyncio.create_task(watch())
        async with AVSynchronizer(audio_source=audio_source, video_source=video_source, video_fps=30) as sync:
            for i in range(20):
                picture = bytes([10 * i] * 3072)
                await sync.push(VideoFrame(64, 32, VideoBufferType.I420, picture), i / 20)
                await sync.push(AudioFrame.create(48000, 1, 2400), (i + 1) / 20)
            await sync.wait_for_playout()
            stats = sync.stats()
            assert stats.num_presented + stats.num_dropped == 20
            assert stats.num_presented >= 10
        await happens(lambda: len(shown) >= 10)  # on its way through the SDK
        assert shown == sorted(shown)
        watching.cancel()
        await asyncio.wait([watching])
        await stream.aclose()
        await audio_source.aclose()
        await video_source.aclose()

    asyncio.run(asyncio.wait_for(main(), 30))


@pytest.mark.parametrize("shapes", [[(48000, 1), (48000, 1)], [(16000, 1), (48000, 2), (44100, 1)]])
def test_the_mixer_takes_their_streams(rtc: Any, shapes: list[tuple[int, int]]) -> None:
    """Each says its constant for a second; together they are heard as the sum."""

    async def main() -> None:
        speakers = [Speaker(rtc, 1000 * (i + 1), *shape) for i, shape in enumerate(shapes)]
        streams = [rtc.AudioStream(speaker.track, sample_rate=48000, num_channels=1) for speaker in speakers]
        total = sum(speaker.value for speaker in speakers)
        async with AudioMixer(48000, 1, blocksize=480) as mixer:
            for stream in streams:
                mixer.add_stream(stream)
            speaking = asyncio.gather(*(speaker.say(2) for speaker in speakers))
            found = 0
            async for frame in mixer:
                found += abs(frame.data[0] - total) <= 8 and abs(frame.data[479] - total) <= 8
                if found >= 20:
                    break
            await speaking
        for stream in streams:
            await stream.aclose()
        for speaker in speakers:
            await speaker.source.aclose()

    asyncio.run(asyncio.wait_for(main(), 30))


def test_a_speaker_plays_their_tracks_and_ours(
    rtc: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    card = plug_in(monkeypatch, SoundCard())

    async def main() -> None:
        speakers = [Speaker(rtc, 1000), Speaker(rtc, 2000, 24000)]
        ours = AudioSource(48000, 1)
        async with player(buffer_ms=60) as speaker:
            for other in speakers:
                await speaker.add_track(other.track)
            await speaker.add_track(LocalAudioTrack.create_audio_track("ours", ours))
            await speaker.start()
            for _ in range(150):
                await ours.capture_frame(AudioFrame(np.full(480, 4000, np.int16), 48000, 1, 480))
                if ours.queued_duration > 0.8:
                    break
            await asyncio.gather(ours.wait_for_playout(), *(other.say(0.8) for other in speakers))
            assert speaker.stats().num_inputs == 3
            await speaker.remove_track(speakers[0].track)
            assert speaker.stats().num_inputs == 2
            await asyncio.gather(*(other.say(0.3) for other in speakers))
        await ours.aclose()
        for other in speakers:
            await other.source.aclose()

    with caplog.at_level(logging.WARNING):
        asyncio.run(asyncio.wait_for(main(), 30))
    assert not [record for record in caplog.records if record.name == "livekit_utils"]
    levels = np.round(card.sound[:, 0] / 1000).astype(int)
    assert np.count_nonzero(levels == 7) > 4800  # all three
    assert np.count_nonzero(levels == 2) > 4800  # without the one that was removed


def test_a_picture_track_is_refused(rtc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, SoundCard())

    async def main() -> None:
        source = rtc.VideoSource(2, 2)
        async with player() as speaker:
            with pytest.raises(TypeError, match="expected an audio track"):
                speaker.add_track(rtc.LocalVideoTrack.create_video_track("camera", source))
        await source.aclose()

    asyncio.run(main())


def test_their_source_takes_what_our_stream_gives(rtc: Any) -> None:
    """A relay: our source and stream, the SDK's source, track and stream."""

    async def main() -> None:
        source = AudioSource(16000, 1)
        stream = AudioStream(LocalAudioTrack.create_audio_track("ours", source), sample_rate=48000)
        relay = rtc.AudioSource(48000, 1)
        heard = rtc.AudioStream(rtc.LocalAudioTrack.create_audio_track("theirs", relay))
        await source.capture_frame(AudioFrame(np.full(16000, 3000, np.int16), 16000, 1, 16000))
        listening = asyncio.ensure_future(anext(heard))
        while not (listening.done() and abs(listening.result().frame.data[200] - 3000) < 10):
            await relay.capture_frame((await anext(stream)).frame)
            if listening.done() and listening.result().frame.data[200] == 0:
                listening = asyncio.ensure_future(anext(heard))
        await stream.aclose()
        await source.aclose()
        await heard.aclose()
        await relay.aclose()

    asyncio.run(asyncio.wait_for(main(), 30))


def test_our_sources_are_refused_aloud(rtc: Any) -> None:
    async def main() -> None:
        for source, make in (
            (AudioSource(48000, 1), rtc.LocalAudioTrack.create_audio_track),
            (VideoSource(4, 2), rtc.LocalVideoTrack.create_video_track),
        ):
            with pytest.raises(TypeError, match=r"livekit_utils.Local\w+Track.create_\w+_track makes a track of it"):
                make("x", source)
            await source.aclose()

    asyncio.run(main())
