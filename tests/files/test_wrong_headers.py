"""Headers that promise too much or too little: what is there is read, with one warning."""

from __future__ import annotations

import io
import re
import struct
from typing import Any

import numpy as np
import pytest

pytest.importorskip("soundfile")

from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.open_sound import decoded
from livekit_utils.files.sound_reader import SoundReader
from tests.support.randomness import SEED, Rand
from tests.support.sound_files import chunk, decode, encode, mpeg_frames, read, read_all, signal, wav

SOUND = np.random.default_rng(1).integers(1, 30_000, 1000, np.int16)
LIST = chunk(b"LIST", b"INFOISFT\x04\0\0\0abc\0")


def read_with_warnings(data: bytes) -> tuple[Any, list[str]]:
    with SoundReader(io.BytesIO(data)) as reader:
        return read(reader), reader.warnings


@pytest.mark.parametrize("size", [2_000_000_000, 1_000_000_000, 2016, 2001])
@pytest.mark.parametrize("num_there", [2000, 1999, 2])
def test_a_wav_that_promises_too_much(size: int, num_there: int) -> None:
    samples, warnings = read_with_warnings(wav(SOUND.tobytes()[:num_there], data_size=size))
    assert samples[:, 0].tolist() == SOUND[: num_there // 2].tolist()
    assert warnings == [f"expected {size} bytes of sound, as its header says, got {num_there}, which are read"]


@pytest.mark.parametrize("size", [0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFF00, 0])
def test_a_wav_that_does_not_know_its_size(size: int) -> None:
    assert read_all(wav(SOUND.tobytes(), data_size=size))[:, 0].tolist() == SOUND.tolist()


@pytest.mark.parametrize("size", [2, 1000, 1500, 1990])
def test_a_wav_that_promises_too_little(size: int) -> None:
    samples, warnings = read_with_warnings(wav(SOUND.tobytes(), data_size=size))
    assert samples[:, 0].tolist() == SOUND.tolist()
    assert warnings == [f"expected {size} bytes of sound, as its header says, got 2000, which are read"]


def test_a_wav_that_promises_too_little_before_silence() -> None:
    data = SOUND.tobytes() + bytes(3000) + SOUND.tobytes()
    samples, warnings = read_with_warnings(wav(data, data_size=2000))
    assert (len(samples), len(warnings)) == (3500, 1)


@pytest.mark.parametrize(
    "tail", [b"", LIST, LIST + LIST, b"\0", bytes(7), b"TAG" + bytes(125), b"ID3\x04\0\0\0\0\0\0", LIST + b"\0\0"]
)
@pytest.mark.parametrize("num_bytes", [2000, 1999])
def test_what_follows_the_sound_of_a_wav(tail: bytes, num_bytes: int) -> None:
    for padding in {b"", bytes(num_bytes % 2)}:
        samples = read_all(wav(SOUND.tobytes()[:num_bytes], tail=padding + tail))
        assert samples[:, 0].tolist() == SOUND[: num_bytes // 2].tolist()


def test_chunks_before_the_sound() -> None:
    chunks = [chunk(b"JUNK", bytes(27)), LIST, chunk(b"bext", bytes(602)), chunk(b"fact", struct.pack("<I", 5))]
    assert read_all(wav(SOUND.tobytes(), *chunks))[:, 0].tolist() == SOUND.tolist()


def test_big_endian() -> None:
    fmt = b"fmt " + struct.pack(">IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    data = SOUND.astype(">i2").tobytes()
    whole = b"RIFX" + struct.pack(">I", 36 + len(data)) + b"WAVE" + fmt + b"data" + struct.pack(">I", len(data)) + data
    assert read_all(whole)[:, 0].tolist() == SOUND.tolist()
    samples, warnings = read_with_warnings(whole[:-500])
    assert (len(samples), len(warnings)) == (750, 1)


def test_rf64_that_promises_too_much() -> None:
    whole = encode(SOUND, 8000, "RF64", "PCM_16")
    assert read_all(whole)[:, 0].tolist() == SOUND.tolist()
    samples, warnings = read_with_warnings(whole[:-500])
    assert (len(samples), warnings) == (
        750,
        ["expected 2000 bytes of sound, as its header says, got 1500, which are read"],
    )


class _Sparse(io.RawIOBase):
    """A WAV of 5 GB whose sound is its own position, so that it needs no disk."""

    def __init__(self, head: bytes, size: int) -> None:
        self.head, self.size, self.position = head, size, 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self.position = offset + {0: 0, 1: self.position, 2: self.size}[whence]
        return self.position

    def read(self, num_bytes: int = -1) -> bytes:
        assert num_bytes >= 0
        end = min(self.size, self.position + num_bytes)
        piece = self.head[self.position : end]
        start = self.position + len(piece)
        units = np.arange(start // 4, -(-end // 4), dtype=np.uint32)
        piece += units.tobytes()[start % 4 : start % 4 + max(0, end - start)]
        self.position += len(piece)
        return piece


def test_a_wav_of_more_than_4_gib() -> None:
    ds64 = chunk(b"ds64", struct.pack("<QQQI", (5 << 30) + 72, 5 << 30, 5 << 29, 0))
    header = b"RF64\xff\xff\xff\xffWAVE" + ds64 + wav(b"", data_size=0xFFFFFFFF)[12:]
    reader = SoundReader(_Sparse(header, len(header) + (5 << 30)))  # type: ignore[arg-type]
    assert (reader.samples_per_channel, reader.warnings) == (5 << 29, [])
    assert reader.read(8)[:, 0].view(np.uint32).tolist() == [20, 21, 22, 23]


@pytest.mark.parametrize(("subtype", "num_frames"), [("GSM610", 16_001), ("MS_ADPCM", 16_001), ("IMA_ADPCM", 16_001)])
def test_adpcm_and_gsm_that_were_cut(subtype: str, num_frames: int) -> None:
    whole = encode(signal(SEED, num_frames, 1, 8000), 8000, "WAV", subtype)
    samples, warnings = read_with_warnings(whole[: len(whole) // 2])
    assert len(warnings) == 1
    assert 0.4 * num_frames < len(samples) < 0.6 * num_frames
    # The last block is not whole.
    assert np.array_equal(samples[:-2000], decode(whole, "int16")[: len(samples) - 2000])


def test_a_fact_that_says_nothing() -> None:
    """Of a stream, or of an encoder that counts something else."""
    whole = encode(signal(SEED, 16_001, 1, 8000), 8000, "WAV", "GSM610")
    at = whole.index(b"fact") + 8
    for fact in (0, 0xFFFFFFFF, 100, 2 * 16_001):
        assert len(read_all(whole[:at] + struct.pack("<I", fact) + whole[at + 4 :])) == 16_320
    assert len(read_all(whole)) == 16_001


@pytest.mark.parametrize("format", ["AIFF", "W64", "CAF", "SVX", "AU"])
def test_other_kinds_that_were_cut(format: str) -> None:
    """libsndfile reads what there is, and says nothing."""
    whole = encode(signal(SEED, 10_000), 16_000, format, "PCM_16")
    assert read_with_warnings(whole)[1] == []
    half = io.BytesIO(whole[: len(whole) // 2])
    sound = decoded(half, SoundReader)
    num_read = 0
    while len(samples := sound.read(4096)):
        num_read += len(samples)
    assert 3900 < num_read < 5000
    [warning] = sound.warnings
    assert re.fullmatch(r"expected 2\d{4} bytes( of sound)?, as its header says, got \d+, which are read", warning)


@pytest.mark.parametrize(("format", "place", "unknown"), [("AIFF", 4, b"\xff" * 4), ("W64", 16, b"\xff" * 8)])
def test_other_kinds_that_do_not_tell_their_size(format: str, place: int, unknown: bytes) -> None:
    whole = encode(signal(SEED, 10_000), 16_000, format, "PCM_16")
    sound = SoundReader(io.BytesIO(whole[:place] + unknown + whole[place + len(unknown) :]))
    assert sound.warnings == []


@pytest.mark.parametrize(
    ("subtype", "num_channels"), [("GSM610", 1), ("MS_ADPCM", 1), ("MS_ADPCM", 2), ("IMA_ADPCM", 1), ("IMA_ADPCM", 2)]
)
@pytest.mark.parametrize("num_frames", [1, 159, 320, 505, 506, 1000, 12_345])
def test_no_sound_is_lost_by_a_fact(subtype: str, num_channels: int, num_frames: int) -> None:
    """libsndfile tells the samples of IMA ADPCM divided by the channels, and with those that fill up the last block."""
    samples = read_all(encode(signal(SEED, num_frames, num_channels, 8000), 8000, "WAV", subtype))
    assert len(samples) == (num_frames if subtype != "IMA_ADPCM" else -(-num_frames // 505) * 505)


def test_the_fact_of_a_stereo_ima_adpcm_that_is_right() -> None:
    whole = encode(signal(SEED, 1900, 2, 8000), 8000, "WAV", "IMA_ADPCM")
    at = whole.index(b"fact") + 8
    assert len(read_all(whole[:at] + struct.pack("<I", 1900) + whole[at + 4 :])) == 1900


@pytest.mark.parametrize("keep", [1 / 3, 2 / 3, 0.99])
@pytest.mark.parametrize("format", ["MP3", "FLAC", "OGG"])
def test_compressed_files_that_were_cut(format: str, keep: float, capfd: pytest.CaptureFixture[str]) -> None:
    whole = encode(signal(SEED, 200_000), 48000, format)
    with pytest.raises(SoundFileError, match=r"damaged|cut off"):
        read_with_warnings(whole[: int(len(whole) * keep)])
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("keep", [0.3, 0.5, 0.99])
@pytest.mark.parametrize(
    ("format", "subtype", "frame"),
    [("MP3", None, 4096), ("FLAC", "PCM_16", 4096), ("OGG", "VORBIS", 30_000), ("OGG", "OPUS", 60_000)],
)
def test_compressed_files_that_were_cut_are_read_if_wanted(
    format: str, subtype: str | None, frame: int, keep: float, capfd: pytest.CaptureFixture[str]
) -> None:
    """All but the frame or the page that was cut, and what the next would have completed."""
    whole = encode(
        signal(SEED, 300_000), 48000, format, subtype, **({"bitrate_mode": "CONSTANT"} if format == "MP3" else {})
    )
    with SoundReader(io.BytesIO(whole[: int(len(whole) * keep)]), damaged=True) as reader:
        assert reader.samples_per_channel is None
        samples = read(reader)
        reader.rewind()
        assert np.array_equal(read(reader), samples)
    assert 300_000 * keep - 2 * frame < len(samples) < 300_000 * keep + frame
    assert np.array_equal(samples, decode(whole, "int16" if format == "FLAC" else "float32")[: len(samples)])
    assert len(reader.warnings) in (1, 2)
    assert "damaged or cut off" in " ".join(reader.warnings) or "cut off" in reader.warnings[0]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("format", "subtype"), [("MP3", None), ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", None)])
@pytest.mark.parametrize("damage", range(4))
def test_a_damaged_file_is_the_same_in_pieces_of_any_length(format: str, subtype: str | None, damage: int) -> None:
    """Some samples are read before an error: all of them count, however many were asked for."""
    rng = Rand(SEED + damage)
    print(f"LIVEKIT_UTILS_SEED={SEED}")
    whole = bytearray(encode(signal(SEED, 60_000), 48000, format, subtype))
    for _ in range(1 + damage):
        at = rng.randrange(len(whole) // 3, len(whole) - 40)
        whole[at : at + 40] = rng.randbytes(40)
    results = []
    for length in (50_000, 4800, 480, 7):
        with SoundReader(io.BytesIO(whole), damaged=True) as reader:
            results.append(read(reader, length))
    assert len(results[0]) > 10_000 or (format == "OGG" and reader.warnings)
    for result in results[1:]:
        assert np.array_equal(result, results[0])


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("page", [2, 4, -1])
def test_a_damaged_page_of_ogg_is_not_left_out_in_silence(subtype: str, page: int) -> None:
    """libsndfile leaves such pages out, and knows the length from the last of those that are left."""
    whole = bytearray(encode(signal(SEED, 300_000), 48000, "OGG", subtype))
    pages = [found.start() for found in re.finditer(b"OggS\0", whole)]
    whole[pages[page] + 300] ^= 1
    message = f"damaged: 1 of its {len(pages)} Ogg pages, whose sound is lost"
    with pytest.raises(SoundFileError, match=message):
        read_with_warnings(whole)
    with SoundReader(io.BytesIO(whole), damaged=True) as reader:
        assert 0 < len(read(reader)) < 300_000
    assert reader.warnings[0] == message


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_whole_file_read_as_a_damaged_one(format: str) -> None:
    whole = encode(signal(SEED, 50_000), 48000, format)
    with SoundReader(io.BytesIO(whole), damaged=True) as reader:
        assert np.array_equal(read(reader), read_all(whole))
    assert reader.warnings == []


def test_the_second_of_joined_files_that_was_cut() -> None:
    whole = encode(signal(SEED, 100_000), 48000, "MP3")
    with pytest.raises(SoundFileError, match="damaged or cut off: expected 100000 samples per channel"):
        read_with_warnings(whole + whole[: len(whole) // 2])


def test_an_ogg_without_its_end() -> None:
    whole = encode(signal(SEED, 200_000), 48000, "OGG")
    samples, warnings = read_with_warnings(whole[: whole.rindex(b"OggS")])
    assert 100_000 < len(samples) < 200_000
    assert warnings == ["it ends without an end-of-stream page, and may have been cut off"]


def test_junk_behind_an_ogg() -> None:
    whole = encode(signal(SEED, 20_000), 48000, "OGG")
    samples, warnings = read_with_warnings(whole + bytes(999))
    assert (len(samples), warnings) == (20_000, ["the last 999 bytes are no Ogg, and left out"])


def test_a_hole_in_an_mp3() -> None:
    frames = mpeg_frames(encode(signal(SEED, 200_000), 48000, "MP3", bitrate_mode="VARIABLE"))[1:]
    samples, warnings = read_with_warnings(b"".join(frames[:50]) + bytes(3000) + b"".join(frames[50:]))
    assert len(samples) == 1152 * len(frames)
    assert warnings == ["3000 bytes are no whole MP3 frames, and left out"]


def test_silence_of_zeros_is_no_chunk() -> None:
    """An unfinished WAV that begins with silence."""
    assert len(read_all(wav(bytes(2_000_000), data_size=0))) == 1_000_000
