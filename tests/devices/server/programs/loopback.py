"""Plays a ramp on the speaker and captures it at its monitor: BLOCK SECONDS isolated|inside [BUFFER_MS]."""

import asyncio
import json
import statistics
import sys
import time
from dataclasses import asdict

from instruments import PLAIN, Ear, cpu_s, frames
from sound_tools import find_ramp, ramp

from livekit_utils import AudioSource, LocalAudioTrack, MediaDevices


async def main() -> None:
    block, seconds = int(sys.argv[1]), float(sys.argv[2])
    devices = MediaDevices(blocksize=block, isolated=None if sys.argv[3] == "isolated" else False)
    capture = devices.open_input(**PLAIN, input_device="speaker_monitor")
    ear = Ear(capture)
    buffer_ms = float(sys.argv[4]) if len(sys.argv) > 4 else None
    player = devices.open_output(output_device="speaker", buffer_ms=buffer_ms)
    source = AudioSource(48000, 1)
    player.add_track(LocalAudioTrack.create_audio_track("voice", source))
    await player.start()
    await asyncio.sleep(0.3)
    samples = ramp(round(seconds * 48000))
    started, used = time.monotonic(), cpu_s()
    for frame in frames(samples):
        await source.capture_frame(frame)
    await source.wait_for_playout()
    await player.wait_for_playout()
    used = cpu_s() - used
    await asyncio.sleep(0.1 + block / 48000)
    stats, captured = player.stats(), capture.stats()
    await player.aclose()
    await capture.aclose()
    await capture.source.aclose()
    await ear.aclose()
    report = find_ramp(ear.sound, len(samples))
    first = next(when for when, samples in ear.frames if samples.any())
    round_trip_ms = (first - started) * 1000
    microphone_ms = captured.latency_ms + statistics.median(ear.behind) * 1000
    print(
        json.dumps(
            {
                "ramp": asdict(report) | {"is_intact": report.is_intact},
                "round_trip_ms": round_trip_ms,
                "to_speaker_ms": round_trip_ms - microphone_ms,
                "player_latency_ms": stats.latency_ms,
                "capture_latency_ms": captured.latency_ms,
                "microphone_to_frame_ms": microphone_ms,
                "gap_ms": stats.gap_ms,
                "dropped_ms": stats.dropped_ms + captured.dropped_ms,
                "frame_sizes": sorted({len(samples) for _, samples in ear.frames}),
                "cpu_percent": used / seconds * 100,
                "tasks": len(asyncio.all_tasks()),
            }
        )
    )


asyncio.run(main())
