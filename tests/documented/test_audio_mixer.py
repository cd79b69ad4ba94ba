"""The examples of `AudioMixer`, and the complete one."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame
from tests.support.stand_in_room import Room
from tests.support.virtual_time import run


def test_making_one() -> None:
    from livekit_utils import AudioMixer

    async def main() -> None:
        # Mix at 48kHz mono
        mixer = AudioMixer(sample_rate=48000, num_channels=1)

        # Mix at 48kHz stereo with custom block size
        mixer = AudioMixer(
            sample_rate=48000,
            num_channels=2,
            blocksize=960,  # 20ms at 48kHz
        )

        await mixer.aclose()

    run(main())


def test_adding_removing_and_the_end() -> None:
    from livekit_utils import AudioMixer, AudioSource, AudioStream, LocalAudioTrack

    async def main() -> None:
        source1, source2, output_source = (AudioSource(48000, 1) for _ in range(3))
        track1, track2 = (LocalAudioTrack.create_audio_track("in", source) for source in (source1, source2))
        output = AudioStream(LocalAudioTrack.create_audio_track("out", output_source))
        mixer = AudioMixer(sample_rate=48000, num_channels=1)

        stream1 = AudioStream(track1)
        stream2 = AudioStream(track2)

        mixer.add_stream(stream1)
        mixer.add_stream(stream2)

        for source, value in ((source1, 100), (source2, 23)):
            await source.capture_frame(AudioFrame(np.full(9600, value, np.int16), 48000, 1, 9600))
        mixed_frames = []

        async def mix() -> None:
            # Iterate mixed output
            async for mixed_frame in mixer:
                await output_source.capture_frame(mixed_frame)
                mixed_frames.append(mixed_frame)

        mixing = asyncio.create_task(mix())
        await source1.wait_for_playout()
        await asyncio.sleep(0.01)
        assert [set(frame.data) for frame in mixed_frames] == [{123}] * 2

        mixer.remove_stream(stream1)

        with pytest.raises(ValueError, match="not a stream of this AudioMixer"):
            mixer.remove_stream(stream1)

        # Signal end of input
        mixer.end_input()

        # Mixer will end when all streams complete
        await source2.aclose()
        await mixing

        with pytest.raises(RuntimeError):
            mixer.add_stream(stream1)

        await mixer.aclose()

        for item in (stream1, stream2, output, source1, output_source):
            await item.aclose()

    run(main())


def test_complete_example() -> None:
    from livekit_utils import AudioMixer, AudioStream, AudioSource, LocalAudioTrack  # noqa: I001

    room = Room()

    async def mix_audio_streams(track1: Any, track2: Any) -> None:
        """Mix two audio streams."""
        # Create streams
        stream1 = AudioStream(track1, sample_rate=48000, num_channels=1)
        stream2 = AudioStream(track2, sample_rate=48000, num_channels=1)

        # Create mixer
        mixer = AudioMixer(sample_rate=48000, num_channels=1)
        mixer.add_stream(stream1)
        mixer.add_stream(stream2)

        # Create output
        output_source = AudioSource(48000, 1)
        output_track = LocalAudioTrack.create_audio_track("mixed", output_source)
        await room.local_participant.publish_track(output_track)

        # Mix and publish
        try:
            async for mixed_frame in mixer:
                await output_source.capture_frame(mixed_frame)
        finally:
            await mixer.aclose()
            await stream1.aclose()
            await stream2.aclose()
            await output_source.aclose()

    async def main() -> None:
        sources = [AudioSource(16000, 1), AudioSource(48000, 2)]
        tracks = [LocalAudioTrack.create_audio_track("in", source) for source in sources]
        mixing = asyncio.create_task(mix_audio_streams(*tracks))
        while not room.local_participant.published:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        heard = AudioStream(room.local_participant.published[0])
        for source, value in zip(sources, (1000, 500), strict=True):
            samples = source.sample_rate // 2
            data = np.full(samples * source.num_channels, value, np.int16)
            await source.capture_frame(AudioFrame(data, source.sample_rate, source.num_channels, samples))
        await asyncio.sleep(1)
        mixing.cancel()
        await asyncio.wait([mixing])
        middle = np.concatenate([np.asarray(event.frame) async for event in heard])[4800:19200]
        assert len(middle) == 14400
        assert np.abs(middle - 1500).max() <= 2
        for source in sources:
            await source.aclose()

    run(main())
