"""What frames show in a notebook."""

from __future__ import annotations

import base64
import io
import re
import wave
import zlib
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from livekit_utils import (
    AudioFrame,
    AudioFrameEvent,
    VideoBufferType,
    VideoFrame,
    VideoFrameEvent,
    VideoRotation,
)
from livekit_utils.frames.png import png_of
from tests.support.randomness import Rand

V = VideoBufferType


def html(frame: Any) -> str:
    """What it shows, which has to be whole, and may load nothing and run nothing."""
    text: str = frame._repr_html_()
    ElementTree.fromstring(text.replace("<audio controls", '<audio controls=""'))
    assert not re.search(r"<script|https?:|\son\w+=", text)
    return text


def caption(frame: Any) -> str:
    class Caption(HTMLParser):
        text = ""

        def handle_data(self, data: str) -> None:
            self.text += data

    parser = Caption()
    parser.feed(html(frame))
    return parser.text


def carried(kind: str, text: str) -> bytes:
    (data,) = re.findall(rf'src="data:{kind};base64,([^"]*)"', text)
    return base64.b64decode(data)


def decoded_png(data: bytes) -> np.ndarray:
    """Reads the PNGs that are written here."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, []
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert int.from_bytes(data[at + 8 + size : at + 12 + size], "big") == zlib.crc32(name + body)
        chunks.append((name, body))
        at += 12 + size
    assert [name for name, _ in chunks] == [b"IHDR", b"IDAT", b"IEND"]
    width, height = (int.from_bytes(chunks[0][1][i : i + 4], "big") for i in (0, 4))
    assert chunks[0][1][8:] == bytes([8, 2, 0, 0, 0])
    rows = np.frombuffer(zlib.decompress(chunks[1][1]), np.uint8).reshape(height, 1 + 3 * width)
    assert (rows[:, 0] == 1).all()  # each value is the difference to that on its left
    return np.cumsum(rows[:, 1:].reshape(height, width, 3), axis=1, dtype=np.uint8)


def outlines(text: str) -> list[list[tuple[float, float]]]:
    """The points of each channel's drawing."""
    return [
        [(float(x), float(y)) for x, y in (point.split(",") for point in points.split())]
        for points in re.findall(r'<polygon points="([^"]*)"', text)
    ]


# -- sound ----------------------------------------------------------------------------------------------------------


def test_the_player_has_the_sound(rand: Rand) -> None:
    frame = AudioFrame(rand.pcm(2 * 4800), 48000, 2, 4800)
    with wave.open(io.BytesIO(carried("audio/wav", html(frame)))) as sound:
        assert sound.getparams()[:4] == (2, 2, 48000, 4800)
        assert sound.readframes(4800) == bytes(frame.data)
    assert "player" not in caption(frame)


def test_the_caption() -> None:
    frame = AudioFrame(np.array([16384, -16384] * 8000, np.int16), 16000, 1, 16000)
    assert caption(frame) == "AudioFrame, 1.000 s, 16000 Hz, 1 channel, 16000 samples per channel, peak -6.0 dBFS"
    assert caption(AudioFrame.create(48000, 2, 1)).endswith("2 channels, 1 sample per channel, silent")


def test_nothing_to_hear() -> None:
    assert caption(AudioFrame.create(48000, 1, 0)).endswith("1 channel, 0 samples per channel")
    assert "<svg" not in html(AudioFrame.create(48000, 1, 0))
    assert "<audio" not in html(AudioFrame.create(48000, 1, 0))


