"""Our tracks as tracks of the SDK, with a stand-in for it, in virtual time."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import types
import weakref
from itertools import pairwise
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
    to_livekit,
)
from tests.support.randomness import Rand
from tests.support.virtual_time import run


class Handle:
    disposed = False

    def dispose(self) -> None:
        self.disposed = True


class SdkTrack:
    def __init__(self, name: str) -> None:
        self._info = types.SimpleNamespace(name=name, sid="TR_unknown", muted=False, stream_state=1)
        self._ffi_handle = Handle()

    name = property(lambda self: self._info.name)
    sid = property(lambda self: self._info.sid)
    muted = property(lambda self: self._info.muted)
    stream_state = property(lambda self: self._info.stream_state)

    def mute(self) -> None:
        self._info.muted = True

    def unmute(self) -> None:
        self._info.muted = False

    async def get_stats(self) -> list[str]:
        return ["stats"]

    @classmethod
    def create_audio_track(cls, name: str, source: Any) -> SdkTrack:
        track = cls(name)
        track.source = source  # type: ignore[attr-defined]
        return track

    create_video_track = create_audio_track


class SdkAudioSource:
    error: Exception | None = None
    delay_s = 0.0003

    def __init__(self, sample_rate: int, num_channels: int, queue_size_ms: int, loop: Any) -> None:
        self.sample_rate, self.num_channels, self.queue_size_ms = sample_rate, num_channels, queue_size_ms
        self._ffi_handle = Handle()
        self.frames: list[Any] = []
        self.times: list[float] = []
        self.busy = False

    async def capture_frame(self, frame: AudioFrame) -> None:
        assert not self.busy, "two at a time may change places"
        assert not self._ffi_handle.disposed
        assert frame.samples_per_channel == self.sample_rate // 100
        self.times.append(asyncio.get_running_loop().time())
        self.busy = True
        try:
            await asyncio.sleep(self.delay_s)
        finally:
            self.busy = False
        if self.error is not None:
            raise self.error
        self.frames.append(np.asarray(frame).copy())

    async def aclose(self) -> None:
        self._ffi_handle.dispose()

    @property
    def sound(self) -> bytes:
        """What was captured, without the silence before and after it."""
        values = np.concatenate(self.frames).reshape(-1)
        heard = np.flatnonzero(values)
        return values[heard[0] : heard[-1] + 1].tobytes() if len(heard) else b""


class SdkVideoSource:
    error: Exception | None = None

    def __init__(self, width: int, height: int, is_screencast: bool = False) -> None:
        self.size, self.is_screencast = (width, height), is_screencast
        self._ffi_handle = Handle()
        self.frames: list[Any] = []

    def capture_frame(self, frame: VideoFrame, **options: Any) -> None:
        if self.error is not None:
            raise self.error
        self.frames.append((frame, options))


class FrameMetadata:
    pass


@pytest.fixture(autouse=True)
def rtc(monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = types.ModuleType("livekit.rtc")
    module.__version__ = "1.2.1"
    module.AudioSource, module.VideoSource = SdkAudioSource, SdkVideoSource
    module.LocalAudioTrack = module.LocalVideoTrack = SdkTrack
    module.AudioFrame = module.VideoFrame = int
    module._proto = types.SimpleNamespace(video_frame_pb2=types.SimpleNamespace(FrameMetadata=FrameMetadata))
    monkeypatch.setitem(sys.modules, "livekit", types.ModuleType("livekit"))
    monkeypatch.setitem(sys.modules, "livekit.rtc", module)
    return module


def voice(rate: int = 48000, channels: int = 1, queue_size_ms: float = 1000) -> tuple[AudioSource, LocalAudioTrack]:
    source = AudioSource(rate, channels, queue_size_ms)
    return source, LocalAudioTrack.create_audio_track("voice", source)


def sent(track: LocalAudioTrack) -> SdkAudioSource:
    source: SdkAudioSource = to_livekit(track).source  # type: ignore[attr-defined]
    return source


def loud(rand: Rand, num_values: int) -> bytes:
    return bytes(byte | 1 for byte in rand.pcm(num_values))


async def say(source: AudioSource, pcm: bytes, samples_per_channel: int = 480) -> None:
    size = 2 * source.num_channels * samples_per_channel
    for start in range(0, len(pcm), size):
        piece = pcm[start : start + size]
        num_samples = len(piece) // (2 * source.num_channels)
        await source.capture_frame(AudioFrame(piece, source.sample_rate, source.num_channels, num_samples))


async def close(source: AudioSource) -> None:
    await source.aclose()
    await asyncio.sleep(0.01)  # in which the bridge sends the last frames


class TestAudio:
    @pytest.mark.parametrize(("queue_size_ms", "piece"), [(1000, 480), (1000, 1000), (0, 480), (0, 333), (0, 2000)])
    def test_every_sample_is_sent_once(self, rand: Rand, queue_size_ms: int, piece: int) -> None:
        pcm = loud(rand, 48000 + 77)

        async def main() -> None:
            source, track = voice(queue_size_ms=queue_size_ms)
            theirs = sent(track)
            await asyncio.sleep(0.25)
            await say(source, pcm, piece)
            await source.wait_for_playout()
            await asyncio.sleep(0.1)
            assert theirs.sound == pcm
            await close(source)

        run(main())

    def test_in_time(self, rand: Rand) -> None:
        """When a stream of ours gets a frame, the SDK's source does."""

        async def main() -> None:
            source, track = voice()
            theirs = sent(track)
            stream = AudioStream(track)
            times: list[float] = []

            async def listen() -> None:
                async for _ in stream:
                    times.append(asyncio.get_running_loop().time())

            listening = asyncio.create_task(listen())
            await say(source, loud(rand, 4800))
            await source.wait_for_playout()
            assert np.abs(np.subtract(theirs.times[:10], times)).max() < 0.001
            await source.aclose()
            await listening

        run(main())

    def test_silence_fills_the_time_between_sounds(self, rand: Rand) -> None:
        """For ten minutes, as much audio is sent as time passes, and all silence lies between the sounds."""
        pcm = loud(rand, 24000)

        async def main() -> None:
            source, track = voice()
            theirs = sent(track)
            for _ in range(200):
                await asyncio.sleep(2.5)
                await say(source, pcm)
                await source.wait_for_playout()
            await asyncio.sleep(0.1)
            assert len(theirs.frames) == pytest.approx(60_010, abs=4)
            sounds = [frame for frame in theirs.frames if frame.any()]
            assert np.concatenate(sounds).tobytes() == pcm * 200
            loudness = [bool(frame.any()) for frame in theirs.frames]
            assert sum(a != b for a, b in pairwise(loudness)) == 400
            await close(source)

        run(main())

    def test_silence_comes_before_there_is_a_sound(self) -> None:
        async def main() -> None:
            source, track = voice()
            theirs = sent(track)
            await asyncio.sleep(1.005)
            assert 97 <= len(theirs.frames) <= 100
            gaps = np.diff(theirs.times)
            assert gaps.max() < 0.021
            await close(source)

        run(main())

    def test_a_loop_that_was_held_up_catches_up_to_half_a_second(self) -> None:
        async def main() -> None:
            source, track = voice()
            theirs = sent(track)
            await asyncio.sleep(0.5)
            for seconds, most in [(0.3, 31), (3600, 2)]:
                before = len(theirs.frames)
                asyncio.get_running_loop().block(seconds)  # type: ignore[attr-defined]
                await asyncio.sleep(0.018)
                assert before < len(theirs.frames) <= before + most + 2
            await close(source)

        run(main())

    @pytest.mark.parametrize("version", ["1.0.0", "1.1.2"])
    def test_an_old_sdk_has_a_queue_and_silence_of_its_own(self, rtc: Any, rand: Rand, version: str) -> None:
        rtc.__version__ = version
        pcm = loud(rand, 4800)

        async def main() -> None:
            source, track = voice()
            theirs = sent(track)
            assert theirs.queue_size_ms == 50
            await asyncio.sleep(1)
            assert not theirs.frames
            for _ in range(2):
                await say(source, pcm)
                await source.wait_for_playout()
                await asyncio.sleep(1)
            assert [bool(frame.any()) for frame in theirs.frames] == 2 * ([False] * 2 + [True] * 10)
            await close(source)

        run(main())

    @pytest.mark.parametrize(
        ("rate", "channels", "format_sent"),
        [
            (44100, 2, (44100, 2)),
            (8000, 1, (8000, 1)),
            (22050, 1, (48000, 1)),
            (96000, 2, (48000, 2)),
            (48000, 6, (48000, 1)),
        ],
    )
    def test_formats(self, rate: int, channels: int, format_sent: tuple[int, int]) -> None:
        async def main() -> None:
            source, track = voice(rate, channels)
            theirs = sent(track)
            assert (theirs.sample_rate, theirs.num_channels) == format_sent
            await say(source, np.full(rate * channels, 1000, np.int16).tobytes())
            await source.wait_for_playout()
            await asyncio.sleep(0.1)
            num_sent = np.count_nonzero(np.abs(np.concatenate(theirs.frames)[:, 0] - 1000) < 100)
            assert num_sent == pytest.approx(format_sent[0], rel=0.01)
            await close(source)

        run(main())

    def test_a_format_that_cannot_be_sent(self) -> None:
        async def main() -> None:
            _, track = voice(100)
            with pytest.raises(ValueError, match="48000"):
                to_livekit(track)

        run(main())

    def test_the_end(self, rand: Rand) -> None:
        """What was played is sent, to the last sample; then the SDK's source is closed, and nothing goes on."""
        pcm = loud(rand, 500)

        async def main() -> None:
            source, track = voice(queue_size_ms=0)
            theirs = sent(track)
            await say(source, pcm)
            await source.aclose()
            await asyncio.sleep(0.1)
            assert theirs.sound == pcm
            assert theirs._ffi_handle.disposed
            num_sent = len(theirs.frames)
            await asyncio.sleep(1)
            assert len(theirs.frames) == num_sent
            assert to_livekit(track) is to_livekit(track)

        run(main())

    def test_the_end_in_silence(self) -> None:
        async def main() -> None:
            source, track = voice()
            theirs = sent(track)
            await source.aclose()
            await asyncio.sleep(0.1)
            assert theirs._ffi_handle.disposed
            other = LocalAudioTrack.create_audio_track("late", source)
            with pytest.raises(RuntimeError, match="this AudioSource is closed"):
                to_livekit(other)

        run(main())

    def test_muting(self) -> None:
        async def main() -> None:
            source, track = voice(queue_size_ms=0)
            track.mute()
            theirs = sent(track)
            frame = AudioFrame(b"\1\1" * 480, 48000, 1, 480)
            for muted in (True, False, True):
                (track.mute if muted else track.unmute)()
                assert to_livekit(track).muted == track.muted == muted
                theirs.frames.clear()
                await source.capture_frame(frame)
                await asyncio.sleep(0.005)
                assert theirs.frames[-1].any() != muted
            to_livekit(track)._info.muted = False  # as a room does
            assert not track.muted
            await close(source)

        run(main())

    def test_the_caller_may_use_its_memory_again(self) -> None:
        async def main() -> None:
            source, track = voice(queue_size_ms=0)
            theirs = sent(track)
            memory = bytearray(b"\1\1" * 480)
            await source.capture_frame(AudioFrame(memory, 48000, 1, 480))
            memory[:] = bytes(960)
            memory.clear()
            await asyncio.sleep(0.005)
            assert theirs.frames[0].all()
            await close(source)

        run(main())

    def test_nobody_has_it_any_more(self) -> None:
        async def main() -> None:
            source, track = voice()
            theirs = to_livekit(track)
            bridge = weakref.ref(track._bridge)  # type: ignore[arg-type]
            await asyncio.sleep(0.1)
            del track
            gc.collect()
            await source.capture_frame(AudioFrame(b"\1\1" * 480, 48000, 1, 480))
            await asyncio.sleep(0.1)
            assert any(frame.any() for frame in theirs.source.frames)  # type: ignore[attr-defined]
            theirs.source.delay_s = 0.01  # so that a frame is on its way all the time
            await asyncio.sleep(0.1)
            del theirs
            gc.collect()
            assert bridge() is None
            assert len(source._fan_out) == 0
            await asyncio.sleep(1)
            await close(source)

        run(main())

    def test_errors_are_logged_once(self, caplog: pytest.LogCaptureFixture) -> None:
        async def main() -> None:
            source, track = voice()
            theirs = sent(track)
            theirs.error = OSError("broken")
            await asyncio.sleep(1)
            theirs.error = None
            await asyncio.sleep(0.1)
            assert theirs.frames
            await close(source)

        run(main())
        (record,) = caplog.records
        assert record.getMessage() == "track 'voice': the LiveKit SDK takes no audio: broken"
        assert record.levelno == logging.ERROR

    def test_an_sdk_that_hangs_fills_no_memory(self, rand: Rand, caplog: pytest.LogCaptureFixture) -> None:
        async def main() -> None:
            source, track = voice()
            theirs = sent(track)
            theirs.delay_s = 1e9
            await say(source, bytes(48000 * 2 * 10))
            await source.wait_for_playout()
            assert len(track._bridge._sender._frames) <= 101  # type: ignore[union-attr]
            track._bridge._sender._task.cancel()  # type: ignore[union-attr]
            theirs.delay_s = 0
            await source.aclose()
            await asyncio.sleep(1)

        run(main())
        assert "it is too slow" in caplog.text

    def test_a_source_in_another_thread(self, rand: Rand) -> None:
        pcm = loud(rand, 4800)

        async def speak(source: AudioSource) -> None:
            await say(source, pcm)
            await source.wait_for_playout()
            await source.aclose()

        async def main() -> None:
            source, track = voice()
            theirs = sent(track)
            speaking = threading.Thread(target=lambda: asyncio.run(speak(source)))
            speaking.start()
            await asyncio.to_thread(speaking.join)
            await asyncio.sleep(0.1)
            assert theirs._ffi_handle.disposed
            assert theirs.sound == pcm

        asyncio.run(asyncio.wait_for(main(), 20))

    def test_another_loop_has_another_one(self) -> None:
        source, track = voice()
        track.mute()

        async def publish() -> Any:
            theirs = to_livekit(track)
            assert to_livekit(track) is theirs
            await source.capture_frame(AudioFrame(b"\1\1" * 480, 48000, 1, 480))
            await asyncio.sleep(0.05)
            assert sent(track).frames
            return theirs

        first = asyncio.run(publish())
        first._info.sid = "TR_first"
        second = asyncio.run(publish())
        assert second is not first
        assert second.sid == track.sid == "TR_first"
        assert second.muted
        asyncio.run(source.aclose())
        assert first.source._ffi_handle.disposed
        assert second.source._ffi_handle.disposed

    def test_without_a_loop(self) -> None:
        with pytest.raises(RuntimeError, match="in a running event loop"):
            to_livekit(voice()[1])

    def test_what_the_sdk_asks_for(self) -> None:
        async def main() -> None:
            source, track = voice()
            before = track.sid
            handle = track._ffi_handle
            assert handle is track._ffi_handle is to_livekit(track)._ffi_handle
            assert track.sid == to_livekit(track).sid == before
            track._info.sid = "TR_room"
            assert track.sid == "TR_room"
            assert "TR_room" in repr(track)
            assert track.stream_state == 1
            assert await track.get_stats() == ["stats"]
            assert to_livekit(to_livekit(track)) is to_livekit(track)
            await close(source)

        run(main())

    @pytest.mark.parametrize("version", ["0.20.1", "0.9"])
    def test_too_old_an_sdk(self, rtc: Any, version: str) -> None:
        rtc.__version__ = version

        async def main() -> None:
            with pytest.raises(ImportError, match=r'pip install "livekit>=1.0"'):
                voice()[1]._ffi_handle  # noqa: B018

        run(main())

    def test_no_sdk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "livekit.rtc", None)

        async def main() -> None:
            with pytest.raises(ImportError, match=r'is not installed: pip install "livekit>=1.0"'):
                voice()[1]._ffi_handle  # noqa: B018

        run(main())


