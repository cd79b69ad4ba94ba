from __future__ import annotations

import logging
import math
import struct
from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils import AudioByteStream, AudioFrame
from livekit_utils._kernels.g711 import alaw_to_s16, ulaw_to_s16
from livekit_utils._kernels.pcm import ENCODINGS, PCM_ENCODINGS, to_s16

WIDTHS = dict(zip(ENCODINGS, (2, 2, 3, 3, 4, 4, 1, 4, 4, 8, 1, 1), strict=True))
CODECS = {"u8": 1, "s16le": 1, "s24le": 1, "s32le": 1, "f32le": 3, "f64le": 3, "alaw": 6, "ulaw": 7}

encodings = st.sampled_from(ENCODINGS)
randoms = st.randoms(use_true_random=False)
every_encoding = pytest.mark.parametrize("encoding", ENCODINGS)


def decoded(data: bytes, encoding: str) -> bytes:
    if encoding == "ulaw":
        return bytes(ulaw_to_s16(data))
    if encoding == "alaw":
        return bytes(alaw_to_s16(data))
    return bytes(to_s16(data, encoding)[0])


def shown(frames: list[AudioFrame]) -> list[tuple[int, int, bytes]]:
    return [(frame.sample_rate, frame.num_channels, bytes(frame)) for frame in frames]


def pieces(rand: Any, data: bytes) -> list[bytes]:
    """The data, cut anywhere; some pieces are empty."""
    cuts = sorted(rand.randrange(len(data) + 1) for _ in range(rand.choice((0, 1, 3, 20, 200))))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def wav(sound: bytes, rate: int, num_channels: int, encoding: str, **changes: Any) -> bytes:
    """A WAV file, whatever its header is to say of itself."""
    width = WIDTHS[encoding]
    codec = changes.get("codec", CODECS[encoding])
    numbers = (codec, num_channels, rate, rate * num_channels * width % 2**32, num_channels * width, 8 * width)
    text = struct.pack("<HHIIHH", *numbers)
    if changes.get("extensible"):
        text = struct.pack("<HHIIHH", 0xFFFE, *numbers[1:]) + struct.pack("<HHIH", 22, 8 * width, 3, codec) + bytes(14)
    chunks = changes.get("before", b"") + b"fmt " + struct.pack("<I", len(text)) + text
    chunks += changes.get("between", b"")
    size = changes.get("size", len(sound))
    body = b"WAVE" + chunks + b"data" + struct.pack("<I", size) + sound
    body += bytes(len(sound) % 2 if changes.get("padded", True) else 0) + changes.get("behind", b"")
    return b"RIFF" + struct.pack("<I", len(body)) + body


def chunk(name: bytes, text: bytes) -> bytes:
    return name + struct.pack("<I", len(text)) + text + bytes(len(text) % 2)


@given(
    encoding=encodings, num_channels=st.integers(1, 3), size=st.integers(1, 400), n=st.integers(0, 3000), rand=randoms
)
def test_the_frames_do_not_depend_on_the_cuts(encoding: Any, num_channels: int, size: int, n: int, rand: Any) -> None:
    data = rand.randbytes(n)
    stream = AudioByteStream(8000, num_channels, size, encoding=encoding)
    frames = [frame for piece in pieces(rand, data) for frame in stream.push(piece)]
    assert {frame.samples_per_channel for frame in frames} <= {size}
    whole, part = divmod(n, WIDTHS[encoding] * num_channels)
    assert stream.buffered_duration == whole % size / 8000
    rest = stream.flush()
    assert len(rest) == (whole % size > 0)
    assert {(frame.sample_rate, frame.num_channels) for frame in frames + rest} <= {(8000, num_channels)}
    assert b"".join(map(bytes, frames + rest)) == decoded(data[: n - part], encoding)
    assert stream.flush() == []


