"""Streams on tracks of the SDK, with a stand-in for it that has its shape and its faults, in virtual time."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import types
import weakref
from collections import deque
from typing import Any

import pytest

from livekit_utils import AudioFrame, AudioStream, FrameProcessor, VideoBufferType, VideoFrame, VideoStream
from tests.support.virtual_time import run


class Handle:
    disposed = False


class Room:
    def __init__(self) -> None:
        self.connected = True
        self.listeners: dict[str, list[Any]] = {}

    def isconnected(self) -> bool:
        return self.connected

    def on(self, event: str, callback: Any) -> None:
        self.listeners.setdefault(event, []).append(callback)

    def off(self, event: str, callback: Any) -> None:
        self.listeners[event].remove(callback)

    def emit(self, event: str, *arguments: Any) -> None:
        for callback in list(self.listeners.get(event, ())):
            callback(*arguments[: callback.__code__.co_argcount - 1])


class RemoteAudioTrack:
    __module__ = "livekit.rtc.track"
    name, sid = "theirs", "TR_theirs"

    def __init__(self, room: Room | None = None) -> None:
        self._ffi_handle = Handle()
        self.room = room
        self.streams: list[Any] = []
        self.told: weakref.WeakSet[Any] = weakref.WeakSet()

    def _resolve_room(self) -> Room | None:
        return self.room

    def _register_audio_stream(self, stream: Any) -> None:
        self.told.add(stream)

    def _unregister_audio_stream(self, stream: Any) -> None:
        self.told.discard(stream)


class RemoteVideoTrack(RemoteAudioTrack):
    __module__ = "livekit.rtc.track"


class Participant:
    __module__ = "livekit.rtc.participant"
    identity = "somebody"

    def __init__(self) -> None:
        self._ffi_handle = Handle()
        self.streams: list[Any] = []


class Queue:
    """As the SDK's: it gives what was put into it, while somebody asks."""

    def __init__(self) -> None:
        self._queue: deque[Any] = deque()
        self._event = asyncio.Event()

    def put(self, item: Any) -> None:
        self._queue.append(item)
        self._event.set()

    async def get(self) -> Any:
        while not self._queue:
            await self._event.wait()
        self._event.clear()
        return self._queue.popleft()


class Stream:
    """As the SDK's: a task takes what comes from the library. At the end, an audio stream forgets what is queued, and a
    video stream leaves its reader waiting."""

    puts_end = True
    hangs = False

    def __init__(self, track: Any = None, *, participant: Any = None, track_source: int = 0, **options: Any) -> None:
        self.options, self.track_source = options, track_source
        (track or participant).streams.append(self)
        self.coming: asyncio.Queue[Any] = asyncio.Queue()
        self._queue = Queue()
        self._task = asyncio.get_running_loop().create_task(self._run())

    @classmethod
    def from_participant(cls, **arguments: Any) -> Stream:
        return cls(**arguments)

    async def _run(self) -> None:
        while True:
            event = await self.coming.get()
            if isinstance(event, Exception):
                raise event
            if event is None:
                break
            self._queue.put(event)
        if self.puts_end:
            self._queue.put(None)

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Any:
        if self._task.done():
            raise StopAsyncIteration
        item = await self._queue.get()
        if item is None:
            raise StopAsyncIteration
        return item

    async def aclose(self) -> None:
        if not self.hangs:
            self.coming.put_nowait(None)
        await self._task

    def send(self, *values: int) -> None:
        for value in values:
            samples = bytearray(value.to_bytes(2, "little", signed=True) * 480)
            self.coming.put_nowait(types.SimpleNamespace(frame=AudioFrame(samples, 48000, 1, 480)))


class Pictures(Stream):
    puts_end = False

    def send(self, *values: int) -> None:
        for value in values:
            frame = VideoFrame(4, 2, VideoBufferType.I420, bytearray([value] * 12))
            self.coming.put_nowait(types.SimpleNamespace(frame=frame, timestamp_us=value, rotation=1))


