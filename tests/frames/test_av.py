"""Frames of PyAV, in and out."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, VideoBufferType, VideoFrame, VideoFrameEvent, VideoRotation
from tests.support.media_files import upside_down
from tests.support.randomness import Rand

av = pytest.importorskip("av")

V = VideoBufferType
NAMES = {
    V.RGBA: "rgba",
    V.ABGR: "abgr",
    V.ARGB: "argb",
    V.BGRA: "bgra",
    V.RGB24: "rgb24",
    V.I420: "yuv420p",
    V.I420A: "yuva420p",
    V.I422: "yuv422p",
    V.I444: "yuv444p",
    V.I010: "yuv420p10" + ("le" if sys.byteorder == "little" else "be"),
    V.NV12: "nv12",
}
SIZES = [(1, 1), (5, 3), (16, 16), (35, 17), (64, 48)]


def made(kind: VideoBufferType, width: int, height: int, rand: Any) -> VideoFrame:
    return VideoFrame(width, height, kind, rand.randbytes(sum(kind.plane_sizes(width, height))))


def filled(name: str, width: int = 6, height: int = 4, values: tuple[int, ...] = ()) -> Any:
    picture = av.VideoFrame(width, height, name)
    for plane, value in zip(picture.planes, values or [0] * len(picture.planes), strict=True):
        np.frombuffer(plane, np.uint8)[:] = value
    return picture


# -- pictures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", V)
@pytest.mark.parametrize("size", SIZES)
def test_every_format_there_and_back(kind: VideoBufferType, size: tuple[int, int], rand: Rand) -> None:
    frame = made(kind, *size, rand)
    picture = frame.to_av()
    assert (picture.width, picture.height, picture.format.name) == (*size, NAMES[kind])
    assert picture.pts is None
    again = VideoFrame.from_av(picture)
    assert (again.width, again.height, again.type) == (*size, kind)
    assert bytes(again.data) == bytes(frame.data)


def test_the_planes_are_what_pyav_has(rand: Rand) -> None:
    """As arrays of PyAV's own, where it has them."""
    for kind in (V.RGB24, V.BGRA, V.I420, V.NV12, V.I444):
        frame = made(kind, 16, 8, rand)
        array = frame.to_av().to_ndarray(**({"channel_last": True} if kind is V.I444 else {}))
        if kind is V.I444:
            array = array.transpose(2, 0, 1)
        assert array.tobytes() == bytes(frame.data)


def test_a_plane_without_padding_is_shared(rand: Rand) -> None:
    picture = av.VideoFrame(64, 48, "rgba")
    assert picture.planes[0].line_size == 4 * 64
    frame = VideoFrame.from_av(picture)
    np.frombuffer(picture.planes[0], np.uint8)[5] = 99
    assert frame.data[5] == 99
    assert frame.data.readonly
    del picture
    assert frame.data[5] == 99
    padded = av.VideoFrame(35, 17, "rgba")
    own = VideoFrame.from_av(padded)
    assert not own.data.readonly


def test_what_is_made_is_not_shared() -> None:
    data = bytearray(64 * 48 * 4)
    picture = VideoFrame(64, 48, V.RGBA, data).to_av()
    data[0] = 9
    assert np.frombuffer(picture.planes[0], np.uint8)[0] == 0


# What becomes of other formats.
OTHERS: list[tuple[str, VideoBufferType]] = [
    ("bgr24", V.RGB24),
    ("gbrp", V.RGB24),
    ("rgb48le", V.RGB24),
    ("0rgb", V.RGB24),
    ("rgba64le", V.RGBA),
    ("gbrap", V.RGBA),
    ("pal8", V.RGBA),
    ("ya8", V.RGBA),
    ("yuva444p", V.I420A),
    ("gray", V.I420),
    ("monob", V.I420),
    ("gray10le", V.I010),
    ("yuvj420p", V.I420),
    ("yuvj422p", V.I422),
    ("yuvj444p", V.I444),
    ("yuv411p", V.I422),
    ("yuyv422", V.I422),
    ("yuv444p10le", V.I444),
    ("nv21", V.I420),
    ("p010le", V.I010),
    ("yuv420p12le", V.I010),
]


