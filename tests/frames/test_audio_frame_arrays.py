from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils import AudioFrame

DTYPES = [np.int16, np.float32, np.float64]


def noise(rand: Any, *shape: int) -> np.ndarray:
    return np.frombuffer(rand.randbytes(2 * math.prod(shape)), np.int16).reshape(shape).copy()


def address(data: Any) -> int:
    return np.asarray(data).__array_interface__["data"][0]  # type: ignore[no-any-return]


@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=st.tuples(st.integers(0, 50), st.integers(1, 6)), rand=st.randoms(use_true_random=False))
def test_there_and_back(dtype: Any, shape: tuple[int, int], rand: Any) -> None:
    samples = noise(rand, *shape)
    frame = AudioFrame(samples.tobytes(), 16000, shape[1], shape[0])
    array = frame.to_ndarray(dtype)
    assert (array.dtype, array.shape) == (np.dtype(dtype), shape)
    scale = 1 if dtype is np.int16 else 32768
    assert (array * scale == samples).all()
    for given_back, planar in ((array, False), (array.T, True), (array.copy("F"), False)):
        again = AudioFrame.from_ndarray(given_back, 16000, planar=planar)
        assert (again.sample_rate, again.num_channels, again.samples_per_channel) == (16000, shape[1], shape[0])
        assert again.data == frame.data
        assert again.userdata == {}
    flat = AudioFrame.from_ndarray(array.ravel(), 16000, shape[1])
    assert (flat.data, flat.num_channels) == (frame.data, shape[1])


def test_int16_is_not_copied() -> None:
    samples = np.zeros((480, 2), np.int16)
    frame = AudioFrame.from_ndarray(samples, 48000)
    samples[3, 1] = 7
    assert frame.data[7] == 7
    assert address(frame) == address(frame.to_ndarray()) == address(frame.to_ndarray(np.int16)) == address(samples)
    frame.to_ndarray()[0, 0] = 5
    assert samples[0, 0] == 5
    mono = np.zeros(480, np.int16)
    assert address(AudioFrame.from_ndarray(mono, 48000)) == address(mono)


def test_what_has_to_be_copied_is() -> None:
    samples = np.arange(20, dtype=np.int16).reshape(10, 2)
    for array, planar in ((samples[::2], False), (samples[:, ::-1], False), (samples.T, True), (samples[::-1], False)):
        frame = AudioFrame.from_ndarray(array, 8000, planar=planar)
        assert (frame.to_ndarray() == (array.T if planar else array)).all()
    big = samples.astype(">i2")
    assert AudioFrame.from_ndarray(big, 8000).data.tolist() == list(range(20))
    assert AudioFrame.from_ndarray((samples / 32768).astype(">f4"), 8000).data.tolist() == list(range(20))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_are_rounded_saturated_and_counted(dtype: Any) -> None:
    values = np.array([0.5 / 32768, 1.5 / 32768, 1.0, -1.0, 2, -2, math.inf, -math.inf, math.nan], dtype)
    frame = AudioFrame.from_ndarray(values, 8000)
    assert frame.data.tolist() == [0, 2, 32767, -32768, 32767, -32768, 32767, -32768, 0]
    assert frame.userdata == {"num_clipped": 6}
    frame.data[0] = 1  # writable


def test_a_list_of_frames_a_frame_and_a_subclass() -> None:
    class Mine(AudioFrame):
        pass

    frame = Mine.from_ndarray(np.zeros(10, np.float32), 8000)
    assert type(frame) is Mine
    assert AudioFrame.from_ndarray(AudioFrame.create(8000, 2, 5), 8000).num_channels == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "dtype", ["int32", "uint8", "uint16", "int8", "float16", "complex64", "bool", "int64", "O", "U1"]
)
def test_arrays_of_other_numbers(dtype: str) -> None:
    array = np.zeros(4, dtype)
    with pytest.raises(TypeError, match=rf"^array: expected int16, float32 or float64, got {array.dtype}"):
        AudioFrame.from_ndarray(array, 8000)


@pytest.mark.parametrize(
    ("shape", "arguments", "message"),
    [
        ((), {}, "one or two dimensions, got the shape"),
        ((2, 3, 4), {}, "one or two dimensions"),
        ((480,), {"planar": True}, r"the shape \(num_channels, samples_per_channel\), got \(480,\)"),
        ((5,), {"num_channels": 2}, "a multiple of 2 samples for 2 channels, got 5"),
        ((5, 2), {"num_channels": 3}, r"3 channels, got the shape \(5, 2\)"),
        ((2, 480), {}, r"1 to 128 channels, got the shape \(2, 480\); planar=True takes them the other way round"),
        ((480, 2), {"planar": True}, r"\(480, 2\); planar=False takes"),
        ((5, 0), {}, "1 to 128 channels"),
    ],
)
def test_shapes_that_do_not_fit(shape: tuple[int, ...], arguments: dict[str, Any], message: str) -> None:
    for dtype in DTYPES:
        with pytest.raises(ValueError, match=f"^array: expected .*{message}"):
            AudioFrame.from_ndarray(np.zeros(shape, dtype), 8000, **arguments)


def test_many_channels_where_they_are_meant() -> None:
    assert AudioFrame.from_ndarray(np.zeros((2, 200), np.int16), 8000, 200).num_channels == 200


@pytest.mark.parametrize("dtype", [None, "int32", "nonsense", 1.5, [], ">i2", np.float16, object])
def test_no_such_dtype(dtype: Any) -> None:
    with pytest.raises(TypeError, match=r"^dtype: expected int16, float32 or float64, got "):
        AudioFrame.create(8000, 1, 2).to_ndarray(dtype)
