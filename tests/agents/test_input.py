"""The microphone of a participant, as livekit-agents reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from livekit.agents.voice.room_io._input import _ParticipantAudioInputStream

from livekit_utils import AudioFrame, FrameProcessor, VoiceProcessor


class Halve(FrameProcessor[AudioFrame]):
    enabled = True

    def __init__(self) -> None:
        self.calls, self.closed, self.told = 0, 0, []

    def _process(self, frame: AudioFrame) -> AudioFrame:
        self.calls += 1
        np.frombuffer(frame.data, np.int16)[:] //= 2
        return frame

    def _on_stream_info_updated(self, *, room_name: str, participant_identity: str, publication_sid: str) -> None:
        self.told.append(participant_identity)

    def _close(self) -> None:
        self.closed += 1


def test_a_processor_of_ours_is_used(rtc: Any, room: Any) -> None:
    processor = Halve()

    async def main() -> int:
        source = rtc.AudioSource(48000, 1)
        track = rtc.LocalAudioTrack.create_audio_track("voice", source)
        publication = SimpleNamespace(
            sid="TR_1", source=rtc.TrackSource.SOURCE_MICROPHONE, track=track, audio_features=[]
        )
        participant = SimpleNamespace(identity="anna", sid="PA_1", track_publications={"TR_1": publication})
        reading = _ParticipantAudioInputStream(
            room,
            sample_rate=24000,
            num_channels=1,
            noise_cancellation=processor,  # type: ignore[arg-type]
            auto_gain_control=False,
            pre_connect_audio_handler=None,
        )
        assert reading._processor is processor
        stream = reading._create_stream(track, participant)  # type: ignore[arg-type]
        for _ in range(30):
            await source.capture_frame(AudioFrame(np.full(480, 8000, np.int16), 48000, 1, 480))
        peak = 0
        async for event in stream:
            peak = max(peak, int(np.frombuffer(event.frame.data, np.int16).max()))
            if processor.calls >= 4 and peak:
                break
        await stream.aclose()
        await source.aclose()
        await reading.aclose()
        return peak

    assert abs(asyncio.run(asyncio.wait_for(main(), 30)) - 4000) <= 400  # the converter rings at the start
    assert processor.closed == 1


def test_a_processor_that_is_chosen_for_the_participant(rtc: Any, room: Any) -> None:
    chosen: list[Halve] = []

    def choose(_: Any) -> Any:
        chosen.append(Halve())
        return chosen[-1]

    async def main() -> Callable[..., Any]:
        source = rtc.AudioSource(48000, 1)
        track = rtc.LocalAudioTrack.create_audio_track("voice", source)
        reading = _ParticipantAudioInputStream(
            room,
            sample_rate=24000,
            num_channels=1,
            noise_cancellation=choose,
            auto_gain_control=False,
            pre_connect_audio_handler=None,
        )
        stream = reading._create_stream(track, SimpleNamespace(identity="anna", track_publications={}))  # type: ignore[arg-type]
        used = reading._processor
        await stream.aclose()
        await source.aclose()
        await reading.aclose()
        return used  # type: ignore[return-value]

    assert asyncio.run(asyncio.wait_for(main(), 30)) is chosen[0]  # type: ignore[comparison-overlap]


def test_a_voice_processor_lowers_noise(rtc: Any, room: Any) -> None:
    processor = VoiceProcessor()

    async def main() -> None:
        source = rtc.AudioSource(48000, 1)
        track = rtc.LocalAudioTrack.create_audio_track("voice", source)
        publication = SimpleNamespace(
            sid="TR_1", source=rtc.TrackSource.SOURCE_MICROPHONE, track=track, audio_features=[]
        )
        participant = SimpleNamespace(identity="anna", sid="PA_1", track_publications={"TR_1": publication})
        reading = _ParticipantAudioInputStream(
            room,
            sample_rate=24000,
            num_channels=1,
            noise_cancellation=processor,  # type: ignore[arg-type]
            auto_gain_control=False,
            pre_connect_audio_handler=None,
        )
        assert reading._processor is processor
        stream = reading._create_stream(track, participant)  # type: ignore[arg-type]
        noise = np.random.default_rng(1).normal(0, 330, 480 * 250).astype(np.int16)

        async def say() -> None:
            for start in range(0, len(noise), 480):
                await source.capture_frame(AudioFrame(noise[start : start + 480].tobytes(), 48000, 1, 480))

        saying = asyncio.create_task(say())
        levels = []
        async for event in stream:
            levels.append(float(np.std(np.frombuffer(event.frame.data, np.int16))))
            if saying.done() or len(levels) >= 40:
                break
        await saying
        assert processor.stats().reduction_db > 10
        assert processor.stats().input_level_dbfs > -45
        await stream.aclose()
        await source.aclose()
        await reading.aclose()

    asyncio.run(asyncio.wait_for(main(), 30))
