"""Media utilities for Python voice agents: frames, mixing, resampling; compiled, and without a server.

A name is imported from its module when it is first used: `import livekit_utils` alone loads neither asyncio nor any
compiled module.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit_utils._include import get_include
    from livekit_utils._kernels.ring_buffer import RingBuffer
    from livekit_utils.audio_filter import AudioFilter
    from livekit_utils.audio_filter_error import AudioFilterError
    from livekit_utils.audio_filter_load_state import AudioFilterLoadState
    from livekit_utils.audio_filter_session import AudioFilterSession
    from livekit_utils.audio_filter_state import AudioFilterState
    from livekit_utils.audio_frame import AudioFrame, combine_audio_frames
    from livekit_utils.audio_frame_event import AudioFrameEvent
    from livekit_utils.audio_mixer import AudioMixer
    from livekit_utils.audio_mixer_stats import AudioMixerStats
    from livekit_utils.audio_mixer_stream_stats import AudioMixerStreamStats
    from livekit_utils.audio_processing_module import AudioProcessingModule
    from livekit_utils.audio_processing_module_stats import AudioProcessingModuleStats
    from livekit_utils.audio_resampler import AudioResampler, AudioResamplerQuality
    from livekit_utils.audio_source import AudioSource
    from livekit_utils.audio_stream import AudioStream
    from livekit_utils.audio_stream_info import AudioStreamInfo
    from livekit_utils.audio_stream_stats import AudioStreamStats
    from livekit_utils.av_synchronizer import AVSynchronizer
    from livekit_utils.av_synchronizer_stats import AVSynchronizerStats
    from livekit_utils.device_error import DeviceError
    from livekit_utils.device_state import DeviceState
    from livekit_utils.device_state_change import DeviceStateChange
    from livekit_utils.frame_processor import FrameProcessor
    from livekit_utils.input_capture import InputCapture
    from livekit_utils.input_capture_stats import InputCaptureStats
    from livekit_utils.late_policy import LatePolicy
    from livekit_utils.livekit_frames import from_livekit, to_livekit
    from livekit_utils.local_audio_track import LocalAudioTrack
    from livekit_utils.local_video_track import LocalVideoTrack
    from livekit_utils.media_devices import MediaDevices
    from livekit_utils.noise_cancellation_options import NoiseCancellationOptions
    from livekit_utils.output_player import OutputPlayer
    from livekit_utils.output_player_stats import OutputPlayerStats
    from livekit_utils.sine_wave import sine_wave_generator
    from livekit_utils.track import Track
    from livekit_utils.track_kind import TrackKind
    from livekit_utils.video_buffer_type import VideoBufferType
    from livekit_utils.video_frame import VideoFrame
    from livekit_utils.video_frame_event import VideoFrameEvent
    from livekit_utils.video_rotation import VideoRotation
    from livekit_utils.video_source import VideoSource
    from livekit_utils.video_stream import VideoStream
    from livekit_utils.video_stream_stats import VideoStreamStats

__all__ = [
    "AVSynchronizer",
    "AVSynchronizerStats",
    "AudioFilter",
    "AudioFilterError",
    "AudioFilterLoadState",
    "AudioFilterSession",
    "AudioFilterState",
    "AudioFrame",
    "AudioFrameEvent",
    "AudioMixer",
    "AudioMixerStats",
    "AudioMixerStreamStats",
    "AudioProcessingModule",
    "AudioProcessingModuleStats",
    "AudioResampler",
    "AudioResamplerQuality",
    "AudioSource",
    "AudioStream",
    "AudioStreamInfo",
    "AudioStreamStats",
    "DeviceError",
    "DeviceState",
    "DeviceStateChange",
    "FrameProcessor",
    "InputCapture",
    "InputCaptureStats",
    "LatePolicy",
    "LocalAudioTrack",
    "LocalVideoTrack",
    "MediaDevices",
    "NoiseCancellationOptions",
    "OutputPlayer",
    "OutputPlayerStats",
    "RingBuffer",
    "Track",
    "TrackKind",
    "VideoBufferType",
    "VideoFrame",
    "VideoFrameEvent",
    "VideoRotation",
    "VideoSource",
    "VideoStream",
    "VideoStreamStats",
    "combine_audio_frames",
    "from_livekit",
    "get_include",
    "sine_wave_generator",
    "to_livekit",
]

_HOMES = {
    "AVSynchronizer": "av_synchronizer",
    "AVSynchronizerStats": "av_synchronizer_stats",
    "AudioFilter": "audio_filter",
    "AudioFilterError": "audio_filter_error",
    "AudioFilterLoadState": "audio_filter_load_state",
    "AudioFilterSession": "audio_filter_session",
    "AudioFilterState": "audio_filter_state",
    "AudioFrame": "audio_frame",
    "AudioFrameEvent": "audio_frame_event",
    "AudioMixer": "audio_mixer",
    "AudioMixerStats": "audio_mixer_stats",
    "AudioMixerStreamStats": "audio_mixer_stream_stats",
    "AudioProcessingModule": "audio_processing_module",
    "AudioProcessingModuleStats": "audio_processing_module_stats",
    "AudioResampler": "audio_resampler",
    "AudioResamplerQuality": "audio_resampler",
    "AudioSource": "audio_source",
    "AudioStream": "audio_stream",
    "AudioStreamInfo": "audio_stream_info",
    "AudioStreamStats": "audio_stream_stats",
    "DeviceError": "device_error",
    "DeviceState": "device_state",
    "DeviceStateChange": "device_state_change",
    "FrameProcessor": "frame_processor",
    "InputCapture": "input_capture",
    "InputCaptureStats": "input_capture_stats",
    "LatePolicy": "late_policy",
    "LocalAudioTrack": "local_audio_track",
    "LocalVideoTrack": "local_video_track",
    "MediaDevices": "media_devices",
    "NoiseCancellationOptions": "noise_cancellation_options",
    "OutputPlayer": "output_player",
    "OutputPlayerStats": "output_player_stats",
    "RingBuffer": "_kernels.ring_buffer",
    "Track": "track",
    "TrackKind": "track_kind",
    "VideoBufferType": "video_buffer_type",
    "VideoFrame": "video_frame",
    "VideoFrameEvent": "video_frame_event",
    "VideoRotation": "video_rotation",
    "VideoSource": "video_source",
    "VideoStream": "video_stream",
    "VideoStreamStats": "video_stream_stats",
    "combine_audio_frames": "audio_frame",
    "from_livekit": "livekit_frames",
    "get_include": "_include",
    "sine_wave_generator": "sine_wave",
    "to_livekit": "livekit_frames",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value: object = getattr(_import_module(f"{__name__}.{home}"), name)
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith(__name__):
            raise
        raise ImportError(
            f"{error.name} is not there: {__path__[0]} looks like the source, which is not compiled. "
            "Run Python from another directory, or `make develop` here."
        ) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
