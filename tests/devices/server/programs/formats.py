"""Plays and captures in formats that the devices do not have."""

import asyncio
import json

import numpy as np
from instruments import PLAIN, Ear
from sound_tools import Recording, pitch

from livekit_utils import AudioFrame, MediaDevices


async def captured(device: str, rate: int, channels: int = 1, index: int | None = None) -> "np.ndarray":
    devices = MediaDevices(blocksize=rate // 100, input_sample_rate=rate, num_channels=channels)
    capture = await devices.aopen_input(**PLAIN, input_device=device, input_channel_index=index)
    ear = Ear(capture, rate, channels)
    await asyncio.sleep(1.2)
    await capture.aclose()
    await capture.source.aclose()
    await ear.aclose()
    assert {len(samples) for _, samples in ear.frames} == {rate // 100}
    return ear.sound[-rate // 2 :].astype(float)


async def played(rate: int, channels: int, device: str, source: str) -> "np.ndarray":
    """A tone of 440 Hz on the left and 1000 Hz on the right, or only the first."""
    times = np.arange(rate) / rate
    sound = np.stack([8000 * np.sin(2 * np.pi * f * times) for f in (440, 1000)[:channels]], axis=1).astype(np.int16)

    async def stream():  # type: ignore[no-untyped-def]
        yield AudioFrame(sound.tobytes(), rate, channels, rate)

    devices = MediaDevices(blocksize=rate // 100, output_sample_rate=rate, num_channels=channels)
    recording = Recording(source, 48_000, 2)
    # Room for a machine with other things to do: this is about formats.
    async with devices.open_output(output_device=device, buffer_ms=400) as player:
        player.add_stream(stream())
        await player.start()
        await player.wait_for_playout()
        await asyncio.sleep(0.1)
    heard = recording.stop()
    there = np.flatnonzero(np.abs(heard[:, 0].astype(int)) > 100)
    return heard[there[0] : there[-1]]


async def main() -> None:
    results: dict[str, object] = {}
    for index, name in ((0, "left"), (1, "right")):
        sound = (await captured("stereo", 48_000, index=index))[:, 0]
        results[f"channel {name}"] = pitch(sound, 48_000)
    both = await captured("stereo", 48_000, 2)
    results["stereo in"] = [pitch(both[:, 0], 48_000), pitch(both[:, 1], 48_000)]
    results["stereo in at 16 kHz"] = pitch((await captured("stereo", 16_000, index=1))[:, 0], 16_000)
    results["stereo in at 44.1 kHz"] = pitch((await captured("stereo", 44_100, index=0))[:, 0], 44_100)
    for rate, channels in ((48_000, 2), (16_000, 1), (44_100, 2)):
        heard = await played(rate, channels, "speaker", "speaker.monitor")
        results[f"out {rate} {channels}"] = {
            "seconds": len(heard) / 48_000,
            "pitches": [pitch(heard[:, i], 48_000) for i in range(2)],
        }
    heard = await played(48_000, 1, "phone44", "phone44.monitor")
    results["out phone44"] = {"seconds": len(heard) / 48_000, "pitches": [pitch(heard[:, i], 48_000) for i in range(2)]}
    print(json.dumps(results))


asyncio.run(main())