@pytest.mark.parametrize("length", [1, 2, 599, 600, 601, 7321])
@pytest.mark.parametrize("channels", [1, 2, 4, 5])
def test_the_waveform_covers_every_sample(length: int, channels: int, rand: Rand) -> None:
    """The largest and the smallest sample are in it, wherever they lie, each in its column."""
    samples = np.zeros((length, channels), np.int16)
    for channel in range(channels):
        samples[rand.randrange(length), channel] = 32767
        low = rand.randrange(length)
        samples[low, channel] = -32768 if length > 1 else samples[low, channel]
    frame = AudioFrame.from_ndarray(samples, 48000)
    lanes = outlines(html(frame))
    assert len(lanes) == (channels if channels <= 4 else 1)
    columns = min(600, length)
    for number, points in enumerate(lanes):
        middle = 64 * number + 32
        values = samples[:, [number]] if channels <= 4 else samples
        tops, bottoms = points[:columns], points[columns + 2 :][::-1]
        assert [x for x, _ in points] == [*range(columns), columns, columns, *range(columns - 1, -1, -1)]
        for i, ((_, top), (_, bottom)) in enumerate(zip(tops, bottoms, strict=True)):
            part = values[i * length // columns : (i + 1) * length // columns].astype(float)
            assert top == pytest.approx(middle - part.max() * 31 / 32768 - 0.5, abs=0.06)
            assert bottom == pytest.approx(middle - part.min() * 31 / 32768 + 0.5, abs=0.06)
    assert ("all channels drawn as one" in caption(frame)) == (channels > 4)


@pytest.mark.parametrize(
    ("rate", "channels", "seconds", "played_s", "said"),
    [
        (8000, 1, 61, 60, "60"),
        (8000, 1, 60, 60, None),
        (48000, 1, 30, 1_000_000 / 48000, "20.8"),
        (48000, 2, 30, 500_000 / 48000, "10.4"),
        (48000, 20, 3, 50_000 / 48000, "1.04"),
    ],
)
def test_a_long_frame_is_bounded(rate: int, channels: int, seconds: int, played_s: float, said: str | None) -> None:
    frame = AudioFrame.create(rate, channels, seconds * rate)
    text = html(frame)
    assert len(text) < 2_800_000
    with wave.open(io.BytesIO(carried("audio/wav", text))) as sound:
        assert sound.getnframes() == pytest.approx(played_s * rate, abs=1)
    assert re.findall(r"the player has the first ([\d.]+) s", caption(frame)) == ([] if said is None else [said])


def test_colors_are_those_of_the_page() -> None:
    text = html(AudioFrame.create(48000, 1, 480))
    assert 'fill="currentColor"' in text
    assert not re.search(r"#[0-9a-f]{3}|rgb\(|color:", text)


# -- pictures -------------------------------------------------------------------------------------------------------


def test_a_png(rand: Rand) -> None:
    for width, height in ((1, 1), (1, 3), (7, 5)):
        pixels = np.frombuffer(rand.randbytes(3 * width * height), np.uint8).reshape(height, width, 3)
        assert (decoded_png(png_of(pixels)) == pixels).all()
        assert (decoded_png(png_of(pixels[::-1, ::-1])) == pixels[::-1, ::-1]).all()


def test_other_readers_agree(rand: Rand) -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = np.frombuffer(rand.randbytes(3 * 35 * 17), np.uint8).reshape(17, 35, 3)
    assert (np.asarray(image.open(io.BytesIO(png_of(pixels)))) == pixels).all()


def quarters(kind: VideoBufferType, width: int, height: int) -> VideoFrame:
    """A picture of red, green, blue and white quarters, of a format."""
    av = pytest.importorskip("av")
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = 255, 0, 0
    pixels[: height // 2, width // 2 :] = 0, 255, 0
    pixels[height // 2 :, : width // 2] = 0, 0, 255
    pixels[height // 2 :, width // 2 :] = 255
    name = VideoFrame(2, 2, kind, bytes(16)).to_av().format.name
    return VideoFrame.from_av(av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=name))


@pytest.mark.parametrize("kind", V)
@pytest.mark.parametrize("size", [(64, 32), (1280, 720), (720, 1280)])
def test_the_picture(kind: VideoBufferType, size: tuple[int, int]) -> None:
    frame = quarters(kind, *size)
    pixels = decoded_png(carried("image/png", html(frame))).astype(int)
    height, width, _ = pixels.shape
    assert max(width, height) <= 480
    assert width * size[1] == pytest.approx(height * size[0], rel=0.01)
    colors = [pixels[height * y // 4, width * x // 4] for y in (1, 3) for x in (1, 3)]
    expected = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    assert np.abs(np.array(colors) - expected).max() <= 4
    scaled = "" if size == (64, 32) else f", shown as {width} x {height}"
    assert caption(frame) == f"VideoFrame, {size[0]} x {size[1]}, {kind.name}{scaled}"


@pytest.mark.parametrize("size", [(1, 1), (1, 3), (481, 1), (961, 541), (5, 3)])
@pytest.mark.parametrize("kind", [V.I420, V.NV12, V.I010, V.I422, V.RGBA])
def test_odd_sizes(size: tuple[int, int], kind: VideoBufferType) -> None:
    frame = VideoFrame(*size, kind, bytes(sum(kind.plane_sizes(*size))))
    height, width, _ = decoded_png(carried("image/png", html(frame))).shape
    assert 1 <= width <= 480
    assert 1 <= height <= 480


@pytest.mark.parametrize("rotation", VideoRotation)
def test_an_event_is_turned_clockwise(rotation: VideoRotation, rand: Rand) -> None:
    pixels = np.frombuffer(rand.randbytes(3 * 4 * 2), np.uint8).reshape(2, 4, 3)
    event = VideoFrameEvent(VideoFrame.from_ndarray(pixels, V.RGB24), 1234, rotation)
    assert (decoded_png(carried("image/png", html(event))) == np.rot90(pixels, -int(rotation))).all()
    turned = f", turned by {90 * rotation} degrees clockwise" if rotation else ""
    assert caption(event) == f"VideoFrame, 4 x 2, RGB24{turned}, at 1234 us"


def test_an_event_of_sound() -> None:
    frame = AudioFrame.create(48000, 1, 480)
    assert AudioFrameEvent(frame)._repr_html_() == frame._repr_html_()


# -- what is wrong --------------------------------------------------------------------------------------------------


def test_memory_that_went_away() -> None:
    data = bytearray(960)
    frame = AudioFrame(data, 48000, 1, 480)
    data.clear()
    assert caption(frame).startswith("AudioFrame, BufferError: the bytearray of this AudioFrame was cut to 0 bytes")


def test_a_header_that_does_not_fit() -> None:
    assert caption(AudioFrame.create(48000, 70_000, 1)).startswith("AudioFrame, ValueError: expected a frame that fits")


def test_names_are_escaped() -> None:
    sounds: Any = type("A<b>&", (AudioFrame,), {})
    pictures: Any = type("<script>", (VideoFrame,), {})
    assert "A&lt;b&gt;&amp;, " in html(sounds(b"", 8000, 1, 0))
    assert "&lt;script&gt;, " in html(pictures(1, 1, V.RGBA, bytes(4)))


def test_an_error_is_shown_and_not_raised() -> None:
    class Broken(VideoFrame):
        def convert(self, *arguments: Any, **options: Any) -> Any:
            raise RuntimeError("<gone>")

        def __repr__(self) -> str:
            raise RuntimeError("no text")

    assert "Broken, RuntimeError: &lt;gone&gt;" in html(Broken(1, 1, V.RGBA, bytes(4)))
    event: Any = VideoFrameEvent(None, 0, VideoRotation.VIDEO_ROTATION_0)  # type: ignore[arg-type]
    assert "NoneType, AttributeError" in html(event)
