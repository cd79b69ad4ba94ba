"""MediaPlayer: containers, codecs, pixel formats, sizes, rotation."""

from __future__ import annotations

import asyncio
import io
import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from livekit_utils import MediaPlayer, VideoBufferType, VideoRotation
from tests.support.decoding import run
from tests.support.media_files import (
    FPS,
    IN_TIME_S,
    RATE,
    SIZE,
    Audience,
    Clip,
    as_frame,
    now,
    pixels,
    play_all,
    stamp,
    upside_down,
)

av = pytest.importorskip("av")


def made(clip: Clip, path: Path) -> MediaPlayer:
    for codec in (clip.video, clip.audio):
        try:
            av.Codec(codec, "w")
        except Exception:
            pytest.skip(f"PyAV without {codec}")
    return MediaPlayer(clip.write(path))


@pytest.mark.parametrize(
    ("suffix", "video", "audio", "b_frames"),
    [
        (".mp4", "libx264", "aac", 0),
        (".mp4", "libx264", "aac", 2),
        (".mp4", "mpeg4", "aac", 2),
        (".mov", "mjpeg", "pcm_s16le", 0),
        (".mkv", "libx264", "libopus", 2),
        (".mkv", "mpeg4", "flac", 0),
        (".webm", "libvpx", "libopus", 0),
        (".avi", "mpeg4", "pcm_s16le", 0),
        (".ts", "libx264", "aac", 2),
        (".ts", "mpeg4", "libmp3lame", 0),
    ],
)
def test_codecs_and_containers(tmp_path: Path, suffix: str, video: str, audio: str, b_frames: int) -> None:
    clip = Clip(seconds=2, sound_s=2, video=video, audio=audio, b_frames=b_frames)
    pix_fmt = "yuvj420p" if video == "mjpeg" else "yuv420p"
    clip.pix_fmt = pix_fmt
    player = made(clip, tmp_path / f"clip{suffix}")
    assert player.duration_s == pytest.approx(2, abs=0.15)
    audience = run(play_all(player))
    assert audience.numbers() == list(range(2 * FPS))
    if audio == "libopus":  # it takes away what changes slowly
        assert len(audience.samples) == pytest.approx(2 * RATE, abs=RATE // 1000)
        return
    # Encoders of sound that loses something keep the ramp of values from 1 to 2000 within some steps.
    samples = audience.samples.astype(float)
    start = max(next(at for at, value in enumerate(samples) if value > 300) - RATE * 3 // 10, 0)
    assert np.abs(samples[start + RATE // 2 : start + RATE] - np.arange(RATE // 2, RATE) / 48).max() < 60
    shown_at = {number: when for when, number in audience.shown}
    assert shown_at[FPS] - shown_at[0] == pytest.approx(1, abs=IN_TIME_S)
    # AVI and TS do not tell that encoders begin with silence.
    assert start / RATE == pytest.approx(0, abs=IN_TIME_S if suffix not in (".ts", ".avi") else 0.05)
    assert player.stats().num_damaged == 0


@pytest.mark.parametrize("codec", ["aac", "flac", "alac", "libopus"])
def test_sound_has_exactly_its_samples(tmp_path: Path, codec: str) -> None:
    """Neither what encoders put before a sound nor what fills its last packet is played, in no lap."""
    count = 33333
    path = Clip(seconds=None, sound_s=count / RATE, audio=codec).write(tmp_path / "clip.mp4")
    audience = run(play_all(MediaPlayer(path)))
    assert len(audience.samples) == count

    async def laps() -> np.ndarray:
        async with MediaPlayer(path, loop=True) as player:
            audience = Audience(player)
            await player.play()
            await asyncio.sleep(3.5 * count / RATE)
        return audience.samples

    samples = run(laps())
    for lap in range(1, 3):
        assert np.array_equal(samples[lap * count : (lap + 1) * count], audience.samples)


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_u8", "pcm_s24le", "pcm_f32le", "pcm_f64le", "flac"])
@pytest.mark.parametrize("rate", [8000, 44100])
def test_formats_of_sound(tmp_path: Path, codec: str, layout: str, rate: int) -> None:
    suffix = ".mkv" if codec == "flac" else ".wav"
    path = Clip(seconds=None, sound_s=0.5, rate=rate, layout=layout, audio=codec).write(tmp_path / f"clip{suffix}")
    player = MediaPlayer(path)
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    assert (player._source.sample_rate, player._source.num_channels) == (rate, channels)
    samples = run(play_all(player)).samples.reshape(-1, channels)
    expected = stamp(np.arange(rate // 2), rate)
    if codec == "pcm_u8":
        expected = (expected >> 8) << 8
    assert np.array_equal(samples, np.repeat(expected[:, None], channels, 1))


def test_floats_are_rounded_and_saturated() -> None:
    from livekit_utils.playback.samples import as_int16

    values = np.array([[0.5 / 32768, 1.5 / 32768, 1.0, 2.0, -1.0, -2.0, np.nan, np.inf, -np.inf]], np.float32)
    frame = av.AudioFrame.from_ndarray(values, format="flt", layout="mono")
    assert as_int16(frame)[:, 0].tolist() == [0, 2, 32767, 32767, -32768, -32768, 0, 32767, -32768]


@pytest.mark.parametrize("name", ["yuv420p", "yuva420p", "rgba"])
def test_rows_that_lie_backwards_in_memory(name: str) -> None:
    from livekit_utils.playback.pixels import PictureConverter

    picture = av.VideoFrame.from_ndarray(pixels(1234)[: SIZE // 2], format="rgb24").reformat(format=name)
    for plane in picture.planes:
        values = np.frombuffer(plane, np.uint8)
        values[: values.size // 2] = 99
    expected = PictureConverter().convert(picture).frame
    flipped = PictureConverter().convert(upside_down(picture)).frame
    for plane, turned in zip(expected.planes(), flipped.planes(), strict=True):
        assert (plane == turned[::-1]).all()
        assert len(np.unique(plane)) > 1


def test_sound_that_changes_its_format(tmp_path: Path) -> None:
    """From 48 kHz stereo to 24 kHz mono, as streams joined by a broadcaster."""
    path = tmp_path / "clip.ts"
    with open(path, "wb") as file:
        for rate, layout in ((48000, "stereo"), (24000, "mono")):
            part = tmp_path / "part.ts"
            clip = Clip(seconds=None, sound_s=1.0, rate=rate, layout=layout, audio="mp2")
            file.write(clip.write(part).read_bytes())
    player = MediaPlayer(path)
    audience = run(play_all(player))
    assert player.stats().num_errors == 0
    samples = audience.samples.reshape(-1, 2)
    assert len(samples) == pytest.approx(2 * 48000, abs=4800)
    # Each second has its ramp of values from 1 to 1000.
    assert samples[40000:47000].mean() == pytest.approx(900, abs=40)
    assert samples[-8000:-1000].mean() == pytest.approx(900, abs=60)


@pytest.mark.parametrize("size", [(64, 64), (66, 34), (65, 33), (1, 1), (3, 200), (642, 358)])
@pytest.mark.parametrize(
    ("pix_fmt", "kind"),
    [
        ("yuv420p", VideoBufferType.I420),
        ("yuvj420p", VideoBufferType.I420),
        ("yuv422p", VideoBufferType.I420),
        ("yuv444p", VideoBufferType.I420),
        ("yuv420p10le", VideoBufferType.I420),
        ("nv12", VideoBufferType.I420),
        ("gray", VideoBufferType.I420),
        ("rgb24", VideoBufferType.I420),
        ("bgr0", VideoBufferType.I420),
        ("rgba", VideoBufferType.RGBA),
        ("bgra", VideoBufferType.RGBA),
        ("argb", VideoBufferType.RGBA),
        ("gbrap", VideoBufferType.RGBA),
        ("ya8", VideoBufferType.RGBA),
        ("yuva420p", VideoBufferType.I420A),
        ("yuva444p", VideoBufferType.I420A),
    ],
)
def test_pixel_formats(pix_fmt: str, kind: VideoBufferType, size: tuple[int, int]) -> None:
    """Of a coloured picture: what comes out is within rounding of what went in."""
    from livekit_utils.playback.pixels import PictureConverter

    width, height = size
    is_gray = pix_fmt in ("gray", "ya8")
    red, green, blue = (120, 120, 120) if is_gray else (200, 100, 50)
    is_full = pix_fmt in ("yuvj420p", "gray", "ya8")
    scale, base = (255, 0) if is_full else (219, 16)
    luma = base + (0.299 * red + 0.587 * green + 0.114 * blue) * scale / 255
    blueness = 128 + (blue - (0.299 * red + 0.587 * green + 0.114 * blue)) / 1.772 * (255 if is_full else 224) / 255
    redness = 128 + (red - (0.299 * red + 0.587 * green + 0.114 * blue)) / 1.402 * (255 if is_full else 224) / 255
    order = {"rgb24": "rgb", "bgr0": "bgra", "rgba": "rgba", "bgra": "bgra", "argb": "argb", "gbrap": "gbra"}
    values = {"r": red, "g": green, "b": blue, "a": 255, "y": luma, "u": blueness, "v": redness}
    names = order.get(pix_fmt) or {"gray": "y", "ya8": "ya"}.get(pix_fmt, "yuva")
    source = av.VideoFrame(width, height, pix_fmt)
    for i, plane in enumerate(source.planes):
        pixel = names if len(source.planes) == 1 else "uv" if pix_fmt == "nv12" and i == 1 else names[i]
        if pix_fmt == "yuv420p10le":
            row = np.full(plane.line_size // 2, round(values[pixel] * 4), "<u2").tobytes()
        else:
            row = (bytes(round(values[name]) for name in pixel) * plane.line_size)[: plane.line_size]
        plane.update((row * plane.height)[: plane.buffer_size])
    frame = PictureConverter().convert(source).frame
    assert (frame.width, frame.height, frame.type) == (width, height, kind)
    assert isinstance(frame.data.obj, bytes)
    if kind is VideoBufferType.RGBA:
        pixels = np.asarray(frame.data).reshape(height, width, 4).astype(int)
        assert np.abs(pixels - [red, green, blue, 255]).max() <= 8
        return
    luma = 16 + (0.299 * red + 0.587 * green + 0.114 * blue) * 219 / 255
    blueness = 128 + (blue - (0.299 * red + 0.587 * green + 0.114 * blue)) / 1.772 * 224 / 255
    redness = 128 + (red - (0.299 * red + 0.587 * green + 0.114 * blue)) / 1.402 * 224 / 255
    for plane, value in enumerate([luma, blueness, redness, *[255] * (kind is VideoBufferType.I420A)]):
        assert np.abs(np.asarray(frame.get_plane(plane)).astype(float) - value).max() <= 3, plane


def test_transparency_is_kept() -> None:
    from livekit_utils.playback.pixels import PictureConverter

    rgba = np.random.default_rng(1).integers(0, 256, (33, 65, 4), np.uint8)
    frame = PictureConverter().convert(av.VideoFrame.from_ndarray(rgba, format="rgba")).frame
    assert np.array_equal(np.asarray(frame.data).reshape(33, 65, 4), rgba)


def test_i420_is_not_changed() -> None:
    from livekit_utils.playback.pixels import PictureConverter

    rng = np.random.default_rng(2)
    for width, height in ((64, 64), (66, 34), (2, 2), (642, 358), (1920, 16)):
        planes = rng.integers(0, 256, width * height * 3 // 2, np.uint8).reshape(height * 3 // 2, width)
        frame = PictureConverter().convert(av.VideoFrame.from_ndarray(planes, format="yuv420p")).frame
        assert frame.type is VideoBufferType.I420
        assert bytes(frame.data) == planes.tobytes()


def test_sizes_that_change(tmp_path: Path) -> None:
    """Pictures of three sizes in one stream."""
    path = tmp_path / "clip.mkv"
    sizes = [(64, 64), (128, 32), (66, 98)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
        encoders: dict[tuple[int, int], Any] = {}
        for i in range(30):
            size = sizes[i // 10]
            if size not in encoders:
                encoders[size] = encoder = av.CodecContext.create("mjpeg", "w")
                encoder.width, encoder.height, encoder.pix_fmt = *size, "yuvj420p"
                encoder.time_base = Fraction(1, FPS)
            frame = av.VideoFrame.from_ndarray(pixels(i, *size), format="rgb24").reformat(format="yuvj420p")
            frame.pts, frame.time_base = i, Fraction(1, FPS)
            for packet in encoders[size].encode(frame):
                packet.stream = stream
                packet.pts = packet.dts = i
                packet.time_base = Fraction(1, FPS)
                container.mux(packet)
    player = MediaPlayer(path)
    audience = run(play_all(player))
    assert audience.numbers() == list(range(30))
    assert [(frame.width, frame.height) for frame in audience.frames] == [size for size in sizes for _ in range(10)]


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_rotation_is_told(tmp_path: Path, degrees: int) -> None:
    """`degrees` counterclockwise, as FFmpeg has it; a picture is turned so before it is shown."""
    clip = Clip(seconds=0.4, sound_s=None, video="libx264", rotation=degrees)
    try:
        player = made(clip, tmp_path / "clip.mp4")
    except AttributeError:
        pytest.skip("this PyAV writes no rotation")
    audience = run(play_all(player))
    assert set(audience.rotations) == {VideoRotation(-degrees // 90 % 4)}


def test_a_cover_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    with av.open(str(path), "w") as container:
        audio = container.add_stream("libmp3lame", rate=RATE, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width = cover.height = SIZE
        cover.pix_fmt = "yuvj420p"
        try:
            cover.disposition = av.stream.Disposition.attached_pic
        except AttributeError:
            pytest.skip("this PyAV marks no covers")
        picture = av.VideoFrame.from_ndarray(pixels(1), format="rgb24").reformat(format="yuvj420p")
        container.mux(cover.encode(picture))
        frame = as_frame(av, stamp(np.arange(RATE)), audio.codec_context.format.name, "mono")
        frame.sample_rate = RATE
        container.mux(audio.encode(frame))
        for stream in (cover, audio):
            container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        if not container.streams.video[0].disposition & av.stream.Disposition.attached_pic:
            pytest.skip("MP3 did not keep the mark")
    player = MediaPlayer(path)
    assert player.video is None
    assert len(run(play_all(player)).samples) == pytest.approx(RATE, abs=1152)


def test_b_frames_in_an_avi_file(tmp_path: Path) -> None:
    """AVI has no timestamps: those of the pictures tell the order of decoding."""
    player = made(Clip(video="libx264", b_frames=2), tmp_path / "clip.avi")
    audience = run(play_all(player))
    assert audience.numbers() == list(range(2 * FPS))
    assert max(abs(when - number / FPS) for when, number in audience.shown) <= 3.01 / FPS


def test_files_without_timestamps(tmp_path: Path) -> None:
    """An elementary stream of pictures, and MP3 without a container."""
    if "h264" in av.formats_available:
        path = Clip(sound_s=None, video="libx264").write(tmp_path / "clip.h264")
        audience = run(play_all(MediaPlayer(path)))
        assert audience.numbers() == list(range(2 * FPS))
        steps = [later - sooner for (sooner, _), (later, _) in itertools.pairwise(audience.shown)]
        assert max(steps) - min(steps) < IN_TIME_S
    path = Clip(seconds=None, audio="libmp3lame").write(tmp_path / "clip.mp3")
    assert len(run(play_all(MediaPlayer(path))).samples) == 2 * RATE


@pytest.mark.parametrize(
    ("suffix", "audio"), [(".mp3", "libmp3lame"), (".mp4", "aac"), (".mkv", "libopus"), (".ts", "aac")]
)
def test_a_seek_in_sound_gives_what_is_there(tmp_path: Path, suffix: str, audio: str) -> None:
    """The same samples as without a seek."""
    path = Clip(seconds=None, sound_s=8, audio=audio).write(tmp_path / f"clip{suffix}")
    whole = run(play_all(MediaPlayer(path))).samples.astype(int)

    async def from_place(place: float) -> np.ndarray:
        async with MediaPlayer(path) as player:
            audience = Audience(player)
            await player.seek(place)
            await player.play()
            await asyncio.sleep(0.3)
        return audience.samples.astype(int)

    for place in (0.5, 3.21, 6.0, 7.5):
        samples = run(from_place(place))
        at = round(place * RATE)
        off = RATE // 1000 if suffix in (".mkv", ".ts") else 0  # Matroska and TS round their timestamps
        best = min(np.abs(whole[at + i :][: len(samples)] - samples).max() for i in range(-off, off + 1))
        assert best <= (2 if suffix != ".mkv" else 30)


def test_a_file_object_may_be_used_by_several_players(tmp_path: Path) -> None:
    file = Clip().bytes(tmp_path)

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 1, 777))

    async def main() -> None:
        async with MediaPlayer(Slow(file.getvalue())) as player:
            start = now()
            audience = Audience(player)
            await player.play()
            await player.wait_for_playout()
            assert audience.numbers() == list(range(2 * FPS))
            assert now() - start == pytest.approx(2, abs=0.01)

    run(main())
