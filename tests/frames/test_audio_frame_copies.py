"""Frames through pickle and copy."""

import copy
import gc
import pickle
import warnings
import weakref
from array import array
from typing import Any

import numpy as np
import pytest

from livekit_utils.frames.audio_frame import AudioFrame

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Tagged(AudioFrame):
    tag: str


def assert_same(frame: AudioFrame, other: AudioFrame) -> None:
    assert type(frame) is type(other)
    for name in ("sample_rate", "num_channels", "samples_per_channel", "userdata"):
        assert getattr(frame, name) == getattr(other, name)
    assert bytes(frame) == bytes(other)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_pickle(rand: Any, protocol: int, kind: type) -> None:
    frame = AudioFrame(kind(rand.pcm(970)), 24000, 2, 480)
    loaded = pickle.loads(pickle.dumps(frame, protocol))
    assert_same(loaded, frame)
    assert loaded.data.readonly == (kind is bytes)
    # What lies beyond the frame does not travel.
    assert len(pickle.dumps(AudioFrame(bytes(10_000), 24000, 1, 2), protocol)) < 300


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_pickle_of_nothing(protocol: int) -> None:
    for frame in (AudioFrame.create(8000, 3, 0), AudioFrame.__new__(AudioFrame), AudioFrame(b"", 8000, 1, 0)):
        assert_same(pickle.loads(pickle.dumps(frame, protocol)), frame)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_pickle_keeps_userdata(protocol: int) -> None:
    frame = AudioFrame(bytes(4), 8000, 1, 2, userdata={"track": [1, 2]})
    frame.userdata["self"] = "x"
    assert pickle.loads(pickle.dumps(frame, protocol)).userdata == {"track": [1, 2], "self": "x"}


def test_pickle_out_of_band_copies_nothing() -> None:
    data = bytearray(array("h", range(480)).tobytes())
    frame = AudioFrame(data, 48000, 1, 480)
    buffers: list[pickle.PickleBuffer] = []
    stream = pickle.dumps(frame, 5, buffer_callback=buffers.append)
    assert len(buffers) == 1
    assert len(stream) < 200
    loaded = pickle.loads(stream, buffers=buffers)
    assert np.shares_memory(np.asarray(loaded), np.asarray(frame))
    loaded.data[0] = 77
    assert data[0] == 77
    elsewhere = pickle.loads(stream, buffers=[bytes(buffers[0].raw())])
    assert_same(elsewhere, frame)
    assert elsewhere.data.readonly


def test_pickle_gives_the_data_back() -> None:
    data = bytearray(8)
    frame = AudioFrame(data, 48000, 1, 4)
    for protocol in PROTOCOLS:
        pickle.dumps(frame, protocol)
    del frame
    data.extend(b"\x00")


@pytest.mark.parametrize("function", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_copies_share_no_memory(function: Any, kind: type) -> None:
    frame = AudioFrame(kind(b"\x01\x00" * 8), 48000, 2, 4, userdata={"list": [1]})
    twin = function(frame)
    assert_same(twin, frame)
    if kind is bytearray:
        twin.data[0] = 9
        assert frame.data[0] == 1


def test_deepcopy_copies_userdata() -> None:
    frame = AudioFrame(bytes(2), 48000, 1, 1, userdata={"list": [1]})
    assert copy.deepcopy(frame).userdata["list"] is not frame.userdata["list"]
    assert copy.copy(frame).userdata["list"] is frame.userdata["list"]


@pytest.mark.parametrize("function", [copy.copy, copy.deepcopy])
def test_copies_of_a_subclass_keep_its_attributes(function: Any) -> None:
    frame = Tagged(bytearray(4), 48000, 1, 2)
    frame.tag = "first"
    twin = function(frame)
    assert type(twin) is Tagged
    assert twin.tag == "first"


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_a_frame_in_a_cycle_is_collected_cleanly(kind: type) -> None:
    """The collector must not take the owner of the memory away before the frame has given it back."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            userdata: dict[str, Any] = {}
            frame = AudioFrame(kind(8), 8000, 1, 4, userdata=userdata)
            userdata["frame"], userdata["view"], userdata["data"] = frame, frame.data, memoryview(frame)
            reference = weakref.ref(frame)
            del frame, userdata
            gc.collect()
            assert reference() is None


class Other(AudioFrame):
    def __init__(self, speaker: str) -> None:
        super().__init__(bytearray(4), 48000, 1, 2)
        self.speaker = speaker


@pytest.mark.parametrize("function", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))])
def test_a_subclass_with_other_arguments(function: Any) -> None:
    twin = function(Other("a"))
    assert type(twin) is Other
    assert (twin.speaker, twin.samples_per_channel) == ("a", 2)


def test_samples_without_a_frame_refuse() -> None:
    samples = type(AudioFrame.create(1, 1, 1).data.obj)
    with pytest.raises(BufferError):
        memoryview(samples())
