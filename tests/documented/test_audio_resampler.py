"""The examples of `AudioResampler`, and the complete one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from livekit_utils import AudioStream, LocalAudioTrack
from tests.support.virtual_time import run


def test_push_and_flush(capsys: pytest.CaptureFixture[str]) -> None:
    from livekit_utils import AudioFrame, AudioResampler, AudioResamplerQuality, AudioSource

    async def main() -> None:
        source = AudioSource(48000, 1)
        heard = AudioStream(LocalAudioTrack.create_audio_track("out", source))

        # Resample 44.1kHz to 48kHz
        resampler = AudioResampler(
            input_rate=44100,
            output_rate=48000,
            quality=AudioResamplerQuality.HIGH,
        )

        # Resample frame
        input_frame = AudioFrame.create(44100, 1, 441)  # 10ms at 44.1kHz
        output_frames = resampler.push(input_frame)

        for frame in output_frames:
            print(f"Output: {frame.samples_per_channel} samples")
            await source.capture_frame(frame)

        input_frames = [AudioFrame.create(44100, 1, 441) for _ in range(9)]

        # Process all frames
        for input_frame in input_frames:
            output_frames = resampler.push(input_frame)
            for frame in output_frames:
                await source.capture_frame(frame)

        # Flush remaining
        final_frames = resampler.flush()
        for frame in final_frames:
            await source.capture_frame(frame)

        await source.wait_for_playout()
        await source.aclose()
        assert sum([event.frame.samples_per_channel async for event in heard]) == 4800
        assert resampler.flush() == []

    run(main())
    assert "samples" in capsys.readouterr().out


def test_downsample() -> None:
    from livekit_utils import AudioResampler

    # Downsample 48kHz to 16kHz
    resampler = AudioResampler(
        input_rate=48000,
        output_rate=16000,
    )

    frames = resampler.push(bytearray(9600)) + resampler.flush()
    assert sum(frame.samples_per_channel for frame in frames) == 1600


def test_complete_example() -> None:
    from livekit_utils import AudioResampler, AudioResamplerQuality, AudioFrame, AudioSource  # noqa: I001

    async def resample_stream(input_stream: AudioStream, output_source: AudioSource) -> None:
        """Resample audio stream from 44.1kHz to 48kHz."""
        resampler = AudioResampler(
            input_rate=44100,
            output_rate=48000,
            num_channels=1,
            quality=AudioResamplerQuality.HIGH,
        )

        try:
            async for event in input_stream:
                # Push frame through resampler
                output_frames = resampler.push(event.frame)

                # Capture all output frames
                for frame in output_frames:
                    await output_source.capture_frame(frame)

            # Flush remaining frames
            final_frames = resampler.flush()
            for frame in final_frames:
                await output_source.capture_frame(frame)

        finally:
            await input_stream.aclose()

    async def main() -> Any:
        source, output_source = AudioSource(44100, 1), AudioSource(48000, 1)
        input_stream = AudioStream(LocalAudioTrack.create_audio_track("in", source), sample_rate=44100)
        heard = AudioStream(LocalAudioTrack.create_audio_track("out", output_source))
        resampling = asyncio.create_task(resample_stream(input_stream, output_source))
        await source.capture_frame(AudioFrame.create(44100, 1, 44100))
        await source.wait_for_playout()
        await source.aclose()
        await resampling
        await output_source.wait_for_playout()
        await output_source.aclose()
        assert sum([event.frame.samples_per_channel async for event in heard]) == 48000

    run(main())
