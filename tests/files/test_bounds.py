"""A few bytes do not ask for gigabytes, nor for ages."""

from __future__ import annotations

import io
import random
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("soundfile")

from livekit_utils.files.decoder import MAX_CHANNELS, MAX_SAMPLE_RATE
from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.sound_reader import SoundReader
from tests.support.randomness import SEED
from tests.support.sound_files import chunk, encode, signal, wav

# A command may take this much more than it takes to be loaded.
LIMIT_MB = 160

LIMITED = """
import resource, sys
import livekit_utils.cli, numpy, soundfile
from livekit_utils.__main__ import main
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + int(sys.argv.pop(1)) * 2**20,) * 2)
main()
"""

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the size is read from /proc")


def fmt_wav(tag: int, channels: int, rate: int, block_align: int, bits: int, extra: bytes = b"") -> bytes:
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate & 0xFFFF, block_align, bits) + extra
    body = b"WAVE" + chunk(b"fmt ", fmt) + chunk(b"data", bytes(2000))
    return b"RIFF" + struct.pack("<I", len(body)) + body


HUGE = {
    "rate": fmt_wav(1, 1, 0x7FFFFFFF, 2, 16),
    "float rate": fmt_wav(3, 2, 0x7FFFFFFF, 8, 32),
    "gsm rate": fmt_wav(0x31, 1, 0x7FFFFFFF, 65, 0, struct.pack("<HH", 2, 320)),
    "adpcm rate": fmt_wav(0x11, 1, 0x60000000, 256, 4, struct.pack("<HH", 2, 505)),
    "adpcm block": fmt_wav(0x11, 1, 8000, 0xFFFF, 4, struct.pack("<HH", 2, 0xFFFF)),
    "highest rate": fmt_wav(1, 128, MAX_SAMPLE_RATE, 256, 16),
    "channels": fmt_wav(1, 1024, 48000, 2048, 16),
}


@linux_only
@pytest.mark.parametrize("name", HUGE)
@pytest.mark.parametrize("command", ["info", "resample", "mix"])
def test_memory_of_headers(tmp_path: Path, run_python: Callable[..., Any], name: str, command: str) -> None:
    pytest.importorskip("click")
    path = tmp_path / "a.wav"
    path.write_bytes(HUGE[name])
    arguments = {
        "info": ["info", str(path)],
        "resample": ["resample", str(path), str(tmp_path / "o.wav"), "--rate", "48000"],
        "mix": ["mix", str(path), "-o", str(tmp_path / "o.wav"), "--rate", "48000"],
    }[command]
    result = run_python("-c", LIMITED, str(LIMIT_MB), *arguments)
    assert result.returncode in (0, 1)
    assert result.stderr.count("\n") == (result.returncode == 1)
    assert result.stderr.startswith("error: " if result.returncode else "")
    assert "MemoryError" not in result.stderr


@pytest.mark.parametrize(("rate", "channels"), [(0x7FFFFFFF, 1), (MAX_SAMPLE_RATE + 1, 1), (8000, MAX_CHANNELS + 1)])
def test_formats_out_of_bounds(rate: int, channels: int) -> None:
    match = f"expected .*, got {rate if channels == 1 else channels} "
    with pytest.raises(SoundFileError, match=match if channels == 1 else match.rstrip()):
        SoundReader(io.BytesIO(fmt_wav(1, channels, rate, 2 * channels, 16)))


class _Counted(io.BytesIO):
    """Counts what is read of it, and how often."""

    num_reads = num_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.num_reads += 1
        self.num_bytes += len(data)
        return data


SIZE = 8 << 20


def many(piece: bytes) -> bytes:
    return piece * (SIZE // len(piece))


ENDLESS = {
    "zeros": wav(b"", data_size=0)[:-8] + bytes(SIZE),
    "zeros after a sound": wav(bytes(2000)) + bytes(SIZE),
    "empty chunks": wav(b"", data_size=0)[:-8] + many(b"LIST\0\0\0\0"),
    "empty chunks after a sound": wav(bytes(2000)) + many(b"LIST\0\0\0\0"),
    "zeros as mp3": b"ID3\x04\0\0\0\0\0\0" + bytes(SIZE),
    "syncs": many(b"\xff\xfb\x90\x00"),
    "pages without an end": many(b"OggS\x01"),
    "pages and gaps": many(b"OggS\0\0" + bytes(21) + b"?"),
    "empty pages": many(b"OggS\0\2" + bytes(21)),
    "tags": many(b"ID3\x04\0\0\0\0\0\0"),
    "zeros as flac": b"fLaC\0\0\0\x22" + bytes(SIZE),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_work_of_headers(name: str) -> None:
    file = _Counted(ENDLESS[name])
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        SoundReader(file)
    except SoundFileError:
        pass
    finally:
        sys.setprofile(None)
    assert file.num_bytes < 4 * SIZE
    assert file.num_reads < 1000
    assert calls < SIZE  # of a page or a frame of a few bytes, too


@linux_only
def test_memory_of_mutated_files(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    print(f"seed {SEED}")
    rand = random.Random(SEED)
    sound = signal(SEED, 1800, 1, 16000)
    seeds = [encode(sound, 16000, format, subtype)
             for format, subtype in (("WAV", "GSM610"), ("WAV", "IMA_ADPCM"), ("WAV", "MS_ADPCM"), ("WAV", "FLOAT"),
                                     ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None)
                                     )]  # fmt: skip
    for i in range(400):
        data = bytearray(rand.choice(seeds))
        for _ in range(rand.randrange(1, 6)):
            data[rand.randrange(min(len(data), 200))] = rand.choice([0, 1, 0x7F, 0x80, 0xFF, rand.randrange(256)])
        (tmp_path / f"{i}").write_bytes(data)
    program = LIMITED.replace("main()\n", "") + (
        "from pathlib import Path\n"
        "from livekit_utils.files.errors import SoundFileError\n"
        "from livekit_utils.files.sound_reader import SoundReader\n"
        "for path in sorted(Path(sys.argv[1]).iterdir()):\n"
        "    try:\n"
        "        with path.open('rb') as file, SoundReader(file) as reader:\n"
        "            for _ in range(100):\n"
        "                if not len(reader.read(min(reader.sample_rate // 10, 4800) + 1)): break\n"
        "    except SoundFileError: pass\n"
        "    except BaseException as error: raise RuntimeError(path) from error\n"
    )
    result = run_python("-c", program, "64", str(tmp_path))
    assert result.returncode == 0, result.stderr
