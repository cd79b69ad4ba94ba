"""AudioFile on what only PyAV decodes: lengths, alignment, seeks, loops, and the sound of videos."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFile
from livekit_utils.files.av_sound import AvSound
from livekit_utils.files.samples import as_floats
from tests.support.sound_files import encode, signal

av = pytest.importorskip("av")

# Container, codec, and whether the samples come out as they went in.
FORMATS = [
    ("mp4", "aac", False),
    ("mp4", "libopus", False),
    ("mp4", "alac", True),
    ("mov", "pcm_s24le", True),
    ("webm", "libopus", False),
    ("matroska", "libopus", False),
    ("matroska", "flac", True),
    ("matroska", "pcm_s16le", True),
    ("adts", "aac", False),
    ("matroska", "aac", False),
]
# These containers do not tell how much of the last packet is sound; AAC in a bare stream tells nothing of its delay.
ROUGH = {("adts", "aac"): 2048, ("matroska", "aac"): 1023}


def s16(num: int, channels: int = 1) -> Any:
    return (signal(3, num, channels) * 32767).astype(np.int16)


def make(container: str, codec: str, samples: Any, *, with_pictures: bool = False) -> bytes:
    """A file with a sound at 48 kHz, behind some pictures or alone."""
    file = io.BytesIO()
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    with av.open(file, "w", format=container) as out:
        pictures = out.add_stream("mpeg4", rate=25) if with_pictures else None
        if pictures is not None:
            pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound = out.add_stream(codec, rate=48000, layout=layout)
        for number in range(len(samples) // 1920 + 1 if pictures is not None else 0):
            picture = av.VideoFrame(64, 48, "yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            out.mux(pictures.encode(picture))
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", layout)
        frame.sample_rate, frame.pts = 48000, 0
        for packet in [*sound.encode(frame), *sound.encode(None)]:
            out.mux(packet)
        if pictures is not None:
            out.mux(pictures.encode(None))
    return file.getvalue()


def values(frames: Any, channels: int = 1) -> Any:
    return np.frombuffer(b"".join(bytes(frame.data) for frame in frames), np.int16).reshape(-1, channels)


@pytest.mark.parametrize("num", [48000, 30001, 961])
@pytest.mark.parametrize(("container", "codec", "is_exact"), FORMATS)
def test_all_of_a_sound_and_no_more(container: str, codec: str, is_exact: bool, num: int) -> None:
    samples = s16(num, 2)
    with AudioFile(io.BytesIO(make(container, codec, samples))) as file:
        assert (file.sample_rate, file.num_channels) == (48000, 2)
        got = values(file, 2)
    assert 0 <= len(got) - num <= ROUGH.get((container, codec), 0)
    if is_exact:
        assert np.array_equal(got, samples)
    elif num > 9000 and container != "adts":
        # What a codec puts before a sound is gone: it lies where it lay.
        piece = samples[4000:8000, 0].astype(float)
        scores = [np.dot(got[4000 + shift : 8000 + shift, 0], piece) for shift in range(-1200, 1200)]
        assert np.argmax(scores) == 1200


@pytest.mark.parametrize(("container", "codec", "is_exact"), FORMATS)
def test_other_rates_seeks_and_loops(container: str, codec: str, is_exact: bool) -> None:
    data = make(container, codec, s16(30001))
    with AudioFile(io.BytesIO(data)) as file:
        whole = values(file)
        assert file.duration_s is None or abs(file.duration_s - 30001 / 48000) < 0.05
        for seconds in (0.0, 0.4, 0.1, 0.60001):
            file.seek(seconds)
            assert np.array_equal(values(file), whole[round(seconds * 48000) :])
    with AudioFile(io.BytesIO(data), sample_rate=44100) as file:
        assert len(values(file)) == round(len(whole) * 44100 / 48000)
    with AudioFile(io.BytesIO(data), loop=True) as file:
        frames = values([next(file) for _ in range(200)])
        assert np.array_equal(frames, np.concatenate([whole] * 4)[: len(frames)])


@pytest.mark.parametrize(("container", "codec"), [("mp4", "aac"), ("matroska", "libopus"), ("mov", "pcm_s16le")])
def test_the_sound_of_a_video(container: str, codec: str) -> None:
    samples = s16(48000)
    with AudioFile(io.BytesIO(make(container, codec, samples, with_pictures=True))) as file:
        got = values(file)
    assert len(got) == 48000
    error = got[:, 0].astype(float) - samples[:, 0]
    assert np.sqrt(np.mean(error**2)) < 0.3 * np.sqrt(np.mean(samples.astype(float) ** 2))


def test_a_video_without_sound() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        pictures = out.add_stream("mpeg4", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        out.mux(pictures.encode(av.VideoFrame(64, 48, "yuv420p")))
        out.mux(pictures.encode(None))
    with pytest.raises(ValueError, match="expected a file with sound, got one without"):
        AudioFile(file)


@pytest.mark.parametrize(("container", "codec", "is_exact"), FORMATS)
def test_what_is_cut_off(container: str, codec: str, is_exact: bool, tmp_path: Path) -> None:
    data = make(container, codec, s16(96000))
    path = tmp_path / "sound"
    for share in (0.02, 0.5):
        path.write_bytes(data[: int(len(data) * share)])
        for _ in range(2):
            with pytest.raises(ValueError, match=r"sound: "), AudioFile(path) as file:
                list(file)


@pytest.mark.parametrize(("container", "codec"), [("mp4", "aac"), ("matroska", "libopus"), ("mp4", "alac")])
def test_eight_channels(container: str, codec: str) -> None:
    """FFmpeg has eight pointers to channels in place, and behind them no null pointer, which PyAV looks for."""
    levels = 1000 * np.arange(1, 9)
    tone = np.sin(2 * np.pi * 60 * np.arange(48000) / 48000)  # the eighth may be for low frequencies alone
    samples = (tone[:, None] * levels).astype(np.int16)
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        sound = out.add_stream(codec, rate=48000, layout="7.1(wide)" if codec == "alac" else "7.1")
        sound.bit_rate = 1_000_000
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", sound.layout)
        frame.sample_rate, frame.pts = 48000, 0
        for packet in [*sound.encode(frame), *sound.encode(None)]:
            out.mux(packet)
    file.seek(0)
    with AudioFile(file) as decoded:
        assert decoded.num_channels == 8
        played = np.concatenate([np.array(frame).reshape(-1, 8) for frame in decoded])
    assert len(played) == pytest.approx(48000, abs=1024)
    if codec == "alac":
        assert np.array_equal(played, samples)
    middle = played[12000:36000].astype(float)
    assert np.sqrt(2 * np.mean(middle**2, axis=0)) == pytest.approx(levels, rel=0.1)


@pytest.mark.parametrize(("container", "codec", "is_exact"), FORMATS)
def test_what_is_damaged(container: str, codec: str, is_exact: bool, rand: Any) -> None:
    """It is read somehow, or refused as a ValueError."""
    data = np.frombuffer(make(container, codec, s16(20000)), np.uint8)
    generator = np.random.default_rng(rand.randrange(2**32))
    messages = []
    for _ in range(20):
        broken = data.copy()
        places = generator.integers(0, len(data), generator.integers(1, 40))
        broken[places] = generator.integers(0, 256, len(places))
        try:
            with AudioFile(io.BytesIO(broken.tobytes()), sample_rate=48000) as file:
                for number, _frame in enumerate(file):
                    assert number < 10000
        except ValueError as error:
            messages.append(str(error))
    assert all(message.startswith(("BytesIO: ", "sample_rate: ")) for message in messages), messages


def test_errors_of_the_file_are_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    class Failing(io.BytesIO):
        num_left = 10**9

        def read(self, size: int | None = -1) -> bytes:
            self.num_left -= 1
            if self.num_left < 0:
                raise OSError(5, "the disk is broken")
            return super().read(size)

    data = make("matroska", "flac", s16(480000))
    for num_reads in (0, 1, 2, 3, 5, 8):
        source = Failing(data)
        file = AudioFile(source)
        with file:
            source.num_left = num_reads
            with pytest.raises(OSError, match="the disk is broken"):
                list(file)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("format", ["MP3", "OGG", "FLAC"])
def test_both_decoders_give_the_same_sound(format: str) -> None:
    data = encode(s16(30001), 48000, format)
    sound = AvSound(io.BytesIO(data))
    theirs = as_floats(sound.read(10**6))
    sound.close()
    with AudioFile(io.BytesIO(data)) as file:
        ours = values(file)
    assert len(ours) == len(theirs) == 30001
    assert np.abs(ours - theirs * 32768).max() < 1
