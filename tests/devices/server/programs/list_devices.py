"""Prints what MediaDevices lists; an argument has it done in this process."""

import json
import sys

from livekit_utils import MediaDevices

devices = MediaDevices(isolated=None if len(sys.argv) == 1 else False)
print(
    json.dumps(
        {
            "inputs": devices.list_input_devices(),
            "outputs": devices.list_output_devices(),
            "default_input": devices.default_input_device(),
            "default_output": devices.default_output_device(),
        }
    )
)
