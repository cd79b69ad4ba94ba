"""AudioFile: exact lengths, loops, seeks, closing, and what is no sound file."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFile, AudioFrame, AudioMixer, resample_audio
from tests.support.sound_files import encode, read_all, signal


def s16(seed: int, num: int, channels: int = 1) -> Any:
    return (signal(seed, num, channels) * 32767).astype(np.int16)


def joined(frames: list[AudioFrame], channels: int = 1) -> Any:
    return np.frombuffer(b"".join(bytes(frame.data) for frame in frames), np.int16).reshape(-1, channels)


async def read_async(file: AudioFile) -> list[AudioFrame]:
    return [frame async for frame in file]


def wav_of(samples: Any, rate: int = 48000, subtype: str = "PCM_16") -> io.BytesIO:
    return io.BytesIO(encode(samples, rate, "WAV", subtype))


@pytest.mark.parametrize("way", ["plain", "async"])
@pytest.mark.parametrize(
    ("rate", "out"), [(48000, 48000), (44100, 48000), (8000, 16000), (48000, 22050), (11025, 44101)]
)
def test_exact_length_and_the_samples_of_one_conversion(rate: int, out: int, way: str) -> None:
    for num in (1, 2, 79, 480, rate // 10, rate // 10 + 1, rate + 17):
        samples = s16(num, num)
        with AudioFile(wav_of(samples, rate), sample_rate=out) as file:
            frames = list(file) if way == "plain" else asyncio.run(read_async(file))
        got = joined(frames)
        assert len(got) == round(num * out / rate)
        assert all(frame.samples_per_channel == out // 100 for frame in frames[:-1])
        assert np.abs(got - resample_audio(samples, rate, out).astype(int)).max(initial=0) <= 1


@pytest.mark.parametrize(("rate", "out"), [(48000, 48000), (44100, 48000), (48000, 44100), (16000, 44101)])
def test_a_loop_is_one_stream(rate: int, out: int) -> None:
    num = 4801
    samples = s16(5, num)
    whole = resample_audio(np.concatenate([samples] * 12), rate, out)
    for way in range(2):
        with AudioFile(wav_of(samples, rate), sample_rate=out, loop=True) as file:
            wanted = round(10 * num * out / rate)
            frames: list[AudioFrame] = []

            async def read(file: AudioFile = file, frames: list[AudioFrame] = frames, wanted: int = wanted) -> None:
                while sum(f.samples_per_channel for f in frames) < wanted:
                    frames.append(await anext(file))

            if way:
                asyncio.run(read())
            else:
                while sum(f.samples_per_channel for f in frames) < wanted:
                    frames.append(next(file))
            got = joined(frames)[:wanted]
            assert np.abs(got - whole[:wanted].astype(int)).max() <= 1
            assert 0 <= file.position_s < num / rate


def test_a_part_that_is_repeated() -> None:
    samples = s16(6, 48000)
    with AudioFile(wav_of(samples), start_s=0.25, end_s=0.3, loop=True) as file:
        assert file.position_s == 0.25
        got = joined([next(file) for _ in range(12)])
        assert file.position_s == pytest.approx(0.27)
    assert np.array_equal(got, np.concatenate([samples[12000:14400]] * 3)[: len(got)])


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3", "AIFF", "CAF", "AU", "W64"])
def test_every_format_whole_and_after_a_seek(format: str) -> None:
    data = encode(signal(7, 30000, 2), 48000, format)
    with AudioFile(io.BytesIO(data)) as file:
        whole = joined(list(file), 2)
        assert list(file) == []
        if format != "MP3":
            assert len(whole) == 30000
            assert file.duration_s == 0.625
        for seconds in (0.0, 0.3, 0.1, 0.50001):
            file.seek(seconds)
            assert file.position_s == pytest.approx(seconds, abs=1 / 48000)
            assert np.array_equal(joined(list(file), 2), whole[round(seconds * 48000) :])
    if format in ("WAV", "FLAC", "OGG"):
        exact = read_all(data)
        scaled = exact if exact.dtype == np.int16 else np.clip(np.round(exact * 32768), -32768, 32767)
        assert np.array_equal(whole, scaled)


def test_a_seek_while_frames_lie_ready() -> None:
    samples = s16(8, 96000)

    async def main() -> None:
        async with AudioFile(wav_of(samples), sample_rate=44100) as file:
            for seconds in (1.0, 0.5, 0.0, 1.75, 2.0):
                await anext(file, None)
                file.seek(seconds)
                rest = joined(await read_async(file))
                assert len(rest) == round((2 - seconds) * 44100)

    asyncio.run(main())


def test_channels_in_order_and_the_mean() -> None:
    samples = s16(9, 1000, 3)
    with AudioFile(wav_of(samples), channels=[2, 0]) as file:
        assert file.num_channels == 2
        assert np.array_equal(joined(list(file), 2), samples[:, [2, 0]])
    with AudioFile(wav_of(samples), channels=[1], num_channels=2) as file:
        assert np.array_equal(joined(list(file), 2), samples[:, [1, 1]])
    with AudioFile(wav_of(samples), num_channels=1) as file:
        assert np.abs(joined(list(file))[:, 0] - samples.mean(axis=1)).max() <= 1


def test_values_above_full_scale_are_counted() -> None:
    with AudioFile(wav_of(np.array([0.5, 1.5, -2.0], np.float32), subtype="FLOAT")) as file:
        assert joined(list(file)).ravel().tolist() == [16384, 32767, -32768]
        assert file.num_clipped == 2


@pytest.mark.parametrize("loop", [False, True])
def test_a_gain_keeps_what_is_above_full_scale(loop: bool) -> None:
    values = np.array([0.5, 1.5, -2.0, 0.0], np.float32)
    with AudioFile(wav_of(values, subtype="FLOAT"), gain_db=-12, loop=loop) as file:
        got = joined([next(file)]).ravel()[:4]
        assert np.abs(got - values * 32768 * 10 ** (-12 / 20)).max() <= 0.5
        assert file.num_clipped == 0
    samples = s16(3, 1000)
    with AudioFile(wav_of(samples), gain_db=20) as file:
        exact = samples * 10 ** (20 / 20)
        assert np.abs(joined(list(file)) - np.clip(exact, -32768, 32767)).max() <= 0.51
        assert file.num_clipped == np.count_nonzero((exact >= 32767.5) | (exact <= -32768.5)) > 0


def no_thread_is_left() -> bool:
    """Whether the threads that read files end."""
    threads = [thread for thread in threading.enumerate() if "AudioFile" in thread.name]
    for thread in threads:
        thread.join(10)
    return not any(thread.is_alive() for thread in threads)


def piped(data: bytes) -> Any:
    reader, writer = os.pipe()

    def write() -> None:
        with os.fdopen(writer, "wb") as file:
            file.write(data)

    threading.Thread(target=write).start()
    return os.fdopen(reader, "rb")


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM"]
)
@pytest.mark.parametrize("loop", [False, True])
def test_pipes(subtype: str, loop: bool) -> None:
    data = encode(signal(10, 20000), 48000, "WAV", subtype)
    with AudioFile(io.BytesIO(data)) as file:
        whole = joined(list(file))
    with piped(data) as pipe, AudioFile(pipe, loop=loop, sample_rate=48000) as file:
        got = joined([next(file) for _ in range(60)] if loop else list(file))
        expected = np.concatenate([whole] * 2)[: len(got)] if loop else whole
        assert np.array_equal(got, expected)


def test_a_wav_in_a_pipe_is_read_as_it_comes() -> None:
    samples = s16(11, 960)
    data = encode(samples, 48000, "WAV")
    reader, writer = os.pipe()

    async def main() -> None:
        os.write(writer, data[:-960])
        with os.fdopen(reader, "rb") as pipe:
            file = AudioFile(pipe)
            assert np.array_equal(joined([await anext(file)])[:, 0], samples[:480, 0])
            waiting = asyncio.create_task(anext(file, None))
            await asyncio.sleep(0)
            file.close()
            assert await waiting is None
            os.close(writer)
            await file.aclose()
            assert file._ahead.released.happened

    asyncio.run(main())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense " * 100,
        b"RIFF\0\0\0\0WAVE",
        encode(s16(1, 900), 8000, "WAV")[:20],
        encode(s16(1, 9000), 48000, "FLAC")[:3000],
        encode(s16(1, 9000), 48000, "OGG")[:3000],
    ],
    ids=["nothing", "nonsense", "header", "cut-off header", "cut-off FLAC", "cut-off OGG"],
)
def test_what_is_no_whole_sound_file(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "it.wav"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"it\.wav: "), AudioFile(path) as file:
        list(file)
    with pytest.raises(ValueError, match=r"it\.wav: "), AudioFile(path) as file:
        asyncio.run(read_async(file))


def test_directories_missing_and_deleted_files(tmp_path: Path) -> None:
    with pytest.raises((IsADirectoryError, PermissionError)):  # as the system says
        AudioFile(tmp_path)
    with pytest.raises(FileNotFoundError):
        AudioFile(tmp_path / "none.wav")
    path = tmp_path / "a.wav"
    path.write_bytes(encode(s16(1, 48000), 48000, "WAV"))
    if os.name == "posix":
        with AudioFile(str(path)) as file:
            path.unlink()
            assert len(joined(list(file))) == 48000


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"start_s": 1.5}, "start_s"),
        ({"end_s": 2}, "end_s"),
        ({"start_s": 0.5, "end_s": 0.5}, "end_s"),
        ({"channels": [1]}, "channels"),
        ({"channels": []}, "channels"),
        ({"channels": [-1]}, "channels"),
        ({"sample_rate": 100}, "sample_rate"),
    ],
)
def test_numbers_that_do_not_fit_the_file(arguments: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: expected .* got "):
        AudioFile(wav_of(s16(1, 48000)), **arguments)


@pytest.mark.parametrize("codec", ["aac", "libopus"])
def test_what_only_pyav_decodes(codec: str, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    path = tmp_path / ("a.m4a" if codec == "aac" else "a.webm")
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(s16(3, 96000).reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts = 48000, 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    with AudioFile(path) as file:
        whole = joined(list(file))
        assert abs(len(whole) - 96000) <= 2048
        assert file.duration_s == pytest.approx(2, abs=0.05)
        file.seek(0.5)
        assert np.array_equal(joined(list(file)), whole[24000:])
    with AudioFile(path, loop=True, sample_rate=24000) as file:
        assert len(joined([next(file) for _ in range(500)])) == 500 * 240
    path.write_bytes(path.read_bytes()[:5000])
    if codec == "aac":
        with pytest.raises(ValueError, match=path.name):
            AudioFile(path)


def test_pyav_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match=r'pip install "\.\[video\]" in the source'):
        AudioFile(io.BytesIO(b"\x1aE\xdf\xa3" + bytes(1000)))


def test_closing_is_idempotent_and_releases_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(encode(s16(1, 48000), 48000, "WAV"))

    async def main() -> None:
        file = AudioFile(path)
        await anext(file)
        await file.aclose()
        await file.aclose()
        file.close()
        assert await read_async(file) == []
        assert list(file) == []
        assert "closed" in repr(file)
        with pytest.raises(RuntimeError, match="closed"):
            file.seek(0)

    asyncio.run(main())
    assert no_thread_is_left()


def test_a_cancelled_reader_loses_nothing() -> None:
    samples = s16(12, 4800)

    async def main() -> None:
        async with AudioFile(wav_of(samples)) as file:
            frames: list[AudioFrame] = []
            for steps in range(20):
                task = asyncio.ensure_future(anext(file, None))
                for _ in range(steps % 4):
                    await asyncio.sleep(0)
                task.cancel()
                frames += [f for f in await asyncio.gather(task, return_exceptions=True) if isinstance(f, AudioFrame)]
            frames += await read_async(file)
            assert np.array_equal(joined(frames), samples)

    asyncio.run(main())


def test_what_is_collected_without_close_warns(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(encode(s16(1, 48000), 48000, "WAV"))
    file = AudioFile(path)
    next(file)
    files = [file]
    del file
    with pytest.warns(ResourceWarning, match=r"a\.wav.* was not closed"):
        files.clear()


def test_as_a_stream_of_the_mixer() -> None:
    samples = s16(13, 9600)

    async def main() -> None:
        async with AudioMixer(48000, 1, blocksize=480) as mixer, AudioFile(wav_of(samples)) as file:
            mixer.add_stream(file)
            mixer.end_input()
            assert np.array_equal(joined([frame async for frame in mixer]), samples)

    asyncio.run(main())
