from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils import AudioFrame, TelephonyCodec, decode_ulaw, encode_alaw, encode_ulaw, resample_audio
from livekit_utils._kernels.pcm import ENCODINGS, from_s16

PACKET = 160


def sine(freq: float, rate: int, num_samples: int, peak: float = 10000) -> np.ndarray:
    return np.round(peak * np.sin(2 * np.pi * freq * np.arange(num_samples) / rate)).astype(np.int16)


def frames_of(samples: np.ndarray, rate: int, sizes: Any) -> list[AudioFrame]:
    frames, start = [], 0
    for size in sizes:
        part = samples[start : start + size]
        if not part.size:
            break
        frames.append(AudioFrame(part.tobytes(), rate, 1, part.size))
        start += size
    return frames


def packets_of(data: bytes, num_bytes: int) -> list[bytes]:
    return [data[i : i + num_bytes] for i in range(0, len(data), num_bytes)]


def sound(frames: list[AudioFrame]) -> np.ndarray:
    return np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames])


@pytest.mark.parametrize("packet_ms", [10, 20, 30, 60])
@pytest.mark.parametrize("sample_rate", [8000, 12000, 16000, 24000, 44100, 48000])
@pytest.mark.parametrize("encoding", ["ulaw", "alaw", "s16be"])
def test_exact_counts_both_ways(encoding: Any, sample_rate: int, packet_ms: int, rand: Any) -> None:
    codec = TelephonyCodec(encoding, sample_rate=sample_rate, packet_ms=packet_ms)
    num_bytes = 8 * packet_ms * (2 if encoding == "s16be" else 1)
    samples = sample_rate * packet_ms // 1000
    for i in range(20):
        frame = codec.decode(None if i in (3, 4, 19) else rand.randbytes(num_bytes))
        assert (frame.sample_rate, frame.num_channels, frame.samples_per_channel) == (sample_rate, 1, samples)
        [packet] = codec.encode(frame)
        assert len(packet) == num_bytes
    rest = codec.flush()
    assert [len(packet) for packet in rest] == [num_bytes] * (sample_rate != 8000)
    assert codec.flush() == []


def test_packets_are_those_of_the_whole_signal() -> None:
    """What is decoded in packets is the whole signal resampled, `latency_ms` later: the edges do not show."""
    codec = TelephonyCodec()
    data = encode_ulaw(AudioFrame(sine(440, 8000, 8000).tobytes(), 8000, 1, 8000))
    heard = sound([codec.decode(packet) for packet in packets_of(data, PACKET)])
    whole = np.asarray(resample_audio(decode_ulaw(data), 8000, 16000, engine="polyphase"))[:, 0]
    delay = round(codec.latency_ms * 16)
    assert delay == 48
    assert (heard[delay:] == whole[: 16000 - delay]).all()
    assert np.abs(heard[:delay].astype(int)).max() < 500


def test_encoded_packets_are_those_of_the_whole_signal() -> None:
    codec = TelephonyCodec("alaw")
    samples = sine(440, 16000, 16000)
    packets = [packet for frame in frames_of(samples, 16000, itertools.repeat(320)) for packet in codec.encode(frame)]
    packets += codec.flush()
    assert len(packets) == 51
    line = resample_audio(samples, 16000, 8000, engine="polyphase")
    whole = encode_alaw(AudioFrame(line.tobytes(), 8000, 1, line.size))
    got = b"".join(packets)
    delay = round(codec.latency_ms * 8)
    assert got[delay : delay + 8000] == whole
    assert got[delay + 8000 + 100 :] == b"\xd5" * (PACKET - delay - 100)


