"""AVSynchronizer with the timestamps of media files, as PyAV reads them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.support.clips import RATE, Picture
from tests.sync.test_av_synchronizer_gaps import FPS, IN_TIME_S, Stage, play, speech

av = pytest.importorskip("av")

SECONDS = 8
SIZE = 64
BLOCK = 960

Ranges = list[tuple[float, float]]


def write(path: Path, video_codec: str, audio_codec: str, ranges: Ranges) -> None:
    """Writes a file of 8 s whose audio is there in `ranges` only."""
    try:
        av.Codec(video_codec, "w"), av.Codec(audio_codec, "w")
    except Exception:
        pytest.skip(f"PyAV without {video_codec} or {audio_codec}")
    with av.open(str(path), "w") as container:
        video = container.add_stream(video_codec, rate=FPS)
        video.width = video.height = SIZE
        video.pix_fmt = "yuv420p"
        video.codec_context.max_b_frames = 2
        audio = container.add_stream(audio_codec, rate=RATE, layout="mono")
        items = [(i / FPS, 0, i) for i in range(SECONDS * FPS)]
        items += [(i / 50, 1, i) for start, end in ranges for i in range(round(start * 50), round(end * 50))]
        for _, is_audio, i in sorted(items):
            if is_audio:
                frame = av.AudioFrame.from_ndarray(np.zeros((1, BLOCK), np.int16), format="s16", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = RATE, i * BLOCK, Fraction(1, RATE)
                container.mux(audio.encode(frame))
            else:
                pixels = np.full((SIZE, SIZE, 3), i, np.uint8)
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.time_base = i, Fraction(1, FPS)
                container.mux(video.encode(frame))
        for stream in (video, audio):
            container.mux(stream.encode(None))


def read(path: Path, **streams: int) -> Iterator[tuple[bool, float, float]]:
    """Returns for each frame whether it is audio, its time and its duration, in the order of the file."""
    with av.open(str(path)) as container:
        for frame in container.decode(**streams):
            is_audio = isinstance(frame, av.AudioFrame)
            yield is_audio, frame.time, frame.samples / frame.sample_rate if is_audio else 0.0


async def push(stage: Stage, path: Path, **streams: int) -> None:
    number = 0
    for is_audio, time, seconds in read(path, **streams):
        if is_audio:
            await stage.sync.push(speech(time + seconds, seconds), time + seconds)
        else:
            await stage.sync.push(Picture(number), time)
            number += 1


def play_file(path: Path, two_tasks: bool) -> Stage:
    if two_tasks:
        return play(lambda stage: push(stage, path, video=0), lambda stage: push(stage, path, audio=0))
    return play(lambda stage: push(stage, path))


def check(stage: Stage, stamps: list[float], within: float) -> None:
    """All pictures were shown in the order of pushing, at the times of the file, and so was the sound."""
    assert [number for _, number in stage.shown] == list(range(len(stamps)))
    late = [when - stamp for (when, _), stamp in zip(stage.shown, sorted(stamps), strict=True)]
    assert max(map(abs, late)) < within
    assert max(abs(when - media) for when, media in stage.heard) < IN_TIME_S
    stats = stage.sync.stats()
    assert (stats.num_presented, stats.num_dropped) == (len(stamps), 0)


@pytest.mark.parametrize("two_tasks", [False, True])
@pytest.mark.parametrize(("name", "audio_codec"), [("clip.mkv", "pcm_s16le"), ("clip.mp4", "aac")])
@pytest.mark.parametrize(
    "ranges",
    [[(0, 8)], [(0, 2), (4, 8)], [(0, 2), (2.3, 4), (5, 5.5), (7, 8)], [(1, 8)]],
    ids=["whole", "a gap", "gaps", "late audio"],
)
def test_a_file_with_gaps(tmp_path: Path, name: str, audio_codec: str, ranges: Ranges, two_tasks: bool) -> None:
    write(tmp_path / name, "mpeg4", audio_codec, ranges)
    stamps = [time for is_audio, time, _ in read(tmp_path / name) if not is_audio]
    stage = play_file(tmp_path / name, two_tasks)
    check(stage, stamps, IN_TIME_S)
    assert len(stage.heard) >= sum(end - start for start, end in ranges) * 1000 - 50
    assert stage.sync.stats().offset_p99_ms < IN_TIME_S * 1000


@pytest.mark.parametrize("two_tasks", [False, True])
def test_b_frames_in_an_avi_file(tmp_path: Path, two_tasks: bool) -> None:
    """AVI has no timestamps: those of the pictures tell the order of decoding."""
    path = tmp_path / "clip.avi"
    write(path, "libx264", "pcm_s16le", [(0, 8)])
    stamps = [time for is_audio, time, _ in read(path) if not is_audio]
    assert sum(second < first for first, second in itertools.pairwise(stamps)) > 20
    check(play_file(path, two_tasks), stamps, 1.01 / FPS)
