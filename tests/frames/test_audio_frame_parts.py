"""Slices, levels, gain and WAV files of an AudioFrame."""

from __future__ import annotations

import io
import math
import struct
import wave
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils import AudioFrame, combine_audio_frames

bounds = st.one_of(st.none(), st.integers(-30, 30))


def counted(num_channels: int, n: int = 20, data: Any = bytearray) -> AudioFrame:
    return AudioFrame(data(np.arange(num_channels * n, dtype=np.int16).tobytes()), 16000, num_channels, n)


@given(start=bounds, stop=bounds, num_channels=st.integers(1, 3), data=st.sampled_from((bytes, bytearray)))
def test_a_slice_is_that_of_the_array(start: Any, stop: Any, num_channels: int, data: Any) -> None:
    frame = counted(num_channels, data=data)
    part = frame[start:stop]
    assert (part.to_ndarray() == frame.to_ndarray()[start:stop]).all()
    assert (part.sample_rate, part.num_channels) == (16000, num_channels)
    assert part.samples_per_channel == len(range(20)[start:stop])


def test_a_slice_shares_the_memory() -> None:
    frame = counted(2)
    frame[5:7].data[0] = 99
    assert frame.data[10] == 99
    assert frame[5:10][1:2].data.tolist() == [12, 13]
    frame.userdata["a"] = 1
    part = frame[1:2]
    assert part.userdata == {"a": 1}
    part.userdata["b"] = 2
    assert frame.userdata == {"a": 1}
    assert combine_audio_frames([frame[:5], frame[5:]]).data == frame.data


def test_a_slice_keeps_the_memory() -> None:
    owner = bytearray(40)
    part = AudioFrame(owner, 8000, 1, 20)[10:]
    with pytest.raises(BufferError):
        owner.clear()
    del part
    owner.clear()


@pytest.mark.parametrize("index", [0, -1, 1.5, None, "a", (1, 2)])
def test_no_slice(index: Any) -> None:
    with pytest.raises(TypeError, match="expected a slice of samples per channel"):
        counted(1)[index]


@pytest.mark.parametrize("step", [-1, 2])
def test_a_slice_with_a_step(step: int) -> None:
    with pytest.raises(ValueError, match=f"neighbouring samples, got a step of {step}"):
        counted(1)[::step]  # type: ignore[misc]


def test_a_frame_is_no_sequence() -> None:
    frame = counted(1)
    assert bool(AudioFrame.create(8000, 1, 0))
    with pytest.raises(TypeError):
        len(frame)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        list(frame)  # type: ignore[call-overload]


def test_levels() -> None:
    assert AudioFrame.create(8000, 2, 100).peak_dbfs == -math.inf
    assert AudioFrame.create(8000, 1, 0).rms_dbfs == -math.inf
    full = AudioFrame(b"\x00\x80" * 4, 8000, 2, 2)
    assert (full.peak_dbfs, full.rms_dbfs) == (0.0, 0.0)
    sine = np.round(16384 * np.sin(2 * np.pi * np.arange(800) / 80)).astype(np.int16)
    frame = AudioFrame.from_ndarray(sine, 8000)
    assert frame.peak_dbfs == pytest.approx(-6.0206, abs=1e-3)
    assert frame.rms_dbfs == pytest.approx(-9.031, abs=1e-3)


@given(gain=st.floats(-127, 127), rand=st.randoms(use_true_random=False))
def test_gain(gain: float, rand: Any) -> None:
    samples = np.frombuffer(rand.randbytes(60), np.int16)
    louder = AudioFrame(samples.tobytes(), 8000, 3, 10).with_gain(gain)
    expected = np.clip(np.floor(samples * (round(gain * 2**24) / 2**24) + 0.5), -32768, 32767)
    assert (louder.num_channels, louder.samples_per_channel) == (3, 10)
    assert np.abs(np.asarray(louder).ravel() - expected).max() <= (0 if (gain * 2**24) % 1 != 0.5 else 1)


def test_gain_makes_a_frame_of_its_own() -> None:
    frame = AudioFrame(b"\x01\x00", 8000, 1, 1, userdata={"a": 1})
    louder = frame.with_gain(3)
    assert (frame.data[0], louder.data[0], louder.userdata) == (1, 3, {"a": 1})
    louder.data[0] = 4
    assert AudioFrame.create(8000, 200, 2).with_gain(0.5).num_channels == 200


