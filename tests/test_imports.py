"""What an import gives, costs and pulls in."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import livekit_utils

OPTIONAL = {"livekit_utils.cli"}
MODULES = [
    info.name
    for info in pkgutil.walk_packages(livekit_utils.__path__, "livekit_utils.")
    if not any(info.name == name or info.name.startswith(name + ".") for name in OPTIONAL)
]

# A module imports only from lower levels, so there are no circles.
LEVELS = {
    "_arguments": 0,
    "_async_closing": 0,
    "_audio_piece": 0,
    "_background_thread": 0,
    "_channel_map": 0,
    "_deadline": 0,
    "_device_request": 0,
    "_done": 0,
    "_drift": 0,
    "_echo_delay": 0,
    "_elf": 0,
    "_frame_queue": 0,
    "_include": 0,
    "_kernels": 0,
    "_once": 0,
    "_opened_device": 0,
    "_pending_push": 0,
    "_picture": 0,
    "_playout_clock": 0,
    "_plugin_json": 0,
    "_reblocker": 0,
    "_sdk": 0,
    "_sink": 0,
    "_stages": 0,
    "_voice_enhancer": 0,
    "audio_filter_error": 0,
    "audio_filter_load_state": 0,
    "audio_filter_state": 0,
    "audio_processing_module_stats": 0,
    "audio_stream_stats": 0,
    "av_synchronizer_stats": 0,
    "device_error": 0,
    "device_state": 0,
    "late_policy": 0,
    "noise_cancellation_options": 0,
    "track_kind": 0,
    "video_buffer_type": 0,
    "video_rotation": 0,
    "video_stream_stats": 0,
    "_device_memory": 1,
    "_fan_out": 1,
    "_filter_library": 1,
    "_followed_audio": 1,
    "_in_thread": 1,
    "_live_queue": 1,
    "_media_clock": 1,
    "_polyphase_design": 1,
    "_portaudio": 1,
    "_show_record": 1,
    "audio_frame": 1,
    "audio_mixer_stream_stats": 1,
    "audio_stream_info": 1,
    "device_state_change": 1,
    "input_capture_stats": 1,
    "output_player_stats": 1,
    "track": 1,
    "video_frame": 1,
    "_device_states": 2,
    "_fade": 2,
    "_frame_fifo": 2,
    "_picture_timeline": 2,
    "_processor_guard": 2,
    "_ramp": 2,
    "_speaker_reader": 2,
    "_worker": 2,
    "audio_filter_session": 2,
    "audio_frame_event": 2,
    "audio_mixer_stats": 2,
    "audio_resampler": 2,
    "frame_processor": 2,
    "livekit_frames": 2,
    "sine_wave": 2,
    "video_frame_event": 2,
    "_device_renderer": 3,
    "_frame_converter": 3,
    "_worker_process": 3,
    "audio_filter": 3,
    "audio_source": 3,
    "av_synchronizer": 3,
    "video_source": 3,
    "_captured_audio": 4,
    "_echo_reference": 4,
    "_mixer_stream": 4,
    "_playout_input": 4,
    "_portaudio_stream": 4,
    "local_audio_track": 4,
    "local_video_track": 4,
    "_audio_worker": 5,
    "_playout_mixer": 5,
    "_voice_processor": 5,
    "_worker_thread": 5,
    "audio_mixer": 5,
    "audio_stream": 5,
    "video_stream": 5,
    "_device_stream": 6,
    "_track_audio": 6,
    "audio_processing_module": 6,
    "_speaker_feed": 7,
    "_speaker_reference": 7,
    "_apm_feed": 8,
    "input_capture": 8,
    "output_player": 9,
    "media_devices": 10,
}


def run(code: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", MODULES)
def test_each_module_alone(name: str) -> None:
    run(f"import {name}")


HEAVY = {"numpy", "pyaudio", "samplerate", "scipy", "matplotlib", "soundfile", "typer", "rich", "typing_extensions"}


def test_an_import_is_light() -> None:
    loaded = set(run("import sys, livekit_utils; print(' '.join(sys.modules))").split())
    assert not loaded & (HEAVY | {"asyncio", "logging", "livekit_utils.audio_frame"})


def test_all_names_leave_the_heavy_modules_alone() -> None:
    code = "import sys; from livekit_utils import *; import livekit_utils.rtc.utils; print(' '.join(sys.modules))"
    assert not HEAVY & set(run(code).split())


def test_names_that_are_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'AudioMixr'"):
        livekit_utils.AudioMixr  # noqa: B018
    assert set(livekit_utils.__all__) <= set(dir(livekit_utils))
    assert set(livekit_utils.__all__) == set(livekit_utils._HOMES)


def test_only_lower_levels_are_imported() -> None:
    for name, level in LEVELS.items():
        loaded = run(
            "import sys, types, importlib.util\n"
            "root = types.ModuleType('livekit_utils')\n"  # without what the package itself imports
            "root.__path__ = importlib.util.find_spec('livekit_utils').submodule_search_locations\n"
            "sys.modules['livekit_utils'] = root\n"
            f"import livekit_utils.{name}\n"
            "print(' '.join(m.split('.')[1] for m in sys.modules if m.startswith('livekit_utils.')))"
        ).split()
        for other in set(loaded) - {name}:
            assert LEVELS[other] < level, f"{name} (level {level}) imports {other} (level {LEVELS[other]})"


def test_the_documented_paths() -> None:
    from livekit_utils import (
        AudioFrame,
        AudioMixer,
        AudioResampler,
        AudioResamplerQuality,
        VideoBufferType,
        VideoFrame,
        combine_audio_frames,
        rtc,
    )
    from livekit_utils.rtc.utils import combine_audio_frames as also
    from livekit_utils.rtc.utils import sine_wave_generator

    assert also is combine_audio_frames
    for item in (AudioFrame, AudioMixer, AudioResampler, AudioResamplerQuality, VideoBufferType, VideoFrame):
        assert getattr(rtc, item.__name__) is item
    assert rtc.sine_wave_generator is sine_wave_generator
    assert rtc.__all__ == livekit_utils.__all__


def test_every_name_is_documented() -> None:
    for name in livekit_utils.__all__:
        assert getattr(livekit_utils, name).__doc__, name
    for name in MODULES:
        assert importlib.import_module(name).__doc__, name
