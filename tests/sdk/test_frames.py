"""Our frames in the SDK's classes, and the SDK's frames in ours."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import mmap
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from livekit_utils import (
    AudioByteStream,
    AudioFrame,
    AudioMixer,
    AudioProcessingModule,
    AudioResampler,
    AudioSource,
    AudioStream,
    LocalAudioTrack,
    TelephonyCodec,
    VideoBufferType,
    VideoFrame,
    combine_audio_frames,
    decode_ulaw,
    encode_ulaw,
    from_livekit,
    map_channels,
    sine_wave_generator,
    to_livekit,
)
from tests.support.randomness import Rand


def mapped(data: bytes) -> mmap.mmap:
    memory = mmap.mmap(-1, len(data))
    memory[:] = data
    return memory


WRITABLE: dict[str, Callable[[bytes], Any]] = {
    "bytearray": bytearray,
    "longer": lambda data: bytearray(data) + bytes(8),
    "part of an array": lambda data: np.frombuffer(bytes(6) + data, np.int16).copy()[3:],
    "part of a bytearray": lambda data: memoryview(bytearray(bytes(6) + data + bytes(2)))[6:-2],
    "odd address": lambda data: memoryview(bytearray(bytes(7) + data))[7:],
    "array": lambda data: np.frombuffer(data, np.int16).copy(),
    "two dimensions": lambda data: np.frombuffer(data, np.int16).reshape(-1, 1).copy(),
    "ctypes": lambda data: (ctypes.c_int16 * (len(data) // 2)).from_buffer_copy(data),
    "mapped": mapped,
}
BYTES: dict[str, Callable[[bytes], Any]] = {
    "bytes": bytes,
    "longer bytes": lambda data: data + bytes(10),
    "a frame of bytes": lambda data: AudioFrame(data, 48000, 1, len(data) // 2),
    "its data": lambda data: AudioFrame(data, 48000, 1, len(data) // 2).data,
}
READ_ONLY: dict[str, Callable[[bytes], Any]] = {
    "within bytes": lambda data: memoryview(bytes(6) + data)[6:],
    "read-only bytearray": lambda data: memoryview(bytearray(data)).toreadonly(),
    "read-only array": lambda data: np.frombuffer(data, np.int16),
}
ALL = {**WRITABLE, **BYTES, **READ_ONLY}


def made(make: Callable[[bytes], Any], data: bytes, rate: int = 48000) -> AudioFrame:
    return AudioFrame(make(data), rate, 1, len(data) // 2)


def assert_alike(frames: list[Any], others: list[Any]) -> None:
    """To a few steps: the SDK's resampler dithers."""
    one, other = (np.concatenate([np.frombuffer(frame.data, np.int16) for frame in some]) for some in (frames, others))
    assert len(one) == len(other) > 0
    assert np.abs(one.astype(int) - other).max() <= 4


async def heard(rtc: Any, frames: list[Any], num_bytes: int) -> bytes:
    """What comes out of the SDK's track while frames are captured into the SDK's source, without the silence before
    and between them."""
    source = rtc.AudioSource(48000, 1)
    track = rtc.LocalAudioTrack.create_audio_track("voice", source)
    stream = rtc.AudioStream(track)
    sound = b""

    async def listen() -> None:
        nonlocal sound
        async for event in stream:
            if any(event.frame.data):
                sound += bytes(event.frame.data)
            if len(sound) >= num_bytes:
                return

    listening = asyncio.create_task(listen())
    while frames:
        await source.capture_frame(frames.pop(0))
        gc.collect()
    await asyncio.wait_for(listening, 20)
    await stream.aclose()
    await source.aclose()
    return sound[:num_bytes]


def test_a_source_takes_every_frame_to_the_sample(rtc: Any, rand: Rand) -> None:
    pieces = [bytes(bytearray(b | 1 for b in rand.pcm(480))) for _ in ALL]
    frames = [made(make, piece) for make, piece in zip(ALL.values(), pieces, strict=True)]
    assert asyncio.run(heard(rtc, frames, 960 * len(pieces))) == b"".join(pieces)


def test_a_source_takes_converted_frames(rtc: Any, rand: Rand) -> None:
    pieces = [bytes(bytearray(b | 1 for b in rand.pcm(480))) for _ in ALL]
    frames = [to_livekit(made(make, piece)) for make, piece in zip(ALL.values(), pieces, strict=True)]
    assert all(type(frame) is rtc.AudioFrame for frame in frames)
    assert asyncio.run(heard(rtc, frames, 960 * len(pieces))) == b"".join(pieces)


