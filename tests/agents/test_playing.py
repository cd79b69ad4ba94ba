"""What livekit-agents plays and records: background sound, avatars, the recording of a session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from livekit.agents.voice import io
from livekit.agents.voice.avatar import AudioSegmentEnd, AvatarOptions, AvatarRunner, QueueAudioOutput, VideoGenerator
from livekit.agents.voice.background_audio import AudioConfig, BackgroundAudioPlayer
from livekit.agents.voice.recorder_io import RecorderIO

from livekit_utils import AudioFrame, VideoBufferType, VideoFrame, sine_wave_generator
from tests.agents.conftest import OURS


def frames_of(value: int, num_frames: int) -> list[AudioFrame]:
    return [AudioFrame(np.full(480, value, np.int16), 48000, 1, 480) for _ in range(num_frames)]


def test_background_sound(rtc: Any, room: Any, listen: Callable[..., Any]) -> None:
    async def main() -> Any:
        player = BackgroundAudioPlayer()
        await player.start(room=room)
        hearing = asyncio.create_task(listen(room.published[0], 24000))
        handle = player.play(AudioConfig(sine_wave_generator(440, 1.0), volume=0.5))  # type: ignore[arg-type]
        samples = await asyncio.wait_for(hearing, 20)
        await asyncio.wait_for(handle.wait_for_playout(), 20)
        second = player.play(sine_wave_generator(880, 60.0))  # type: ignore[arg-type]
        await asyncio.sleep(0.2)
        second.stop()
        await asyncio.sleep(0.1)
        assert not player._play_tasks
        await player.aclose()
        return samples[:24000].astype(float)

    samples = asyncio.run(main())
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    assert np.argmax(spectrum) * 48000 / len(samples) == pytest.approx(440, abs=4)
    assert np.abs(samples).max() == pytest.approx(0.3 * 0.5 * 32767, rel=0.01)  # the generator's amplitude is 0.3


class Portrait(VideoGenerator):
    """Shows a picture per 40 ms of the sound that it is given, and the sound with it."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()

    async def push_audio(self, frame: Any) -> None:
        await self.queue.put(frame)

    def clear_buffer(self) -> None:
        while not self.queue.empty():
            self.queue.get_nowait()

    async def __aiter__(self) -> AsyncIterator[Any]:  # type: ignore[override]
        heard = 0
        while True:
            item = await self.queue.get()
            if not isinstance(item, AudioSegmentEnd):
                if heard % 1920 == 0:
                    yield VideoFrame(32, 32, VideoBufferType.RGBA, bytes(4096))
                heard += item.samples_per_channel
            yield item


def test_an_avatar_plays_our_frames(rtc: Any, room: Any, listen: Callable[..., Any]) -> None:
    async def main() -> tuple[Any, list[Any]]:
        output, finished = QueueAudioOutput(sample_rate=48000), []
        output.on("playback_finished", finished.append)
        options = AvatarOptions(
            video_width=32, video_height=32, video_fps=25, audio_sample_rate=48000, audio_channels=1
        )
        runner = AvatarRunner(room, audio_recv=output, video_gen=Portrait(), options=options, _lazy_publish=False)
        await runner.start()  # it has published both tracks then
        hearing = asyncio.create_task(listen(room.published[0], 48000 // 2))
        for frame in frames_of(500, 60):
            await output.capture_frame(frame)  # type: ignore[arg-type]
        output.flush()
        event = await asyncio.wait_for(output.wait_for_playout(), 20)
        samples = await asyncio.wait_for(hearing, 20)
        await runner.aclose()
        return samples, [event, *finished]

    samples, events = asyncio.run(main())
    assert set(samples[:20000]) == {500}
    assert events[0].playback_position == pytest.approx(0.6)
    assert not events[0].interrupted


class Microphone(io.AudioInput):
    def __init__(self, frames: list[AudioFrame]) -> None:
        super().__init__(label="microphone")
        self.frames = frames
        self.start = time.monotonic()
        self.count = 0

    async def __anext__(self) -> Any:
        if not self.frames:
            raise StopAsyncIteration
        self.count += 1
        await asyncio.sleep(max(0, self.start + self.count * 0.01 - time.monotonic()))
        return self.frames.pop(0)


class Loudspeaker(io.AudioOutput):
    def __init__(self) -> None:
        super().__init__(label="speaker", capabilities=io.AudioOutputCapabilities(pause=False), sample_rate=48000)
        self.length = 0.0

    async def capture_frame(self, frame: Any) -> None:
        await super().capture_frame(frame)
        if not self.length:
            self.on_playback_started(created_at=time.time())
        self.length += frame.duration

    def flush(self) -> None:
        super().flush()
        self.on_playback_finished(playback_position=self.length, interrupted=False)

    def clear_buffer(self) -> None: ...


def test_a_session_is_recorded(rtc: Any, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    path = tmp_path / "session.ogg"

    async def main() -> None:
        recorder = RecorderIO(agent_session=None, sample_rate=48000)  # type: ignore[arg-type]
        microphone = recorder.record_input(Microphone(frames_of(8000, 100)))
        speaker = recorder.record_output(Loudspeaker())
        await recorder.start(output_path=path)
        async for _ in microphone:
            pass
        frames = [frame async for frame in sine_wave_generator(440, 0.5)]
        for frame in frames:
            await speaker.capture_frame(frame)  # type: ignore[arg-type]
        speaker.flush()
        await asyncio.sleep(0.6)
        await recorder.aclose()

    asyncio.run(main())
    with av.open(str(path)) as container:
        planes = [frame.to_ndarray() for frame in container.decode(audio=0)]
    sides = np.concatenate(planes, axis=1)
    assert np.abs(sides[0]).max() > 0.1
    assert np.abs(sides[1]).max() > 0.1
    assert 1.4 <= sides.shape[1] / 48000 <= 3


@pytest.mark.skipif(OURS, reason="this is the run with our names")
def test_all_of_it_on_our_classes(run_python: Callable[..., Any]) -> None:
    """Once more, with our names in place of the SDK's below livekit-agents."""
    process = run_python(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(Path(__file__).parent),
        timeout=300, LIVEKIT_UTILS_AGENTS="ours",
    )  # fmt: skip
    assert process.returncode == 0, process.stdout[-5000:]
