"""Recorder beside the SDK: its tracks, its streams and its frames."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("soundfile")

import soundfile

from livekit_utils import Recorder, VideoBufferType, VideoFrame
from tests.sdk.test_streams import run, voice
from tests.support.media_files import number_of
from tests.support.media_files import pixels as numbered
from tests.support.movies import load_movie


def test_a_track_and_a_stream_of_the_sdk(rtc: Any, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"

    async def main() -> None:
        source, track = voice(rtc)
        stream = rtc.AudioStream(track, sample_rate=48000, num_channels=1)
        async with Recorder(path) as recorder:
            recorder.add_track(track, channel=0)
            recorder.add_stream(stream, channel=1, name="stream")
            assert list(recorder.stats().streams) == ["voice", "stream"]
            with pytest.raises(ValueError, match="is recorded already"):
                recorder.add_track(track)
            await asyncio.sleep(0.2)
            for _ in range(50):
                await source.capture_frame(rtc.AudioFrame(np.full(480, 1000, np.int16).tobytes(), 48000, 1, 480))
            await source.wait_for_playout()
            await asyncio.sleep(0.3)
            recorder.remove_track(track)
            recorder.remove_stream(stream)
            frame = rtc.AudioFrame(np.full(480, 500, np.int16).tobytes(), 48000, 1, 480)
            recorder.write(frame, at_s=recorder.duration_s + 0.1)
            await asyncio.sleep(0.3)
            recorder.add_track(track, name="until the end")
            recorder.add_track(voice(rtc)[1], name="removed")
            await asyncio.sleep(0.1)
        await stream.aclose()
        await source.aclose()

    run(main)
    samples = soundfile.read(path, dtype="int16")[0]
    for channel in (0, 1):
        assert np.count_nonzero(samples[:, channel] == 1000) == 24_000
        assert np.count_nonzero(samples[:, channel] == 500) == 480
        there = np.flatnonzero(samples[:, channel] == 1000)
        assert 0.15 < there[0] / 48000 < 0.6


def test_the_pictures_of_a_track_of_the_sdk(rtc: Any, tmp_path: Path) -> None:
    pytest.importorskip("av")
    path = tmp_path / "call.mp4"

    async def main() -> None:
        source = rtc.VideoSource(64, 48)
        track = rtc.LocalVideoTrack.create_video_track("camera", source)
        other = rtc.LocalVideoTrack.create_video_track("other", rtc.VideoSource(64, 48))
        async with Recorder(path, num_channels=1) as recorder:
            recorder.add_video(other)
            recorder.remove_video(other)  # before its stream is read
            recorder.add_video(track)
            with pytest.raises(ValueError, match="remove_video ends that"):
                recorder.add_video(other)
            for number in range(20):
                await asyncio.sleep(0.04)
                pixels = numbered(number, 64, 48).tobytes()
                source.capture_frame(rtc.VideoFrame(64, 48, rtc.VideoBufferType.RGB24, pixels))
            await asyncio.sleep(0.3)
            recorder.remove_track(track)
            source.capture_frame(rtc.VideoFrame(64, 48, rtc.VideoBufferType.RGB24, bytes(64 * 48 * 3)))
            await asyncio.sleep(0.1)
            recorder.add_video(other)

    run(main)
    movie = load_movie(path)
    shown = [number_of(VideoFrame(64, 48, VideoBufferType.I420, luma(rgb))) for rgb in movie.pictures]
    found = [number for i, number in enumerate(shown) if i == 0 or number != shown[i - 1]]
    assert found[-1] == 19
    assert len(found) > 10  # the SDK drops some on a busy machine
    assert found == sorted(found)
    assert all(later > earlier for earlier, later in zip(movie.times, movie.times[1:], strict=False))


def luma(rgb: Any) -> bytes:
    """I420 of grey pixels."""
    return np.round(rgb[:, :, 0] * (219 / 255) + 16).astype(np.uint8).tobytes() + bytes([128]) * (64 * 48 // 2)


def test_what_is_no_track(rtc: Any, tmp_path: Path) -> None:
    async def main() -> None:
        async with Recorder(tmp_path / "call.wav") as recorder:
            for value in (None, 1, object()):
                with pytest.raises(TypeError, match="track: expected"):
                    recorder.add_track(value)  # type: ignore[arg-type]
            assert recorder.stats().streams == {}

    run(main)
