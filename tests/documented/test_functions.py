"""The import block, `combine_audio_frames` and `sine_wave_generator`."""

from __future__ import annotations

import asyncio

import pytest

from livekit_utils import AudioFrame, AudioSource, AudioStream, LocalAudioTrack
from tests.support.virtual_time import run


def test_import() -> None:
    from livekit_utils import (  # noqa: I001
        combine_audio_frames,
        AudioMixer,
        AudioResampler,
        AudioResamplerQuality,
        AudioFilter,
        AVSynchronizer,
        MediaDevices,
        FrameProcessor,
    )

    # sine_wave_generator requires separate import from utils module
    from livekit_utils.rtc.utils import sine_wave_generator

    names = [AudioMixer, AudioResampler, AudioResamplerQuality, AudioFilter, AVSynchronizer, MediaDevices]
    for item in [*names, FrameProcessor, combine_audio_frames, sine_wave_generator]:
        assert callable(item)


def test_combine_audio_frames(capsys: pytest.CaptureFixture[str]) -> None:
    from livekit_utils import combine_audio_frames

    frame1 = AudioFrame.create(48000, 1, 480)  # 10ms
    frame2 = AudioFrame.create(48000, 1, 480)  # 10ms
    frame3 = AudioFrame.create(48000, 1, 480)  # 10ms

    # Combine into single frame
    combined = combine_audio_frames([frame1, frame2, frame3])
    print(f"Duration: {combined.duration}s")  # 0.03 (30ms)

    # Single frame (returns copy)
    single = combine_audio_frames(frame1)

    assert capsys.readouterr().out == "Duration: 0.03s\n"
    assert (combined.sample_rate, combined.num_channels, combined.samples_per_channel) == (48000, 1, 1440)
    single.data[0] = 7
    assert frame1.data[0] == 0


def test_generate_a_tone(capsys: pytest.CaptureFixture[str]) -> None:
    from livekit_utils.rtc.utils import sine_wave_generator

    # Generate 440 Hz tone for 1 second
    async def generate_tone() -> None:
        async for frame in sine_wave_generator(440, 1.0):
            print(f"Generated frame with {frame.samples_per_channel} samples")
            # Process or capture frame

    asyncio.run(generate_tone())

    assert capsys.readouterr().out == "Generated frame with 480 samples\n" * 100


def test_generate_a_test_tone_and_capture() -> None:
    from livekit_utils.rtc.utils import sine_wave_generator

    async def main() -> None:
        source = AudioSource(48000, 1)
        stream = AudioStream(LocalAudioTrack.create_audio_track("tone", source))
        async for frame in sine_wave_generator(1000, 2.0):
            await source.capture_frame(frame)
        await source.wait_for_playout()
        await source.aclose()
        assert sum([event.frame.samples_per_channel async for event in stream]) == 96000

    run(main())
