"""AudioStreamDecoder: the same frames however the bytes are cut, equal to what AudioFile makes of the whole."""

from __future__ import annotations

import asyncio
import gc
import io
import itertools
import logging
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils import AudioFile, AudioFrame, AudioMixer, AudioStreamDecoder, resample_audio
from tests.files.test_audio_file_formats import make
from tests.support.decoding import decoding_threads, nothing_is_left
from tests.support.sound_files import chunk, encode, mpeg_frames, signal, wav

pytest.importorskip("av")


def s16(num: int, channels: int = 1) -> Any:
    samples = (signal(3, num, channels) * 32767).astype(np.int16)
    return samples.ravel() if channels == 1 else samples


def values(frames: list[AudioFrame]) -> Any:
    return np.frombuffer(b"".join(bytes(frame.data) for frame in frames), np.int16)


async def read(decoder: AudioStreamDecoder, pieces: list[bytes]) -> list[AudioFrame]:
    async with decoder:
        for piece in pieces:
            decoder.push(piece)
        decoder.end_input()
        return [frame async for frame in decoder]


def decoded(data: bytes, places: list[int] | None = None, **options: Any) -> list[AudioFrame]:
    places = [0, *sorted(places or []), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(places)]
    return asyncio.run(read(AudioStreamDecoder(**options), pieces))


def cut(data: bytes, size: int) -> list[int]:
    return list(range(size, len(data), size))


ONE, TWO = s16(9001), s16(4001)
STREAMS = {
    "wav": encode(ONE, 48000, "WAV"),
    "wav of 8 bits": encode(ONE, 48000, "WAV", "PCM_U8"),
    "wav of 24 bits": encode(ONE, 48000, "WAV", "PCM_24"),
    "wav of floats": encode(ONE / 32768, 48000, "WAV", "FLOAT"),
    "wav of a-law": encode(ONE, 48000, "WAV", "ALAW"),
    "wav of ADPCM": encode(ONE, 48000, "WAV", "IMA_ADPCM"),
    "extensible wav": encode(ONE, 48000, "WAVEX"),
    "big-endian wav": encode(ONE, 48000, "WAV", endian="BIG"),
    "wav without sizes": wav(ONE.tobytes(), data_size=0xFFFFFFFF, sample_rate=48000),
    "wav of size 0": wav(ONE.tobytes(), data_size=0, sample_rate=48000),
    "wav with chunks": wav(ONE.tobytes(), chunk(b"LIST", b"abcde"), tail=chunk(b"LIST", b"xyz"), sample_rate=48000),
    "wavs": b"".join(encode(x, 48000, "WAV") for x in (ONE, TWO, ONE)),
    "wavs without sizes": b"".join(wav(x.tobytes(), data_size=0xFFFFFFFF, sample_rate=48000) for x in (ONE, TWO, ONE)),
    "mp3": encode(ONE, 48000, "MP3"),
    "mp3 without a header": b"".join(mpeg_frames(encode(ONE, 48000, "MP3"))[1:]),
    "mp3 with tags": b"ID3\4\0\0\0\0\0\5hello" + encode(ONE, 48000, "MP3") + b"TAG" + bytes(125),
    "mp3s": b"".join(encode(x, 48000, "MP3") for x in (ONE, TWO, ONE)),
    "mp3s with tags": b"".join(b"ID3\4\0\0\0\0\0\5hello" + encode(x, 48000, "MP3") for x in (ONE, TWO)),
    "vorbis": encode(ONE, 48000, "OGG"),
    "vorbis chain": b"".join(encode(x, 48000, "OGG") for x in (ONE, TWO, TWO[:100], ONE)),
    "opus": encode(ONE, 48000, "OGG", "OPUS"),
    "opus chain": b"".join(encode(x, 48000, "OGG", "OPUS") for x in (ONE, TWO, ONE)),
    "flac": encode(ONE, 48000, "FLAC"),
    "webm": make("webm", "libopus", ONE.reshape(-1, 1)),
    "aac": make("adts", "aac", ONE.reshape(-1, 1)),
    "mp4": make("mp4", "aac", ONE.reshape(-1, 1)),
}


@pytest.mark.parametrize("name", STREAMS)
def test_the_frames_of_the_whole_file_however_it_is_cut(name: str) -> None:
    data = STREAMS[name]
    with AudioFile(io.BytesIO(data), sample_rate=48000, num_channels=1) as file:
        whole = values(list(file))
    frames = decoded(data)
    got = values(frames)
    assert all(frame.samples_per_channel == 480 for frame in frames[:-1])
    assert len(got) == len(whole)
    # libsndfile and FFmpeg decode MP3, Vorbis and Opus with floats of their own.
    is_lossy = name.startswith(("mp3", "vorbis", "opus"))
    assert np.abs(got.astype(int) - whole).max() <= (1 if is_lossy else 0)
    for size in (1, 3, 7, 1000) if len(data) < 40000 else (7, 1000):
        assert np.array_equal(values(decoded(data, cut(data, size))), got)


