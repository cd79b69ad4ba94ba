"""A tour in twelve seconds: source, processor, stream, mixer, file.

An agent speaks. A guest breaks in: the agent fades out, keeps what it has not said, and says it when the guest is done.
Somebody listens to both, louder, and writes what is heard into a file.

    python examples/tour.py [OUT.wav]
"""

import asyncio
import sys
import wave
from pathlib import Path

import numpy as np

from livekit_utils import AudioFrame, AudioMixer, AudioSource, AudioStream, FrameProcessor, LocalAudioTrack

RECORDINGS = Path(__file__).parent / "recordings"
RATE = 48000


class Gain(FrameProcessor[AudioFrame]):
    """Makes each frame louder, in place."""

    def __init__(self, gain: float) -> None:
        self._gain = gain
        self._enabled = True

    @property
    def enabled(self) -> bool:
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._enabled = value

    def _process(self, frame: AudioFrame) -> AudioFrame:
        samples = np.asarray(frame)
        samples[:] = np.clip(samples * self._gain, -32768, 32767)
        return frame

    def _close(self) -> None:
        self._enabled = False


def read(name: str) -> AudioFrame:
    with wave.open(str(RECORDINGS / name)) as file:
        data = file.readframes(file.getnframes())
        return AudioFrame(data, file.getframerate(), file.getnchannels(), file.getnframes())


async def converse(agent: AudioSource, guest: AudioSource, announcement: AudioFrame, answer: AudioFrame) -> None:
    start = asyncio.get_running_loop().time()

    def say(what: str) -> None:
        print(f"{asyncio.get_running_loop().time() - start:5.1f} s  {what}")

    say(f"the agent has {announcement.duration:.1f} s to say")
    await agent.capture_frame(announcement)
    await asyncio.sleep(2.4)

    unsaid = agent.clear_queue(fade_ms=40)
    say(f"the guest breaks in; the agent keeps {sum(frame.duration for frame in unsaid):.1f} s for later")
    await guest.capture_frame(answer)
    await guest.wait_for_playout()

    say("the guest is done, the agent goes on")
    for frame in unsaid:
        await agent.capture_frame(frame)
    await agent.wait_for_playout()

    say("all is said")
    await agent.aclose()  # ends its tracks, and so the streams on them
    await guest.aclose()


async def record(mixer: AudioMixer, path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        async for block in mixer:
            file.writeframes(block.data)


async def main(path: Path) -> None:
    announcement, answer = read("speech.wav"), read("guest.wav")
    agent = AudioSource(announcement.sample_rate, 1, queue_size_ms=10_000)
    guest = AudioSource(answer.sample_rate, 1)

    # 16 and 22.05 kHz go in; each stream converts to what its reader wants, and puts its frames through a processor.
    voices = {"agent": agent, "guest": guest}
    tracks = [LocalAudioTrack.create_audio_track(name, source) for name, source in voices.items()]
    streams = [AudioStream(track, sample_rate=RATE, noise_cancellation=Gain(1.5)) for track in tracks]

    async with AudioMixer(RATE, 1, blocksize=RATE // 100) as mixer:
        for track, stream in zip(tracks, streams, strict=True):
            mixer.add_stream(stream, name=track.name)
        mixer.end_input()
        await asyncio.gather(record(mixer, path), converse(agent, guest, announcement, answer))
    for stream in streams:
        await stream.aclose()
    print(f"listen to {path}")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "tour.wav")))
