"""Captures, has the process that looks after the microphone stopped meanwhile, and says what came: SECONDS."""

import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

from instruments import PLAIN, Ear, tone

from livekit_utils import MediaDevices


class Notes(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def only_child() -> int:
    (pid,) = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return int(pid)


async def main() -> None:
    seconds = float(sys.argv[1])
    notes = Notes()
    logger = logging.getLogger("livekit_utils")
    logger.addHandler(notes)
    logger.propagate = False
    devices = MediaDevices(blocksize=480)
    capture = devices.open_input(**PLAIN, input_device="speaker_monitor")
    worker = only_child()
    ear = Ear(capture)
    async with devices.open_output(output_device="speaker", buffer_ms=100) as player:
        player.add_stream(tone())
        await player.start()
        await asyncio.sleep(1)
        os.kill(worker, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        before = len(ear.frames)
        os.kill(worker, signal.SIGCONT)
        await asyncio.sleep(1)
        num_frames = len(ear.frames) - before
        stats = capture.stats()
    await capture.aclose()
    await capture.source.aclose()
    await ear.aclose()
    print(
        json.dumps(
            {
                "after_ms": num_frames * 10,
                "dropped_ms": stats.dropped_ms,
                "num_reopened": stats.num_reopened,
                "notes": notes.lines,
            }
        )
    )


asyncio.run(main())
