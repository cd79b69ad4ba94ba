"""VideoSource and VideoStream: every picture to every stream, copied once at most, and never writable."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import weakref
from typing import Any

import numpy as np
import pytest

from livekit_utils import (
    AudioSource,
    LocalAudioTrack,
    LocalVideoTrack,
    TrackKind,
    VideoBufferType,
    VideoFrame,
    VideoFrameEvent,
    VideoRotation,
    VideoSource,
    VideoStream,
    VideoStreamStats,
)
from tests.support.randomness import Rand
from tests.support.tape import soon, turns
from tests.support.virtual_time import run

RGBA = VideoBufferType.RGBA


def picture(value: int = 0, kind: VideoBufferType = RGBA) -> VideoFrame:
    return VideoFrame(4, 2, kind, bytes([value]) * sum(kind.plane_sizes(4, 2)))


def opened(num_streams: int = 1, **arguments: Any) -> tuple[VideoSource, LocalVideoTrack, list[VideoStream]]:
    source = VideoSource(4, 2)
    track = LocalVideoTrack.create_video_track("camera", source)
    return source, track, [VideoStream(track, **arguments) for _ in range(num_streams)]


def counted(num_frames: int, num_dropped_frames: int, num_queued_frames: int) -> VideoStreamStats:
    return VideoStreamStats(
        num_frames=num_frames,
        num_dropped_frames=num_dropped_frames,
        num_queued_frames=num_queued_frames,
        num_failed_frames=0,
    )


async def read(stream: VideoStream) -> list[VideoFrameEvent]:
    return [event async for event in stream]


async def stamps(stream: VideoStream) -> list[int]:
    return [event.timestamp_us for event in await read(stream)]


def test_events_carry_what_was_said() -> None:
    async def main() -> None:
        source, _, streams = opened(2)
        metadata = {"key": object()}
        for i, rotation in enumerate([*VideoRotation, 3]):
            source.capture_frame(picture(i), timestamp_us=-(2**40) * (i + 1), rotation=rotation, metadata=metadata)
        source.capture_frame(picture(9))
        await source.aclose()
        for stream in streams:
            *events, last = await read(stream)
            for i, event in enumerate(events):
                assert isinstance(event, VideoFrameEvent)
                assert (event.frame.width, event.frame.height, event.frame.type) == (4, 2, RGBA)
                assert set(event.frame.data) == {i}
                assert event.timestamp_us == -(2**40) * (i + 1)
                assert event.rotation is VideoRotation(min(i, 3))
                assert event.metadata is metadata
            assert (last.rotation, last.metadata) == (VideoRotation.VIDEO_ROTATION_0, None)

    run(main())


def test_where_no_time_was_given_the_clock_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        source, _, streams = opened(2)
        for now_us in (5_000_000, 5_040_000):
            monkeypatch.setattr("time.monotonic_ns", lambda now_us=now_us: now_us * 1000 + 999)
            source.capture_frame(picture())
            source.capture_frame(picture(), timestamp_us=7)
        await source.aclose()
        for stream in streams:
            assert await stamps(stream) == [5_000_000, 7, 5_040_000, 7]

    run(main())


def test_an_event_belongs_to_its_reader() -> None:
    async def main() -> None:
        source, _, [one, other] = opened(2)
        source.capture_frame(picture(), timestamp_us=5)
        (await anext(one)).timestamp_us = 99
        assert (await anext(other)).timestamp_us == 5
        await source.aclose()

    run(main())


def test_bytes_are_shared_and_anything_writable_is_copied_once(rand: Rand) -> None:
    original = rand.randbytes(32)
    array = np.frombuffer(original, np.uint8).copy()
    read_only = array.view()
    read_only.flags.writeable = False  # it can still change, through the other
    writable = [bytearray(original), array, read_only, memoryview(bytearray(original)), bytearray(original + b"more")]

    async def main() -> None:
        source, _, streams = opened(3)
        for data in writable:
            source.capture_frame(VideoFrame(4, 2, RGBA, data))
            array[:] = 0
            for item in writable[:1] + writable[3:]:
                item[:32] = bytes(32)  # type: ignore[index]
            frames = [(await anext(stream)).frame for stream in streams]
            assert len({id(frame.data.obj) for frame in frames}) == 1
            for frame in frames:
                assert frame.data == original
                assert frame.data.readonly
                with pytest.raises(TypeError):
                    frame.data[0] = 1
                with pytest.raises(ValueError, match="read-only"):
                    np.asarray(frame.data)[0] = 1
            array[:] = np.frombuffer(original, np.uint8)
            for item in writable[:1] + writable[3:]:
                item[:32] = original  # type: ignore[index]
        for data in (original, memoryview(original), original + b"more", memoryview(b"x" + original)[1:]):
            source.capture_frame(VideoFrame(4, 2, RGBA, data))
            for stream in streams:
                frame = (await anext(stream)).frame
                assert frame.data == original
                assert frame.data.obj is (data.obj if isinstance(data, memoryview) else data)
        await source.aclose()

    run(main())


def test_nothing_is_copied_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[VideoFrame] = []
    monkeypatch.setattr(
        "livekit_utils.tracks.video_source.frozen_video_frame", lambda frame: copied.append(frame) or frame
    )
    source, _, streams = opened(2)
    frame = VideoFrame(4, 2, RGBA, bytearray(32))
    source.capture_frame(frame)
    assert copied == [frame]  # once for both
    asyncio.run(streams.pop().aclose())
    streams.clear()
    gc.collect()
    for _ in range(10):
        source.capture_frame(frame)
    assert copied == [frame]


def test_sizes_and_formats_are_free() -> None:
    async def main() -> None:
        source, _, [stream] = opened()
        for kind in VideoBufferType:
            source.capture_frame(VideoFrame(6, 3, kind, bytearray(sum(kind.plane_sizes(6, 3)))))
        await source.aclose()
        assert [event.frame.type for event in await read(stream)] == list(VideoBufferType)

    run(main())


@pytest.mark.parametrize("given", [*VideoBufferType, 5])
def test_a_stream_converts_to_its_format(rand: Rand, given: Any) -> None:
    async def main() -> None:
        source, _, [wanted] = opened(format=given)
        loose = VideoStream(wanted._track)
        frames = [VideoFrame(5, 3, kind, rand.randbytes(sum(kind.plane_sizes(5, 3)))) for kind in VideoBufferType]
        for i, frame in enumerate(frames, 1):
            source.capture_frame(frame, timestamp_us=i, rotation=VideoRotation.VIDEO_ROTATION_90, metadata=frame)
        await source.aclose()
        events = await read(wanted)
        for i, (event, frame) in enumerate(zip(events, frames, strict=True), 1):
            assert (event.frame.type, event.timestamp_us, event.metadata) == (given, i, frame)
            assert event.rotation is VideoRotation.VIDEO_ROTATION_90
            made = frame if frame.type == given else frame.convert(given)  # one of this format is passed on
            assert event.frame.data == made.data
            assert event.frame.data.readonly
        assert [event.frame.type for event in await read(loose)] == list(VideoBufferType)

    run(main())


def test_a_frame_that_cannot_be_converted_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> bytes:
        raise MemoryError

    async def main() -> None:
        source, _, [stream] = opened(format=VideoBufferType.I420)
        with monkeypatch.context() as patched:
            patched.setattr("livekit_utils.tracks.video_stream.converted_pixels", refuse)
            for i in (1, 2, 3):
                source.capture_frame(picture(), timestamp_us=i)
        source.capture_frame(picture(), timestamp_us=4)
        await source.aclose()
        assert await stamps(stream) == [4]
        assert stream.stats().num_failed_frames == 3
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert "cannot be converted to I420" in caplog.text

    run(main())


@pytest.mark.parametrize("capacity", [1, 4])
def test_capacity_drops_the_oldest(capacity: int, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        source, track, [bounded] = opened(capacity=capacity)
        unbounded = VideoStream.from_track(track=track)
        for i in range(1, 51):
            source.capture_frame(picture(), timestamp_us=i)
        assert bounded.stats() == counted(50, 50 - capacity, capacity)
        assert unbounded.stats() == counted(50, 0, 50)
        await source.aclose()
        assert await stamps(bounded) == list(range(51 - capacity, 51))
        assert await stamps(unbounded) == list(range(1, 51))

    run(main())
    assert len(caplog.records) == 1
    assert "camera" in caplog.records[0].getMessage()


def test_mute_stops_the_pictures_of_that_track() -> None:
    async def main() -> None:
        source, track, [stream] = opened()
        other = VideoStream(LocalVideoTrack.create_video_track("other", source))
        for i in range(6):
            (track.mute, track.unmute)[i // 2 % 2 == 0]()
            source.capture_frame(picture(), timestamp_us=i + 1)
        await source.aclose()
        assert await stamps(stream) == [1, 2, 5, 6]
        assert await stamps(other) == [1, 2, 3, 4, 5, 6]

    run(main())


def test_late_streams_and_dropped_streams() -> None:
    async def main() -> None:
        source, track, [early] = opened()
        source.capture_frame(picture(), timestamp_us=1)
        late, dropped = VideoStream(track), VideoStream(track)
        gone = weakref.ref(dropped)
        del dropped
        gc.collect()
        assert gone() is None
        source.capture_frame(picture(), timestamp_us=2)
        await late.aclose()
        await source.aclose()
        assert (await stamps(early), await stamps(late)) == ([1, 2], [])
        assert await soon(read(VideoStream(track))) == []

    run(main())


def test_capture_in_another_thread() -> None:
    """Real time; nothing is measured. Every reader gets every picture, in order, and then the end."""
    source, _, streams = opened(3)
    interval = sys.getswitchinterval()

    def camera() -> None:
        for i in range(1, 3001):
            source.capture_frame(picture(), timestamp_us=i)

    async def main() -> None:
        readers = [asyncio.create_task(stamps(stream)) for stream in streams]
        await turns(2)
        thread = threading.Thread(target=camera)
        thread.start()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)
        await source.aclose()
        assert await asyncio.gather(*readers) == [list(range(1, 3001))] * 3

    sys.setswitchinterval(1e-6)
    try:
        asyncio.run(asyncio.wait_for(main(), 60))
    finally:
        sys.setswitchinterval(interval)


def test_frames_of_the_sdk(rand: Rand) -> None:
    rtc = pytest.importorskip("livekit.rtc")
    original = rand.randbytes(12)

    async def main() -> None:
        source, _, [stream] = opened()
        data = bytearray(original)
        frame = rtc.VideoFrame(4, 2, rtc.VideoBufferType.I420, data)
        source.capture_frame(frame, timestamp_us=3, rotation=rtc.VideoRotation.VIDEO_ROTATION_180)
        data[:] = bytes(12)
        event = await anext(stream)
        assert isinstance(event.frame, VideoFrame)
        assert (event.frame.type, bytes(event.frame.data)) == (VideoBufferType.I420, original)
        assert event.rotation is VideoRotation.VIDEO_ROTATION_180
        await source.aclose()

    run(main())


@pytest.mark.parametrize("size", [(0, 1), (1, 0), (-4, 2), (4, 2**31)])
def test_sizes_out_of_range(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"width|height"):
        VideoSource(*size)


@pytest.mark.parametrize("size", [("4", 2), (4, 2.0), (None, 2)])
def test_sizes_of_another_kind(size: Any) -> None:
    with pytest.raises(TypeError):
        VideoSource(*size)


def test_what_a_source_tells() -> None:
    source = VideoSource(640, 480, is_screencast=True)
    assert (source.width, source.height, source.is_screencast) == (640, 480, True)
    assert VideoSource(1, 1).is_screencast is False
    track = LocalVideoTrack.create_video_track("x", source)
    assert (track.name, track.kind) == ("x", TrackKind.KIND_VIDEO)
    with pytest.raises(TypeError, match="VideoSource"):
        LocalVideoTrack.create_video_track("x", AudioSource(48000, 1))  # type: ignore[arg-type]


def test_wrong_frames_reach_nobody() -> None:
    async def main() -> None:
        source, _, [stream] = opened()

        class Short:
            width, height, type, data = 4, 2, 0, bytes(31)

        for wrong in (None, b"\x00" * 32, "frame", 3, object()):
            with pytest.raises(TypeError, match="VideoFrame"):
                source.capture_frame(wrong)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="32 bytes"):
            source.capture_frame(Short())  # type: ignore[arg-type]
        for rotation in (4, -1, 90, "90", None):
            with pytest.raises((ValueError, TypeError), match="rotation: expected one of VIDEO_ROTATION_0"):
                source.capture_frame(picture(), rotation=rotation)  # type: ignore[arg-type]
        await source.aclose()
        assert await read(stream) == []

    run(main())


def test_wrong_streams() -> None:
    source, track, [stream] = opened()
    audio = LocalAudioTrack.create_audio_track("a", AudioSource(48000, 1))
    for wrong in (None, source, audio, "camera"):
        with pytest.raises(
            TypeError, match="track: expected a track of the LiveKit SDK or a livekit_utils LocalVideoTrack"
        ):
            VideoStream(wrong)  # type: ignore[arg-type]
    for arguments in ({"capacity": -1}, {"format": 11}, {"format": -1}, {"format": "I420"}):
        with pytest.raises(ValueError, match=r"^(capacity|format): expected"):
            VideoStream(track, **arguments)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        VideoStream(track, capacity=None)  # type: ignore[arg-type]
    assert len(source._fan_out) == 1
    assert stream.stats() == counted(0, 0, 0)