@pytest.mark.parametrize("name", [*WRITABLE, *BYTES])
def test_the_resampler_takes_a_frame(rtc: Any, old: bool, rand: Rand, name: str) -> None:
    if old and name in BYTES:
        pytest.skip("this version takes only what it could write to")
    data = rand.quiet_pcm(4800)
    ours, theirs = rtc.AudioResampler(48000, 16000), rtc.AudioResampler(48000, 16000)
    expected = theirs.push(bytearray(data)) + theirs.flush()
    assert_alike(ours.push(made(ALL[name], data)) + ours.flush(), expected)


@pytest.mark.parametrize("name", ALL)
def test_the_resampler_takes_a_converted_frame(rtc: Any, rand: Rand, name: str) -> None:
    data = rand.quiet_pcm(4800)
    ours, theirs = rtc.AudioResampler(48000, 16000), rtc.AudioResampler(48000, 16000)
    expected = theirs.push(bytearray(data)) + theirs.flush()
    assert_alike(ours.push(to_livekit(made(ALL[name], data))) + ours.flush(), expected)


def test_what_it_cannot_reach_is_refused_and_not_misread(rtc: Any) -> None:
    for make in READ_ONLY.values():
        with pytest.raises(TypeError):
            rtc.AudioResampler(48000, 16000).push(made(make, bytes(960)))


@pytest.mark.parametrize("name", [name for name in ALL if name != "odd address"])  # which it refuses
@pytest.mark.parametrize("convert", [False, True])
def test_the_processing_module_works_in_place(rtc: Any, old: bool, rand: Rand, name: str, convert: bool) -> None:
    if old and not convert and name not in WRITABLE:
        pytest.skip("this version takes only what it could write to")
    module, reference = (rtc.AudioProcessingModule(high_pass_filter=True) for _ in range(2))
    for _ in range(3):
        data = rand.quiet_pcm(480)
        memory = ALL[name](data)
        ours: Any = AudioFrame(memory, 48000, 1, 480)
        if convert:
            ours = to_livekit(ours)
        theirs = rtc.AudioFrame(bytearray(data), 48000, 1, 480)
        for apm, frame in ((module, ours), (reference, theirs)):
            apm.process_reverse_stream(frame)
            apm.process_stream(frame)
        assert bytes(ours.data) == bytes(theirs.data) != data
        if name not in WRITABLE:
            assert bytes(AudioFrame(memory, 48000, 1, 480).data) == data
        elif not (convert and old):
            assert bytes(AudioFrame(memory, 48000, 1, 480).data) == bytes(theirs.data)


def test_what_our_classes_give_is_taken_everywhere(rtc: Any) -> None:
    """It can be written to, so that SDK 1.0.x takes it as well."""

    async def main() -> None:
        tone = sine_wave_generator(440, 0.1)
        first = await anext(tone)
        async with AudioMixer(48000, 1, blocksize=480) as mixer:
            mixer.add_stream(tone)
            mixed = await anext(mixer)
        source = AudioSource(48000, 1)
        stream = AudioStream(LocalAudioTrack.create_audio_track("a", source), sample_rate=48000)
        await source.capture_frame(AudioFrame(bytes(3000), 48000, 1, 1500))
        (resampled,) = AudioResampler(16000, 48000, quality="quick").push(AudioFrame(bytes(640), 16000, 1, 320))
        heard = (await anext(stream)).frame
        for frame in (first, mixed, heard, resampled, combine_audio_frames([heard, mixed])):
            rtc.AudioResampler(48000, 16000).push(frame)
            if frame.samples_per_channel == 480:
                rtc.AudioProcessingModule(high_pass_filter=True).process_stream(frame)
        await stream.aclose()
        await source.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("kind", list(VideoBufferType))
@pytest.mark.parametrize("size", [(4, 2), (5, 3)])
def test_the_source_is_told_the_same_of_a_picture(
    rtc: Any, old: bool, kind: VideoBufferType, size: tuple[int, int]
) -> None:
    if old and kind is VideoBufferType.I422:
        pytest.skip("this version counts the last plane wrong")
    data = bytearray(sum(kind.plane_sizes(*size)))
    ours, theirs = VideoFrame(*size, kind, data)._proto_info(), rtc.VideoFrame(*size, int(kind), data)._proto_info()
    for info in (ours, theirs):
        start = info.data_ptr
        info.data_ptr = 0
        for component in info.components:
            component.data_ptr -= start
    assert ours == theirs


