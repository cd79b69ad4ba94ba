"""Plays a clip through AVSynchronizer into a screen and an ear that write down what comes when, and shows how far
picture and sound were apart.

The clip is made up, a flash and a beep each second, or any media file that PyAV can read:

    python examples/av_sync_demo.py                        # 25 fps, told 30, and what pacing by 30 fps makes of it
    python examples/av_sync_demo.py clip.mp4 --seconds 20  # pip install ".[video]"

The picture needs matplotlib: pip install ".[cli]".
"""

import argparse
import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from livekit_utils import (
    AudioFrame,
    AudioSource,
    AudioStream,
    AVSynchronizer,
    AVSynchronizerStats,
    LocalAudioTrack,
    VideoBufferType,
    VideoFrame,
)

RATE = 48000
AUDIO_FRAME_S = 0.02
SIZE = 64, 36
BLACK, WHITE = (bytes([level]) * (SIZE[0] * SIZE[1] * 3) for level in (0, 255))
BEEP_S = 0.1
LOUD = 2000


class ClipFrame(VideoFrame):
    """A picture that knows when it is to be shown, in seconds, so that the screen can write it down."""

    time = 0.0


Clip = Iterator[tuple[VideoFrame | AudioFrame, float]]
"""Frames in the order of their times: a picture's is when it is shown, an audio frame's when it ends."""


def flash_and_beep(fps: float, seconds: float) -> Clip:
    samples = int(RATE * AUDIO_FRAME_S)
    picture = sound = 0
    while picture / fps < seconds:
        if picture / fps <= sound * AUDIO_FRAME_S:
            time = picture / fps
            # The first picture of each second is white.
            frame = ClipFrame(*SIZE, VideoBufferType.RGB24, WHITE if time % 1 < 1 / fps - 1e-9 else BLACK)
            frame.time = time
            picture += 1
            yield frame, time
        else:
            t = np.arange(sound * samples, (sound + 1) * samples) / RATE
            wave = np.where(t % 1 < BEEP_S, 16000 * np.sin(2 * np.pi * 1000 * t), 0).astype(np.int16)
            sound += 1
            yield AudioFrame(wave, RATE, 1, samples), sound * AUDIO_FRAME_S


def media_file(path: Path, seconds: float) -> Clip:
    try:
        import av
    except ModuleNotFoundError:
        raise SystemExit('a media file needs PyAV: pip install ".[video]"') from None
    mono = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(str(path)) as container:
        if not container.streams.video or not container.streams.audio:
            raise SystemExit(f"{path} has no video, or no audio")
        for frame in container.decode(video=0, audio=0):
            if not isinstance(frame, av.VideoFrame | av.AudioFrame) or frame.time is None or frame.time >= seconds:
                continue
            if isinstance(frame, av.VideoFrame):
                data = frame.reformat(*SIZE, format="rgb24").to_ndarray().tobytes()
                picture = ClipFrame(*SIZE, VideoBufferType.RGB24, data)
                picture.time = frame.time
                yield picture, frame.time
            else:
                for part in mono.resample(frame):
                    wave = part.to_ndarray().reshape(-1)
                    yield AudioFrame(wave, RATE, 1, wave.size), (part.time or 0.0) + wave.size / RATE


@dataclass
class Screen:
    """A video source for the synchronizer: writes down what is shown when."""

    shown: list[tuple[float, ClipFrame]] = field(default_factory=list)

    def capture_frame(self, frame: ClipFrame) -> None:
        self.shown.append((asyncio.get_running_loop().time(), frame))


@dataclass
class Ear:
    """Writes down what is heard when."""

    heard: list[tuple[float, AudioFrame]] = field(default_factory=list)

    async def listen(self, stream: AudioStream) -> None:
        async for event in stream:
            self.heard.append((asyncio.get_running_loop().time(), event.frame))


@dataclass
class Result:
    name: str
    times: np.ndarray
    """Of each picture shown, in seconds from the start."""
    offsets_ms: np.ndarray
    """How much earlier than its sound each was: above 0 the picture came first."""
    flashes_ms: list[float]
    """The same for each flash, by looking for the beep in what was heard."""
    stats: AVSynchronizerStats


async def play(name: str, clip: Clip, fps: float, *, timestamps: bool) -> Result:
    screen, ear = Screen(), Ear()
    audio = AudioSource(RATE, 1)
    stream = AudioStream(LocalAudioTrack.create_audio_track("clip", audio), sample_rate=RATE)
    listening = asyncio.create_task(ear.listen(stream))
    async with AVSynchronizer(audio_source=audio, video_source=screen, video_fps=fps) as synchronizer:
        for frame, time in clip:
            await synchronizer.push(frame, time if timestamps else None)
        await synchronizer.wait_for_playout()
        stats = synchronizer.stats()
    await audio.aclose()
    await listening
    await stream.aclose()
    return measure(name, screen, ear, stats)


