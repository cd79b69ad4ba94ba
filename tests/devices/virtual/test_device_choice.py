"""Which device is meant, in which formats it is tried, and what an error of PyAudio says."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from livekit_utils import DeviceError
from livekit_utils.devices.backend.choice import find_device, identify
from livekit_utils.devices.backend.portaudio import as_device_error, error_code, open_stream
from livekit_utils.devices.backend.request import DeviceIdentity, DeviceRequest


def request(device: Any = None, is_input: bool = True, **changes: Any) -> DeviceRequest:
    fields = {"identity": None, "sample_rate": 16000, "num_channels": 1, "min_channels": 1, "block_size": 160}
    return DeviceRequest(is_input=is_input, device=device, ring_ms=500, **(fields | changes))


def device(
    index: int, name: str, inputs: int = 1, outputs: int = 0, host_api: str = "ALSA", **more: Any
) -> dict[str, Any]:
    return {
        "name": name, "index": index, "host_api": host_api, "max_input_channels": inputs,
        "max_output_channels": outputs, "sample_rate": 44100.0, "is_default_input": False, "is_default_output": False,
    } | more  # fmt: skip


DEVICES = [
    device(0, "USB Headset: Mono"),
    device(1, "USB Headset: Stereo", 2),
    device(2, "Webcam", is_default_input=True),
    device(3, "webcam", host_api="JACK"),
    device(4, "Speaker", 0, 2, is_default_output=True),
]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [(None, 2), (0, 0), (3, 3), ("Webcam", 2), ("webcam", 3), ("headset: st", 1), ("USB Headset: Mono", 0)],
)
def test_an_index_a_name_or_a_part_of_one(wanted: Any, index: int) -> None:
    assert find_device(DEVICES, request(wanted))["index"] == index


def test_a_name_of_one_host_api_is_preferred_when_it_comes_back() -> None:
    both = [device(0, "Mic"), device(1, "Mic", host_api="JACK")]
    assert find_device(both, request("Mic", identity=DeviceIdentity("Mic", "JACK")))["index"] == 1
    assert find_device(both[:1], request("Mic", identity=DeviceIdentity("Mic", "JACK")))["index"] == 0


def found_again(before: list[str], chosen: int, after: list[str], words: Any = None) -> str | None:
    """Opens a device of a list, and looks for it in a later list; returns its name, or None if it is waited for."""
    listed = [device(index, name) for index, name in enumerate(before)]
    words = chosen if words is None else words
    first = find_device(listed, request(words))
    assert first["index"] == chosen
    asked = request(words, identity=identify(listed, first, request()))
    asked = DeviceRequest.from_json(asked.to_json())
    try:
        again = find_device([device(index, name) for index, name in enumerate(after)], asked)
    except DeviceError:
        return None
    return f"{again['name']} at {again['index']}"


@pytest.mark.parametrize(
    ("before", "chosen", "after", "found"),
    [
        # Indices change.
        (["a", "b"], 1, ["b", "a"], "b at 0"),
        (["a", "b"], 1, ["a"], None),
        # Of equal names the ordinal counts, if all are there.
        (["m", "m"], 0, ["m", "m"], "m at 0"),
        (["m", "m"], 1, ["m", "m"], "m at 1"),
        (["m", "m"], 1, ["x", "m", "y", "m"], "m at 3"),
        (["m", "m"], 0, ["m"], None),
        (["m", "m"], 1, ["m"], None),
        (["m", "m", "m"], 2, ["m", "m"], None),
        (["m", "m"], 1, ["m", "m", "m"], "m at 1"),
        # The number of a card changes, that of the device on the card does not.
        (["u: - (hw:2,0)"], 0, ["u: - (hw:1,0)"], "u: - (hw:1,0) at 0"),
        (["u: - (hw:2,0)"], 0, ["u: - (hw:11,0)"], "u: - (hw:11,0) at 0"),
        (["u: - (hw:2,0)"], 0, ["u: - (hw:2,1)"], None),
        (["u (hw:2,0)", "u (hw:2,1)"], 1, ["u (hw:1,0)", "u (hw:1,1)"], "u (hw:1,1) at 1"),
        (["Mic (USB)"], 0, ["Mic (2- USB)"], "Mic (2- USB) at 0"),
        (["Mic (2- USB)"], 0, ["Mic (3- USB)"], "Mic (3- USB) at 0"),
        # Of equals on cards, the one that was not there before is the one that was away.
        (["u (hw:1,0)", "u (hw:2,0)"], 1, ["u (hw:1,0)"], None),
        (["u (hw:1,0)", "u (hw:2,0)"], 1, ["u (hw:2,0)"], None),
        (["u (hw:1,0)", "u (hw:2,0)"], 1, ["u (hw:0,0)", "u (hw:1,0)"], "u (hw:0,0) at 0"),
        (["u (hw:1,0)", "u (hw:2,0)"], 0, ["u (hw:2,0)", "u (hw:3,0)"], "u (hw:3,0) at 1"),
        (["u (hw:1,0)", "u (hw:2,0)"], 0, ["u (hw:2,0)", "u (hw:1,0)"], "u (hw:1,0) at 1"),
        (["u (hw:1,0)", "u (hw:2,0)"], 0, ["u (hw:3,0)", "u (hw:4,0)"], "u (hw:3,0) at 0"),
        # One name, written in several ways.
        (["Écouteurs"], 0, ["E\u0301couteurs"], "E\u0301couteurs at 0"),
        (["\uff2d\uff49\uff43"], 0, ["mic"], "mic at 0"),
    ],
)
def test_a_device_is_found_again(before: list[str], chosen: int, after: list[str], found: str | None) -> None:
    assert found_again(before, chosen, after) == found
    if before.count(before[chosen]) == 1:
        assert found_again(before, chosen, after, before[chosen]) == found


@pytest.mark.parametrize(
    ("words", "before", "after", "found"),
    [
        ("headset", ["x", "Ann's Headset"], ["Ann's Headset 2", "x"], "Ann's Headset 2 at 0"),
        ("headset", ["x", "Ann's Headset"], ["x"], None),
        ("headset", ["x", "Ann's Headset"], ["Headset 2", "Headset 3"], None),
        ("e\u0301cou", ["x", "Écouteurs"], ["Écouteurs 2"], "Écouteurs 2 at 0"),
        # A whole name means no device whose name contains it.
        ("mic", ["Mic Array", "Mic"], ["Mic Array"], None),
        ("u (hw:2,0)", ["x", "u (hw:2,0)"], ["u (hw:1,0) b"], None),
    ],
)
def test_the_users_words_are_kept(words: str, before: list[str], after: list[str], found: str | None) -> None:
    assert found_again(before, 1, after, words) == found


def test_words_with_a_number_of_a_card_that_has_changed_meanwhile() -> None:
    assert find_device([device(0, "x"), device(1, "U (hw:3,0)")], request("u (hw:2,0)"))["index"] == 1
    with pytest.raises(DeviceError, match="fits several"):
        find_device([device(0, "u (hw:1,0)"), device(1, "u (hw:3,0)")], request("u (hw:2,0)"))


def test_the_default_takes_the_place_of_a_device_but_no_equal_one_does() -> None:
    listed = [device(0, "U (hw:1,0)", is_default_input=True), device(1, "u (hw:2,0)")]
    known = identify(listed, listed[1], request())
    with pytest.raises(DeviceError, match="is not opened in its place"):
        find_device(listed[:1], request(None, identity=known))
    other = device(1, "built-in", is_default_input=True)
    assert find_device([device(0, "U (hw:1,0)"), other], request(None, identity=known)) is other


@pytest.mark.parametrize(
    ("wanted", "is_input", "part", "code"),
    [
        (99, True, "there is no input device 99; there are: 0: 'USB Headset: Mono'", -9996),
        ("nothing", True, "there is no input device 'nothing'", -9996),
        ("headset", True, "fits several input devices: 0: 'USB Headset: Mono', 1: 'USB Headset: Stereo'", None),
        ("Speaker", True, "only an output device", -9998),
        (2, False, "only an input device", -9998),
    ],
)
def test_what_does_not_fit(wanted: Any, is_input: bool, part: str, code: int | None) -> None:
    with pytest.raises(DeviceError) as caught:
        find_device(DEVICES, request(wanted, is_input))
    assert part in str(caught.value)
    assert caught.value.code == code
    assert caught.value.device == str(wanted)


def test_no_device_at_all() -> None:
    for devices in ([], [device(0, "Speaker", 0, 2)]):
        with pytest.raises(DeviceError, match="there is no input device: is one plugged in"):
            find_device(devices, request())


class Picky:
    """A PyAudio that takes one format only."""

    def __init__(self, rate: int, channels: int) -> None:
        self.accepted, self.asked = (rate, channels), []

    def open(self, *, rate: int, channels: int, **rest: Any) -> str:
        self.asked.append((rate, channels))
        if channels != self.accepted[1]:
            raise OSError(-9998, "Invalid number of channels")
        if rate != self.accepted[0]:
            raise OSError(-9997, "Invalid sample rate")
        assert rest["frames_per_buffer"] == 160 * rate // 16000
        assert rest["stream_callback"] == (rate, channels)
        return "opened"


class Formats:
    paInt16 = 8


def open_on(portaudio: Any, there: int = 2, **changes: Any) -> tuple[Any, int, int]:
    return open_stream(Formats, portaudio, device(7, "Card", there), request(**changes), lambda *format: format)


@pytest.mark.parametrize(
    "accepted", [(16000, 1), (48000, 2), (44100, 2), (16000, 2), (96000, 1), (32000, 2), (192000, 2), (8000, 1)]
)
def test_a_device_that_refuses_is_opened_at_what_it_has(accepted: tuple[int, int]) -> None:
    assert open_on(Picky(*accepted)) == ("opened", *accepted)


def test_a_device_that_refuses_everything() -> None:
    with pytest.raises(
        DeviceError, match=r"'Card'.* tried: 16000 Hz x 1, 16000 Hz x 2, 48000 Hz x 1, .*44100"
    ) as caught:
        open_on(Picky(12345, 2))
    assert (caught.value.code, caught.value.device) == (-9997, "Card")


def test_a_device_with_too_few_channels() -> None:
    with pytest.raises(DeviceError, match="has 2 channels, but 4 are needed") as caught:
        open_on(Picky(16000, 2), num_channels=4, min_channels=4)
    assert caught.value.code == -9998


def test_other_errors_end_the_attempts() -> None:
    class Gone:
        count = 0

        def open(self, **rest: Any) -> None:
            self.count += 1
            raise OSError(-9999, "Unanticipated host error")

    gone = Gone()
    with pytest.raises(DeviceError, match="is it plugged in"):
        open_on(gone)
    assert gone.count == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((-9996, "Invalid device info"), -9996), (("Not output stream", -9974), -9974), (("Stream not open",), None)],
)
def test_the_number_is_found_wherever_it_is(arguments: tuple[Any, ...], code: int | None) -> None:
    assert error_code(OSError(*arguments)) == code
    error = as_device_error(OSError(*arguments), request("mic"))
    assert error.code == code
    assert "input device 'mic'" in str(error)


def test_requests_and_errors_cross_to_other_processes() -> None:
    asked = request("Ünïcode \n name", num_channels=3, identity=DeviceIdentity("é", "ALSA", 1, ("é", "É")))
    assert DeviceRequest.from_json(asked.to_json()) == asked
    error = pickle.loads(pickle.dumps(DeviceError("no", code=-9999, device="mic")))
    assert (str(error), error.code, error.device) == ("no", -9999, "mic")