@pytest.mark.parametrize(("name", "kind"), OTHERS)
@pytest.mark.parametrize("size", [(6, 4), (35, 17)])
def test_other_formats_become_the_nearest(name: str, kind: VideoBufferType, size: tuple[int, int]) -> None:
    frame = VideoFrame.from_av(filled(name, *size))
    assert (frame.type, frame.width, frame.height) == (kind, *size)


def test_colors_of_other_formats() -> None:
    bgr = av.VideoFrame.from_ndarray(np.full((4, 6, 3), (10, 20, 30), np.uint8), format="bgr24")
    assert np.asarray(VideoFrame.from_av(bgr))[2, 3].tolist() == [30, 20, 10]


@pytest.mark.parametrize("name", ["gray", "yuvj420p", "yuvj444p"])
@pytest.mark.parametrize(("value", "luma"), [(0, 16), (255, 235), (128, 126)])
def test_luma_of_full_range_is_brought_to_the_usual_one(name: str, value: int, luma: int) -> None:
    picture = filled(name, values=(value, 128, 128)[: 1 if name == "gray" else 3])
    planes = VideoFrame.from_av(picture).planes()
    assert abs(int(planes[0][1, 1]) - luma) <= 1
    assert planes[1][1, 1] == planes[2][1, 1] == 128


def test_luma_that_is_only_marked_as_full_range() -> None:
    picture = filled("yuv420p", values=(255, 128, 128))
    picture.color_range = 2
    assert VideoFrame.from_av(picture).planes()[0][0, 0] == 235
    picture = filled("rgb24", values=(255,))
    picture.color_range = 2
    assert np.asarray(VideoFrame.from_av(picture))[0, 0, 0] == 255


def test_yuv_is_marked_so_that_others_convert_it_right() -> None:
    picture = VideoFrame(64, 48, V.I444, bytes([235]) * (64 * 48) + bytes([128]) * (2 * 64 * 48)).to_av()
    assert (picture.color_range, picture.colorspace) == (1, 6)
    assert picture.to_ndarray(format="rgb24").min() >= 254


@pytest.mark.parametrize("name", ["rgb24", "yuv420p", "nv12"])
def test_rows_from_the_bottom_up(name: str, rand: Rand) -> None:
    frame = made(next(kind for kind in V if NAMES[kind] == name), 16, 8, rand)
    again = VideoFrame.from_av(upside_down(frame.to_av()))
    for plane, flipped in zip(frame.planes(), again.planes(), strict=True):
        assert (plane == flipped[::-1]).all()


@pytest.mark.parametrize("timestamp_us", [0, 40_000, -5, 2**62])
def test_the_time_of_a_picture(timestamp_us: int) -> None:
    picture = VideoFrame(2, 2, V.I420, bytes(6)).to_av(timestamp_us=timestamp_us)
    assert (picture.pts, picture.time_base) == (timestamp_us, Fraction(1, 1_000_000))
    event = VideoFrameEvent.from_av(picture)
    assert (event.timestamp_us, event.rotation) == (timestamp_us, VideoRotation.VIDEO_ROTATION_0)
    assert bytes(event.frame.data) == bytes(6)


def test_an_event_has_the_time_in_microseconds() -> None:
    picture = filled("yuv420p")
    picture.pts, picture.time_base = 1001, Fraction(1, 30000)
    assert VideoFrameEvent.from_av(picture).timestamp_us == 33367
    picture.pts = None
    assert VideoFrameEvent.from_av(picture).timestamp_us == 0


