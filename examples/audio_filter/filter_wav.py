"""Filters a WAV file of 16-bit samples: filter_wav.py PLUGIN IN.wav OUT.wav ['{"gain": 0.5}']."""

import json
import sys
import wave

from livekit_utils import AudioFilter, AudioFrame


def main(plugin: str, source: str, target: str, options: str = "{}") -> None:
    values = json.loads(options)
    with AudioFilter("example", plugin) as audio_filter, wave.open(source) as reader, wave.open(target, "wb") as writer:
        if reader.getsampwidth() != 2:
            raise SystemExit(f"{source}: expected 16-bit samples, got {8 * reader.getsampwidth()}-bit")
        rate, channels = reader.getframerate(), reader.getnchannels()
        writer.setparams(reader.getparams())
        while data := reader.readframes(rate):  # a second at a time, however long the file is
            frame = AudioFrame(data, rate, channels, len(data) // (2 * channels))
            writer.writeframes(audio_filter.process(frame, options=values).data)
        if rest := audio_filter.flush():
            writer.writeframes(rest.data)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
