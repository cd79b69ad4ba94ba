"""Echo cancellation through a simulated room: input|output (what is opened first) SECONDS BLOCK.

The speaker's monitor is heard by a microphone through a room: a bridge of PulseAudio's own tools and a filter, outside
of the application. What the application plays is noise like speech; nobody speaks, so that all the microphone hears is
echo.
"""

import asyncio
import json
import subprocess
import sys
import threading

import numpy as np
from instruments import Ear, frames

from livekit_utils import MediaDevices

RATE = 48_000


def room() -> "np.ndarray":
    """An impulse response: a direct path of 20 ms, and reverberation that falls by 60 dB in 200 ms; in all -6 dB."""
    rng = np.random.default_rng(7)
    response = np.zeros(RATE // 5)
    start = RATE // 50
    tail = rng.standard_normal(len(response) - start) * 10 ** (-3 * np.arange(len(response) - start) / (0.2 * RATE))
    response[start:] = 0.2 * tail
    response[start] = 1.0
    return 0.5 * response / np.sqrt((response**2).sum())


def speech(seconds: float) -> "np.ndarray":
    """Noise with the spectrum and the syllables of speech."""
    rng = np.random.default_rng(8)
    count = round(seconds * RATE)
    noise = rng.standard_normal(count)
    spectrum = np.fft.rfft(noise)
    frequencies = np.fft.rfftfreq(count, 1 / RATE)
    spectrum *= 1 / (1 + (frequencies / 500) ** 2) * (frequencies > 80)
    shaped = np.fft.irfft(spectrum, count)
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * np.arange(count) / RATE)
    shaped *= syllables / np.abs(shaped * syllables).max()
    return (shaped * 16_000).astype(np.int16)


class Bridge:
    """Carries sound from the speaker's monitor through the room to the microphone."""

    def __init__(self) -> None:
        form = [f"--rate={RATE}", "--channels=1", "--format=s16le", "--raw"]
        fetch = ["parec", "-d", "speaker.monitor", "--latency-msec=20", *form]
        # With less it runs dry now and then, and each time the room would be a little larger from there on.
        bring = ["pacat", "-d", "mic_feed", "--latency-msec=80", *form]
        self._from = subprocess.Popen(fetch, stdout=subprocess.PIPE)
        self._to = subprocess.Popen(bring, stdin=subprocess.PIPE)
        self.heard: list[np.ndarray] = []
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def _carry(self) -> None:
        response = room()
        size = 1024
        transform = np.fft.rfft(response, 16_384)
        tail = np.zeros(16_384 - size)
        assert self._from.stdout is not None
        assert self._to.stdin is not None
        while len(block := self._from.stdout.read(2 * size)) == 2 * size:
            samples = np.frombuffer(block, np.int16).astype(float)
            full = np.fft.irfft(np.fft.rfft(samples, 16_384) * transform, 16_384)
            full[: len(tail)] += tail
            tail = full[size:]
            self.heard.append(full[:size])
            try:
                self._to.stdin.write(np.clip(np.rint(full[:size]), -32768, 32767).astype(np.int16).tobytes())
                self._to.stdin.flush()
            except BrokenPipeError:
                return

    def stop(self) -> None:
        self._from.terminate()
        self._thread.join()
        assert self._to.stdin is not None
        assert self._from.stdout is not None
        self._to.terminate()
        self._to.wait()
        self._from.wait()
        self._from.stdout.close()
        self._to.stdin.close()


def level(samples: "np.ndarray") -> float:
    return float(10 * np.log10(np.mean(samples.astype(float) ** 2) + 1e-3))


async def main() -> None:
    first, seconds, block = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    bridge = Bridge()
    await asyncio.sleep(0.5)
    devices = MediaDevices(blocksize=block)
    only_echo = {"noise_suppression": False, "high_pass_filter": False, "auto_gain_control": False}
    player = devices.open_output(output_device="speaker")
    if first == "output":
        await player.start()
    capture = await devices.aopen_input(input_device="mic", **only_echo)
    if first == "input":
        await player.start()
    ear = Ear(capture)

    async def talk():  # type: ignore[no-untyped-def]
        for frame in frames(speech(seconds)):
            yield frame

    player.add_stream(talk())
    start = len(bridge.heard)
    await player.wait_for_playout()
    await asyncio.sleep(0.1)
    stats = capture.apm.stats()
    gap_ms = player.stats().gap_ms
    await player.aclose()
    await capture.aclose()
    await capture.source.aclose()
    await ear.aclose()
    echo = np.concatenate(bridge.heard[start:])
    bridge.stop()
    left = ear.sound[:, 0]
    # From 2 s to the end, by syllables: where the bridge runs dry, the room is another one for a moment.
    syllable = RATE // 4
    starts = range(2 * RATE, round(seconds * RATE) - syllable + 1, syllable)
    reduction = float(np.median([level(echo[s : s + syllable]) - level(left[s : s + syllable]) for s in starts]))
    print(json.dumps({"reduction_db": reduction, "gap_ms": gap_ms, "erle_db": stats.erle_db}))


asyncio.run(main())