@every_encoding
def test_a_part_of_a_sample_waits_beyond_a_flush(encoding: Any) -> None:
    data = bytes(range(1, 49))
    stream = AudioByteStream(8000, 2, 1000, encoding=encoding)
    frames = []
    for i in range(48):
        assert stream.push(data[i : i + 1]) == []
        frames += stream.flush()
    assert b"".join(map(bytes, frames)) == decoded(data, encoding)


def test_the_size_of_frames() -> None:
    assert AudioByteStream(16000, 1).samples_per_channel == 1600
    assert AudioByteStream(7, 1).samples_per_channel == 1
    stream = AudioByteStream(16000, 2, 160)
    assert [frame.samples_per_channel for frame in stream.push(bytes(4 * 160 * 3 + 2))] == [160] * 3
    assert (stream.sample_rate, stream.num_channels, stream.samples_per_channel, stream.encoding) == (
        16000,
        2,
        160,
        "s16le",
    )
    assert repr(stream) == "AudioByteStream(16000, 2, 160, encoding='s16le', wav=False)"


def test_write_is_push_and_frames_are_writable_and_separate() -> None:
    stream = AudioByteStream(8000, 1, 2)
    data = bytearray(b"\x01\x00" * 4)
    first, second = stream.write(data)
    data[:] = bytes(8)
    first.data[0] = 7
    assert (first.data.tolist(), second.data.tolist()) == ([7, 1], [1, 1])


def test_clear_begins_anew() -> None:
    for is_wav in (False, True):
        stream = AudioByteStream(8000, 1, 4, wav=is_wav)
        stream.push(b"RIF" if is_wav else b"\x01\x02\x03")
        stream.clear()
        assert stream.buffered_duration == 0
        [frame] = stream.push(bytes(8))
        assert bytes(frame) == bytes(8)


def test_what_does_not_fit_is_counted() -> None:
    stream = AudioByteStream(8000, 1, 2, encoding="f32le")
    values = array("f", [math.nan, math.inf, -math.inf, 0.5, 1.0])
    frames = stream.push(values) + stream.flush()
    assert [frame.data.tolist() for frame in frames] == [[0, 32767], [-32768, 16384], [32767]]
    assert stream.num_clipped == 4


@pytest.mark.parametrize("is_wav", [False, True])
@pytest.mark.parametrize("data", [None, 1, "text", [1]])
def test_no_bytes(data: Any, is_wav: bool) -> None:
    stream = AudioByteStream(8000, 1, wav=is_wav)
    with pytest.raises(TypeError, match=f"data: expected bytes, got {type(data).__name__}"):
        stream.push(data)


@pytest.mark.parametrize("is_wav", [False, True])
def test_buffers_that_are_no_bytes(is_wav: bool) -> None:
    stream = AudioByteStream(8000, 1, 1, wav=is_wav)
    with pytest.raises(ValueError, match="contiguous"):
        stream.push(memoryview(bytes(8))[::2])
    with pytest.raises(ValueError, match="contiguous"):
        stream.push(np.zeros(8, np.int16)[::2])
    assert len(stream.push(np.zeros((2, 2), np.int16))) == 4


def test_items_of_another_encoding() -> None:
    with pytest.raises(TypeError, match="got a buffer of format 'f'"):
        AudioByteStream(8000, 1).push(array("f", [1.0]))


def test_a_frame_that_is_too_long() -> None:
    with pytest.raises(ValueError, match="samples_per_channel: expected frames of up to 2147483647 bytes"):
        AudioByteStream(8000, 1000, 2**30)


