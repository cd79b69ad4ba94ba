"""Media files whose samples and pictures tell their own place, and somebody who notes when they are heard and seen."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, MediaPlayer, VideoBufferType, VideoFrame, VideoFrameEvent, VideoRotation

FPS = 25
RATE = 48000
MS = RATE // 1000
SIZE = 64

# What is heard and seen may be apart by so much.
IN_TIME_S = 0.02


def now() -> float:
    return asyncio.get_running_loop().time()


def stamp(sample: Any, rate: int = RATE) -> np.ndarray:
    """The values of samples by their number in the file: 1 + milliseconds, modulo 30 s; silence is 0."""
    return (np.asarray(sample) * 1000 // rate % 30000 + 1).astype(np.int16)


def told_s(value: int) -> float:
    """The time of the file of a sample with this value, modulo 30 s."""
    return (int(value) - 1) / 1000


def pixels(number: int, width: int = SIZE, height: int = SIZE) -> np.ndarray:
    """RGB of a picture that shows a number up to 4095: in thirds, one digit of 16 shades each."""
    columns = np.arange(width) * 3 // width
    digits = np.array([number % 16, number // 16 % 16, number // 256])
    return np.broadcast_to((digits[columns] * 13 + 20).astype(np.uint8)[None, :, None], (height, width, 3)).copy()


def upside_down(picture: Any) -> Any:
    """A picture of PyAV whose rows lie backwards in memory: FFmpeg's vflip copies nothing."""
    import av.filter

    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format.name, time_base=Fraction(1, FPS)
    )
    flip, sink = graph.add("vflip"), graph.add("buffersink")
    source.link_to(flip)
    flip.link_to(sink)
    graph.configure()
    picture.pts = 0
    graph.push(picture)
    flipped = graph.pull()
    assert flipped.planes[0].line_size < 0  # type: ignore[union-attr]
    return flipped


