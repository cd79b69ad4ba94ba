"""The examples of `AVSynchronizer`."""

from __future__ import annotations

import time

import pytest

from tests.support.virtual_time import run


def test_push_and_playout(capsys: pytest.CaptureFixture[str]) -> None:
    from livekit_utils import AudioFrame, AudioSource, AVSynchronizer, VideoBufferType, VideoFrame, VideoSource

    data = bytes(1280 * 720 * 4)
    target_fps = 30.0

    async def main() -> None:
        # Create sources
        audio_source = AudioSource(sample_rate=48000, num_channels=2)
        video_source = VideoSource(width=1280, height=720)

        # Create synchronizer for 30 FPS video
        av_sync = AVSynchronizer(
            audio_source=audio_source,
            video_source=video_source,
            video_fps=30.0,
            video_queue_size_ms=50,
        )

        # Push video frame
        video_frame = VideoFrame(1280, 720, VideoBufferType.RGBA, data)
        await av_sync.push(video_frame)

        # Push audio frame
        audio_frame = AudioFrame.create(48000, 2, 480)
        await av_sync.push(audio_frame)

        # Push with explicit timestamp
        timestamp = time.time()
        await av_sync.push(video_frame, timestamp=timestamp)
        await av_sync.wait_for_playout()
        assert av_sync.stats().num_presented == 2
        assert av_sync.last_video_time == timestamp

        # Clear on error or reset
        await av_sync.push(video_frame)
        await av_sync.clear_queue()

        frames = [video_frame] * 29

        # Push all frames
        for frame in frames:
            await av_sync.push(frame)

        # Wait for completion
        await av_sync.wait_for_playout()
        print("All A/V played out")

        print(f"Target FPS: {target_fps}")
        print(f"Actual FPS: {av_sync.actual_fps}")
        assert av_sync.actual_fps == pytest.approx(30, abs=2)

        av_sync.reset()
        assert (av_sync.actual_fps, av_sync.last_video_time, av_sync.last_audio_time) == (0, 0, 0)

        await av_sync.aclose()

        await audio_source.aclose()
        await video_source.aclose()

    run(main())
    assert capsys.readouterr().out.startswith("All A/V played out\nTarget FPS: 30.0\nActual FPS: ")


def test_usage_example(capsys: pytest.CaptureFixture[str]) -> None:
    from livekit_utils import rtc

    video_frame = rtc.VideoFrame(1280, 720, rtc.VideoBufferType.I420, bytes(1280 * 720 * 3 // 2))
    audio_frame = rtc.AudioFrame.create(48000, 2, 1600)

    async def main() -> None:
        # Create audio and video sources
        audio_source = rtc.AudioSource(sample_rate=48000, num_channels=2)
        video_source = rtc.VideoSource(width=1280, height=720)

        # Create synchronizer for 30 FPS video
        av_sync = rtc.AVSynchronizer(
            audio_source=audio_source,
            video_source=video_source,
            video_fps=30.0,
            video_queue_size_ms=50,
        )

        for _ in range(60):
            # Push frames to synchronizer (handles timing automatically)
            await av_sync.push(video_frame)
            await av_sync.push(audio_frame)

        # Check actual FPS being achieved
        print(f"Actual FPS: {av_sync.actual_fps:.1f}")

        # Clean up
        await av_sync.aclose()
        await audio_source.aclose()
        await video_source.aclose()

    run(main())
    assert 28 <= float(capsys.readouterr().out.removeprefix("Actual FPS: ")) <= 31
