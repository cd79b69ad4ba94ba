"""Our streams on the SDK's tracks."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioStream, VideoBufferType, VideoFrame, VideoStream
from tests.support.randomness import Rand


def voice(rtc: Any, rate: int = 48000, channels: int = 1, queue_size_ms: int = 1000) -> tuple[Any, Any]:
    source = rtc.AudioSource(rate, channels, queue_size_ms=queue_size_ms)
    return source, rtc.LocalAudioTrack.create_audio_track("voice", source)


def camera(rtc: Any) -> tuple[Any, Any]:
    source = rtc.VideoSource(64, 32)
    return source, rtc.LocalVideoTrack.create_video_track("camera", source)


def num_listeners() -> int:
    """How many queues the SDK fills with what its library tells."""
    from livekit.rtc._ffi_client import FfiClient

    return len(FfiClient.instance.queue._subscribers)


async def heard(stream: AudioStream, num_bytes: int) -> bytes:
    """The samples that a stream brings, but for those of silence: the SDK's source puts it in where it runs empty."""
    sound = b""
    async for event in stream:
        values = np.asarray(event.frame)
        sound += values[values != 0].tobytes()
        if len(sound) >= num_bytes:
            break
    return sound[:num_bytes]


async def say(source: Any, pcm: bytes) -> None:
    size = 2 * source.sample_rate * source.num_channels // 100
    for start in range(0, len(pcm), size):
        await source.capture_frame(
            AudioFrame(pcm[start : start + size], source.sample_rate, source.num_channels, source.sample_rate // 100)
        )


async def happens(condition: Callable[[], bool]) -> None:
    """Returns when what the SDK's threads do has come so far."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


def run(main: Callable[[], Any]) -> None:
    """Runs it, and sees that it leaves nothing of the SDK's behind."""

    async def watched() -> None:
        before = num_listeners()
        await asyncio.wait_for(main(), 30)
        await asyncio.sleep(0.05)
        gc.collect()
        await happens(lambda: num_listeners() == before)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(watched())


def test_every_sample_arrives(rtc: Any, rand: Rand) -> None:
    pcm = bytes(byte | 1 for byte in rand.pcm(48000))

    async def main() -> None:
        source, track = voice(rtc)
        streams = [AudioStream(track), AudioStream.from_track(track=track, frame_size_ms=30)]
        hearing = [asyncio.create_task(heard(stream, len(pcm))) for stream in streams]
        await say(source, pcm)
        assert await asyncio.gather(*hearing) == [pcm, pcm]
        for stream in streams:
            await stream.aclose()
        await source.aclose()

    run(main)


@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (24000, 2), (22050, 1), (44100, 2), (48000, 4)])
def test_formats(rtc: Any, rate: int, channels: int) -> None:
    async def main() -> None:
        source, track = voice(rtc)
        async with AudioStream(track, sample_rate=rate, num_channels=channels) as stream:
            saying = asyncio.create_task(say(source, np.full(48000, 5000, np.int16).tobytes()))
            while True:
                frame = (await anext(stream)).frame
                assert (frame.sample_rate, frame.num_channels) == (rate, channels)
                assert frame.samples_per_channel == rate // 100
                if np.all(np.abs(np.asarray(frame).astype(int) - 5000) < 50):
                    break
            await saying
        await source.aclose()

    run(main)