# WAV headers


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(CODECS)),
            st.integers(1, 2),
            st.sampled_from((8000, 16000)),
            st.integers(0, 90),
            st.booleans(),
            st.booleans(),
        ),
        min_size=1,
        max_size=5,
    ),
    randoms,
)
def test_files_in_a_row_in_any_pieces(files: list[tuple[str, int, int, int, bool, bool]], rand: Any) -> None:
    """Each file with its sound, in its own rate, channels and encoding, whatever stands around the sound."""
    data, expected = b"", b""
    for encoding, num_channels, rate, n, extensible, extras in files:
        sound = rand.randbytes(n * num_channels * WIDTHS[encoding])
        around = {
            "before": chunk(b"JUNK", bytes(28)),
            "between": chunk(b"LIST", rand.randbytes(33)) + chunk(b"fact", bytes(4)),
            "behind": chunk(b"LIST", b"RIFF....WAV.data") + chunk(b"id3 ", b"x"),
        }
        data += wav(sound, rate, num_channels, encoding, extensible=extensible, **(around if extras else {}))
        expected += b"".join(struct.pack("<iih", rate, num_channels, s) for s in array("h", decoded(sound, encoding)))
    stream = AudioByteStream(48000, 1, 20, wav=True)
    frames = [frame for piece in pieces(rand, data) for frame in stream.push(piece)] + stream.flush()
    got = [(f.sample_rate, f.num_channels, s) for f in frames for s in f.data.tolist()]
    assert b"".join(struct.pack("<iih", *item) for item in got) == expected
    assert stream.num_bytes_dropped == 0


@given(st.integers(0, 200), st.sampled_from((0, 0xFFFFFFFF, 0x7FFFF000)), randoms)
def test_a_header_written_before_the_length_was_known(n: int, size: int, rand: Any) -> None:
    sound = bytes(rand.choices(range(128, 256), k=2 * n))
    stream = AudioByteStream(48000, 1, 20, wav=True)
    data = wav(sound, 24000, 1, "s16le", size=size)
    frames = [frame for piece in pieces(rand, data) for frame in stream.push(piece)] + stream.flush()
    assert b"".join(map(bytes, frames)) == sound
    assert {frame.sample_rate for frame in frames} <= {24000}


@given(st.integers(0, 100), st.integers(1, 100), randoms)
def test_sound_beyond_what_the_header_told(told: int, more: int, rand: Any) -> None:
    sound = bytes(rand.choices(range(128, 256), k=2 * (told + more)))
    stream = AudioByteStream(48000, 1, 20, wav=True)
    data = wav(sound, 24000, 1, "s16le", size=2 * told)
    frames = [frame for piece in pieces(rand, data) for frame in stream.push(piece)] + stream.flush()
    assert b"".join(map(bytes, frames)) == sound


def test_sound_before_a_header_and_a_piece_per_sentence() -> None:
    stream = AudioByteStream(16000, 1, 4, wav=True)
    assert shown(stream.push(bytes(10))) == [(16000, 1, bytes(8))]
    sound = bytes(range(100, 120))
    sentence = wav(sound, 24000, 2, "s16le", size=0xFFFFFFFF)
    frames = stream.push(sentence) + stream.push(sentence)
    assert shown(frames) == [
        (16000, 1, bytes(2)),
        (24000, 2, sound[:16]),
        (24000, 2, sound[16:] + sound[:12]),
    ]
    assert (stream.sample_rate, stream.num_channels) == (24000, 2)
    assert shown(stream.flush()) == [(24000, 2, sound[12:])]


def test_the_default_size_follows_the_rate() -> None:
    stream = AudioByteStream(16000, 1, wav=True)
    assert [f.samples_per_channel for f in stream.push(wav(bytes(4800), 8000, 1, "s16le"))] == [800] * 3


def test_a_header_in_the_middle_of_a_sample(caplog: pytest.LogCaptureFixture) -> None:
    stream = AudioByteStream(16000, 1, 2, wav=True)
    header = wav(b"\x01\x02\x03\x04", 16000, 1, "s16le")
    with caplog.at_level(logging.WARNING, "livekit_utils"):
        frames = stream.push(b"\x05\x06\x07") + stream.push(header) + stream.push(b"\x09") + stream.push(header)
    assert b"".join(map(bytes, frames + stream.flush())) == b"\x05\x06\x01\x02\x03\x04\x01\x02\x03\x04"
    assert stream.num_bytes_dropped == 2
    assert len(caplog.records) == 1


