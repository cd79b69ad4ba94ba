"""What loopback.py does, with LiveKit's SDK and sounddevice: BLOCK SECONDS both|playback."""

import asyncio
import json
import os
import sys
import time

import numpy as np
from instruments import PLAIN
from livekit import rtc
from sound_tools import ramp


async def main() -> None:
    block, seconds = int(sys.argv[1]), float(sys.argv[2])
    devices = rtc.MediaDevices(blocksize=block)
    inputs = {device["name"]: device["index"] for device in devices.list_input_devices()}
    outputs = {device["name"]: device["index"] for device in devices.list_output_devices()}
    heard: list[tuple[float, np.ndarray]] = []

    async def listen() -> None:
        capture = devices.open_input(**PLAIN, input_device=inputs["speaker_monitor"])
        async for event in rtc.AudioStream(rtc.LocalAudioTrack.create_audio_track("ear", capture.source)):
            heard.append((time.monotonic(), np.array(event.frame.data)))

    listening = asyncio.create_task(listen()) if sys.argv[3] == "both" else None
    player = devices.open_output(output_device=outputs["speaker"])
    source = rtc.AudioSource(48000, 1)
    await player.add_track(rtc.LocalAudioTrack.create_audio_track("voice", source))
    await player.start()
    await asyncio.sleep(0.5)
    samples = ramp(round(seconds * 48000))
    started, used = time.monotonic(), time.process_time()
    for i in range(0, len(samples), 480):
        await source.capture_frame(rtc.AudioFrame(samples[i : i + 480].tobytes(), 48000, 1, 480))
    await source.wait_for_playout()
    used = time.process_time() - used
    await asyncio.sleep(0.5)
    first = next((when for when, piece in heard if piece.any()), started)
    print(json.dumps({"round_trip_ms": (first - started) * 1000, "cpu_percent": used / seconds * 100}), flush=True)
    if listening is not None:
        listening.cancel()
    os._exit(0)  # its threads do not end by themselves


asyncio.run(main())
