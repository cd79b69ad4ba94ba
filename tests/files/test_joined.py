"""Files joined end to end give all of their sound."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("soundfile")

from livekit_utils.files.byte_feed import ByteFeed
from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.sound_reader import SoundReader
from livekit_utils.files.stream_sound import stream_sound
from tests.support.randomness import SEED
from tests.support.sound_files import decode, encode, mpeg_frames, read, read_all, signal, wav

ID3 = b"ID3\x04\x00\x00\x00\x00\x02\x01" + b"\xff\xfb\x90" * 67 + bytes(56)  # 257 bytes, with what looks like frames
APE = b"APETAGEX" + struct.pack("<IIII8x", 2000, 72, 1, 0xA0000000) + bytes(40)
APE += b"APETAGEX" + struct.pack("<IIII8x", 2000, 72, 1, 0x80000000)
ID3V1 = b"TAG" + bytes(125)


@pytest.mark.parametrize(("format", "subtype"), [("MP3", None), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("FLAC", "PCM_16"),
                                                 ("WAV", "PCM_16"), ("WAV", "FLOAT"), ("RF64", "PCM_16")])  # fmt: skip
@pytest.mark.parametrize("count", [2, 5])
def test_joined_files(format: str, subtype: str | None, count: int) -> None:
    parts = [encode(signal(SEED + i, 30_000 + 1000 * i, 2), 48000, format, subtype) for i in range(count)]
    samples = read_all(b"".join(parts), 7777)
    dtype = "int16" if subtype == "PCM_16" else "float32"
    assert np.array_equal(samples, np.concatenate([decode(part, dtype) for part in parts]))


@pytest.mark.parametrize("between", [b"", ID3, APE + ID3, ID3 + ID3])
def test_tags_around_joined_mp3s(between: bytes) -> None:
    parts = [encode(signal(SEED + i, 30_000), 48000, "MP3", bitrate_mode="VARIABLE") for i in range(2)]
    data = ID3 + parts[0] + between + parts[1] + APE + ID3V1
    assert np.array_equal(read_all(data), np.concatenate([decode(part) for part in parts]))


@pytest.mark.parametrize("size", [1, 7, 512, 100_000])
def test_the_sound_before_a_damaged_header_is_given_however_it_is_cut(size: int) -> None:
    first, second = (bytearray(encode(signal(SEED + i, 3000, 2), 48000, "WAV", "PCM_16")) for i in range(2))
    second[34:36] = b"\x4f\xf7"  # the bits of a sample
    feed = ByteFeed()
    data = bytes(first + second)
    for start in range(0, len(data), size):
        feed.push(data[start : start + size])
    feed.end()
    pieces: list[np.ndarray] = []
    with pytest.raises(SoundFileError, match="63311 bits"):
        pieces.extend(samples for _, samples in stream_sound(feed, None))
    assert np.array_equal(np.concatenate(pieces), decode(bytes(first), "int16"))


def test_the_second_mp3_without_a_header() -> None:
    """What follows the frames that the first header counts begins anew, with its tail of noise."""
    first, second = (encode(signal(SEED + i, 30_000), 48000, "MP3", bitrate_mode="VARIABLE") for i in range(2))
    headless = b"".join(mpeg_frames(second)[1:])
    samples = read_all(first + headless)
    assert len(samples) == 30_000 + 1152 * (len(mpeg_frames(second)) - 1)
    assert np.array_equal(samples[:30_000], decode(first))
    assert np.array_equal(samples[31_105:61_105], decode(second))


def test_an_xing_header_that_counts_itself() -> None:
    xing, *frames = mpeg_frames(encode(signal(SEED, 30_000), 48000, "MP3", bitrate_mode="VARIABLE"))
    at = xing.index(b"Xing") + 8
    assert struct.unpack(">I", xing[at : at + 4]) == (len(frames),)
    told = xing[:at] + struct.pack(">I", len(frames) + 1) + xing[at + 4 :]
    assert abs(len(read_all(told + b"".join(frames))) - 30_000) <= 1152
    with pytest.raises(SoundFileError, match="damaged or cut off: expected 3"):
        SoundReader(io.BytesIO(told + b"".join(frames[:-1])))


@pytest.mark.parametrize(("rate", "channels"), [(24000, 1), (48000, 2), (16000, 2)])
@pytest.mark.parametrize("format", ["MP3", "OGG", "FLAC", "WAV"])
def test_joined_files_of_other_formats(format: str, rate: int, channels: int) -> None:
    first = encode(signal(SEED, 10_000), 48000, format)
    second = encode(signal(SEED, 10_000, channels), rate, format)
    match = f"expected all 2 sounds .* 48000 Hz and 1 channels, as the first, got {rate} Hz and {channels} channels"
    with pytest.raises(SoundFileError, match=match):
        SoundReader(io.BytesIO(first + second))


def pages(data: bytes, serial: int | None = None) -> list[bytes]:
    """The pages of an Ogg file, perhaps under another serial number; their checksums are not looked at by the tests'
    own streams only."""
    found, position = [], 0
    while position < len(data):
        num_segments = data[position + 26]
        size = 27 + num_segments + sum(data[position + 27 : position + 27 + num_segments])
        page = data[position : position + size]
        found.append(page if serial is None else page[:14] + struct.pack("<I", serial) + page[18:])
        position += size
    return found


def foreign_page(flags: int, number: int, serial: int = 77, content: bytes = b"fishead\0" + bytes(50)) -> bytes:
    return b"OggS\0" + bytes([flags]) + struct.pack("<qIII", 0, serial, number, 0) + bytes([1, len(content)]) + content


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_with_other_streams(subtype: str) -> None:
    """Among other streams' pages, as in a video: a skeleton first, a page of it after each of ours."""
    links = []
    for i in range(2):
        first, *rest = pages(encode(signal(SEED + i, 60_000), 48000, "OGG", subtype))
        mixed = [foreign_page(2, 0), first]
        for number, page in enumerate(rest):
            mixed += [page, foreign_page(0, number + 1, content=b"OggS" + bytes(40))]
        links.append((b"".join(mixed), decode(b"".join([first, *rest]))))
    assert np.array_equal(read_all(links[0][0] + links[1][0]), np.concatenate([sound for _, sound in links]))