@pytest.mark.parametrize("convert", [False, True])
@pytest.mark.parametrize("name", [name for name in ALL if name not in ("a frame of bytes", "its data")])
def test_a_picture_arrives(rtc: Any, old: bool, rand: Rand, name: str, convert: bool) -> None:
    data = bytes(rand.randbytes(64 * 32 * 3 // 2))
    frame: Any = VideoFrame(64, 32, VideoBufferType.I420, memoryview(ALL[name](data)).cast("B"))
    if convert:
        frame = to_livekit(frame)
        assert type(frame) is rtc.VideoFrame

    async def main() -> None:
        source = rtc.VideoSource(64, 32)
        stream = rtc.VideoStream(rtc.LocalVideoTrack.create_video_track("camera", source))

        async def show() -> None:
            async for event in stream:
                shown = from_livekit(event.frame)
                assert (shown.width, shown.height, shown.type) == (64, 32, VideoBufferType.I420)
                if bytes(shown.data) == data:
                    return
                # Until there is a picture, the SDK shows black ones; 1.0.x whatever lay in their memory.
                assert old or not any(shown.data[: 64 * 32])

        showing = asyncio.ensure_future(show())
        while not showing.done():
            source.capture_frame(frame)
            await asyncio.sleep(0.01)
        showing.result()
        await stream.aclose()
        await source.aclose()

    asyncio.run(asyncio.wait_for(main(), 20))


class TestConverting:
    @pytest.mark.parametrize("name", ALL)
    def test_there_and_back(self, rtc: Any, old: bool, rand: Rand, name: str) -> None:
        data = rand.pcm(480)
        ours = made(ALL[name], data, 24000)
        ours.userdata["speaker"] = "a"
        theirs = to_livekit(ours)
        assert (theirs.sample_rate, theirs.num_channels, theirs.samples_per_channel) == (24000, 1, 480)
        assert bytes(theirs.data) == data
        shared = np.shares_memory(np.asarray(ours), np.frombuffer(theirs.data, np.int16))
        assert shared == (not old and (name in WRITABLE or name in BYTES) and name != "longer bytes")
        if hasattr(theirs, "userdata"):
            assert theirs.userdata is ours.userdata
        back = from_livekit(theirs)
        assert type(back) is AudioFrame
        assert bytes(back.data) == data
        assert np.shares_memory(np.asarray(back), np.frombuffer(theirs.data, np.int16))
        if hasattr(theirs, "userdata"):
            assert back.userdata is ours.userdata

    def test_pictures_share_memory(self, rtc: Any, old: bool) -> None:
        for data in (bytearray(32), np.zeros((2, 4, 4), np.uint8), bytearray(40), bytes(32)):
            ours = VideoFrame(4, 2, VideoBufferType.RGBA, data)
            theirs = to_livekit(ours)
            views = [np.frombuffer(frame.data, np.uint8) for frame in (ours, theirs, from_livekit(theirs))]
            assert np.shares_memory(views[1], views[2])
            assert np.shares_memory(views[0], views[1]) == (not old)

    def test_arrays_and_their_pictures_share_memory(self, rtc: Any, old: bool, rand: Rand) -> None:
        """An array of numpy goes to the SDK and back to numpy without a copy."""
        array = np.frombuffer(bytearray(rand.randbytes(24)), np.uint8).reshape(2, 4, 3)
        theirs = to_livekit(VideoFrame.from_ndarray(array, VideoBufferType.RGB24))
        assert type(theirs) is rtc.VideoFrame
        back = np.asarray(from_livekit(theirs))
        assert (back == array).all()
        assert np.shares_memory(back, array) == (not old)
        frames = [
            VideoFrame.from_ndarray(array, "bgr24"),
            VideoFrame.from_ndarray(array[:, :, 0], "gray"),
            VideoFrame.from_ndarray([array[..., 0], array[:1, :2, 0], array[:1, :2, 1]], VideoBufferType.I420),
        ]
        for frame in frames:
            assert isinstance(frame, rtc.VideoFrame)
            theirs = to_livekit(frame)
            assert bytes(theirs.data) == bytes(frame.data)
            shared = np.shares_memory(frame.planes()[0], np.frombuffer(theirs.data, np.uint8))
            assert shared == (not old)

    @pytest.mark.parametrize("size", [(64, 48), (5, 3)])
    def test_pictures_of_pyav(self, rtc: Any, size: tuple[int, int]) -> None:
        """The one that shares PyAV's memory is read-only, and is copied for the SDK."""
        av = pytest.importorskip("av")
        picture = av.VideoFrame(*size, "rgba")
        np.frombuffer(picture.planes[0], np.uint8)[:] = 7
        theirs = to_livekit(VideoFrame.from_av(picture))
        assert bytes(theirs.data) == bytes([7]) * (4 * size[0] * size[1])
        assert bytes(from_livekit(theirs).to_av().planes[0])[: 4 * size[0]] == bytes([7]) * (4 * size[0])

    def test_what_is_there_already_stays(self, rtc: Any) -> None:
        for frame in (AudioFrame.create(48000, 1, 480), VideoFrame(1, 1, VideoBufferType.RGBA, bytes(4))):
            assert from_livekit(frame) is frame
            theirs: Any = to_livekit(frame)
            assert to_livekit(theirs) is theirs

    @pytest.mark.parametrize("wrong", [None, b"1234", 7, np.zeros(4, np.int16)])
    def test_no_frames(self, rtc: Any, wrong: Any) -> None:
        for convert in (to_livekit, from_livekit):
            with pytest.raises(TypeError, match="expected an audio or a video frame, got"):
                convert(wrong)

    def test_memory_is_given_back(self, rtc: Any) -> None:
        data = bytearray(960)
        theirs = to_livekit(AudioFrame(data, 48000, 1, 480))
        del theirs
        gc.collect()
        data.append(0)


def test_our_classes_take_their_frames(rtc: Any, rand: Rand) -> None:
    data = rand.quiet_pcm(480)
    theirs, ours = rtc.AudioFrame(bytearray(data), 48000, 1, 480), AudioFrame(data, 48000, 1, 480)
    assert bytes(combine_audio_frames([theirs, ours]).data) == data * 2
    for frame in (theirs, ours):
        resampler = AudioResampler(48000, 16000)
        frames = resampler.push(frame) + resampler.flush()
        assert sum(item.samples_per_channel for item in frames) == 160
    processed = [rtc.AudioFrame(bytearray(data), 48000, 1, 480), AudioFrame(bytearray(data), 48000, 1, 480)]
    for frame in processed:
        AudioProcessingModule(high_pass_filter=True).process_stream(frame)
    assert bytes(processed[0].data) == bytes(processed[1].data) != data


def test_without_the_sdk(run_python: Callable[..., Any]) -> None:
    code = (
        "import sys; sys.modules['livekit'] = None\n"
        "from livekit_utils import *\n"
        "frame = AudioFrame.create(48000, 1, 480)\n"
        "assert from_livekit(frame) is frame\n"
        "for use in (lambda: to_livekit(frame), frame._proto_info):\n"
        "    try: use()\n"
        "    except ImportError as error: print(error)\n"
    )
    result = run_python("-c", code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == ['LiveKit\'s own package is not installed: pip install "livekit>=1.0"'] * 2


def test_frames_of_arrays_and_parts_are_of_the_sdk_too(rtc: Any) -> None:
    made = AudioFrame.create(48000, 2, 20)
    frames = [
        made[5:10],
        made.with_gain(2),
        map_channels(made, [1]),
        AudioFrame.from_ndarray(np.zeros((4, 2), np.float32), 48000),
        AudioFrame.from_wav_bytes(made.to_wav_bytes()),
        AudioByteStream(48000, 2, 4).push(bytes(16))[0],
        TelephonyCodec().decode(None),
        decode_ulaw(bytes(4)),
        made.__class__.from_ndarray(np.zeros(4, np.int16), 48000),
        made.__class__.from_wav_bytes(made.to_wav_bytes()),
    ]
    for frame in frames:
        assert isinstance(frame, rtc.AudioFrame)
        assert type(frame) is AudioFrame
    theirs = rtc.AudioFrame(bytearray(b"\x01\x00\x02\x00"), 48000, 2, 1)
    assert encode_ulaw(theirs) == b"\xff\xff"
    assert map_channels(theirs, [1]).data.tolist() == [2]
    assert len(rtc.combine_audio_frames([made[:5], made[5:]]).data) == 40
