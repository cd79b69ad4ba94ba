"""How long a voice agent's answer takes until the agent hears it itself: BLOCK TURNS plain|processed.

That is every step of a turn once: from the application through source, track and player to the speaker, and from the
microphone (the speaker's monitor) through the capture, perhaps noise suppression, and a stream to the application. Each
turn begins in silence, as an answer does. What the microphone, the capture and the speaker hold of it is told by
PortAudio's time stamps and by `stats`.
"""

import asyncio
import json
import random
import statistics
import sys

import numpy as np
from instruments import PLAIN, Ear, frames

from livekit_utils import AudioSource, LocalAudioTrack, MediaDevices

# As speech models make and take it.
SPOKEN_RATE, HEARD_RATE = 24_000, 16_000


def answer() -> "np.ndarray":
    """A vowel of 200 ms, which no noise suppressor takes for noise, and which begins at once."""
    at = np.arange(SPOKEN_RATE // 5) / SPOKEN_RATE
    wave = sum(np.sin(2 * np.pi * 150 * n * at) / n for n in range(1, 12))
    return (8000 * wave).clip(-32768, 32767).astype(np.int16)


async def main() -> None:
    block, num_turns, processed = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "processed"
    devices = MediaDevices(blocksize=block)
    options = {**PLAIN, "noise_suppression": processed}
    capture = await devices.aopen_input(**options, input_device="speaker_monitor")
    ear = Ear(capture, HEARD_RATE)
    player = devices.open_output(output_device="speaker")
    source = AudioSource(SPOKEN_RATE, 1)
    player.add_track(LocalAudioTrack.create_audio_track("agent", source))
    await player.start()
    await asyncio.sleep(1)
    loop = asyncio.get_running_loop()
    turns_ms = []
    for _ in range(num_turns):
        ear.frames.clear()
        begin = loop.time()
        for frame in frames(answer(), SPOKEN_RATE):
            await source.capture_frame(frame)
        # A moment of its own for each, between two blocks of the device.
        await asyncio.sleep(1.2 + random.random() / 50)
        heard = [when for when, samples in ear.frames if np.abs(samples.astype(int)).max() > 1000]
        turns_ms += [(when - begin) * 1000 for when in heard[:1]]
    spoken, captured = player.stats(), capture.stats()
    processing_ms = capture.apm.stats().latency_ms if processed else 0.0
    behind_ms = statistics.median(ear.behind) * 1000
    await player.aclose()
    await capture.aclose()
    await capture.source.aclose()
    await ear.aclose()
    whole_ms = statistics.median(turns_ms)
    hearing_ms = captured.latency_ms + behind_ms + processing_ms
    print(
        json.dumps(
            {
                "num_heard": len(turns_ms),
                "whole_ms": whole_ms,
                "longest_ms": max(turns_ms),
                "microphone_ms": captured.latency_ms,
                "processing_ms": processing_ms,
                "capture_ms": behind_ms,
                "speaking_ms": whole_ms - hearing_ms - spoken.latency_ms,
                "speaker_ms": spoken.latency_ms,
                "gap_ms": spoken.gap_ms,
            }
        )
    )


asyncio.run(main())
