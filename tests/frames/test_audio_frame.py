import asyncio
import ctypes
import gc
import hashlib
import io
import pickle
import re
import socket
import wave
import weakref
from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils import AudioResampler, AudioSource
from livekit_utils._runtime.arguments import check_int
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame, combine_audio_frames, copy_audio_frame


def address(buffer: Any) -> int:
    return np.frombuffer(buffer, np.uint8).ctypes.data


def frame_of(samples: list[int], num_channels: int = 1, sample_rate: int = 48000) -> AudioFrame:
    return AudioFrame(array("h", samples).tobytes(), sample_rate, num_channels, len(samples) // num_channels)


def assert_not_borrowed(data: bytearray) -> None:
    data.extend(bytes(4096))
    del data[-4096:]


def test_properties() -> None:
    frame = AudioFrame(bytes(1920), 48000, 2, 480)
    assert (frame.sample_rate, frame.num_channels, frame.samples_per_channel) == (48000, 2, 480)
    assert frame.duration == 0.01
    assert [type(x) for x in (frame.sample_rate, frame.num_channels, frame.samples_per_channel)] == [int] * 3
    for name in ("data", "sample_rate", "num_channels", "samples_per_channel", "duration", "userdata"):
        with pytest.raises(AttributeError):
            setattr(frame, name, 1)


def test_repr() -> None:
    assert repr(AudioFrame.create(44100, 2, 441)) == (
        "AudioFrame(sample_rate=44100, num_channels=2, samples_per_channel=441, duration=0.010)"
    )


def test_keywords() -> None:
    frame = AudioFrame(data=bytes(8), sample_rate=8000, num_channels=2, samples_per_channel=2, userdata={})
    assert frame.data.nbytes == 8
    with pytest.raises(TypeError):
        AudioFrame(bytes(8), 8000, 2, 2, {})  # type: ignore[misc]


def test_create_is_silent_and_writable() -> None:
    frame = AudioFrame.create(48000, 2, 480)
    assert frame.data.tolist() == [0] * 960
    frame.data[959] = -5
    assert frame.data[959] == -5
    assert AudioFrame.create(48000, 1, 0).data.tolist() == []
    for wrong in ((0, 1, 1), (1, 0, 1), (1, 1, -1), (1, -2, -2)):
        with pytest.raises(ValueError, match="expected"):
            AudioFrame.create(*wrong)


SOURCES = [
    pytest.param(lambda data: data, id="bytes"),
    pytest.param(bytearray, id="bytearray"),
    pytest.param(memoryview, id="memoryview"),
    pytest.param(lambda data: memoryview(b"\x55" + data)[1:], id="odd address"),
    pytest.param(lambda data: memoryview(data).cast("h"), id="int16 view"),
    pytest.param(lambda data: memoryview(data).cast("b"), id="int8 view"),
    pytest.param(lambda data: array("h", data), id="array"),
    pytest.param(lambda data: np.frombuffer(data, np.int16), id="numpy"),
    pytest.param(lambda data: np.frombuffer(data, np.int16).reshape(-1, 2), id="numpy 2D"),
    pytest.param(lambda data: np.frombuffer(data, np.uint8), id="numpy bytes"),
    pytest.param(lambda data: (ctypes.c_int16 * (len(data) // 2)).from_buffer_copy(data), id="ctypes"),
    pytest.param(lambda data: AudioFrame(data, 8000, 2, len(data) // 4), id="frame"),
    pytest.param(lambda data: AudioFrame(data, 8000, 1, len(data) // 2).data, id="frame data"),
]


@pytest.mark.parametrize("make", SOURCES)
def test_takes_any_buffer_without_a_copy(rand: Any, make: Any) -> None:
    data = rand.pcm(480)
    source = make(data)
    frame = AudioFrame(source, 48000, 2, 240)
    assert frame.data.tobytes() == data
    assert bytes(frame) == data
    start = address(memoryview(source).cast("B") if not isinstance(source, ctypes.Array) else source)
    assert address(frame.data) == start
    assert np.asarray(frame).__array_interface__["data"][0] == start


def test_shares_memory_both_ways() -> None:
    data = bytearray(8)
    frame = AudioFrame(data, 48000, 2, 2)
    view, samples = frame.data, np.asarray(frame)
    data[2:4] = b"\x07\x00"
    assert (view[1], samples[0, 1]) == (7, 7)
    view[2] = -1
    assert (data[4:6], samples[1, 0]) == (b"\xff\xff", -1)
    samples[1, 1] = 256
    assert (data[6:], view[3]) == (b"\x00\x01", 256)


@pytest.mark.parametrize(
    "data",
    [bytes(8), memoryview(bytearray(8)).toreadonly(), np.frombuffer(bytes(8), np.int16)],
    ids=["bytes", "memoryview", "numpy"],
)
def test_read_only_where_the_data_is(data: Any) -> None:
    frame = AudioFrame(data, 48000, 1, 4)
    assert frame.data.readonly
    assert memoryview(frame).readonly
    assert not np.asarray(frame).flags.writeable
    with pytest.raises(TypeError):
        frame.data[0] = 1
    with pytest.raises((BufferError, TypeError)):
        (ctypes.c_char * 8).from_buffer(frame)
    with pytest.raises((BufferError, TypeError)):
        io.BytesIO(bytes(8)).readinto(frame)


def test_data_is_a_flat_view() -> None:
    frame = AudioFrame(bytes(range(24)), 48000, 3, 4)
    view = frame.data
    assert type(view) is memoryview
    assert (view.format, view.itemsize, view.ndim, view.shape, view.strides) == ("h", 2, 1, (12,), (2,))
    assert (len(view), view.nbytes, view.c_contiguous) == (12, 24, True)
    assert view.cast("B").tobytes() == bytes(range(24))
    assert view[1:3].tolist() == [0x0302, 0x0504]


def test_the_frame_itself_is_two_dimensional() -> None:
    frame = frame_of([1, 2, 3, 4, 5, 6], num_channels=2)
    view = memoryview(frame)
    assert (view.format, view.ndim, view.shape, view.strides) == ("h", 2, (3, 2), (4, 2))
    assert view.tolist() == [[1, 2], [3, 4], [5, 6]]
    samples = np.asarray(frame)
    assert (samples.dtype, samples.shape, samples.base is None) == (np.int16, (3, 2), False)
    assert samples[:, 1].tolist() == [2, 4, 6]
    assert np.asarray(AudioFrame.create(48000, 4, 0)).shape == (0, 4)


def test_what_lies_beyond_is_left_out() -> None:
    data = bytearray(range(20))
    frame = AudioFrame(data, 48000, 2, 3)
    assert len(frame.data) == 6
    assert bytes(frame) == bytes(range(12))
    assert np.asarray(frame).shape == (3, 2)
    assert frame.duration == 3 / 48000


def test_data_keeps_the_frame_alive() -> None:
    frame = AudioFrame(bytearray(b"\x07\x00" * 1000), 48000, 1, 1000)
    gone = weakref.ref(frame)
    view, samples = frame.data, np.asarray(frame)
    del frame
    gc.collect()
    assert gone() is not None
    assert set(view.tolist()) == {7}
    del view
    gc.collect()
    assert gone() is not None
    assert set(samples[:, 0].tolist()) == {7}
    del samples
    gc.collect()
    assert gone() is None


def test_borrows_as_long_as_it_lives() -> None:
    data = array("h", range(4))
    frame = AudioFrame(data, 48000, 1, 4)
    with pytest.raises(BufferError):
        data.append(1)
    view = frame.data
    del frame
    with pytest.raises(BufferError):
        data.append(1)
    del view
    data.append(1)


def test_a_bytearray_is_borrowed_only_while_something_looks_at_it() -> None:
    data = bytearray(array("h", range(4)).tobytes())
    frame = AudioFrame(data, 48000, 2, 2)
    data.extend(bytes(100_000))  # it moves
    assert frame.data.tolist() == [0, 1, 2, 3]
    views = [frame.data, np.asarray(frame), memoryview(frame), frame.data[1:]]
    while views:
        with pytest.raises(BufferError):
            data.clear()
        views.pop()
    assert bytes(frame) == bytes(data[:8])
    assert_not_borrowed(data)
    del data[8:]
    assert combine_audio_frames([frame, frame]).data.tolist() == [0, 1, 2, 3] * 2
    assert_not_borrowed(data)


def test_a_bytearray_that_became_too_short() -> None:
    data = bytearray(8)
    frame, empty = AudioFrame(data, 48000, 1, 4), AudioFrame(data, 48000, 1, 0)
    data.clear()
    looks: list[Any] = [
        lambda: frame.data,
        lambda: np.frombuffer(frame, np.int16),
        lambda: combine_audio_frames([AudioFrame.create(48000, 1, 1), frame]),
        lambda: pickle.dumps(frame),
        lambda: frame.to_wav_bytes(),
        lambda: AudioFrame(frame, 48000, 1, 4),
        lambda: copy_audio_frame(frame),
        lambda: AudioResampler(48000, 16000).push(frame),
    ]
    for look in looks:
        with pytest.raises(BufferError, match="was cut to 0 bytes"):
            look()
    assert "samples_per_channel=4" in repr(frame)
    assert bytes(empty) == b""
    data.extend(bytes(range(8)))
    assert bytes(frame) == bytes(range(8))


def test_the_caller_may_use_its_bytearray_again_after_a_capture() -> None:
    async def main() -> None:
        buffer = bytearray(960)
        source = AudioSource(48000, 1)
        frame = AudioFrame(buffer, 48000, 1, 480)
        await source.capture_frame(frame)
        buffer.clear()
        with pytest.raises(BufferError):
            await source.capture_frame(frame)
        await source.aclose()

    asyncio.run(main())


SHAPES = [
    ((480, 2), np.int16, True),
    ((1, 960), np.int16, True),  # as PyAV packs it
    ((500, 2), np.int16, True),  # longer than the frame
    ((480, 4), np.uint8, True),
    ((1, 1920), np.uint8, True),
    ((2, 480), np.int16, False),  # planar
    ((960, 1), np.int16, False),
    ((240, 4), np.int16, False),
    ((1, 480, 2), np.int16, False),
    ((480, 2, 1), np.int16, False),
    ((4, 480), np.uint8, False),
]


@pytest.mark.parametrize(("shape", "dtype", "suits"), SHAPES)
def test_arrays_must_have_the_shape_of_the_frame(shape: Any, dtype: Any, suits: bool) -> None:
    samples = np.zeros(shape, dtype)
    if suits:
        assert np.shares_memory(np.asarray(AudioFrame(samples, 48000, 2, 480)), samples)
    else:
        with pytest.raises(
            ValueError, match=re.escape(f"data: expected the shape (480, 2), samples by channels, got {shape}")
        ):
            AudioFrame(samples, 48000, 2, 480)
        AudioFrame(samples.reshape(-1), 48000, 2, 480)


def test_mono_arrays() -> None:
    for shape in ((480, 1), (1, 480)):
        AudioFrame(np.zeros(shape, np.int16), 48000, 1, 480)
    with pytest.raises(ValueError, match="shape"):
        AudioFrame(np.zeros((480, 2), np.int16), 48000, 1, 960)


@pytest.mark.parametrize(
    "arguments",
    [(48000, 2, 3), (48000, 1, 5), (0, 1, 4), (48000, 0, 4), (48000, 1, -1), ("48000", 1, 4), (48000, 1.0, 4)],
)
def test_borrows_nothing_after_an_error(arguments: Any) -> None:
    data = bytearray(8)
    with pytest.raises((ValueError, TypeError)):
        AudioFrame(data, *arguments)
    assert_not_borrowed(data)
    with pytest.raises(TypeError, match="userdata"):
        AudioFrame(data, 48000, 1, 4, userdata=[])  # type: ignore[arg-type]
    assert_not_borrowed(data)


@pytest.mark.parametrize(
    ("num_bytes", "num_channels", "samples", "message"),
    [
        (2, 1, 480, "at least 960 bytes for 480 samples of 1 channel, got 2"),
        (0, 1, 1, "at least 2 bytes for 1 samples of 1 channel, got 0"),
        (1918, 2, 480, "at least 1920 bytes for 480 samples of 2 channels, got 1918"),
        (7, 1, 3, "whole int16 samples, got 7 bytes"),
        (10, 2**31 - 1, 2**31 - 1, f"at least {2 * (2**31 - 1) ** 2} bytes"),
    ],
)
def test_data_that_does_not_fit(num_bytes: int, num_channels: int, samples: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AudioFrame(bytes(num_bytes), 48000, num_channels, samples)


def test_data_of_another_kind() -> None:
    for nothing in (None, 5, "text", [1, 2], object()):
        with pytest.raises(TypeError, match=type(nothing).__name__):
            AudioFrame(nothing, 48000, 1, 0)  # type: ignore[arg-type]
    for code in "HiIlfd?":
        with pytest.raises(TypeError, match="int16"):
            AudioFrame(memoryview(bytearray(16)).cast(code), 48000, 1, 1)
    with pytest.raises(TypeError, match="'>h'"):
        AudioFrame(np.zeros(4, ">i2"), 48000, 1, 4)


def test_strided_data() -> None:
    data = bytearray(64)
    for strided in (memoryview(data)[::2], np.frombuffer(data, np.int16)[::-1], np.zeros((4, 2), np.int16).T):
        with pytest.raises(ValueError, match="contiguous"):
            AudioFrame(strided, 48000, 1, 4)
    del strided
    gc.collect()
    assert_not_borrowed(data)


BAD_NUMBERS = [
    (0, ValueError),
    (-1, ValueError),
    (2**31, ValueError),
    (2**64, ValueError),
    (-(2**64), ValueError),
    (1.0, TypeError),
    ("1", TypeError),
    (None, TypeError),
    (float("nan"), TypeError),
]


@pytest.mark.parametrize(("number", "error"), BAD_NUMBERS)
@pytest.mark.parametrize("position", [0, 1, 2])
def test_numbers_out_of_range(number: Any, error: type[Exception], position: int) -> None:
    if (number, position) == (0, 2):
        return
    arguments = [48000, 1, 1]
    arguments[position] = number
    name = ("sample_rate", "num_channels", "samples_per_channel")[position]
    with pytest.raises(error, match=name) as caught:
        AudioFrame(bytes(8), *arguments)
    with pytest.raises(error) as said:
        check_int(name, number, 0 if position == 2 else 1)
    assert str(caught.value) == str(said.value)


def test_whole_numbers_of_any_type() -> None:
    frame = AudioFrame(bytes(16), np.int32(48000), np.uint8(2), np.int64(4))
    assert (frame.sample_rate, frame.num_channels, frame.samples_per_channel) == (48000, 2, 4)
    assert type(frame.sample_rate) is int
    assert AudioFrame(bytes(2), True, True, True).sample_rate == 1


def test_consumers_of_plain_bytes(rand: Any) -> None:
    data = rand.pcm(480)
    frame = AudioFrame(data, 48000, 2, 240)
    assert bytes(frame) == bytes(frame.data) == data
    assert bytearray(frame) == data
    assert hashlib.sha256(frame).digest() == hashlib.sha256(data).digest()
    assert b"".join([frame, frame.data]) == data + data
    here, there = socket.socketpair()
    with here, there:
        here.sendall(frame)
        here.sendall(frame.data)
        assert there.recv(2 * len(data), socket.MSG_WAITALL) == data + data


def test_producers_of_plain_bytes(rand: Any, tmp_path: Any) -> None:
    data = rand.pcm(480)
    (tmp_path / "samples").write_bytes(data)
    for target in (lambda frame: frame, lambda frame: frame.data):
        frame = AudioFrame.create(48000, 2, 240)
        with open(tmp_path / "samples", "rb", buffering=0) as file:
            assert file.readinto(target(frame)) == 960
        assert bytes(frame) == data


def request_buffer(item: Any, flags: int) -> dict[str, Any]:
    """What PyObject_GetBuffer answers to exactly these flags."""

    class Buffer(ctypes.Structure):
        _fields_ = [
            ("buf", ctypes.c_void_p),
            ("obj", ctypes.py_object),
            ("len", ctypes.c_ssize_t),
            ("itemsize", ctypes.c_ssize_t),
            ("readonly", ctypes.c_int),
            ("ndim", ctypes.c_int),
            ("format", ctypes.c_char_p),
            ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
            ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
            ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)),
            ("internal", ctypes.c_void_p),
        ]

    view = Buffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(item), ctypes.byref(view), flags)
    answer = {name: getattr(view, name) for name in ("len", "itemsize", "readonly", "ndim", "format")}
    answer["shape"] = view.shape[: view.ndim] if view.shape else None
    answer["strides"] = view.strides[: view.ndim] if view.strides else None
    assert not view.suboffsets
    ctypes.pythonapi.PyBuffer_Release(ctypes.byref(view))
    return answer


SIMPLE, WRITABLE, FORMAT, ND, STRIDES = 0, 1, 4, 8, 0x18
C_CONTIGUOUS, FULL = 0x38, 0x11D


@pytest.mark.parametrize("flags", [SIMPLE, WRITABLE, FORMAT, ND, STRIDES, C_CONTIGUOUS, FULL])
def test_every_way_of_asking_for_the_buffer(flags: int) -> None:
    frame = AudioFrame.create(48000, 2, 3)
    for item, shape, strides in ((frame, [3, 2], [4, 2]), (frame.data.obj, [6], [2])):
        answer = request_buffer(item, flags)
        assert (answer["len"], answer["itemsize"], answer["readonly"]) == (12, 2, 0)
        assert answer["ndim"] == (len(shape) if flags & ND else 1)
        assert answer["format"] == (b"h" if flags & FORMAT else None)
        assert answer["shape"] == (shape if flags & ND else None)
        assert answer["strides"] == (strides if flags & STRIDES == STRIDES else None)


def test_read_only_frames_refuse_writers() -> None:
    frame = AudioFrame(memoryview(bytearray(12)).toreadonly(), 48000, 2, 3)
    for item in (frame, frame.data.obj):
        with pytest.raises(BufferError, match="read-only"):
            request_buffer(item, WRITABLE)
        assert request_buffer(item, SIMPLE)["readonly"] == 1


def test_userdata_is_made_when_asked_for(checkref: Any) -> None:
    frame = AudioFrame.create(48000, 1, 1)
    frame.userdata["key"] = 1
    assert frame.userdata is frame.userdata
    assert frame.userdata == {"key": 1}
    assert AudioFrame.create(48000, 1, 1).userdata == {}
    given = {"a": object()}
    with checkref(given):
        frame = AudioFrame(bytes(2), 48000, 1, 1, userdata=given)
        assert frame.userdata is given
        del frame
    assert AudioFrame(bytes(2), 48000, 1, 1, userdata=None).userdata == {}


def test_a_frame_no_init_has_seen_is_empty() -> None:
    frame = AudioFrame.__new__(AudioFrame)
    assert (frame.data.tolist(), bytes(frame), frame.duration, frame.userdata) == ([], b"", 0.0, {})
    assert (frame.sample_rate, frame.num_channels, frame.samples_per_channel) == (1, 1, 0)
    assert np.asarray(frame).shape == (0, 1)
    assert "samples_per_channel=0" in repr(frame)
    frame.__init__(bytes(4), 8000, 1, 2)  # type: ignore[misc]
    assert len(frame.data) == 2


def test_second_init_is_refused() -> None:
    data, other = bytearray(b"\x01\x00"), bytearray(8)
    frame = AudioFrame(data, 48000, 1, 1)
    with pytest.raises(RuntimeError, match="initialised already"):
        frame.__init__(other, 8000, 2, 2)  # type: ignore[misc]
    assert (frame.sample_rate, frame.data.tolist()) == (48000, [1])
    assert_not_borrowed(other)
    del frame
    assert_not_borrowed(data)


def test_a_failed_init_may_be_repeated() -> None:
    frame = AudioFrame.__new__(AudioFrame)
    with pytest.raises(ValueError, match="expected"):
        frame.__init__(bytes(2), 48000, 1, 9)  # type: ignore[misc]
    assert frame.data.tolist() == []
    frame.__init__(bytes(2), 48000, 1, 1)  # type: ignore[misc]
    assert frame.data.tolist() == [0]


class Stamped(AudioFrame):
    """A subclass whose constructor looks different."""

    def __init__(self, time: float, data: bytes) -> None:
        super().__init__(data, 48000, 1, len(data) // 2)
        self.time = time


def test_subclasses() -> None:
    frame = Stamped(1.5, bytes(4))
    assert (frame.time, len(frame.data)) == (1.5, 2)
    assert repr(frame).startswith("Stamped(")
    assert as_audio_frame(frame) is frame

    class Named(AudioFrame):
        pass

    assert type(Named.create(48000, 1, 1)) is Named


@pytest.mark.parametrize(("num_channels", "num_frames"), [(1, 480), (2, 333), (6, 1), (1, 0)])
def test_to_wav_bytes_reads_back(rand: Any, num_channels: int, num_frames: int) -> None:
    data = rand.pcm(num_channels * num_frames + 5)
    frame = AudioFrame(data, 44100, num_channels, num_frames)
    with wave.open(io.BytesIO(frame.to_wav_bytes())) as file:
        assert file.getparams()[:4] == (num_channels, 2, 44100, num_frames)
        assert file.readframes(num_frames + 1) == bytes(frame)


@given(st.integers(1, 8), st.integers(0, 50), st.integers(0, 9), st.integers(1, 2**31 - 1), st.booleans())
def test_any_shape(num_channels: int, num_frames: int, extra: int, rate: int, odd: bool) -> None:
    num_bytes = 2 * num_channels * num_frames
    data = bytes(i % 251 for i in range(num_bytes + 2 * extra))
    frame = AudioFrame(memoryview(b"x" * odd + data)[odd:], rate, num_channels, num_frames)
    assert bytes(frame) == data[:num_bytes]
    assert np.asarray(frame).shape == (num_frames, num_channels)
    assert frame.duration == num_frames / rate


class Foreign:
    """A frame of another library: the four attributes, and nothing else of ours."""

    def __init__(self, data: Any, sample_rate: int = 48000, num_channels: int = 1, samples: int = 4) -> None:
        self.data = data
        self.sample_rate = sample_rate
        self.num_channels = num_channels
        self.samples_per_channel = samples


def test_frames_of_another_library_share_their_memory() -> None:
    data = bytearray(8)
    frame = as_audio_frame(Foreign(memoryview(data).cast("h"), 24000, 2, 2))
    assert type(frame) is AudioFrame
    assert (frame.sample_rate, frame.num_channels, frame.samples_per_channel) == (24000, 2, 2)
    frame.data[3] = 9
    assert data[6] == 9
    with pytest.raises(ValueError, match="got 8"):
        as_audio_frame(Foreign(bytes(8), samples=5))
    for nothing in (None, b"", object(), 5):
        with pytest.raises(TypeError, match=f"AudioFrame, got {type(nothing).__name__}"):
            as_audio_frame(nothing)  # type: ignore[arg-type]
