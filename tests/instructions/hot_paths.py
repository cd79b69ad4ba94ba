"""What happens a hundred times a second and stream. Each path is a function that does it so many times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from livekit_utils import (
    AudioByteStream,
    AudioFrame,
    AudioMixer,
    AudioResampler,
    AudioSource,
    AudioStream,
    AVSynchronizer,
    LocalAudioTrack,
    RingBuffer,
    TelephonyCodec,
    VideoBufferType,
    VideoFrame,
    VideoSource,
    combine_audio_frames,
    mix_audio_frames,
)
from tests.support.virtual_time import VirtualTimeLoop

_RATE, _SAMPLES = 48000, 480
_DATA = bytes(range(240)) * 4

Run = Callable[[int], None]


def _in_a_loop(make: Callable[[], Coroutine[Any, Any, Callable[[], Coroutine[Any, Any, Any]]]]) -> Run:
    """Returns what awaits a step so many times, in virtual time.

    Args:
        make: Makes the step, in the loop.
    """
    loop = VirtualTimeLoop()
    asyncio.set_event_loop(loop)
    step = loop.run_until_complete(make())

    async def repeat(count: int) -> None:
        for _ in range(count):
            await step()

    return lambda count: loop.run_until_complete(repeat(count))


def _frame() -> AudioFrame:
    return AudioFrame(_DATA, _RATE, 1, _SAMPLES)


def frame() -> Run:
    """Makes a frame over the memory of a 10 ms packet, and looks at its samples."""

    def run(count: int) -> None:
        for _ in range(count):
            AudioFrame(_DATA, _RATE, 1, _SAMPLES).data  # noqa: B018

    return run


def frame_create() -> Run:
    """Makes an empty frame."""

    def run(count: int) -> None:
        for _ in range(count):
            AudioFrame.create(_RATE, 1, _SAMPLES)

    return run


def combine() -> Run:
    """Joins ten frames of 10 ms."""
    frames = [_frame() for _ in range(10)]

    def run(count: int) -> None:
        for _ in range(count):
            combine_audio_frames(frames)

    return run


def mix() -> Run:
    """Mixes three frames of 10 ms."""
    frames = [_frame() for _ in range(3)]

    def run(count: int) -> None:
        for _ in range(count):
            mix_audio_frames(frames)

    return run


async def _endless() -> AsyncIterator[AudioFrame]:
    frame = _frame()
    while True:
        yield frame


def mixer_block() -> Run:
    """Reads a block of 10 ms of an AudioMixer with four streams."""

    async def make() -> Callable[[], Coroutine[Any, Any, Any]]:
        mixer = AudioMixer(_RATE, 1, blocksize=_SAMPLES)
        for _ in range(4):
            mixer.add_stream(_endless())
        return aiter(mixer).__anext__

    return _in_a_loop(make)


def conference() -> Run:
    """Gives each of four people 10 ms, and reads what each hears of the others, from a mixer that keeps time."""

    async def make() -> Callable[[], Coroutine[Any, Any, Any]]:
        mixer = AudioMixer(_RATE, 1, blocksize=_SAMPLES, realtime=True)
        sources = [AudioSource(_RATE, 1) for _ in range(4)]
        people = [AudioStream(LocalAudioTrack.create_audio_track("voice", source)) for source in sources]
        for person in people:
            mixer.add_stream(person)
        heard = [aiter(mixer.output(without=person)) for person in people]
        frame = _frame()

        async def step() -> None:
            for source in sources:
                await source.capture_frame(frame)
            for output in heard:
                await anext(output)

        return step

    return _in_a_loop(make)


def source_step() -> Run:
    """Captures 10 ms in an AudioSource, and reads them from a stream when they are played."""

    async def make() -> Callable[[], Coroutine[Any, Any, Any]]:
        source = AudioSource(_RATE, 1)
        stream = AudioStream(LocalAudioTrack.create_audio_track("voice", source))
        frame = _frame()

        async def step() -> None:
            await source.capture_frame(frame)
            await anext(stream)

        return step

    return _in_a_loop(make)


def source_to_streams() -> Run:
    """Captures 10 ms in an AudioSource with eight streams, half of them at 16 kHz, which are read when it is played."""

    async def make() -> Callable[[], Coroutine[Any, Any, Any]]:
        source = AudioSource(_RATE, 1)
        track = LocalAudioTrack.create_audio_track("voice", source)
        streams = [AudioStream(track, sample_rate=rate) for rate in (_RATE, 16000) for _ in range(4)]
        frame = _frame()

        async def read(stream: AudioStream) -> None:
            async for _ in stream:
                pass

        readers = [asyncio.create_task(read(stream)) for stream in streams]

        async def step() -> None:
            await source.capture_frame(frame)
            await asyncio.sleep(0.01)
            assert not readers[0].done()

        return step

    return _in_a_loop(make)


def resample_push() -> Run:
    """Resamples 10 ms from 48 to 16 kHz, as a voice agent's microphone."""
    resampler, frame = AudioResampler(48000, 16000, engine="polyphase"), _frame()

    def run(count: int) -> None:
        for _ in range(count):
            resampler.push(frame)

    return run


def g711_packet() -> Run:
    """Decodes a packet of a telephone line to 16 kHz, and encodes one."""
    codec, payload = TelephonyCodec("ulaw", sample_rate=16000), bytes(range(160))
    answer = AudioFrame(_DATA[:640], 16000, 1, 320)

    def run(count: int) -> None:
        for _ in range(count):
            codec.decode(payload)
            codec.encode(answer)

    return run


def byte_stream() -> Run:
    """Cuts a piece of a byte stream into frames of 10 ms."""
    stream = AudioByteStream(_RATE, 1, _SAMPLES)

    def run(count: int) -> None:
        for _ in range(count):
            stream.push(_DATA)

    return run


def picture() -> Run:
    """Converts a picture of 64 x 48 from I420 to RGBA."""
    frame = VideoFrame(64, 48, VideoBufferType.I420, bytes(range(256)) * 18)

    def run(count: int) -> None:
        for _ in range(count):
            frame.convert(VideoBufferType.RGBA)

    return run


def ring() -> Run:
    """Writes 10 ms into a RingBuffer, and reads them."""
    ring_buffer = RingBuffer(4096)

    def run(count: int) -> None:
        for _ in range(count):
            ring_buffer.write(_DATA)
            ring_buffer.read(_SAMPLES)

    return run


def synchronizer_push() -> Run:
    """Pushes a picture and its sound into an AVSynchronizer, at 25 pictures a second."""

    async def make() -> Callable[[], Coroutine[Any, Any, Any]]:
        picture = VideoFrame(16, 16, VideoBufferType.I420, bytes(384))
        sound = AudioFrame.create(_RATE, 1, 1920)
        synchronizer = AVSynchronizer(
            audio_source=AudioSource(_RATE, 1), video_source=VideoSource(16, 16), video_fps=25
        )
        at_s = 0.0

        async def step() -> None:
            nonlocal at_s
            await synchronizer.push(picture, at_s)
            at_s += 0.04
            await synchronizer.push(sound, at_s)

        return step

    return _in_a_loop(make)


HOT_PATHS: dict[str, Callable[[], Run]] = {
    path.__name__: path
    for path in (
        *(frame, frame_create, combine, mix, mixer_block, conference, source_step, resample_push),
        source_to_streams,
        *(g711_packet, byte_stream, ring, synchronizer_push, picture),
    )
}
