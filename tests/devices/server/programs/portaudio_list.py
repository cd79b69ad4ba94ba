"""What PortAudio itself lists."""

import json

import pyaudio

audio = pyaudio.PyAudio()
devices = [audio.get_device_info_by_index(index) for index in range(audio.get_device_count())]
print(
    json.dumps(
        {
            "inputs": [device["name"] for device in devices if device["maxInputChannels"]],
            "outputs": [device["name"] for device in devices if device["maxOutputChannels"]],
        }
    )
)
audio.terminate()