def test_no_pictures() -> None:
    for wrong in (None, 1, "text", np.zeros((2, 2, 3), np.uint8), VideoFrame(2, 2, V.I420, bytes(6)), av.AudioFrame()):
        with pytest.raises(TypeError, match=r"^frame: expected a VideoFrame of PyAV, got "):
            VideoFrame.from_av(wrong)
        with pytest.raises(TypeError, match=r"^frame: expected a VideoFrame of PyAV, got "):
            VideoFrameEvent.from_av(wrong)
    with pytest.raises(ValueError, match=r"^frame: expected a picture, got one of 0 x 0 without pixels"):
        VideoFrame.from_av(av.VideoFrame())


@pytest.mark.parametrize(("name", "width", "height"), [("yaf32le", 6, 6), ("yaf32be", 6, 6), ("bayer_rggb8", 8, 5)])
def test_pixels_with_which_ffmpeg_ends_the_process(name: str, width: int, height: int) -> None:
    code = (
        "import av, livekit_utils\n"
        f"picture = av.VideoFrame({width}, {height}, {name!r})\n"
        "try:\n    livekit_utils.VideoFrame.from_av(picture)\n"
        "except ValueError as error:\n    print(error)\n"
    )
    if name not in av.video.format.names:
        pytest.skip(f"this FFmpeg has no {name}")
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.stdout.startswith("frame: expected pixels that FFmpeg can convert to "), ended.stderr
    assert ended.returncode == 0


def test_raw_pixels_of_a_camera() -> None:
    assert VideoFrame.from_av(filled("bayer_rggb8")).type is V.RGB24


def test_pixels_that_ffmpeg_cannot_convert(monkeypatch: pytest.MonkeyPatch) -> None:
    from livekit_utils.frames import av_pictures

    picture = filled("bgr24")
    monkeypatch.setitem(av_pictures.AV_FORMATS, V.RGB24, "pal8")
    with pytest.raises(ValueError, match=r"^frame: expected pixels that FFmpeg can convert to RGB24, got bgr24: "):
        VideoFrame.from_av(picture)


