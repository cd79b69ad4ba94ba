"""Opens a device that never moves, and closes it when that was noticed."""

import asyncio
import json

from instruments import PLAIN

from livekit_utils import MediaDevices


async def main() -> None:
    capture = await MediaDevices(blocksize=480).aopen_input(**PLAIN, input_device="dead")
    changes = capture.state_changes()
    change = await asyncio.wait_for(anext(changes), 10)
    start = asyncio.get_running_loop().time()
    await capture.aclose()
    closing_s = asyncio.get_running_loop().time() - start
    await capture.source.aclose()
    print(json.dumps({"states": [[change.state, change.reason]], "closing_s": closing_s}))


asyncio.run(main())
