"""Which device of a list is meant: by the user's words, or as the one that was open before."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from livekit_utils.devices.backend.request import DeviceError, DeviceIdentity, DeviceRequest

# PortAudio's numbers of errors.
_NO_DEVICE = -9996
_INVALID_CHANNELS = -9998

# The number of a card, which depends on the order in which cards are plugged in: ALSA's, "(hw:2,0)", where the number
# of the device on the card stays, and that of Windows, "(2- USB Audio)".
_CARD_NUMBER = re.compile(r"(?<=\(hw:)\d+(?=[,)])|(?<=\()\d+- ")


def find_device(devices: list[dict[str, Any]], request: DeviceRequest) -> dict[str, Any]:
    """Returns the device that was asked for. PortAudio does not check an index: a wrong one aborts the process.

    Raises:
        DeviceError: There is no such device, or the name fits several.
    """
    usable = _usable(devices, request)
    if request.identity is not None:
        return _find_again(usable, request, request.identity)
    wanted = request.device
    if wanted is None:
        found = _defaults(usable, request)
    elif isinstance(wanted, int):
        found = [device for device in usable if device["index"] == wanted]
    else:
        found = _by_words(usable, wanted)
    if len(found) == 1:
        return found[0]
    raise _not_one(devices, usable, found, request)


def identify(devices: list[dict[str, Any]], device: dict[str, Any], request: DeviceRequest) -> DeviceIdentity:
    """Returns what tells a device of the list from the others, also when their indices have changed."""
    name = device["name"]
    equals = _equals(_usable(devices, request), name, device["host_api"])
    others = tuple(other["name"] for other in equals if other is not device)
    return DeviceIdentity(name, device["host_api"], equals.index(device), others)


def _find_again(usable: list[dict[str, Any]], request: DeviceRequest, known: DeviceIdentity) -> dict[str, Any]:
    """Returns the device that was open before, or for a request of the default device a substitute for it."""
    if request.device is None:
        found = _defaults(usable, request)
        if found and _stable(found[0]["name"]) == _stable(known.name):
            raise DeviceError(
                f"the default device has the name {known.name!r} too, and is not opened in its place", device=known.name
            )
    else:
        equals = _equals(usable, known.name, known.host_api)
        if len(equals) > len(known.others):
            new = [device for device in equals if device["name"] not in known.others]
            return new[0] if len(new) == 1 else equals[known.ordinal]
        if equals:
            raise DeviceError(
                f"of {len(known.others) + 1} devices {known.name!r} there are {len(equals)}: {_names(equals)}; "
                "which of them is missing cannot be told",
                code=_NO_DEVICE,
                device=known.name,
            )
        # A part of a name that fitted this device alone may fit what it is called now. A whole name means no other.
        words = request.device
        is_part = isinstance(words, str) and _stable(words) != _stable(known.name)
        found = _by_words(usable, str(words)) if is_part else []
    if len(found) == 1:
        return found[0]
    side = "input" if request.is_input else "output"
    wanted = f"default {side} device" if request.device is None else f"{side} device {known.name!r}"
    raise DeviceError(f"there is no {wanted}; there are: {_names(usable)}", code=_NO_DEVICE, device=known.name)


def _usable(devices: list[dict[str, Any]], request: DeviceRequest) -> list[dict[str, Any]]:
    side = "input" if request.is_input else "output"
    return [device for device in devices if device[f"max_{side}_channels"] > 0]


def _defaults(usable: list[dict[str, Any]], request: DeviceRequest) -> list[dict[str, Any]]:
    side = "input" if request.is_input else "output"
    return [device for device in usable if device[f"is_default_{side}"]]


def _equals(usable: list[dict[str, Any]], name: str, host_api: str) -> list[dict[str, Any]]:
    """Returns the devices of a name, whatever their cards' numbers: those of one host API, or of the first that has
    any."""
    stable = _stable(name)
    found = [device for device in usable if _stable(device["name"]) == stable]
    if found and all(device["host_api"] != host_api for device in found):
        host_api = found[0]["host_api"]
    return [device for device in found if device["host_api"] == host_api]


def _by_words(devices: list[dict[str, Any]], words: str) -> list[dict[str, Any]]:
    """Returns the devices of exactly this name, else those of a name that is the same to a reader, else those of a name
    that contains it, else those of a name that differs in the number of an ALSA card."""
    folded, stable = _fold(words), _stable(words)
    found = [device for device in devices if device["name"] == words]
    found = found or [device for device in devices if _fold(device["name"]) == folded]
    found = found or [device for device in devices if folded in _fold(device["name"])]
    return found or [device for device in devices if _stable(device["name"]) == stable]


def _fold(name: str) -> str:
    """Returns a name without the differences that a reader does not see: case, and the ways to write an accent."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _stable(name: str) -> str:
    return _CARD_NUMBER.sub("", _fold(name))


def _not_one(
    devices: list[dict[str, Any]], usable: list[dict[str, Any]], found: list[dict[str, Any]], request: DeviceRequest
) -> DeviceError:
    wanted, side = request.device, "input" if request.is_input else "output"
    device = None if wanted is None else str(wanted)
    if found:
        return DeviceError(
            f"the name {wanted!r} fits several {side} devices: {_names(found)}; give more of it, or an index",
            device=device,
        )
    if not usable:
        return DeviceError(
            f"there is no {side} device: is one plugged in, and is the sound server (PulseAudio, PipeWire) running?",
            code=_NO_DEVICE,
            device=device,
        )
    other = "output" if request.is_input else "input"
    if any(wanted in (device["index"], device["name"]) for device in devices):
        return DeviceError(f"device {wanted!r} is only an {other} device", code=_INVALID_CHANNELS, device=device)
    return DeviceError(
        f"there is no {request.wanted.removeprefix('the ')}; there are: {_names(usable)}",
        code=_NO_DEVICE,
        device=device,
    )


def _names(devices: list[dict[str, Any]]) -> str:
    return ", ".join(f"{device['index']}: {device['name']!r}" for device in devices)
