"""How long each frame takes from capture_frame to the speaker and back: BLOCK SECONDS [SECONDS_BETWEEN_STALLS].

A stall holds up the event loop for 20 ms.
"""

import asyncio
import json
import sys
import time

import numpy as np
from instruments import PLAIN, Ear, cpu_s, frames
from sound_tools import RAMP_PERIOD, ramp

from livekit_utils import AudioSource, LocalAudioTrack, MediaDevices


async def stall(every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        time.sleep(0.02)  # noqa: ASYNC251 (this is what is tried)


def delays_ms(ear: Ear, given: list[float]) -> list[float]:
    """From when each frame was given to when its first sample came back; of those that did."""
    delays = []
    for when, samples in ear.frames:
        heard = samples.reshape(-1)
        for value in heard[(heard > 0) & ((heard - 1) % 480 == 0)]:
            # The ramp repeats itself, long after a frame has come back.
            place = (int(value) - 1) // 480
            repeats = RAMP_PERIOD // 480
            newest = max((i for i in range(place, len(given), repeats) if given[i] < when), default=None)
            if newest is not None:
                delays.append((when - given[newest]) * 1000)
    return delays


async def main() -> None:
    block, seconds = int(sys.argv[1]), float(sys.argv[2])
    devices = MediaDevices(blocksize=block)
    capture = devices.open_input(**PLAIN, input_device="speaker_monitor")
    ear = Ear(capture)
    player = devices.open_output(output_device="speaker")
    source = AudioSource(48000, 1)
    player.add_track(LocalAudioTrack.create_audio_track("voice", source))
    await player.start()
    await asyncio.sleep(1)
    stalling = asyncio.create_task(stall(float(sys.argv[3]))) if len(sys.argv) > 3 else None
    # A whole number of frames fits into a period, so that each begins with a number of its own.
    sound = frames(ramp(RAMP_PERIOD // 480 * 480))
    given: list[float] = []
    loop = asyncio.get_running_loop()
    start, used = loop.time(), cpu_s()
    for i in range(round(seconds * 100)):
        await asyncio.sleep(max(0.0, start + i * 0.01 - loop.time()))
        given.append(loop.time())
        await source.capture_frame(sound[i % len(sound)])
    used = cpu_s() - used
    await asyncio.sleep(0.3)
    stats = player.stats()
    if stalling is not None:
        stalling.cancel()
    await player.aclose()
    await capture.aclose()
    await capture.source.aclose()
    await ear.aclose()
    delays = delays_ms(ear, given)
    p10, p50, p90 = np.percentile(delays, [10, 50, 90])
    last = np.percentile(delays[-500:], 50)
    print(
        json.dumps(
            {
                "p10_ms": p10,
                "p50_ms": p50,
                "p90_ms": p90,
                "last_p50_ms": last,
                "longest_ms": max(delays),
                "gap_ms": stats.gap_ms,
                "num_gaps": stats.num_gaps,
                "num_device_gaps": stats.num_device_gaps,
                "dropped_ms": stats.dropped_ms,
                "queued_ms": stats.queued_ms,
                "device_ms": stats.latency_ms,
                "depth_ms": stats.depth_ms,
                "cpu_percent": used / seconds * 100,
            }
        )
    )


asyncio.run(main())