def camera(**options: Any) -> tuple[VideoSource, LocalVideoTrack]:
    source = VideoSource(4, 2, **options)
    return source, LocalVideoTrack.create_video_track("camera", source)


class TestVideo:
    def test_pictures_are_sent(self) -> None:
        source, track = camera()
        theirs: Any = to_livekit(track).source  # type: ignore[attr-defined]
        assert theirs.size == (4, 2)
        metadata = FrameMetadata()
        frame = VideoFrame(4, 2, VideoBufferType.I420, bytes(12))
        source.capture_frame(frame, timestamp_us=7, rotation=VideoRotation.VIDEO_ROTATION_90)
        source.capture_frame(frame, timestamp_us=8, metadata=metadata)
        source.capture_frame(frame, timestamp_us=9, metadata={"ours": 1})
        assert [picture.type for picture, _ in theirs.frames] == [VideoBufferType.I420] * 3
        assert [options for _, options in theirs.frames] == [
            {"timestamp_us": 7, "rotation": 1},
            {"timestamp_us": 8, "rotation": 0, "metadata": metadata},
            {"timestamp_us": 9, "rotation": 0},
        ]
        asyncio.run(source.aclose())
        assert theirs._ffi_handle.disposed

    def test_muting(self) -> None:
        source, track = camera()
        theirs: Any = to_livekit(track).source  # type: ignore[attr-defined]
        for muted in (False, True, False):
            (track.mute if muted else track.unmute)()
            theirs.frames.clear()
            source.capture_frame(VideoFrame(4, 2, VideoBufferType.I420, bytes(12)))
            assert len(theirs.frames) == (not muted)

    @pytest.mark.parametrize(
        ("kind", "data", "kind_sent", "data_sent"),
        [
            (VideoBufferType.NV12, bytes(range(12)), VideoBufferType.I420, bytes([*range(8), 8, 10, 9, 11])),
            (
                VideoBufferType.I010,
                np.array([*range(0, 32, 4), 41, 42, 1023, 1024], "<u2").tobytes(),
                VideoBufferType.I420,
                bytes([*range(8), 10, 11, 255, 255]),
            ),
            (VideoBufferType.ABGR, bytes([4, 3, 2, 1] * 8), VideoBufferType.RGBA, bytes([1, 2, 3, 4] * 8)),
            (VideoBufferType.RGB24, bytes(24), VideoBufferType.RGB24, bytes(24)),
        ],
        ids=str,
    )
    def test_what_the_sdk_cannot_send_is_changed(
        self, kind: VideoBufferType, data: bytes, kind_sent: VideoBufferType, data_sent: bytes
    ) -> None:
        source, track = camera()
        theirs: Any = to_livekit(track).source  # type: ignore[attr-defined]
        source.capture_frame(VideoFrame(4, 2, kind, data))
        ((frame, _),) = theirs.frames
        assert (frame.type, bytes(frame.data)) == (kind_sent, data_sent)

    def test_errors_are_logged_once(self, caplog: pytest.LogCaptureFixture) -> None:
        source, track = camera()
        theirs: Any = to_livekit(track).source  # type: ignore[attr-defined]
        theirs.error = OSError("broken")
        for _ in range(10):
            source.capture_frame(VideoFrame(4, 2, VideoBufferType.I420, bytes(12)))
        (record,) = caplog.records
        assert record.getMessage() == "track 'camera': the LiveKit SDK takes no picture: broken"

    def test_a_screencast(self, rtc: Any) -> None:
        assert to_livekit(camera(is_screencast=True)[1]).source.is_screencast  # type: ignore[attr-defined]

        class OldSource(SdkVideoSource):
            def __init__(self, width: int, height: int) -> None:
                super().__init__(width, height)

        rtc.VideoSource = OldSource
        assert not to_livekit(camera(is_screencast=True)[1]).source.is_screencast  # type: ignore[attr-defined]

    def test_nobody_has_it_any_more(self) -> None:
        source, track = camera()
        theirs = to_livekit(track)
        bridge = weakref.ref(track._bridge)  # type: ignore[arg-type]
        del track
        gc.collect()
        source.capture_frame(VideoFrame(4, 2, VideoBufferType.I420, bytes(12)))
        assert len(theirs.source.frames) == 1  # type: ignore[attr-defined]
        del theirs
        gc.collect()
        assert bridge() is None
