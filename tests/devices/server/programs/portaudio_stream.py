"""A stream of PortAudio's own: input|output DEVICE RATE CHANNELS BLOCKS_PER_SECOND FILE.

An output plays FILE, then silence; an input records to it. Prints a line of JSON when it is open, and one with what the
stream says of itself for each line of input. When that ends so does the process, without closing anything: where the
server hangs, that would hang as well.
"""

import json
import os
import sys
import time
from typing import Any

import pyaudio

side, name, path = sys.argv[1], sys.argv[2], sys.argv[6]
rate, channels, blocks_per_second = map(int, sys.argv[3:6])
num_callbacks = 0
is_input = side == "input"
file = open(path, "wb" if is_input else "rb")  # noqa: SIM115 (open to the end)


def call_back(data: bytes | None, num_frames: int, *_: Any) -> tuple[bytes | None, int]:
    global num_callbacks
    num_callbacks += 1
    if is_input:
        assert data is not None
        file.write(data)
        file.flush()
        return None, pyaudio.paContinue
    size = num_frames * channels * 2
    return file.read(size).ljust(size, b"\0"), pyaudio.paContinue


def say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


audio = pyaudio.PyAudio()
names = [str(audio.get_device_info_by_index(index)["name"]) for index in range(audio.get_device_count())]
try:
    stream = audio.open(
        rate,
        channels,
        pyaudio.paInt16,
        input=is_input,
        output=not is_input,
        input_device_index=names.index(name) if is_input else None,
        output_device_index=None if is_input else names.index(name),
        frames_per_buffer=rate // blocks_per_second,
        stream_callback=call_back,
    )
except OSError as error:
    say(error=error.args[0])
    os._exit(0)
say(error=None)
for _ in sys.stdin:
    say(num_callbacks=num_callbacks, is_active=stream.is_active(), at=time.monotonic())
os._exit(0)
