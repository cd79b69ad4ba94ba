"""Speech recognition: frames that are pushed reach the plugin."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from livekit.agents import stt, vad
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.utils.audio import AudioByteStream, combine_frames

from livekit_utils import AudioFrame, AudioSource, AudioStream, LocalAudioTrack


def transcript(text: str) -> stt.SpeechEvent:
    return stt.SpeechEvent(
        type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[stt.SpeechData(language="en", text=text)]
    )


class Counting(stt.STT):
    """Transcribes speech into the number of its samples. As most plugins do, it skips what is no frame."""

    def __init__(self, streaming: bool, sample_rate: int | None = None) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=streaming, interim_results=False))
        self.sample_rate = sample_rate

    async def _recognize_impl(self, buffer: Any, **_: Any) -> stt.SpeechEvent:
        return transcript(str(combine_frames(buffer).samples_per_channel))

    def stream(self, **_: Any) -> stt.RecognizeStream:
        return CountingStream(self)


class CountingStream(stt.RecognizeStream):
    def __init__(self, owner: Counting) -> None:
        rate = {} if owner.sample_rate is None else {"sample_rate": owner.sample_rate}
        super().__init__(stt=owner, conn_options=DEFAULT_API_CONNECT_OPTIONS, **rate)  # type: ignore[arg-type]

    async def _run(self) -> None:
        from livekit import rtc

        total = 0
        async for item in self._input_ch:
            if isinstance(item, rtc.AudioFrame):
                total += item.samples_per_channel
            elif isinstance(item, self._FlushSentinel):
                self._event_ch.send_nowait(transcript(str(total)))


async def pushed(plugin: stt.STT, frames: list[AudioFrame]) -> int:
    stream = plugin.stream()
    for frame in frames:
        stream.push_frame(frame)  # type: ignore[arg-type]
    stream.flush()
    stream.end_input()
    texts = [event.alternatives[0].text async for event in stream if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT]
    await stream.aclose()
    return int(texts[0])


def tone(num_frames: int, sample_rate: int = 48000) -> list[AudioFrame]:
    n = sample_rate // 100
    return [AudioFrame(np.full(n, 1000, np.int16), sample_rate, 1, n) for _ in range(num_frames)]


def test_a_plugin_gets_the_frames_that_are_pushed() -> None:
    assert asyncio.run(pushed(Counting(streaming=True), tone(50))) == 50 * 480


def test_a_plugin_of_another_rate() -> None:
    """livekit-agents resamples them, at the quality HIGH."""
    found = asyncio.run(pushed(Counting(streaming=True, sample_rate=16000), tone(100)))
    assert abs(found - 16000) <= 160


def test_a_plugin_gets_what_our_stream_reads() -> None:
    async def main() -> int:
        source = AudioSource(48000, 1)
        stream = AudioStream(LocalAudioTrack.create_audio_track("voice", source), sample_rate=16000)
        recognition = Counting(streaming=True).stream()
        for frame in tone(20):
            await source.capture_frame(frame)
        await source.wait_for_playout()
        await source.aclose()
        async for event in stream:
            recognition.push_frame(event.frame)  # type: ignore[arg-type]
        recognition.flush()
        recognition.end_input()
        texts = [event.alternatives[0].text async for event in recognition]
        await recognition.aclose()
        await stream.aclose()
        return int(texts[0])

    assert asyncio.run(main()) == 3200


class Loud(vad.VAD):
    """Takes any sound for speech, until it is flushed."""

    def __init__(self) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=0.1))

    def stream(self) -> vad.VADStream:
        return LoudStream(self)


class LoudStream(vad.VADStream):
    async def _main_task(self) -> None:
        from livekit import rtc

        frames: list[Any] = []
        async for item in self._input_ch:
            if isinstance(item, rtc.AudioFrame):
                frames.append(item)
            elif frames:
                for kind in (vad.VADEventType.START_OF_SPEECH, vad.VADEventType.END_OF_SPEECH):
                    event = vad.VADEvent(
                        type=kind,
                        samples_index=0,
                        timestamp=0,
                        speech_duration=1,
                        silence_duration=0,
                        frames=frames,
                    )
                    self._event_ch.send_nowait(event)
                frames = []


def test_the_stream_adapter_recognises_what_the_detector_took() -> None:
    adapter = stt.StreamAdapter(stt=Counting(streaming=False), vad=Loud())
    assert asyncio.run(pushed(adapter, tone(30))) == 30 * 480


def test_the_byte_stream_cuts_the_samples_of_our_frames() -> None:
    stream = AudioByteStream(48000, 1, 480)
    frames = []
    for frame in tone(10):
        frames += stream.push(bytes(frame.data)[:700])
        frames += stream.push(frame.data[350:])
    frames += stream.flush()
    assert [frame.samples_per_channel for frame in frames] == [480] * 10
    assert set(np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames])) == {1000}
