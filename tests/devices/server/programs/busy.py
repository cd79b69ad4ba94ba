"""Plays a tone while the application is busy: BUFFER_MS loop|gil|nothing SECONDS."""

import asyncio
import ctypes
import json
import sys
import time

from instruments import tone
from sound_tools import Recording, gaps_ms

from livekit_utils import MediaDevices


def hold_the_gil(seconds: float) -> float:
    """A call of C code that does not give the GIL away; returns how long it took."""
    start = time.monotonic()
    ctypes.PyDLL(None).poll(None, 0, round(seconds * 1000))
    return time.monotonic() - start


async def main() -> None:
    buffer_ms, kind, seconds = float(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    recording = Recording("speaker.monitor")
    held = [0.0]
    async with MediaDevices(blocksize=480).open_output(output_device="speaker", buffer_ms=buffer_ms) as player:
        player.add_stream(tone())
        await player.start()
        await asyncio.sleep(0.7)
        if kind == "loop":
            time.sleep(seconds)  # noqa: ASYNC251 (this is what is tested)
            held[0] = seconds
        elif kind == "gil":
            held[0] = await asyncio.to_thread(hold_the_gil, seconds)
        await asyncio.sleep(0.7)
        stats = player.stats()
    await asyncio.sleep(0.1)
    silence_ms = max(gaps_ms(recording.stop()), default=0.0)
    print(json.dumps({"held_s": held[0], "silence_ms": silence_ms, "gap_ms": stats.gap_ms}))


asyncio.run(main())