@given(name=st.sampled_from(list(STREAMS)), draw=st.data(), rate=st.sampled_from([16000, 24000, 44100, 48000]))
def test_every_splitting_gives_the_same(name: str, draw: st.DataObject, rate: int) -> None:
    data = STREAMS[name]
    places = draw.draw(st.lists(st.integers(0, min(len(data), 200)) | st.integers(0, len(data)), max_size=30))
    options = {"sample_rate": rate, "num_channels": 2}
    assert values(decoded(data, places, **options)).tobytes() == values(decoded(data, **options)).tobytes()


@given(
    parts=st.lists(
        st.tuples(st.integers(1, 600), st.sampled_from(["told", "unknown", "zero", "too much"])), min_size=1, max_size=5
    ),
    size=st.integers(1, 300),
)
def test_headers_in_each_piece_are_no_sound(parts: list[tuple[int, str]], size: int) -> None:
    """An oracle: the samples that went in, whatever the headers say of their sizes."""
    data, samples = b"", []
    for seed, (num, kind) in enumerate(parts):
        piece = np.random.default_rng(seed).integers(-20000, 20000, num).astype(np.int16)
        told = {"told": None, "unknown": 0xFFFFFFFF, "zero": 0, "too much": 100_000}[kind]
        data += wav(piece.tobytes(), data_size=told, sample_rate=48000)
        samples.append(piece)
    assert np.array_equal(values(decoded(data, cut(data, size))), np.concatenate(samples))


@pytest.mark.parametrize(("rate", "out"), [(24000, 48000), (44100, 16000), (22050, 24000)])
def test_exact_lengths_at_other_rates_over_all_pieces(rate: int, out: int) -> None:
    pieces = [s16(num) for num in (1, 479, 5000, 77)]
    data = b"".join(encode(piece, rate, "WAV") for piece in pieces)
    whole = np.concatenate(pieces)
    got = values(decoded(data, cut(data, 333), sample_rate=out))
    assert len(got) == round(len(whole) * out / rate)
    assert np.abs(got - resample_audio(whole, rate, out).astype(int)).max() <= 1


@pytest.mark.parametrize("out", [48000, 24000, 16000])
@pytest.mark.parametrize("ms", [50, 93, 1000])
@pytest.mark.parametrize("rate", [16000, 22050, 24000, 44100, 48000])
def test_the_end_of_a_wav_is_not_lost(rate: int, ms: int, out: int) -> None:
    """Readers that keep what does not fill a block lose up to 93 ms here, and all of a short sound."""
    num = rate * ms // 1000
    data = encode(s16(num), rate, "WAV")
    assert len(values(decoded(data, cut(data, 4096), sample_rate=out))) == round(num * out / rate)
    with AudioFile(io.BytesIO(data), sample_rate=out) as file:
        assert len(values(list(file))) == round(num * out / rate)


def test_pieces_of_other_rates_and_channels_follow() -> None:
    data = encode(ONE, 48000, "WAV") + encode(s16(2400, 2), 24000, "WAV") + encode(ONE, 48000, "WAV")
    assert len(values(decoded(data))) == 9001 * 2 + 4800
    assert len(values(decoded(data, sample_rate=None, num_channels=None))) == 9001 * 2 + 4800


def test_the_format_of_the_sound() -> None:
    frames = decoded(encode(s16(1000, 2), 22050, "WAV"), sample_rate=None, num_channels=None)
    assert {(frame.sample_rate, frame.num_channels) for frame in frames} == {(22050, 2)}
    assert sum(frame.samples_per_channel for frame in frames) == 1000


@pytest.mark.parametrize("name", ["mp3", "ogg", "wav", "flac", "aac", "webm", "mp4"])
def test_names_and_content_types(name: str) -> None:
    data = STREAMS["vorbis" if name == "ogg" else name]
    expected = values(decoded(data)).tobytes()
    content_type = {"mp3": "audio/mpeg"}.get(name, f"audio/{name}")
    for format in (name, name.upper(), content_type, f" {content_type}; codecs=x "):
        assert values(decoded(data, format=format)).tobytes() == expected
    # What the bytes tell is believed first.
    if name != "aac":
        assert values(decoded(data, format="audio/mpeg" if name != "mp3" else "wav")).tobytes() == expected


