"""Our tracks in the SDK's hands."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest

from livekit_utils import (
    AudioFrame,
    AudioSource,
    AudioStream,
    LocalAudioTrack,
    LocalVideoTrack,
    VideoBufferType,
    VideoFrame,
    VideoRotation,
    VideoSource,
    VideoStream,
    to_livekit,
)
from tests.sdk.test_streams import happens, num_listeners, run
from tests.support.randomness import Rand


def voice(rate: int = 48000, channels: int = 1, queue_size_ms: float = 1000) -> tuple[AudioSource, LocalAudioTrack]:
    source = AudioSource(rate, channels, queue_size_ms)
    return source, LocalAudioTrack.create_audio_track("voice", source)


def camera() -> tuple[VideoSource, LocalVideoTrack]:
    source = VideoSource(64, 32)
    return source, LocalVideoTrack.create_video_track("camera", source)


def loud(rand: Rand, num_values: int) -> bytes:
    return bytes(byte | 1 for byte in rand.pcm(num_values))


async def say(source: AudioSource, pcm: bytes) -> None:
    size = 2 * source.sample_rate * source.num_channels // 100
    for start in range(0, len(pcm), size):
        piece = pcm[start : start + size]
        await source.capture_frame(
            AudioFrame(piece, source.sample_rate, source.num_channels, len(piece) // (2 * source.num_channels))
        )
    await source.wait_for_playout()


async def heard(stream: Any, num_bytes: int) -> bytes:
    """What a stream brings from the first sample that is not silent."""
    sound = b""
    async for event in stream:
        sound += bytes(event.frame.data)
        if not any(sound):
            sound = b""
        elif len(sound) >= num_bytes + 960:
            break
    values = np.frombuffer(sound, np.int16)
    return values[np.flatnonzero(values)[0] :].tobytes()[:num_bytes]


def in_room(rtc: Any, monkeypatch: pytest.MonkeyPatch, main: Callable[[Any, Any], Coroutine[Any, Any, None]]) -> None:
    """Runs it with a room that is connected, and its stand-in for the server."""
    from tests.support.loopback_room import install

    server = install(monkeypatch.setattr)

    async def connected() -> None:
        room = rtc.Room()
        await room.connect("ws://localhost:7880", "token")
        await main(room, server)
        await room.disconnect()

    run(connected)


def test_every_sample_arrives(rtc: Any, old: bool, rand: Rand) -> None:
    pcm = loud(rand, 48000 if not old else 480)  # the queue of an old source runs empty where the machine is busy

    async def main() -> None:
        source, track = voice()
        streams = [rtc.AudioStream(to_livekit(track)), rtc.AudioStream(track), AudioStream(to_livekit(track))]
        hearing = [asyncio.create_task(heard(stream, len(pcm))) for stream in streams]
        await asyncio.sleep(0.1)
        await say(source, pcm)
        assert await asyncio.gather(*hearing) == [pcm] * 3
        for stream in streams:
            await stream.aclose()
        await source.aclose()

    run(main)


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (22050, 2), (44100, 1), (96000, 1), (48000, 6)])
def test_formats(rtc: Any, rate: int, channels: int) -> None:
    async def main() -> None:
        source, track = voice(rate, channels)
        stream = rtc.AudioStream(to_livekit(track), sample_rate=48000, num_channels=1)
        saying = asyncio.create_task(say(source, np.full(rate * channels // 2, 5000, np.int16).tobytes()))
        while True:
            samples = np.frombuffer((await anext(stream)).frame.data, np.int16).astype(int)
            if np.abs(samples - 5000).max() < 50:
                break
        await saying
        await stream.aclose()
        await source.aclose()

    run(main)


@pytest.mark.parametrize("kind", list(VideoBufferType))
def test_pictures(rtc: Any, kind: VideoBufferType) -> None:
    async def main() -> None:
        source, track = camera()
        stream = rtc.VideoStream(to_livekit(track))
        data = np.full(sum(kind.plane_sizes(64, 32)), 200, np.uint8)
        if kind is VideoBufferType.I010:
            data = np.full(len(data) // 2, 800, "<u2").view(np.uint8)
        while True:
            source.capture_frame(VideoFrame(64, 32, kind, data), rotation=VideoRotation.VIDEO_ROTATION_90)
            event = await anext(stream)
            if event.rotation == VideoRotation.VIDEO_ROTATION_90:
                break
        assert (event.frame.width, event.frame.height) == (64, 32)
        assert event.frame.data[0] == pytest.approx(200, abs=20)
        await stream.aclose()
        await source.aclose()

    run(main)


def test_publishing(rtc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `publish_track` sends is the handle and the options; what it is answered shows in the track."""

    async def main(room: Any, server: Any) -> None:
        for source, track in (voice(), camera()):
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=True)
            publication = await room.local_participant.publish_track(track, options)
            request = server.requests[-1].publish_track
            assert request.track_handle == track._ffi_handle.handle == to_livekit(track)._ffi_handle.handle != 0
            assert request.options == options
            assert publication.track is track
            assert track.sid == publication.sid == to_livekit(track).sid
            assert track.sid.startswith("TR_mine")
            await publication.wait_for_subscription()
            await room.local_participant.unpublish_track(track.sid)
            assert publication.track is None
            again = await room.local_participant.publish_track(track, options)
            assert server.requests[-1].publish_track.track_handle == request.track_handle
            assert track.sid == again.sid != publication.sid
            await room.local_participant.unpublish_track(track.sid)
            await source.aclose()

    in_room(rtc, monkeypatch, main)