@given(st.lists(st.integers(1, 700), min_size=1, max_size=30), st.integers(0, 6000), st.randoms(use_true_random=False))
def test_packets_do_not_depend_on_the_frames(sizes: list[int], n: int, rand: Any) -> None:
    samples = np.frombuffer(rand.randbytes(2 * n), np.int16)
    one, other = TelephonyCodec(), TelephonyCodec()
    whole = one.encode(AudioFrame(samples.tobytes(), 16000, 1, n)) + one.flush()
    cut = [p for f in frames_of(samples, 16000, itertools.cycle(sizes)) for p in other.encode(f)] + other.flush()
    assert cut == whole or n == 0
    assert {len(packet) for packet in whole} <= {PACKET}
    # All of the sound, and what the resampler held back, in as few packets as there can be.
    assert len(whole) == (-(-(n + 48) // 320) if n else len(whole))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_there_and_back(encoding: Any) -> None:
    codec = TelephonyCodec(encoding, sample_rate=8000)
    samples = sine(440, 8000, 1600)
    packets = [p for frame in frames_of(samples, 8000, itertools.repeat(100)) for p in codec.encode(frame)]
    heard = sound([codec.decode(packet) for packet in packets])
    exact = encoding not in ("ulaw", "alaw", "u8")
    assert np.abs(heard.astype(int) - samples).max() <= (0 if exact else 400)
    if exact and encoding != "s16le":
        assert b"".join(packets) == from_s16(samples, encoding)[0]
    assert codec.latency_ms == 0


def test_a_tone_survives_both_ways() -> None:
    """The band of a telephone, 300 to 3400 Hz, at its level."""
    for freq in (300, 1000, 2000, 3400):
        codec = TelephonyCodec("s16le", sample_rate=48000)
        samples = sine(freq, 48000, 48000)
        packets = [p for frame in frames_of(samples, 48000, itertools.repeat(960)) for p in codec.encode(frame)]
        heard = sound([codec.decode(packet) for packet in packets])[4800:]
        assert np.sqrt(np.mean(heard.astype(float) ** 2)) == pytest.approx(10000 / np.sqrt(2), rel=0.01), freq


def test_reset_forgets_both_streams(rand: Any) -> None:
    codec, fresh = TelephonyCodec(), TelephonyCodec()
    codec.decode(rand.randbytes(PACKET))
    codec.encode(AudioFrame(rand.randbytes(2 * 100), 16000, 1, 100))
    codec.reset()
    assert codec.flush() == []
    packet, frame = rand.randbytes(PACKET), AudioFrame(rand.randbytes(2 * 320), 16000, 1, 320)
    assert codec.decode(packet).data == fresh.decode(packet).data
    assert codec.encode(frame) == fresh.encode(frame)
    codec.reset()
    assert not any(codec.decode(None).data)


def test_the_directions_do_not_touch() -> None:
    codec, fresh = TelephonyCodec(), TelephonyCodec()
    codec.encode(AudioFrame(b"\x00\x40" * 500, 16000, 1, 500))
    assert codec.decode(b"\x12" * PACKET).data == fresh.decode(b"\x12" * PACKET).data
    assert len(codec.flush()) == 1
    assert codec.decode(b"\x21" * PACKET).data == fresh.decode(b"\x21" * PACKET).data


@pytest.mark.parametrize("num_bytes", [0, 1, 159, 161, 320])
def test_payloads_of_another_length_change_nothing(num_bytes: int) -> None:
    codec, fresh = TelephonyCodec(), TelephonyCodec()
    with pytest.raises(ValueError, match=f"payload: expected 160 bytes for 160 samples, got {num_bytes}"):
        codec.decode(bytes(num_bytes))
    assert codec.decode(b"\x12" * PACKET).data == fresh.decode(b"\x12" * PACKET).data


@pytest.mark.parametrize("payload", [1, "text", [1], 1.5])
def test_no_payload(payload: Any) -> None:
    with pytest.raises(TypeError, match=r"payload: expected bytes, got"):
        TelephonyCodec().decode(payload)


@pytest.mark.parametrize(("rate", "num_channels"), [(8000, 1), (48000, 1), (16000, 2)])
def test_frames_of_another_format(rate: int, num_channels: int) -> None:
    codec = TelephonyCodec()
    with pytest.raises(
        ValueError, match=f"frame: expected a frame of 16000 Hz and 1 channel, got {rate} Hz and {num_channels}"
    ):
        codec.encode(AudioFrame.create(rate, num_channels, 10))
    assert codec.flush() == []
    with pytest.raises(TypeError):
        codec.encode(b"\x00\x00")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"line_rate": 7999}, "line_rate: expected a rate with whole samples in packets of 20 ms, got 7999 Hz"),
        ({"sample_rate": 11025}, "sample_rate: expected a rate with whole samples in packets of 20 ms, got 11025 Hz"),
        ({"line_rate": 7999, "packet_ms": 1000}, "sample_rate: expected a ratio of whole numbers up to 2560"),
    ],
)
def test_rates_that_do_not_go_together(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TelephonyCodec(**arguments)


def test_what_it_says_of_itself() -> None:
    codec = TelephonyCodec("alaw", sample_rate=24000, packet_ms=30)
    assert (codec.encoding, codec.sample_rate, codec.line_rate, codec.packet_ms) == ("alaw", 24000, 8000, 30)
    assert codec.latency_ms == 3.0
    assert repr(codec) == "TelephonyCodec('alaw', sample_rate=24000, line_rate=8000, packet_ms=30)"


def test_what_is_counted() -> None:
    codec = TelephonyCodec("f32le", sample_rate=8000)
    codec.decode(np.full(160, np.nan, np.float32))
    codec.decode(None)
    codec.decode(np.array([0.5] * 159 + [2], np.float32).tobytes())
    assert (codec.num_clipped, codec.num_lost) == (161, 1)
    codec.reset()
    assert (codec.num_clipped, codec.num_lost) == (161, 1)
