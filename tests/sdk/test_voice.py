"""VoiceProcessor and AudioProcessingModule in the AudioStream of the LiveKit SDK."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioProcessingModule, VoiceProcessor
from tests.support.acoustics import Samples, noise, samples

pytest.importorskip("pywebrtc_audio")


@pytest.fixture(autouse=True)
def takes_processors(rtc: Any) -> None:
    if not hasattr(rtc, "FrameProcessor"):
        pytest.skip("streams of this version take no processors")


async def said(rtc: Any, pcm: Samples, num_streams: int, **arguments: Any) -> list[Samples]:
    """What streams of the SDK give of a track of the SDK on which this is said, of its last half second."""
    source = rtc.AudioSource(48000, 1)
    track = rtc.LocalAudioTrack.create_audio_track("voice", source)
    streams = [rtc.AudioStream(track, **arguments) for _ in range(num_streams)]

    async def say() -> None:
        for start in range(0, len(pcm), 480):
            await source.capture_frame(rtc.AudioFrame(pcm[start : start + 480].tobytes(), 48000, 1, 480))

    async def hear(stream: Any) -> Samples:
        heard = np.zeros(0, np.int16)
        async for event in stream:
            heard = np.concatenate([heard, np.frombuffer(event.frame.data, np.int16)])
            if len(heard) and not heard.any():
                heard = heard[:0]
            if len(heard) > len(pcm) - 2 * 4800:
                break
        return heard[-24000:]

    saying = asyncio.create_task(say())
    heard = await asyncio.gather(*[hear(stream) for stream in streams])
    await saying
    for stream in streams:
        await stream.aclose()
    await source.aclose()
    return heard


def level(pcm: Samples) -> float:
    return 10 * math.log10(np.mean(pcm.astype(float) ** 2) / 32768**2)


@pytest.mark.parametrize("kind", [VoiceProcessor, lambda: AudioProcessingModule(noise_suppression=True)])
def test_noise_is_lowered(rtc: Any, kind: Any) -> None:
    pcm = samples(noise(48000, 2.5, seed=3, rms=330))
    processor = kind()
    assert isinstance(processor, rtc.FrameProcessor)
    (out,) = asyncio.run(asyncio.wait_for(said(rtc, pcm, 1, noise_cancellation=processor), 30))
    assert level(out) < level(pcm) - 10
    assert level(out) > level(pcm) - 20, "the noise is there, but lower"


def test_two_streams_have_a_state_each(rtc: Any) -> None:
    """With one state, frames of both would go through the stages in turn, 7 ms later each: the noise would be cut."""
    pcm = samples(noise(48000, 2.5, seed=3, rms=330))
    processor = VoiceProcessor()
    outs = asyncio.run(asyncio.wait_for(said(rtc, pcm, 2, noise_cancellation=processor), 30))
    assert len(processor._by_task) <= 2
    for out in outs:
        assert -20 < level(out) - level(pcm) < -10
    alone = asyncio.run(asyncio.wait_for(said(rtc, pcm, 1, noise_cancellation=VoiceProcessor()), 30))[0]
    # Where each begins is not known to the sample; blocks of a stream that belong together do not jump.
    for out in outs:
        jumps, usual = (np.abs(np.diff(x.astype(float))[479::480]).mean() for x in (out, alone))
        assert jumps < 1.5 * usual
