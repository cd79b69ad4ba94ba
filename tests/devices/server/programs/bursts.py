"""Plays a tone: BLOCK SECONDS live|read. What the player says of the first two seconds is kept apart."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

from instruments import tone
from sound_tools import Recording, gaps_ms

from livekit_utils import AudioFrame, MediaDevices


async def in_time(frames: AsyncIterator[AudioFrame]) -> AsyncIterator[AudioFrame]:
    loop = asyncio.get_running_loop()
    start, num_frames = loop.time(), 0
    async for frame in frames:
        await asyncio.sleep(max(0.0, start + num_frames * 0.01 - loop.time()))
        num_frames += 1
        yield frame


async def main() -> None:
    block, seconds, kind = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    recording = Recording("speaker.monitor")
    async with MediaDevices(blocksize=block).open_output(output_device="speaker") as player:
        await player.start()
        await asyncio.sleep(0.5)
        player.add_stream(in_time(tone()) if kind == "live" else tone(), live=kind == "live")
        print(json.dumps("playing"), flush=True)
        await asyncio.sleep(2)
        began = player.stats()
        await asyncio.sleep(seconds)
        stats, latency = player.stats(), player.latency
    await asyncio.sleep(0.3)
    heard = recording.stop()
    print(
        json.dumps(
            {
                "gaps_ms": stats.gap_ms - began.gap_ms,
                "early_gaps_ms": began.gap_ms,
                "num_device_gaps": stats.num_device_gaps - began.num_device_gaps,
                "depth_ms": stats.depth_ms,
                "latency_ms": latency * 1000,
                "dropped_ms": stats.dropped_ms,
                "silence_ms": sum(gap for gap in gaps_ms(heard) if gap > 1),
            }
        )
    )


asyncio.run(main())
