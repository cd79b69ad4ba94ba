"""Ten minutes of a source that plays to streams of every kind: memory stays what it was after the first one."""

import asyncio
import gc
import logging
import sys
from pathlib import Path

from leaks import BLOCKS, GROWTH, resident

from livekit_utils import AudioFrame, AudioSource, AudioStream, LocalAudioTrack

sys.path.append(str(Path(__file__).parents[1] / "support"))
from virtual_time import VirtualTimeLoop

logging.getLogger("livekit_utils").setLevel(logging.CRITICAL)
MINUTES = 10
RATE = 48000


async def main() -> None:
    source = AudioSource(RATE, 1)
    track = LocalAudioTrack.create_audio_track("voice", source)
    streams = [AudioStream(track), AudioStream(track, sample_rate=16000, num_channels=2, frame_size_ms=7)]
    unread = AudioStream(track, capacity=5)
    received = [0] * len(streams)

    async def read(number: int) -> None:
        async for event in streams[number]:
            received[number] += event.frame.samples_per_channel

    readers = [asyncio.create_task(read(number)) for number in range(len(streams))]
    second = AudioFrame(bytes(range(250)) * 384, RATE, 1, RATE)
    memory = blocks = 0
    for minute in range(MINUTES):
        for _ in range(60):
            await source.capture_frame(second)
        gc.collect()
        if not minute:
            memory, blocks = resident(), sys.getallocatedblocks()
    grown, more_blocks = resident() - memory, sys.getallocatedblocks() - blocks
    await source.wait_for_playout()
    await source.aclose()
    await asyncio.gather(*readers)
    assert received[0] == MINUTES * 60 * RATE
    assert 0 <= received[1] - MINUTES * 60 * 16000 < 16000 * 7 // 1000
    assert unread.stats().num_queued_frames == 5
    assert grown < GROWTH, f"{grown} bytes more"
    assert more_blocks < BLOCKS, f"{more_blocks} blocks more"


with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
    runner.run(main())
