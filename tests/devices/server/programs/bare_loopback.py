"""What PyAudio costs by itself: a microphone and a speaker with callbacks that do nothing: BLOCK SECONDS."""

import json
import os
import sys
import time

import pyaudio


def main() -> None:
    block, seconds = int(sys.argv[1]), float(sys.argv[2])
    portaudio = pyaudio.PyAudio()
    devices = [portaudio.get_device_info_by_index(i) for i in range(portaudio.get_device_count())]
    index = {device["name"]: device["index"] for device in devices}
    silence = bytes(2 * block)

    def callback(data: object, num_frames: int, times: object, flags: int) -> tuple[bytes, int]:
        return silence, pyaudio.paContinue

    common = {"rate": 48_000, "channels": 1, "format": pyaudio.paInt16, "frames_per_buffer": block}
    ear = portaudio.open(input=True, input_device_index=index["speaker_monitor"], stream_callback=callback, **common)
    voice = portaudio.open(output=True, output_device_index=index["speaker"], stream_callback=callback, **common)
    time.sleep(0.5)
    used = time.process_time()
    time.sleep(seconds)
    used = time.process_time() - used
    assert ear.is_active()
    assert voice.is_active()
    print(json.dumps({"cpu_percent": used / seconds * 100}), flush=True)
    os._exit(0)  # cleaning up may take long


main()
