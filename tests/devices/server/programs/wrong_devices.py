"""Opens what cannot be opened, and prints what comes of it."""

import asyncio
import json
import sys
import time
from typing import Any

from instruments import PLAIN

from livekit_utils import DeviceError, MediaDevices


async def main() -> None:
    devices = MediaDevices(blocksize=480, isolated=None if sys.argv[1] == "isolated" else False)
    results = []

    async def attempt(side: str, device: Any) -> None:
        start = time.monotonic()
        result: dict[str, Any] = {"side": side, "device": device, "error": None}
        try:
            if side == "input":
                capture = await devices.aopen_input(**PLAIN, input_device=device)
                await capture.aclose()
            else:
                player = devices.open_output(output_device=device)
                try:
                    await player.start()
                finally:
                    await player.aclose()
        except DeviceError as error:
            result |= {"error": str(error), "code": error.code, "name": error.device}
        result["seconds"] = time.monotonic() - start
        results.append(result)

    for word in sys.argv[2:]:
        side, _, device = word.partition("=")
        await attempt(side, int(device) if device.lstrip("-").isdigit() else device or None)
    print(json.dumps(results))


asyncio.run(main())