@pytest.mark.parametrize("format", ["nonsense", "", "audio/", "pcm"])
def test_unknown_formats(format: str) -> None:
    with pytest.raises(ValueError, match=r"^format: expected one of wav, mp3, ogg, .* got "):
        AudioStreamDecoder(format=format)


def test_frames_come_as_soon_as_their_bytes() -> None:
    data = encode(ONE, 48000, "WAV")

    async def main() -> None:
        async with AudioStreamDecoder() as decoder:
            place = 44
            decoder.push(data[:place])
            for start in range(0, 4800, 480):
                decoder.push(data[place : place + 960])
                place += 960
                assert np.array_equal(values([await anext(decoder)]), ONE[start : start + 480])

    with nothing_is_left():
        asyncio.run(main())


@pytest.mark.parametrize("name", ["mp3", "opus", "webm", "flac", "aac", "wavs"])
def test_bytes_that_come_while_it_is_read(name: str) -> None:
    data = STREAMS[name]

    async def feed(decoder: AudioStreamDecoder) -> None:
        for start in range(0, len(data), 97):
            decoder.push(data[start : start + 97])
            await asyncio.sleep(0)
        decoder.end_input()

    async def main() -> list[AudioFrame]:
        async with AudioStreamDecoder() as decoder:
            task = asyncio.create_task(feed(decoder))
            frames = [frame async for frame in decoder]
            await task
            return frames

    with nothing_is_left():
        assert values(asyncio.run(main())).tobytes() == values(decoded(data)).tobytes()


def test_no_more_is_decoded_than_a_second_ahead() -> None:
    async def main() -> None:
        async with AudioStreamDecoder() as decoder:
            decoder.push(encode(s16(480000), 48000, "MP3"))
            decoder.end_input()
            count, most = 0, 0
            async for _ in decoder:
                count += 1
                await asyncio.sleep(0.0001)
                most = max(most, len(decoder._queue))
            assert count == 1000
            assert most <= 110

    asyncio.run(main())


@pytest.mark.parametrize("pieces", [[], [b""], [b"", b""]])
def test_nothing_at_all(pieces: list[bytes]) -> None:
    assert asyncio.run(read(AudioStreamDecoder(), pieces)) == []


@pytest.mark.parametrize("format", [None, "wav", "mp3", "ogg", "aac", "webm", "flac", "mp4"])
@pytest.mark.parametrize("data", [b"nonsense" * 1000, b"x", b"RIFF", bytes(20000)], ids=["text", "x", "RIFF", "zeros"])
def test_what_is_no_sound(data: bytes, format: str | None) -> None:
    with nothing_is_left(), pytest.raises(ValueError, match=r"expected|cannot decode|cut off"):
        decoded(data, format=format)


