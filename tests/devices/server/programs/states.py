"""Opens a device, and prints each of its states until its input ends: isolated|inside input|output DEVICE [no-folder].

With `no-folder` it finds no place for temporary files, as in a container that may not be written to.
"""

import asyncio
import json
import sys
import tempfile

from instruments import PLAIN, tone

from livekit_utils import DeviceStateChange, MediaDevices


def no_folder() -> str:
    raise FileNotFoundError("No usable temporary directory found")


async def main() -> None:
    where, side, name = sys.argv[1:4]
    if "no-folder" in sys.argv:
        tempfile.gettempdir = tempfile._get_default_tempdir = no_folder  # type: ignore[attr-defined]
    devices = MediaDevices(blocksize=480, isolated=where == "isolated")

    def say(change: DeviceStateChange) -> None:
        words = {"state": change.state, "device": change.device, "reason": change.reason}
        print(json.dumps({**words, "is_substitute": change.is_substitute}), flush=True)

    if side == "input":
        device = await devices.aopen_input(**PLAIN, input_device=name)
        device.on_state_change(say)
    else:
        device = devices.open_output(output_device=name)
        device.on_state_change(say)
        device.add_stream(tone())
        await device.start()
    await asyncio.to_thread(sys.stdin.read)
    stats = device.stats()
    await device.aclose()
    if side == "input":
        await device.source.aclose()
    print(json.dumps({"device": stats.device, "num_reopened": stats.num_reopened}), flush=True)


asyncio.run(main())