def test_an_encoder_and_a_decoder(tmp_path: Any) -> None:
    """A picture goes through a file without loss."""
    frames = [VideoFrame(32, 16, V.RGB24, bytes([i, 100, 255 - i]) * (32 * 16)) for i in range(5)]
    with av.open(str(tmp_path / "clip.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "bgr0"
        for i, frame in enumerate(frames):
            container.mux(stream.encode(frame.to_av(timestamp_us=40_000 * i)))
        container.mux(stream.encode(None))
    with av.open(str(tmp_path / "clip.mkv")) as container:
        events = [VideoFrameEvent.from_av(picture) for picture in container.decode(video=0)]
    assert [event.timestamp_us for event in events] == [40_000 * i for i in range(5)]
    assert [bytes(event.frame.data) for event in events] == [bytes(frame.data) for frame in frames]


# -- sound ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 9, 16])
@pytest.mark.parametrize("length", [1, 7, 480])
def test_sound_there_and_back(channels: int, length: int, rand: Rand) -> None:
    frame = AudioFrame(rand.pcm(length * channels), 44100, channels, length)
    sound = frame.to_av(pts=96)
    assert (sound.format.name, len(sound.layout.channels), sound.samples) == ("s16", channels, length)
    assert (sound.sample_rate, sound.pts, sound.time_base) == (44100, 96, Fraction(1, 44100))
    again = AudioFrame.from_av(sound)
    assert (again.sample_rate, again.num_channels, again.samples_per_channel) == (44100, channels, length)
    assert again.data == frame.data
    assert frame.to_av().pts is None


FORMATS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "s16": (np.int16, lambda samples: samples),
    "s32": (np.int32, lambda samples: samples.astype(np.int32) << 16),
    "s64": (np.int64, lambda samples: samples.astype(np.int64) << 48),
    "flt": (np.float32, lambda samples: samples.astype(np.float32) / 32768),
    "dbl": (np.float64, lambda samples: samples / 32768),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1", "7.1"])
def test_formats_of_sound(name: str, planar: bool, layout: str, rand: Rand) -> None:
    channels = {"mono": 1, "stereo": 2, "5.1": 6, "7.1": 8}[layout]
    samples = np.frombuffer(rand.pcm(50 * channels), np.int16).reshape(50, channels)
    dtype, convert = FORMATS[name]
    values = np.ascontiguousarray(convert(samples), dtype)
    sound = av.AudioFrame(format=name, layout=layout, samples=50)
    sound.sample_rate = 16000
    np.frombuffer(sound.planes[0], np.uint8)[: values.nbytes] = np.frombuffer(values.tobytes(), np.uint8)
    if planar:
        (sound,) = av.AudioResampler(name + "p", layout, 16000).resample(sound)
    frame = AudioFrame.from_av(sound)
    assert (frame.sample_rate, frame.num_channels, frame.samples_per_channel) == (16000, channels, 50)
    assert (np.asarray(frame) == samples).all()
    assert frame.userdata == {}
    np.asarray(frame)[:] = 0


def test_bytes_and_what_is_beyond_full_scale() -> None:
    sound = av.AudioFrame.from_ndarray(np.array([[0, 128, 255]], np.uint8), format="u8", layout="mono")
    sound.sample_rate = 8000
    assert AudioFrame.from_av(sound).data.tolist() == [-32768, 0, 127 << 8]
    sound = av.AudioFrame.from_ndarray(np.array([[2, -2, math.nan, 0.5]], np.float32), format="flt", layout="mono")
    sound.sample_rate = 8000
    frame = AudioFrame.from_av(sound)
    assert frame.data.tolist() == [32767, -32768, 0, 16384]
    assert frame.userdata == {"num_clipped": 3}


def test_sound_without_samples() -> None:
    sound = AudioFrame.create(8000, 2, 0).to_av()
    assert (sound.samples, sound.sample_rate) == (0, 8000)
    assert AudioFrame.from_av(sound).samples_per_channel == 0


def test_no_sound() -> None:
    for wrong in (None, 1, np.zeros(4, np.int16), AudioFrame.create(8000, 1, 1), av.VideoFrame()):
        with pytest.raises(TypeError, match=r"^frame: expected an AudioFrame of PyAV, got "):
            AudioFrame.from_av(wrong)
    with pytest.raises(ValueError, match=r"^frame\.sample_rate: expected 1 to "):
        AudioFrame.from_av(av.AudioFrame("s16", "mono", 4))


def test_a_subclass() -> None:
    class Mine(AudioFrame):
        pass

    class Ours(VideoFrame):
        pass

    assert type(Mine.from_av(AudioFrame.create(8000, 1, 4).to_av())) is Mine
    assert type(Ours.from_av(filled("rgb24"))) is Ours


def test_sound_through_an_encoder(rand: Rand) -> None:
    """PCM comes out of PyAV as it went in."""
    frames = [AudioFrame(rand.pcm(960), 48000, 2, 480) for _ in range(3)]
    encoder = av.CodecContext.create("pcm_s16le", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48000, "stereo", "s16"
    packets = [packet for i, frame in enumerate(frames) for packet in encoder.encode(frame.to_av(pts=480 * i))]
    assert b"".join(bytes(packet) for packet in packets) == b"".join(bytes(frame.data) for frame in frames)
    assert [packet.pts for packet in packets] == [0, 480, 960]


@pytest.mark.parametrize("use", ["from_av", "to_av"])
@pytest.mark.parametrize("kind", [AudioFrame, VideoFrame])
def test_without_pyav(monkeypatch: pytest.MonkeyPatch, use: str, kind: Any) -> None:
    frame: Any = AudioFrame.create(8000, 1, 4) if kind is AudioFrame else VideoFrame(2, 2, V.I420, bytes(6))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match=rf'^{kind.__name__}\.{use} needs PyAV: pip install "\.\[video\]"'):
        frame.to_av() if use == "to_av" else kind.from_av(None)