@pytest.mark.parametrize("name", ["vorbis", "opus", "flac", "wav", "mp3", "aac", "webm"])
def test_what_is_cut_off_is_given_as_far_as_it_goes(name: str) -> None:
    data = STREAMS[name]
    whole = values(decoded(data))
    data = data[: len(data) * 2 // 3]

    async def main() -> list[AudioFrame]:
        frames = []
        async with AudioStreamDecoder() as decoder:
            decoder.push(data)
            decoder.end_input()
            try:
                async for frame in decoder:
                    frames.append(frame)
            except ValueError:
                with pytest.raises(ValueError, match=r"cut off|FFmpeg cannot decode it"):
                    await anext(decoder)
        return frames

    got = values(asyncio.run(main()))
    assert len(got) < len(whole)
    if name in ("wav", "mp3", "aac", "webm"):
        assert len(got) > len(whole) // 3
        if name == "wav":
            assert np.array_equal(got, whole[: len(got)])


@pytest.mark.parametrize("name", STREAMS)
def test_what_is_damaged(name: str, rand: Any) -> None:
    """It is decoded somehow, or refused as a ValueError; nothing hangs, and nothing is left."""
    generator = np.random.default_rng(rand.randrange(2**32))
    whole = np.frombuffer(STREAMS[name], np.uint8)
    with nothing_is_left():
        for _ in range(6):
            broken = whole.copy()
            places = generator.integers(0, len(whole), generator.integers(1, 30))
            broken[places] = generator.integers(0, 256, len(places))
            error = None
            try:
                frames = decoded(broken.tobytes(), cut(STREAMS[name], 999))
            except ValueError as caught:
                error = str(caught)
            else:
                assert len(values(frames)) < 100 * 48000
            assert error is None or "expected" in error or "decode" in error or "damaged" in error, error


def test_after_the_end() -> None:
    async def main() -> None:
        decoder = AudioStreamDecoder()
        decoder.push(STREAMS["mp3"])
        decoder.end_input()
        decoder.end_input()
        with pytest.raises(RuntimeError, match="end_input was called"):
            decoder.push(b"a")
        assert "ended" in repr(decoder)
        assert [frame async for frame in decoder]
        assert [frame async for frame in decoder] == []
        await decoder.aclose()
        decoder.end_input()
        with pytest.raises(RuntimeError, match="is closed"):
            decoder.push(b"a")

    with nothing_is_left():
        asyncio.run(main())


def test_bytes_after_an_error_are_dropped() -> None:
    async def main() -> None:
        async with AudioStreamDecoder(format="wav") as decoder:
            decoder.push(b"nonsense nonsense")
            with pytest.raises(ValueError, match="expected a WAV"):
                await anext(decoder)
            for _ in range(10):
                decoder.push(bytes(1000))
            assert not decoder._feed._chunks
            with pytest.raises(ValueError, match="expected a WAV"):
                await anext(decoder)

    with nothing_is_left():
        asyncio.run(main())


@pytest.mark.parametrize("data", ["text", None, 1, [1, 2], np.zeros(3, np.int16)])
def test_what_is_no_bytes(data: Any) -> None:
    with pytest.raises(TypeError, match=r"^data: expected bytes, got "):
        AudioStreamDecoder().push(data)


def test_bytes_are_copied() -> None:
    async def main() -> None:
        async with AudioStreamDecoder() as decoder:
            data = bytearray(STREAMS["wav"])
            for start in range(0, len(data), 1000):
                decoder.push(memoryview(data)[start : start + 1000])
            data[:] = bytes(len(data))
            decoder.end_input()
            assert np.array_equal(values([frame async for frame in decoder]), ONE)

    asyncio.run(main())


@pytest.mark.parametrize("name", ["wav", "mp3", "opus", "mp4"])
def test_a_close_at_any_time_leaves_nothing(name: str, rand: Any) -> None:
    data = STREAMS[name] * 20 if name in ("wav", "mp3") else STREAMS[name]

    async def main() -> None:
        for _ in range(20):
            decoder = AudioStreamDecoder()
            readers = [asyncio.create_task(anext(decoder, None)) for _ in range(rand.randrange(3))]
            decoder.push(data[: rand.randrange(len(data))])
            if rand.random() < 0.5:
                decoder.end_input()
            for _ in range(rand.randrange(4)):
                await asyncio.sleep(0)
            await decoder.aclose()
            await decoder.aclose()
            assert decoder._released.happened
            await asyncio.wait_for(asyncio.gather(*readers, return_exceptions=True), 10)
            assert await anext(decoder, None) is None

    with nothing_is_left():
        asyncio.run(main())


def test_one_that_is_given_up_ends_its_thread() -> None:
    decoder = AudioStreamDecoder()
    decoder.push(STREAMS["wav"][:1000])
    assert decoding_threads()
    del decoder
    gc.collect()
    with nothing_is_left():
        assert True


def test_pushed_by_another_thread() -> None:
    data = STREAMS["mp3s"]

    async def main() -> Any:
        async with AudioStreamDecoder() as decoder:

            def push() -> None:
                for start in range(0, len(data), 100):
                    decoder.push(data[start : start + 100])
                decoder.end_input()

            thread = threading.Thread(target=push)
            thread.start()
            frames = [frame async for frame in decoder]
            thread.join()
            return values(frames)

    assert asyncio.run(main()).tobytes() == values(decoded(data)).tobytes()


def test_as_a_stream_of_the_mixer() -> None:
    async def main() -> None:
        async with AudioMixer(48000, 1, blocksize=480) as mixer, AudioStreamDecoder() as decoder:
            mixer.add_stream(decoder)
            mixer.end_input()
            decoder.push(STREAMS["wav"])
            decoder.end_input()
            got = values([frame async for frame in mixer])
            assert np.array_equal(got[:9001], ONE)

    asyncio.run(main())


def test_too_many_channels() -> None:
    with pytest.raises(ValueError, match="expected frames of 1 or 2 channels, got 3"):
        decoded(encode(s16(1000, 3), 48000, "WAV"), num_channels=2)


def test_pyav_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    assert np.array_equal(values(decoded(STREAMS["wav"])), ONE)
    with pytest.raises(ImportError, match=r'pip install "\.\[video\]" in the source folder of the package'):
        decoded(STREAMS["mp3"])
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