@pytest.fixture(autouse=True)
def rtc(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module: Any = types.ModuleType("livekit.rtc")
    module.__version__, module.AudioStream, module.VideoStream = "1.0.0", Stream, Pictures
    monkeypatch.setitem(sys.modules, "livekit", types.ModuleType("livekit"))
    monkeypatch.setitem(sys.modules, "livekit.rtc", module)
    loaded: types.ModuleType = module
    return loaded


KINDS: Any = [(AudioStream, RemoteAudioTrack), (VideoStream, RemoteVideoTrack)]
kinds = pytest.mark.parametrize(("kind", "track_kind"), KINDS, ids=["audio", "video"])


def value(event: Any) -> int:
    return int(event.frame.data[0])


async def values(stream: Any) -> list[int]:
    return [value(event) async for event in stream]


@kinds
def test_all_that_came_before_the_end_is_read(kind: Any, track_kind: Any) -> None:
    async def main() -> None:
        track = track_kind()
        stream = kind(track)
        reading = asyncio.create_task(values(stream))
        await asyncio.sleep(1)
        track.streams[0].send(1, 2)
        await asyncio.sleep(1)
        track.streams[0].send(3, 4, 5)
        track.streams[0].coming.put_nowait(None)
        assert await asyncio.wait_for(reading, 1) == [1, 2, 3, 4, 5]
        assert stream.stats().num_frames == 5
        await stream.aclose()

    run(main())


@kinds
def test_closing_closes_theirs(kind: Any, track_kind: Any) -> None:
    async def main() -> None:
        track = track_kind()
        stream = kind(track)
        reading = asyncio.create_task(values(stream))
        track.streams[0].send(1)
        await asyncio.sleep(1)
        await stream.aclose()
        assert track.streams[0]._task.done()
        assert await reading == [1]
        await stream.aclose()
        assert "closed" in repr(stream)

    run(main())


@kinds
def test_closing_at_once(kind: Any, track_kind: Any) -> None:
    """Before the task has begun to read."""

    async def main() -> None:
        room = Room()
        kind(track_kind(room))
        gone = kind(track_kind(room))
        room.emit("disconnected")
        track = track_kind()
        stream = kind(track)
        await asyncio.gather(stream.aclose(), gone.aclose())
        await asyncio.sleep(2)
        assert track.streams[0]._task.done()

    run(main())


@kinds
def test_a_close_that_is_cancelled_goes_on(kind: Any, track_kind: Any) -> None:
    async def main() -> None:
        track = track_kind()
        stream = kind(track)
        await asyncio.sleep(0)
        closing = asyncio.create_task(stream.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        await asyncio.sleep(0.1)
        assert track.streams[0]._task.done()

    run(main())


def test_theirs_that_does_not_close_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        track = RemoteAudioTrack()
        stream = AudioStream(track)
        track.streams[0].hangs = True
        await asyncio.sleep(0)
        await asyncio.wait_for(stream.aclose(), 2)
        assert track.streams[0]._task.cancelled()

    run(main())
    assert "has not ended within 1 s" in caplog.text


@kinds
def test_a_stream_that_nobody_has_is_closed(kind: Any, track_kind: Any) -> None:
    async def main() -> None:
        track = track_kind()
        stream = kind(track)
        await asyncio.sleep(0.1)
        gone = weakref.ref(stream)
        del stream
        gc.collect()
        assert gone() is None
        await asyncio.sleep(0.1)
        assert track.streams[0]._task.done()

    run(main())


@kinds
def test_a_task_that_waits_keeps_its_stream(kind: Any, track_kind: Any) -> None:
    async def main() -> None:
        track = track_kind()
        reading = asyncio.create_task(values(kind(track)))
        await asyncio.sleep(0.1)
        gc.collect()
        track.streams[0].send(7)
        track.streams[0].coming.put_nowait(None)
        assert await asyncio.wait_for(reading, 1) == [7]

    run(main())


@kinds
def test_an_error_of_theirs_reaches_the_reader(kind: Any, track_kind: Any) -> None:
    async def main() -> None:
        track = track_kind()
        stream = kind(track)
        await asyncio.sleep(0.1)
        track.streams[0].send(1)
        track.streams[0].coming.put_nowait(OSError("the library is gone"))
        assert value(await anext(stream)) == 1
        with pytest.raises(OSError, match="the library is gone"):
            await asyncio.wait_for(anext(stream), 1)
        await stream.aclose()

    run(main())


def test_a_frame_that_is_none_ends_the_stream() -> None:
    async def main() -> None:
        track = RemoteAudioTrack()
        stream = AudioStream(track)
        track.streams[0].coming.put_nowait(types.SimpleNamespace(frame="no frame"))
        with pytest.raises(TypeError):
            await asyncio.wait_for(anext(stream), 1)
        await asyncio.sleep(0.1)
        assert track.streams[0]._task.done()

    run(main())


@kinds
def test_the_end_of_the_room_ends_the_stream(kind: Any, track_kind: Any) -> None:
    async def main() -> None:
        for event in ("disconnected", "track_unsubscribed"):
            room = Room()
            track = track_kind(room)
            stream = kind(track)
            reading = asyncio.create_task(values(stream))
            room.emit("track_unsubscribed", track_kind(room))  # another one
            track.streams[0].send(1)
            await asyncio.sleep(0.1)
            assert not reading.done()
            room.emit(event, track)
            assert await asyncio.wait_for(reading, 1) == [1]
            await asyncio.sleep(0.1)
            assert track.streams[0]._task.done()
            assert not any(room.listeners.values())

    run(main())


@kinds
def test_a_track_that_is_gone_is_refused(kind: Any, track_kind: Any, rtc: Any) -> None:
    async def main() -> None:
        closed, disposed, unknown = track_kind(Room()), track_kind(), track_kind()
        closed.room.connected = False
        disposed._ffi_handle.disposed = True
        for track in (closed, disposed):
            with pytest.raises(RuntimeError, match="which may be gone: its"):
                kind(track)

        def refuse(*_: Any, **__: Any) -> None:
            raise AssertionError

        rtc.AudioStream = rtc.VideoStream = refuse
        with pytest.raises(RuntimeError, match="which may be gone"):
            kind(unknown)

    run(main())


@kinds
def test_a_running_loop_is_needed(kind: Any, track_kind: Any) -> None:
    with pytest.raises(RuntimeError, match="in a running event loop"):
        kind(track_kind())


@kinds
def test_the_end_of_the_loop_ends_the_stream(kind: Any, track_kind: Any) -> None:
    track = track_kind()

    async def begin() -> Any:
        return kind(track)

    stream = asyncio.run(begin())
    assert asyncio.run(values(stream)) == []
    asyncio.run(stream.aclose())


@kinds
def test_from_participant(kind: Any, track_kind: Any) -> None:
    async def main() -> None:
        participant: Any = Participant()
        stream = kind.from_participant(participant=participant, track_source=3, capacity=1)
        (theirs,) = participant.streams
        assert theirs.track_source == 3
        assert "somebody" in repr(stream)
        theirs.send(1, 2)
        await asyncio.sleep(0.1)
        assert value(await anext(stream)) == 2
        assert stream.stats().num_dropped_frames == 1
        await stream.aclose()
        with pytest.raises(TypeError, match="participant: expected a participant of the LiveKit SDK, got NoneType"):
            kind.from_participant(participant=None, track_source=1)

    run(main())


def test_theirs_is_asked_for_the_format_that_it_can_do() -> None:
    async def main() -> None:
        track = RemoteAudioTrack()
        for rate, channels, asked in [
            (16000, 1, (16000, 1)),
            (44100, 2, (44100, 2)),
            (22050, 1, (48000, 1)),  # 10 ms are 220.5 samples
            (4000, 1, (48000, 1)),
            (48000, 6, (48000, 1)),
        ]:
            async with AudioStream(track, sample_rate=rate, num_channels=channels):
                options = track.streams[-1].options
                assert (options["sample_rate"], options["num_channels"]) == asked
        pictures = RemoteVideoTrack()
        for wanted, sent in [(None, None), (VideoBufferType.RGBA, 0), (VideoBufferType.NV12, None)]:
            async with VideoStream(pictures, format=wanted):
                assert pictures.streams[-1].options["format"] == sent

    run(main())


def test_frames_are_cut_and_converted() -> None:
    async def main() -> None:
        track = RemoteAudioTrack()
        stream = AudioStream(track, sample_rate=22050, num_channels=2, frame_size_ms=20)
        await asyncio.sleep(0)
        track.streams[0].send(*[1000] * 100)
        track.streams[0].coming.put_nowait(None)
        frames = [event.frame async for event in stream]
        assert {(frame.sample_rate, frame.num_channels, frame.samples_per_channel) for frame in frames} == {
            (22050, 2, 441)
        }
        assert len(frames) == 50
        await stream.aclose()

    run(main())


def test_idle() -> None:
    """After 40 ms without a frame, what was held back to be joined comes."""

    async def main() -> None:
        track = RemoteAudioTrack()
        stream = AudioStream(track, frame_size_ms=20)
        assert stream.idle
        track.streams[0].send(1)
        await asyncio.sleep(0.01)
        assert not stream.idle
        assert stream.stats().num_frames == 0
        await asyncio.sleep(0.05)
        assert stream.idle
        assert stream.stats().num_frames == 1
        await stream.aclose()

    run(main())


class Noted(FrameProcessor[AudioFrame]):
    def __init__(self) -> None:
        self.notes: list[Any] = []

    @property
    def enabled(self) -> bool:
        return True

    @enabled.setter
    def enabled(self, value: bool) -> None: ...

    def _process(self, frame: AudioFrame) -> AudioFrame:
        return frame

    def _on_stream_info_updated(self, *, room_name: str, participant_identity: str, publication_sid: str) -> None:
        self.notes.append((room_name, participant_identity, publication_sid))

    def _on_stream_info_cleared(self) -> None:
        self.notes.append("no info")

    def _on_credentials_updated(self, *, token: str, url: str) -> None:
        self.notes.append((token, url))

    def _on_credentials_cleared(self) -> None:
        self.notes.append("no credentials")

    def _close(self) -> None:
        self.notes.append("closed")


def test_a_processor_is_told_of_the_room() -> None:
    async def main() -> None:
        track = RemoteAudioTrack()
        noted = Noted()
        async with AudioStream(track, noise_cancellation=noted):
            (told,) = track.told
            told._processor._on_stream_info_updated(room_name="r", participant_identity="i", publication_sid="p")
            told._processor._on_credentials_updated(token="t", url="u")
            told._processor._on_credentials_cleared()
            told._processor._on_stream_info_cleared()
        assert noted.notes == [("r", "i", "p"), ("t", "u"), "no credentials", "no info", "closed"]
        assert not track.told
        async with AudioStream(track):
            assert not track.told

    run(main())


def test_an_sdk_that_cannot_be_used(rtc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        rtc.__version__ = "0.20.1"
        with pytest.raises(ImportError, match=r'from 1.0 on, got 0.20.1: pip install "livekit>=1.0"'):
            AudioStream(RemoteAudioTrack())

        monkeypatch.setitem(sys.modules, "livekit.rtc", None)
        with pytest.raises(ImportError, match=r'is not installed: pip install "livekit>=1.0"'):
            AudioStream(RemoteAudioTrack())

        def broken(name: str) -> Any:
            raise OSError("liblivekit_ffi.so: no such file")

        monkeypatch.setattr("importlib.import_module", broken)
        with pytest.raises(ImportError, match=r"does not load \(OSError: liblivekit_ffi.so: no such file\)"):
            AudioStream(RemoteAudioTrack())

    run(main())


def test_no_warnings(caplog: pytest.LogCaptureFixture) -> None:
    """A stream of the SDK is opened, read and closed without a word."""

    async def main() -> None:
        track = RemoteAudioTrack()
        async with AudioStream(track) as stream:
            track.streams[0].send(1)
            assert value(await anext(stream)) == 1

    with caplog.at_level(logging.INFO):
        run(main())
    assert not caplog.records


def test_channels_are_picked_of_the_two_that_a_track_has() -> None:
    async def main() -> None:
        track: Any = RemoteAudioTrack()
        stream = AudioStream(track, channels=[1])
        [theirs] = track.streams
        assert theirs.options["num_channels"] == 2
        stereo = b"".join(sample.to_bytes(2, "little") for sample in (5, 9)) * 480
        theirs.coming.put_nowait(types.SimpleNamespace(frame=AudioFrame(stereo, 48000, 2, 480)))
        theirs.coming.put_nowait(None)
        assert [event.frame.data.tolist() async for event in stream] == [[9] * 480]
        with pytest.raises(ValueError, match=r"channels: expected numbers from 0 to 1, got \[0, 2\]"):
            AudioStream(track, channels=[0, 2])

    run(main())