def test_a_track_that_was_made_for_the_publishing(rtc: Any, monkeypatch: pytest.MonkeyPatch, rand: Rand) -> None:
    """Only the room has it, and lets it go."""
    pcm = loud(rand, 480)

    async def main(room: Any, server: Any) -> None:
        source = AudioSource(48000, 1)
        subscribed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        room.on("track_subscribed", lambda track, publication, participant: subscribed.set_result(track))
        publication = await room.local_participant.publish_track(LocalAudioTrack.create_audio_track("voice", source))
        stream = AudioStream(await subscribed)
        assert "echo" in repr(stream)
        gc.collect()
        hearing = asyncio.create_task(heard(stream, len(pcm)))
        await say(source, pcm)
        assert await hearing == pcm
        bridge = weakref.ref(publication.track._bridge)
        await room.local_participant.unpublish_track(publication.sid)
        if hasattr(rtc, "FrameProcessor"):  # tracks of later versions know their room, and so end with it
            async for _ in stream:
                pass
        await stream.aclose()
        subscribed = publication = None  # type: ignore[assignment]
        gc.collect()
        assert bridge() is None
        await source.aclose()

    in_room(rtc, monkeypatch, main)


def test_the_end_of_the_room(rtc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(rtc, "FrameProcessor"):
        pytest.skip("tracks of this version do not know their room")

    async def main(room: Any, server: Any) -> None:
        source, track = voice()
        subscribed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        room.on("track_subscribed", lambda track, publication, participant: subscribed.set_result(track))
        await room.local_participant.publish_track(track)
        stream = AudioStream(await subscribed)
        reading = asyncio.create_task(heard(stream, 1))
        server.room_event(connection_state_changed={"state": rtc.ConnectionState.CONN_DISCONNECTED})
        server.room_event(disconnected={"reason": 1})
        server.room_event(eos={})
        await asyncio.wait([reading])
        assert reading.exception() is not None  # the end came before a sound
        with pytest.raises(RuntimeError, match="its room is not connected"):
            AudioStream(await subscribed)
        await stream.aclose()
        await source.aclose()

    in_room(rtc, monkeypatch, main)


@pytest.mark.parametrize("make", [voice, camera])
def test_muting(rtc: Any, monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    async def main(room: Any, server: Any) -> None:
        source, track = make()
        track.mute()
        publication = await room.local_participant.publish_track(track)
        assert to_livekit(track).muted
        assert track.muted
        track.unmute()
        assert not to_livekit(track).muted
        for muted, event in ((True, "track_muted"), (False, "track_unmuted")):  # by the server
            server.room_event(**{event: {"participant_identity": "me", "track_sid": publication.sid}})
            await happens(lambda muted=muted: track.muted == to_livekit(track).muted == muted)
        await source.aclose()

    in_room(rtc, monkeypatch, main)


def test_closing_in_every_order(rtc: Any, rand: Rand) -> None:
    async def main() -> None:
        for order in range(6):
            source, track = voice(queue_size_ms=(0, 1000)[order % 2])
            theirs: Any = to_livekit(track)
            stream = (rtc.AudioStream if order < 3 else AudioStream)(theirs)
            ours = AudioStream(track)
            await source.capture_frame(AudioFrame(loud(rand, 480), 48000, 1, 480))
            if order % 3 == 0:
                await source.aclose()
            if order % 3 == 1:
                theirs = track = None  # type: ignore[assignment]
                gc.collect()
            await stream.aclose()
            await ours.aclose()
            await source.aclose()
            await source.aclose()

    run(main)


def test_a_track_without_a_loop_and_in_two(rtc: Any, rand: Rand) -> None:
    pcm = loud(rand, 480)
    source, track = voice()
    before = num_listeners()

    async def main() -> None:
        stream = rtc.AudioStream(track)
        hearing = asyncio.create_task(heard(stream, len(pcm)))
        await asyncio.sleep(0.05)
        await say(source, pcm)
        assert await hearing == pcm
        await stream.aclose()

    for _ in range(2):
        asyncio.run(asyncio.wait_for(main(), 10))
    asyncio.run(source.aclose())
    gc.collect()
    assert num_listeners() == before


def test_a_picture_goes_there_and_back(rtc: Any) -> None:
    async def main() -> None:
        source, track = camera()
        async with VideoStream(to_livekit(track)) as stream:
            while True:
                source.capture_frame(VideoFrame(64, 32, VideoBufferType.I420, bytes([77] * 3072)))
                if (await anext(stream)).frame.data[0] == 77:
                    break
        await source.aclose()

    run(main)


@pytest.mark.parametrize("end", ["source", "track"])
def test_a_loop_that_is_closed_while_a_frame_is_on_its_way(rtc: Any, rand: Rand, end: str) -> None:
    """Its task would wait in the closed loop for ever, and its subscription stay in the SDK."""
    before, loop = num_listeners(), asyncio.new_event_loop()
    source, track = voice(queue_size_ms=0)

    async def main() -> None:
        to_livekit(track)
        for _ in range(100):
            await source.capture_frame(AudioFrame(loud(rand, 4800), 48000, 1, 4800))
            if num_listeners() > before:
                return

    loop.run_until_complete(main())
    loop.close()
    assert num_listeners() > before
    if end == "source":
        asyncio.run(source.aclose())
    else:
        del track
    gc.collect()
    assert num_listeners() == before