def measure(name: str, screen: Screen, ear: Ear, stats: AVSynchronizerStats) -> Result:
    arrivals = np.array([time for time, _ in ear.heard])
    lengths = np.array([frame.samples_per_channel for _, frame in ear.heard])
    starts = (np.cumsum(lengths) - lengths) / RATE  # on the clip's timeline
    times = np.array([time for time, _ in screen.shown])
    due = np.array([frame.time for _, frame in screen.shown])
    heard = np.interp(times, arrivals, starts)
    # What is shown before the first or after the last sound has nothing to be compared with.
    during = (times >= arrivals[0]) & (times < arrivals[-1])

    samples = np.concatenate([np.asarray(frame)[:, 0] for _, frame in ear.heard])
    loud = np.flatnonzero(np.abs(samples.astype(int)) > LOUD)
    beeps = loud[np.diff(loud, prepend=-RATE) > RATE // 2] / RATE
    beeps_heard = np.interp(beeps, starts, arrivals)
    flashes = [time for time, frame in screen.shown if frame.data[0] == 255]
    flashes_ms = [1000 * (beep - flash) for flash, beep in zip(flashes, beeps_heard, strict=False)]
    return Result(name, times[during] - arrivals[0], 1000 * (due - heard)[during], flashes_ms, stats)


def table(results: list[Result]) -> str:
    head = (
        f"{'':24}{'pictures':>9}{'late':>6}{'dropped':>9}{'p50 ms':>9}{'p99 ms':>9}{'worst ms':>10}{'growth ms/s':>13}"
    )
    lines = [head]
    for result in results:
        sizes = np.abs(result.offsets_ms)
        growth = np.polyfit(result.times, result.offsets_ms, 1)[0]
        lines.append(
            f"{result.name:24}{result.stats.num_presented:9}{result.stats.num_late:6}{result.stats.num_dropped:9}"
            f"{np.median(result.offsets_ms):9.1f}{np.percentile(sizes, 99):9.1f}{sizes.max():10.1f}{growth:13.2f}"
        )
        if result.flashes_ms:
            lines.append(f"{'  flash before beep, ms':24}" + " ".join(f"{offset:.0f}" for offset in result.flashes_ms))
    return "\n".join(lines)


def draw(results: list[Result], path: Path) -> None:
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise SystemExit('the picture needs matplotlib: pip install ".[cli]"') from None
    figure = Figure(figsize=(10, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.axhspan(-15, 45, color="#e8e8e8", label="unnoticed, by ATSC IS-191: -15 to 45 ms")
    # Colours that red-green blind readers can tell, and two kinds of points.
    for result, colour, point in zip(results, ("#0072b2", "#d55e00"), (".", "^"), strict=True):
        axes.plot(result.times, result.offsets_ms, f"{point}-", color=colour, ms=4, lw=0.8, label=result.name)
    axes.set_title("How long each picture is shown before its sound is heard", loc="left", fontsize=11)
    axes.set_xlabel("time of the picture in s")
    axes.set_ylabel("ms (logarithmic beyond ±50)")
    for edge in (-50, 50):
        axes.axhline(edge, color="0.4", linewidth=0.8, linestyle=(0, (2, 3)))
    note = "above this line the axis is logarithmic"
    where = ("axes fraction", "data")
    axes.annotate(note, (0.5, 50), xycoords=where, ha="center", va="bottom", fontsize=8, color="0.3")
    axes.set_yscale("symlog", linthresh=50)
    axes.set_ylim(-100, 2000)
    ticks = [-100, -50, 0, 50, 100, 200, 500, 1000, 2000]
    axes.set_yticks(ticks, labels=map(str, ticks))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=9)
    figure.savefig(path, dpi=110)


async def main(file: Path | None, seconds: float, fps: float, told: float) -> list[Result]:
    def clip() -> Clip:
        return flash_and_beep(fps, seconds) if file is None else media_file(file, seconds)

    return [
        await play("with timestamps", clip(), told, timestamps=True),
        await play(f"paced at {told:g} fps", clip(), told, timestamps=False),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How far picture and sound are apart.")
    parser.add_argument("file", nargs="?", type=Path, help="a media file with audio and video")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--fps", type=float, default=25, help="of the made-up clip")
    parser.add_argument("--told", type=float, default=30, help="the frame rate that the synchronizer is told")
    parser.add_argument("--png", type=Path, default=Path("av_sync.png"))
    options = parser.parse_args()
    results = asyncio.run(main(options.file, options.seconds, options.fps, options.told))
    print(table(results))
    draw(results, options.png)
    print(f"look at {options.png}")