@pytest.mark.parametrize("begin", [b"R", b"RI", b"RIFF", b"RIFF\x01\x02\x03\x04", b"RIFF\x01\x02\x03\x04WAV"])
def test_sound_that_begins_like_a_header(begin: bytes) -> None:
    for rest in (b"", b"x", b"xxxxxxxxxxxxxxxxxxxx"):
        stream = AudioByteStream(16000, 1, 1000, encoding="u8", wav=True)
        frames = stream.push(begin)
        assert frames == []
        frames += stream.push(rest) + stream.flush()
        assert b"".join(map(bytes, frames)) == decoded(begin + rest, "u8")


def test_headers_are_sound_unless_they_are_asked_for() -> None:
    data = wav(bytes(8), 8000, 1, "s16le")
    stream = AudioByteStream(8000, 1, len(data) // 2)
    assert b"".join(map(bytes, stream.push(data))) == data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (wav(bytes(8), 8000, 1, "s16le", codec=2), "PCM, float, A-law or mu-law, got codec 2 of 16 bits"),
        (wav(bytes(8), 8000, 1, "s24le", codec=3), "got codec 3 of 24 bits"),
        (wav(bytes(8), 0, 1, "s16le"), "a rate and channels from 1, got 0 Hz and 1 channels"),
        (wav(bytes(8), 8000, 0, "s16le"), "got 8000 Hz and 0 channels"),
        (wav(bytes(8), 2**31, 1, "s16le"), "got 2147483648 Hz"),
        (b"RIFF\x00\x00\x00\x00WAVEdata\x08\x00\x00\x00" + bytes(8), "a header with the format of the sound, got none"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt \x08\x00\x00\x00" + bytes(8), "16 to 4096 bytes of format, got 8"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt \xff\xff\xff\xff" + bytes(8), "16 to 4096 bytes of format, got 4294967295"),
    ],
)
def test_headers_that_no_sound_can_follow(data: bytes, message: str) -> None:
    stream = AudioByteStream(16000, 1, 4, wav=True)
    good = wav(bytes(8), 8000, 1, "s16le")
    with pytest.raises(ValueError, match=f"^data: expected in the header of a WAV file .*{message}"):
        stream.push(data)
    with pytest.raises(ValueError, match="data: expected in the header"):
        stream.push(bytes(100))
    assert shown(stream.push(good)) == [(8000, 1, bytes(8))]
    # Behind another file, in the same piece: the sound before it is not lost.
    assert shown(stream.push(good + data)) == [(8000, 1, bytes(8))]
    with pytest.raises(ValueError, match=message):
        stream.push(b"\x00")
    stream.clear()
    assert len(stream.push(bytes(8))) == 1


def test_random_bytes_with_headers_among_them(rand: Any) -> None:
    """No input breaks it, and none of it is held for ever."""
    errors = []
    for _ in range(300):
        stream = AudioByteStream(8000, 1, 10, encoding="u8", wav=True)
        parts = [wav(rand.randbytes(rand.randrange(30)), 8000, 1, "u8", size=rand.choice((0, 5, 2**31, 2**32 - 1)))]
        parts += [rand.randbytes(rand.randrange(40)), b"RIFF", parts[0][: rand.randrange(60)], chunk(b"LIST", b"abc")]
        rand.shuffle(parts)
        for piece in pieces(rand, b"".join(parts)):
            try:
                stream.push(piece)
            except ValueError as error:
                errors.append(str(error))
        stream.flush()
        assert stream.buffered_duration == 0
    assert {error[:40] for error in errors} <= {"data: expected in the header of a WAV fi"}


def test_a_piece_that_is_not_taken_changes_nothing() -> None:
    stream = AudioByteStream(8000, 1, 2)
    stream.push(b"\x01\x02\x03")
    with pytest.raises(TypeError):
        stream.push(array("d", [1.0]))
    [frame] = stream.push(b"\x04")
    assert bytes(frame) == b"\x01\x02\x03\x04"


def test_all_encodings_are_pcm_or_g711() -> None:
    assert set(ENCODINGS) - set(PCM_ENCODINGS) == {"ulaw", "alaw"}
