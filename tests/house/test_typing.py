"""The package and what a user writes with it pass mypy in strict mode."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = """
from collections.abc import AsyncIterator
from typing import assert_type

import numpy as np
from livekit import rtc as sdk

import livekit_utils
from livekit_utils import AudioFilter, AudioFilterError, AudioFilterSession, AudioFilterState, AudioStreamInfo
from livekit_utils import AudioFrame, AudioMixer, AudioResampler, AudioResamplerQuality, RingBuffer
from livekit_utils import VideoBufferType, VideoFrame, combine_audio_frames, from_livekit, rtc, to_livekit
from livekit_utils.rtc.audio_frame import AudioFrame as SubmoduleFrame
from livekit_utils.rtc.room import Room
from livekit_utils.rtc.utils import sine_wave_generator

assert_type(livekit_utils.__version__, str)
assert_type([livekit_utils.BLOCKSIZE, rtc.DEFAULT_SAMPLE_RATE, rtc.DEFAULT_CHANNELS, rtc.FRAME_SAMPLES], list[int])
assert_type(rtc.AudioFrame.create(48000, 2, 480), AudioFrame)
assert_type(SubmoduleFrame.create(48000, 2, 480), AudioFrame)
assert_type(rtc.Room(), sdk.Room)
assert_type(Room(), sdk.Room)

frame = AudioFrame(b"", 48000, 1, 0, userdata={"speaker": "a"})
assert_type(frame, AudioFrame)
assert_type(frame.data, memoryview[int])
assert_type(frame.duration, float)
assert_type(AudioFrame.create(48000, 2, 480), AudioFrame)
assert_type(combine_audio_frames([frame, frame]), AudioFrame)
assert_type(combine_audio_frames(frame), AudioFrame)
array = np.asarray(frame)
assert_type(AudioFrame(np.zeros(480, np.int16), 48000, 1, 480), AudioFrame)
assert_type(to_livekit(frame), sdk.AudioFrame)
assert_type(from_livekit(to_livekit(frame)), AudioFrame)

resampler = AudioResampler(48000, 16000, num_channels=1, quality=AudioResamplerQuality.HIGH)
assert_type(resampler.push(frame), list[AudioFrame])
assert_type(resampler.push(bytearray(4)), list[AudioFrame])
assert_type(resampler.flush(), list[AudioFrame])

assert_type(sine_wave_generator(440, 1.0), AsyncIterator[AudioFrame])
assert_type(VideoFrame(1, 1, VideoBufferType.RGBA, bytes(4)).get_plane(0), memoryview | None)
assert_type(to_livekit(VideoFrame(1, 1, VideoBufferType.RGBA, bytes(4))), sdk.VideoFrame)
assert_type(RingBuffer(480).read(10), bytearray)

opened = AudioFilter("id", "path", ["dependency"])
session = opened.create_session(48000, 1, options={"a": 1}, stream_info=AudioStreamInfo(url="u"), timeout_ms=100)
assert_type(session, AudioFilterSession)
assert_type(session.state, AudioFilterState)
assert_type(session.last_error, AudioFilterError | None)
assert_type(session.push(frame), list[AudioFrame])
assert_type(opened.process(frame), AudioFrame)
assert_type(opened.flush(), AudioFrame | None)
assert_type(AudioFilter.get("id"), AudioFilter)


async def main() -> None:
    assert_type(await AudioFilter.load("id", "path"), AudioFilter)
    async with rtc.AudioMixer(48000, 1) as mixer:
        assert_type(mixer, AudioMixer)
        mixer.add_stream(sine_wave_generator(440, 1.0), gain=0.5, name="tone")
        assert_type(mixer.stats().streams["tone"].num_late_blocks, int)
        async for mixed in mixer:
            assert_type(mixed, AudioFrame)
"""


def mypy(*arguments: str, cwd: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cwd / "cache"), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_a_user_writes(tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(EXAMPLE)
    mypy("example.py", cwd=tmp_path)


# What Cython adds, and what only a type checker sees.
NOT_IN_BOTH = r"""
.*\.__test__
livekit_utils\._kernels\._cyutility
livekit_utils\._kernels\.encoding\.__pyx_capi__
livekit_utils\._kernels\.(dtmf\.Dtmf|high_pass\.HighPass|limiter\.Limiter|linear\.LinearInterpolator)\.__init__
livekit_utils\._kernels\.(echo_power\.EchoPower|give_back\.GiveBack|noise_fill\.NoiseFill|noise_floor\.NoiseFloor)\.__init__
livekit_utils\._kernels\.(loudness\.Loudness|overlap_add\.OverlapAdd|short_spectrum\.ShortSpectrum|upper_band\.UpperBand)\.__init__
livekit_utils\.(mixing\.mix_input\.MixInput|mixing\.timed_queue\.TimedQueue|_kernels\.(sample_queue\.SampleQueue|gain_queue\.GainQueue|gain_queue\.Ramp|shaped_queue\.ShapedQueue)|sync\.media_clock\.MediaClock)\.__init__
livekit_utils\.voice\.drift\.(Drift|CallOrder)\.__init__
livekit_utils\.tracks\.(playout_clock\.PlayoutClock|playout_queue\.PlayoutQueue)\.__init__
livekit_utils\._kernels\.polyphase\.(PolyphaseConverter|PolyphaseFilter)\.__init__
livekit_utils\._kernels\.variable_ratio\.(VariableConverter|VariableFilter)\.__init__
livekit_utils\._kernels\.simd\.Level
livekit_utils\._runtime\.queues\.EndableQueue\.__class_getitem__
livekit_utils\.frames\.audio_frame\.(AudioFrame\.__buffer__|AudioFrame\.__setstate__|AudioFrame\.__reduce_ex__)
"""


def test_stubs_fit_the_compiled_modules(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.write_text(NOT_IN_BOTH)
    modules = ["livekit_utils._kernels", "livekit_utils.frames.audio_frame", "livekit_utils.mixing.mix_input"]
    modules += [
        "livekit_utils._runtime.queues",
        "livekit_utils.conversion.arrival_window",
        "livekit_utils.conversion.resampled_stream",
        "livekit_utils._runtime.loop_timers",
        "livekit_utils._runtime.timer_fd",
        "livekit_utils.tracks.frame_cutter",
        "livekit_utils.tracks.frame_fifo",
        "livekit_utils.tracks.playout_clock",
        "livekit_utils.tracks.playout_queue",
        "livekit_utils.mixing.pace",
        "livekit_utils.mixing.timed_queue",
        "livekit_utils.sync.followed_audio",
        "livekit_utils.sync.media_clock",
        "livekit_utils.voice.drift",
    ]
    options = ["--ignore-disjoint-bases", "--ignore-unused-allowlist", "--allowlist", str(allowed)]
    result = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", *options, *modules],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout + result.stderr