def number_of(frame: VideoFrame) -> int:
    """The number that a picture shows."""
    if frame.type is VideoBufferType.I420:
        luma = np.asarray(frame.get_plane(0)).reshape(frame.height, frame.width).astype(float)
        luma = (luma - 16) * 255 / 219
    else:
        luma = np.asarray(frame.data).reshape(frame.height, frame.width, 4)[:, :, 0].astype(float)
    row = luma[frame.height // 2]
    digits = [round((row[round(frame.width * (i + 0.5) / 3)] - 20) / 13) for i in range(3)]
    return digits[0] + 16 * digits[1] + 256 * digits[2]


@dataclass(kw_only=True)
class Clip:
    """A file to make. Pictures and sound have numbers and times of the file, from 0 on."""

    seconds: float | None = 2.0
    """Of pictures; None for none."""
    sound_s: float | None = 2.0
    """Of sound; None for none."""
    sound_at: float = 0.0
    sound_gap: tuple[float, float] | None = None
    rate: int = RATE
    layout: str = "mono"
    video: str = "ffv1"
    audio: str = "pcm_s16le"
    pix_fmt: str = "yuv420p"
    size: tuple[int, int] = (SIZE, SIZE)
    fps: int = FPS
    times: list[float] | None = None
    """Of the pictures, in milliseconds of a variable rate, in place of `seconds`."""
    gop: int = 12
    b_frames: int = 0
    rotation: int = 0
    offset_s: float = 0.0
    """Of all timestamps."""
    options: dict[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> Path:
        av = pytest.importorskip("av")
        with av.open(str(path), "w", options=self.options) as container:
            streams = []
            items: list[tuple[float, int, int]] = []
            if self.seconds is not None or self.times is not None:
                streams.append(video := container.add_stream(self.video, rate=self.fps))
                video.width, video.height, video.pix_fmt = *self.size, self.pix_fmt
                video.codec_context.bit_rate = 4_000_000
                video.codec_context.gop_size = self.gop
                video.codec_context.max_b_frames = self.b_frames
                if self.times is not None:
                    video.codec_context.time_base = Fraction(1, 1000)
                if self.rotation:
                    video.set_display_rotation(self.rotation)
                times = self.times or [i / self.fps for i in range(round((self.seconds or 0) * self.fps))]
                items += [(time, 0, i) for i, time in enumerate(times)]
            block = self.rate // 50
            if self.sound_s is not None:
                streams.append(audio := container.add_stream(self.audio, rate=self.rate, layout=self.layout))
                total = round(self.sound_s * self.rate)
                first = round(self.sound_at * self.rate)
                items += [(at / self.rate, 1, at) for at in range(first, total, block)]
            for time, is_audio, place in sorted(items):
                if not is_audio:
                    frame = av.VideoFrame.from_ndarray(pixels(place, *self.size), format="rgb24")
                    frame = frame.reformat(format=self.pix_fmt)
                    base = 1000 if self.times is not None else self.fps
                    frame.pts, frame.time_base = round((time + self.offset_s) * base), Fraction(1, base)
                    container.mux(video.encode(frame))
                elif self.sound_gap is None or not self.sound_gap[0] <= time < self.sound_gap[1]:
                    count = min(block, total - place)
                    values = stamp(np.arange(place, place + count), self.rate)
                    frame = as_frame(av, values, audio.codec_context.format.name, self.layout)
                    frame.sample_rate, frame.time_base = self.rate, Fraction(1, self.rate)
                    frame.pts = place + round(self.offset_s * self.rate)
                    container.mux(audio.encode(frame))
            for stream in streams:
                container.mux(stream.encode(None))
        return path

    def bytes(self, tmp_path: Path, suffix: str = ".mkv") -> io.BytesIO:
        return io.BytesIO(self.write(tmp_path / f"clip{suffix}").read_bytes())


def as_frame(av: Any, values: np.ndarray, format: str, layout: str) -> Any:
    """A frame of PyAV with the same values, exactly, on all channels."""
    channels = len(av.AudioLayout(layout).channels)
    base = format.removesuffix("p")
    if base == "u8":
        typed = ((values.astype(int) >> 8) + 128).astype(np.uint8)
    elif base in ("flt", "dbl"):
        typed = (values / 32768).astype(np.float32 if base == "flt" else np.float64)
    elif base == "s32":
        typed = values.astype(np.int32) << 16
    else:
        typed = values
    spread = np.repeat(typed[None], channels, 0) if format.endswith("p") else np.repeat(typed, channels)[None]
    return av.AudioFrame.from_ndarray(np.ascontiguousarray(spread), format=format, layout=layout)


@dataclass
class Audience:
    """Notes when each picture of a player is shown and each millisecond of its sound is heard; without a queue."""

    player: MediaPlayer
    start: float = field(default_factory=now)
    shown: list[tuple[float, int]] = field(default_factory=list)
    """Seconds from the start, and the picture's number."""
    heard: list[tuple[float, float]] = field(default_factory=list)
    """Seconds from the start, and the time of the file; for each millisecond, without silence."""
    sound: bytearray = field(default_factory=bytearray)
    silence_s: float = 0.0
    frames: list[VideoFrame] = field(default_factory=list)
    rotations: list[VideoRotation] = field(default_factory=list)
    keeps: bool = True
    """Whether to keep the pictures and the sound."""

    def __post_init__(self) -> None:
        self._sinks = _Ears(self), _Eyes(self)
        self.player._source._fan_out.attach(self._sinks[0])
        if self.player._video_source is not None:
            self.player._video_source._fan_out.attach(self._sinks[1])

    def hear(self, frame: AudioFrame) -> None:
        if self.keeps:
            self.sound += frame.data
        samples = np.asarray(frame)[:, 0]
        when = now() - self.start
        step = frame.sample_rate // 1000
        for i in range(0, len(samples), step):
            if samples[i]:
                self.heard.append((when + i / frame.sample_rate, told_s(samples[i])))
        self.silence_s += np.count_nonzero(samples == 0) / frame.sample_rate

    def see(self, event: VideoFrameEvent) -> None:
        self.shown.append((now() - self.start, number_of(event.frame)))
        if self.keeps:
            self.frames.append(event.frame)
            self.rotations.append(event.rotation)

    @property
    def samples(self) -> np.ndarray:
        return np.frombuffer(bytes(self.sound), np.int16)

    def numbers(self) -> list[int]:
        return [number for _, number in self.shown]

    def offsets_s(self, times: Iterable[float] | None = None, fps: float = FPS) -> list[float]:
        """How much later than its sound each picture was shown whose sound is not silent."""
        stamps = None if times is None else list(times)
        whens = np.array([when for when, _ in self.heard])
        found = []
        for when, number in self.shown:
            at = number / fps if stamps is None else stamps[number]
            i = int(np.searchsorted(whens, when + 1e-9)) - 1
            if i >= 0 and when - whens[i] < 0.0021:
                media = self.heard[i][1] + when - whens[i]
                found.append((media - at + 15) % 30 - 15)
        return found


class _Ears:
    def __init__(self, audience: Audience) -> None:
        self._receive = audience.hear

    def _on_idle(self) -> None: ...

    def _end(self) -> None: ...


class _Eyes(_Ears):
    def __init__(self, audience: Audience) -> None:
        self._receive = audience.see  # type: ignore[assignment]


async def play_all(player: MediaPlayer, **options: Any) -> Audience:
    """Plays to the end, and closes."""
    async with player:
        audience = Audience(player, **options)
        await player.play()
        audience.start = now()
        await player.wait_for_playout()
    return audience