def wav(rate: int, num_channels: int, sound: bytes, codec: int = 1, bits: int = 16, size: int | None = None) -> bytes:
    text = struct.pack("<HHIIHH", codec, num_channels, rate, 0, num_channels * bits // 8, bits)
    length = struct.pack("<I", len(sound) if size is None else size)
    return b"RIFF\x00\x00\x00\x00WAVEJUNK\x03\x00\x00\x00abc\x00fmt \x10\x00\x00\x00" + text + b"data" + length + sound


def test_wav_bytes_come_back() -> None:
    frame = counted(2)
    again = AudioFrame.from_wav_bytes(frame.to_wav_bytes())
    assert (again.data, again.sample_rate, again.num_channels) == (frame.data, 16000, 2)
    again.data[0] = 5
    assert AudioFrame.from_wav_bytes(AudioFrame.create(8000, 1, 0).to_wav_bytes()).samples_per_channel == 0


def test_what_the_standard_library_writes() -> None:
    for width, sound in ((1, b"\x80\xff\x00"), (2, b"\x01\x00\x02\x00\x03\x00"), (4, b"\x00\x00\x01\x00" * 3)):
        file = io.BytesIO()
        with wave.open(file, "wb") as writer:
            writer.setparams((1, width, 8000, 0, "NONE", ""))
            writer.writeframes(sound)
        frame = AudioFrame.from_wav_bytes(file.getvalue())
        assert frame.data.tolist() == {1: [0, 32512, -32768], 2: [1, 2, 3], 4: [1, 1, 1]}[width]


@pytest.mark.parametrize(
    ("codec", "bits", "sound", "sample"),
    [
        (1, 24, b"\x00\x05\x00", 5),
        (3, 32, struct.pack("<f", 0.5), 16384),
        (3, 64, struct.pack("<d", -0.5), -16384),
        (6, 8, b"\xaa", 32256),
        (7, 8, b"\x80", 32124),
    ],
)
def test_wav_of_every_codec(codec: int, bits: int, sound: bytes, sample: int) -> None:
    frame = AudioFrame.from_wav_bytes(wav(8000, 2, sound * 4, codec, bits))
    assert (frame.num_channels, frame.data.tolist(), frame.userdata) == (2, [sample] * 4, {})


def test_wav_with_floats_beyond_full_scale() -> None:
    frame = AudioFrame.from_wav_bytes(wav(8000, 1, struct.pack("<3f", 2, math.nan, 0), 3, 32))
    assert (frame.data.tolist(), frame.userdata) == ([32767, 0, 0], {"num_clipped": 2})


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000, 1000, 7])
def test_wav_whose_length_is_wrong(size: int) -> None:
    data = wav(8000, 1, bytes(7) + b"\x01", size=size)
    assert AudioFrame.from_wav_bytes(data).samples_per_channel == (3 if size == 7 else 4)
    assert AudioFrame.from_wav_bytes(data[:-1]).samples_per_channel == 3


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "WAV file, got 0 bytes"),
        (b"OggS" + bytes(40), "WAV file, got 44 bytes that begin with b'OggS"),
        (b"RIFF\x00\x00\x00\x00WAVE", "a data chunk, got none in 12 bytes"),
        (b"RIFF\x00\x00\x00\x00WAVEdata\x00\x00\x00\x00", "the format of the sound, got none"),
        (wav(8000, 1, b"", 2), "PCM, float, A-law or mu-law, got codec 2 of 16 bits"),
        (wav(0, 1, b""), "a rate and channels from 1, got 0 Hz"),
        (wav(8000, 0, b""), "got 8000 Hz and 0 channels"),
        (wav(8000, 1, b"")[:40], "a data chunk, got none|16 to 4096 bytes of format"),
    ],
)
def test_no_wav(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=f"^data: expected .*{message}"):
        AudioFrame.from_wav_bytes(data)


@pytest.mark.parametrize("data", [None, "text", 1, [1]])
def test_no_bytes(data: Any) -> None:
    with pytest.raises(TypeError, match=f"data: expected the bytes of a WAV file, got {type(data).__name__}"):
        AudioFrame.from_wav_bytes(data)


def test_random_bytes_after_a_header(rand: Any) -> None:
    whole = wav(8000, 1, bytes(20))
    for _ in range(2000):
        data = bytearray(whole)
        for _ in range(rand.randrange(1, 5)):
            data[rand.randrange(len(data))] = rand.randrange(256)
        try:
            AudioFrame.from_wav_bytes(data[: rand.randrange(len(data) + 1)])
        except ValueError:
            continue
