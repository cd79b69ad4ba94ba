"""What PyAudio costs by itself: a microphone and a speaker with callbacks that do nothing: BLOCK SECONDS.

And then, how long a block takes from the one callback to the other.
"""

import json
import os
import statistics
import sys
import time

import pyaudio


def main() -> None:
    block, seconds = int(sys.argv[1]), float(sys.argv[2])
    portaudio = pyaudio.PyAudio()
    devices = [portaudio.get_device_info_by_index(i) for i in range(portaudio.get_device_count())]
    index = {device["name"]: device["index"] for device in devices}
    silence, sound = bytes(2 * block), bytes(range(1, 255)) * block
    given: list[float] = []
    delays: list[float] = []
    measuring = False

    def callback(data: bytes | None, num_frames: int, times: object, flags: int) -> tuple[bytes, int]:
        if measuring:
            now = time.monotonic()
            if data is None and (not given or now - given[-1] > 0.3):
                given.append(now)
                return sound[: 2 * block], pyaudio.paContinue
            if data is not None and len(delays) < len(given) and data.strip(b"\0"):
                delays.append(now - given[-1])
        return silence, pyaudio.paContinue

    common = {"rate": 48_000, "channels": 1, "format": pyaudio.paInt16, "frames_per_buffer": block}
    ear = portaudio.open(input=True, input_device_index=index["speaker_monitor"], stream_callback=callback, **common)
    voice = portaudio.open(output=True, output_device_index=index["speaker"], stream_callback=callback, **common)
    time.sleep(0.5)
    used = time.process_time()
    time.sleep(seconds)
    used = time.process_time() - used
    measuring = True
    time.sleep(3)
    assert ear.is_active()
    assert voice.is_active()
    print(
        json.dumps({"cpu_percent": used / seconds * 100, "round_trip_ms": statistics.median(delays) * 1000}), flush=True
    )
    os._exit(0)  # cleaning up may take long


main()
