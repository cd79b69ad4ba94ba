"""Plays and captures until its input ends, and says what happens: isolated|inside.

A line of JSON for each change of a state, for each time that sound comes back, and at the end for what is left.
"""

import asyncio
import json
import sys
import time
from typing import Any

from instruments import PLAIN, Ear, holdings, tone

from livekit_utils import DeviceStateChange, MediaDevices


def say(**fields: Any) -> None:
    print(json.dumps({"at": time.monotonic(), **fields}), flush=True)


async def main() -> None:
    loop = asyncio.get_running_loop()
    devices = MediaDevices(blocksize=480, isolated=None if sys.argv[1] == "isolated" else False)
    capture = await devices.aopen_input(**PLAIN, input_device="speaker_monitor")
    ear = Ear(capture)
    player = devices.open_output(output_device="speaker")
    player.add_stream(tone())
    await player.start()

    def on_change(who: str, change: DeviceStateChange) -> None:
        say(who=who, state=change.state, reason=change.reason)

    capture.on_state_change(lambda change: on_change("capture", change))
    player.on_state_change(lambda change: on_change("player", change))
    ended = asyncio.Event()
    loop.add_reader(sys.stdin, lambda: None if sys.stdin.readline() else (loop.remove_reader(sys.stdin), ended.set()))
    last_sound, slowest = 0.0, 0.0
    while not ended.is_set():
        before = loop.time()
        await asyncio.sleep(0.01)
        slowest = max(slowest, loop.time() - before - 0.01)
        for when, samples in ear.frames:
            if abs(int(samples.max())) > 1000:
                if when - last_sound > 0.3:
                    say(who="ear", state="sound", queued_ms=player.stats().queued_ms, holdings=holdings())
                last_sound = when
        ear.frames.clear()
    start = loop.time()
    await player.aclose()
    await capture.aclose()
    closing = loop.time() - start
    await capture.source.aclose()
    await ear.aclose()
    say(
        who="end",
        closing_s=closing,
        slowest_s=slowest,
        tasks=len(asyncio.all_tasks()),
        holdings=holdings(),
        gap_ms=player.stats().gap_ms,
        reopened=[capture.stats().num_reopened, player.stats().num_reopened],
    )


asyncio.run(main())