def test_ogg_without_a_known_codec() -> None:
    with pytest.raises(SoundFileError, match="expected Ogg with Vorbis, Opus, FLAC or Speex, got none of them"):
        SoundReader(io.BytesIO(foreign_page(2, 0) + foreign_page(4, 1)))


def test_too_many_parts() -> None:
    data = encode(np.zeros((0, 1), np.int16), 8000, "WAV") * 10_001
    with pytest.raises(SoundFileError, match="expected at most 10000 sounds"):
        SoundReader(io.BytesIO(data))


def test_a_flac_behind_a_tag() -> None:
    data = encode(signal(SEED, 10_000), 48000, "FLAC")
    assert np.array_equal(read_all(ID3 + data + ID3V1), decode(data, "int16"))


def test_joined_wavs_that_do_not_know_their_sizes() -> None:
    parts = [np.arange(100 * i, 100 * i + 50, dtype=np.int16) for i in range(3)]
    for size in (0xFFFFFFFF, 0, 0x7FFFFFFF):
        data = b"".join(wav(part.tobytes(), data_size=size) for part in parts)
        assert read_all(data)[:, 0].tolist() == np.concatenate(parts).tolist()


def test_joined_files_by_the_command_line(tmp_path: Path) -> None:
    pytest.importorskip("click")
    from tests.support.cli_commands import load, run

    parts = [encode(signal(SEED + i, 48_000), 48000, "MP3") for i in range(4)]
    (tmp_path / "a.mp3").write_bytes(b"".join(parts))
    assert run("info", tmp_path / "a.mp3", "--json").report["files"][0]["frames"] == 192_000
    run("mix", tmp_path / "a.mp3", "-o", tmp_path / "m.wav")
    expected = np.concatenate([decode(part) for part in parts]) * np.float64(32768)
    assert np.array_equal(load(tmp_path / "m.wav"), np.clip(np.rint(expected), -32768, 32767))


def test_rewinding() -> None:
    data = encode(signal(SEED, 20_000), 48000, "OGG") + encode(signal(SEED, 10_000), 48000, "OGG")
    with SoundReader(io.BytesIO(data)) as reader:
        whole = read(reader)
        for num_read in (0, 100, 25_000):
            reader.rewind()
            reader.read(num_read)
            reader.rewind()
            assert np.array_equal(read(reader), whole)
