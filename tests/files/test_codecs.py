"""Every codec in pieces is what it is in one piece, to the bit."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("soundfile")

import soundfile

from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.sound_reader import SoundReader
from tests.support.randomness import SEED
from tests.support.sound_files import chunk, decode, encode, mpeg_frames, read, read_all, signal, wav

S16 = ("PCM_16", "PCM_U8", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610")

CODECS = [
    ("WAV", "PCM_16", 48000, 2),
    ("WAV", "PCM_24", 48000, 2),
    ("WAV", "FLOAT", 48000, 1),
    ("WAV", "DOUBLE", 48000, 1),
    ("WAVEX", "PCM_16", 44100, 3),
    ("RF64", "PCM_24", 44100, 2),
    ("WAV", "ULAW", 8000, 1),
    ("WAV", "ALAW", 8000, 2),
    ("WAV", "MS_ADPCM", 8000, 2),
    ("WAV", "IMA_ADPCM", 8000, 1),
    ("WAV", "GSM610", 8000, 1),
    ("WAV", "G721_32", 8000, 1),
    ("FLAC", "PCM_16", 44100, 2),
    ("FLAC", "PCM_24", 44100, 1),
    ("OGG", "VORBIS", 48000, 2),
    ("OGG", "OPUS", 48000, 2),
    ("OGG", "OPUS", 16000, 1),
]


@pytest.mark.parametrize(("format", "subtype", "rate", "channels"), CODECS)
@pytest.mark.parametrize("block", [577, 4800])
def test_a_codec_in_pieces(format: str, subtype: str, rate: int, channels: int, block: int) -> None:
    data = encode(signal(SEED, 2 * rate + 77, channels, rate), rate, format, subtype)
    samples = read_all(data, block)
    whole = decode(data, "int16" if subtype in S16 else "float32")
    assert samples.dtype == whole.dtype
    assert np.array_equal(samples, whole[: len(samples)])
    if subtype in ("MS_ADPCM", "GSM610"):
        assert len(samples) == 2 * rate + 77 < len(whole)  # without the padding of the last block
    else:
        assert len(samples) == len(whole)


MP3_OPTIONS = [{"bitrate_mode": mode, "compression_level": level}
               for mode in ("CONSTANT", "VARIABLE", "AVERAGE") for level in (0.1, 0.9)]  # fmt: skip


@pytest.mark.parametrize("options", MP3_OPTIONS, ids=str)
@pytest.mark.parametrize("rate", [48000, 44100, 22050, 16000, 8000])
def test_mp3_in_pieces(rate: int, options: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    data = encode(signal(SEED, 2 * rate + 77, 1, rate), rate, "MP3", **options)
    assert np.array_equal(read_all(data, 777), decode(data))
    assert capfd.readouterr().err == ""  # libmpg123 writes there itself


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [48000, 16000])
def test_an_mp3_without_a_length(rate: int, channels: int, capfd: pytest.CaptureFixture[str]) -> None:
    data = encode(signal(SEED, 3 * rate, channels, rate), rate, "MP3", bitrate_mode="VARIABLE")
    xing, *frames = mpeg_frames(data)
    assert b"Xing" in xing
    size = 1152 if rate > 24000 else 576
    whole = decode(data)
    streamed = b"".join(frames)
    with SoundReader(io.BytesIO(streamed)) as reader:
        assert reader.samples_per_channel is None
        assert reader.warnings == []
        samples = read(reader)
    assert len(samples) == len(frames) * size
    assert np.array_equal(samples[1105:][: len(whole)], whole)  # without the delays of encoder and decoder
    assert soundfile.info(io.BytesIO(streamed)).frames != len(samples)  # the estimate
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("rate", [48000, 16000])
def test_a_part_of_a_stream_of_mp3(rate: int, capfd: pytest.CaptureFixture[str]) -> None:
    """From the middle of a frame to the middle of another: the first frames borrow bits of what is gone."""
    data = encode(signal(SEED, 3 * rate, 1, rate), rate, "MP3", bitrate_mode="CONSTANT", compression_level=0.9)
    frames = mpeg_frames(data)
    size = 1152 if rate > 24000 else 576
    whole = decode(data)
    part = frames[20][5:] + b"".join(frames[21:-2]) + frames[-2][:9]
    with SoundReader(io.BytesIO(part)) as reader:
        samples = read(reader)
        assert reader.warnings == [f"{len(frames[20]) - 5 + 9} bytes are no whole MP3 frames, and left out"]
    assert len(samples) == size * (len(frames) - 23)
    # At most a few frames are silent, and then nothing is missing.
    start = size * 6
    assert np.abs(samples[start:] - whole[21 * size + start :][: len(samples) - start]).max() < 1e-6
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("has_xing", [True, False])
def test_mp3_in_a_wav(has_xing: bool) -> None:
    mp3 = encode(signal(SEED, 30_000), 48000, "MP3", bitrate_mode="VARIABLE")
    frames = mpeg_frames(mp3)
    fmt = struct.pack("<HHIIHHHHIHHH", 0x55, 1, 48000, 16000, 1, 0, 12, 1, 2, 1152, 1, 1393)
    body = b"WAVE" + chunk(b"fmt ", fmt) + chunk(b"data", mp3 if has_xing else b"".join(frames[1:]))
    samples = read_all(b"RIFF" + struct.pack("<I", len(body)) + body)
    start = 0 if has_xing else 1105
    assert np.array_equal(samples[start : start + 30_000], decode(mp3))
    assert len(samples) == (30_000 if has_xing else 1152 * (len(frames) - 1))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_mp3_of_few_frames(count: int) -> None:
    frames = mpeg_frames(encode(signal(SEED, 30_000), 48000, "MP3", bitrate_mode="VARIABLE"))[1 : 1 + count]
    assert len(read_all(b"".join(frames))) == 1152 * count


def test_an_mp3_without_a_frame() -> None:
    xing, *_ = mpeg_frames(encode(signal(SEED, 30_000), 48000, "MP3", bitrate_mode="VARIABLE"))
    for data in (xing, xing[:-1]):
        with pytest.raises(SoundFileError, match=r"cut off: expected sound|something else"):
            SoundReader(io.BytesIO(data))


def test_noise_is_no_mp3() -> None:
    rand = random.Random(SEED)
    for _ in range(300):
        data = bytes(rand.choice([0xFF, 0xFB, 0xF3, 0x90, 0, rand.randrange(256)]) for _ in range(4000))
        if data[:2] not in (b"OggS", b"fLaC"):
            with pytest.raises(SoundFileError, match="got something else"):
                SoundReader(io.BytesIO(data))


class _Growing(io.BytesIO):
    """Gets more bytes each time that it is read."""

    def __init__(self, data: bytes) -> None:
        self.left = data[len(data) // 2 :]
        super().__init__(data[: len(data) // 2])

    def read(self, size: int | None = -1) -> bytes:
        position = self.tell()
        self.seek(0, io.SEEK_END)
        self.write(self.left[:500])
        self.left = self.left[500:]
        self.seek(position)
        return super().read(size)


@pytest.mark.parametrize("data_size", [0, 0xFFFFFFFF])
def test_a_file_that_grows_ends_where_it_was_opened(data_size: int) -> None:
    sound = np.arange(1, 20_001, dtype=np.int16)
    with SoundReader(_Growing(wav(sound.tobytes(), data_size=data_size))) as reader:
        assert reader.samples_per_channel == 20_000 // 2 - 11
        assert read(reader)[:, 0].tolist() == sound[: 20_000 // 2 - 11].tolist()


def test_a_file_that_is_cut_while_it_is_read() -> None:
    file = io.BytesIO(wav(bytes(range(256)) * 100))
    with SoundReader(file) as reader:
        file.truncate(20_000)
        with pytest.raises(SoundFileError, match="damaged or cut off: expected 12800 samples per channel"):
            read(reader)


class _Failing(io.BytesIO):
    is_failing = False

    def read(self, size: int | None = -1) -> bytes:
        if self.is_failing:
            raise OSError(5, "Input/output error")
        return super().read(size)


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_disk_that_fails(format: str, capfd: pytest.CaptureFixture[str]) -> None:
    file = _Failing(encode(signal(SEED, 500_000), 48000, format))
    with SoundReader(file) as reader:
        reader.read(100)
        file.is_failing = True
        with pytest.raises(OSError, match="Input/output error"):
            read(reader)
    assert capfd.readouterr().err == ""


def test_an_empty_file_of_each_kind() -> None:
    for format, subtype in (("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "GSM610"), ("OGG", "VORBIS")):
        assert len(read_all(encode(np.zeros((0, 1), np.float32), 8000, format, subtype))) == 0


def test_commands_give_what_the_codec_gives(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    pytest.importorskip("click")
    data = encode(signal(SEED, 100_000, 1), 48000, "MP3", bitrate_mode="CONSTANT", compression_level=0.9)
    (tmp_path / "a.mp3").write_bytes(data)
    expected = np.clip(np.rint(decode(data) * np.float64(32768)), -32768, 32767)
    for command in (["resample", "a.mp3", "r.wav", "--rate", "48000"], ["mix", "a.mp3", "-o", "m.wav"]):
        arguments = [str(tmp_path / word) if word[-4:] in (".mp3", ".wav") else word for word in command]
        result = run_python("-m", "livekit_utils", *arguments)
        assert (result.returncode, result.stderr) == (0, "")
        written = next(word for word in arguments if word.endswith(".wav"))
        assert np.array_equal(soundfile.read(written, dtype="int16", always_2d=True)[0], expected)