def test_a_processor(rtc: Any) -> None:
    class Loud:
        enabled = True

        def _process(self, frame: AudioFrame) -> AudioFrame:
            np.asarray(frame)[:] += 1000
            return frame

    async def main() -> None:
        source, track = voice(rtc)
        async with AudioStream(track, noise_cancellation=Loud()) as stream:
            assert (await anext(stream)).frame.data[0] == 1000
            assert stream.stats().num_processor_failures == 0
        await source.aclose()

    run(main)


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_the_end_of_a_track(rtc: Any, kind: str) -> None:
    """Its handle is given back: nobody has it any more."""

    async def main() -> None:
        source, track = voice(rtc) if kind == "audio" else camera(rtc)
        stream: Any = AudioStream(track) if kind == "audio" else VideoStream(track)
        await anext(stream)
        track._ffi_handle.dispose()
        async for _ in stream:
            pass
        await stream.aclose()
        with pytest.raises(RuntimeError, match="may be gone"):
            type(stream)(track)
        await source.aclose()

    run(main)


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_a_stream_that_is_dropped(rtc: Any, kind: str) -> None:
    async def main() -> None:
        source, track = voice(rtc) if kind == "audio" else camera(rtc)
        stream: Any = AudioStream(track) if kind == "audio" else VideoStream(track)
        await anext(stream)
        gone = weakref.ref(stream)
        del stream
        gc.collect()
        assert gone() is None
        await source.aclose()

    run(main)


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_opened_and_closed_in_every_order(rtc: Any, kind: str) -> None:
    async def main() -> None:
        for order in range(6):
            source, track = voice(rtc) if kind == "audio" else camera(rtc)
            streams: Any = [AudioStream(track) if kind == "audio" else VideoStream(track) for _ in range(2)]
            reading = asyncio.create_task(anext(streams[0]))
            if order % 2:
                await reading
            if order % 3 == 0:
                await source.aclose()
            if order % 3 == 1:
                del track
            await asyncio.gather(*(stream.aclose() for stream in streams))
            await asyncio.wait([reading])
            reading.exception()
            await source.aclose()

    run(main)


def test_another_loop_closes(rtc: Any) -> None:
    async def main() -> None:
        source, track = voice(rtc)
        stream = AudioStream(track)
        await anext(stream)
        await asyncio.to_thread(asyncio.run, stream.aclose())
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        await source.aclose()

    run(main)


@pytest.mark.parametrize("kind", list(VideoBufferType)[:6])
def test_pictures(rtc: Any, kind: VideoBufferType) -> None:
    async def main() -> None:
        source, track = camera(rtc)
        async with VideoStream(track, format=kind) as stream:
            while True:
                source.capture_frame(
                    VideoFrame(64, 32, VideoBufferType.I420, bytes([128] * 3072)),
                    timestamp_us=1_000_000,
                    rotation=rtc.VideoRotation.VIDEO_ROTATION_90,
                )
                event = await anext(stream)
                if event.rotation.name == "VIDEO_ROTATION_90":
                    break
            assert (event.frame.width, event.frame.height, event.frame.type) == (64, 32, kind)
            assert event.timestamp_us > 0
            assert len(event.frame.data) == sum(kind.plane_sizes(64, 32))
        await source.aclose()

    run(main)


def test_from_participant(rtc: Any, monkeypatch: pytest.MonkeyPatch, rand: Rand) -> None:
    """Without a server there is no participant. The request for its track is answered with that for another."""
    from livekit.rtc._ffi_client import FfiClient

    pcm = bytes(byte | 1 for byte in rand.pcm(4800))
    asked: list[Any] = []
    request = FfiClient.request

    async def main() -> None:
        source, track = voice(rtc)

        def answer(self: Any, req: Any) -> Any:
            if req.WhichOneof("message") != "audio_stream_from_participant":
                return request(self, req)
            asked.append(req.audio_stream_from_participant)
            other = type(req)()
            other.new_audio_stream.track_handle = track._ffi_handle.handle
            other.new_audio_stream.type = asked[0].type
            other.new_audio_stream.sample_rate = asked[0].sample_rate
            other.new_audio_stream.num_channels = asked[0].num_channels
            response = request(self, other)
            stream = type(response)()
            stream.audio_stream_from_participant.stream.CopyFrom(response.new_audio_stream.stream)
            return stream

        monkeypatch.setattr(FfiClient, "request", answer)
        participant = rtc.RemoteParticipant.__new__(rtc.RemoteParticipant)
        participant._ffi_handle = rtc._ffi_client.FfiHandle(0)
        participant._ffi_handle.handle = 12345
        participant._info = rtc.room.proto_participant.ParticipantInfo(identity="somebody")
        participant._ffi_handle._disposed = False
        stream = AudioStream.from_participant(
            participant=participant, track_source=rtc.TrackSource.SOURCE_MICROPHONE, sample_rate=48000
        )
        hearing = asyncio.create_task(heard(stream, len(pcm)))
        await say(source, pcm)
        assert await hearing == pcm
        await stream.aclose()
        participant._ffi_handle._disposed = True
        await source.aclose()

    run(main)
    assert (asked[0].participant_handle, asked[0].track_source) == (12345, rtc.TrackSource.SOURCE_MICROPHONE)
