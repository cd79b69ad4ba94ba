import asyncio
import logging

from leaks import check

from livekit_utils import (
    AudioFrame,
    AudioSource,
    AudioStream,
    AudioStreamInfo,
    FrameProcessor,
    LocalAudioTrack,
    LocalVideoTrack,
    VideoBufferType,
    VideoFrame,
    VideoSource,
    VideoStream,
)

logging.getLogger("livekit_utils").setLevel(logging.CRITICAL)
frame = AudioFrame(bytes(2 * 2 * 480), 48000, 2, 480, userdata={})
pixels = VideoFrame(16, 16, VideoBufferType.RGBA, bytes(1024))
camera = VideoFrame(16, 16, VideoBufferType.RGBA, bytearray(1024))
metadata = object()


class Processor(FrameProcessor[AudioFrame]):
    enabled = True  # type: ignore[assignment]

    def __init__(self, fails: bool) -> None:
        self.fails = fails

    def _process(self, item: AudioFrame) -> AudioFrame:
        if self.fails:
            raise ValueError("on purpose")
        return AudioFrame(bytes(item.data), item.sample_rate, item.num_channels, item.samples_per_channel)

    def _close(self) -> None:
        pass


async def straight_through() -> None:
    """Frames in and out as fast as it goes, by streams of all kinds."""
    source = AudioSource(48000, 2, 0)
    track = LocalAudioTrack.create_audio_track("voice", source)
    streams = [
        AudioStream(track, sample_rate=16000, noise_cancellation=Processor(False)),
        AudioStream(track, num_channels=2, noise_cancellation=Processor(True)),
        AudioStream(track, capacity=2, frame_size_ms=7),
        AudioStream(track),
    ]
    for _ in range(10):
        await source.capture_frame(frame)
    streams.pop()  # without a close
    for stream in streams:
        stream.update_stream_info(AudioStreamInfo(room_name="room"))
        stream.update_credentials(token="token", url="url")
    await source.aclose()
    for stream in streams:
        assert [event async for event in stream]
        await stream.aclose()


async def played_and_cut_off() -> None:
    """The queue, those who wait for it, and everything that cuts them short."""
    source = AudioSource(48000, 2, 15)
    track = LocalAudioTrack.create_audio_track("voice", source)
    stream = AudioStream(track)
    pushes = [asyncio.ensure_future(source.capture_frame(frame)) for _ in range(4)]
    waiter = asyncio.ensure_future(source.wait_for_playout())
    reader = asyncio.ensure_future(anext(stream))  # type: ignore[arg-type]
    await reader
    reader = asyncio.ensure_future(anext(stream))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    pushes[3].cancel()
    reader.cancel()
    source.pause()
    source.resume()
    source.clear_queue(5)
    source.clear_queue()
    pushes += [asyncio.ensure_future(source.capture_frame(frame)) for _ in range(3)]
    await asyncio.sleep(0)
    await source.aclose()
    await asyncio.gather(*pushes, waiter, reader, return_exceptions=True)


async def left_as_it_is() -> None:
    """Nobody closes anything while audio is being played; the timers are the last to let go."""
    for _ in range(100):
        source = AudioSource(48000, 2)
        stream = AudioStream(LocalAudioTrack.create_audio_track("voice", source))
        await source.capture_frame(frame)
        await anext(stream)
    await asyncio.sleep(0.3)


async def pictures() -> None:
    source = VideoSource(16, 16)
    track = LocalVideoTrack.create_video_track("camera", source)
    streams = [VideoStream(track), VideoStream(track, capacity=2), VideoStream(track, format=VideoBufferType.I420)]
    dropped = VideoStream(track)
    for item in (pixels, camera) * 3:
        source.capture_frame(item, metadata=metadata)
    del dropped
    await source.aclose()
    for stream in streams:
        assert [event async for event in stream]


# One loop for all: sources that are done must leave nothing in it.
with asyncio.Runner() as runner:
    for case, rounds in ((straight_through, 400), (played_and_cut_off, 2000), (left_as_it_is, 20), (pictures, 2000)):
        check(lambda case=case: runner.run(case()), rounds, frame, frame.userdata, pixels, camera, metadata)
