"""Media utilities for Python voice agents: frames, mixing, resampling; compiled, and without a server.

A name is imported from its module when it is first used: `import livekit_utils` alone loads neither asyncio nor any
compiled module.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit_utils._kernels.ring_buffer import RingBuffer
    from livekit_utils.conversion.audio_resampler import AudioResampler, AudioResamplerQuality
    from livekit_utils.devices.backend.device_error import DeviceError
    from livekit_utils.devices.device_state import DeviceState
    from livekit_utils.devices.device_state_change import DeviceStateChange
    from livekit_utils.devices.input_capture import InputCapture
    from livekit_utils.devices.input_capture_stats import InputCaptureStats
    from livekit_utils.devices.media_devices import MediaDevices
    from livekit_utils.devices.output_player import OutputPlayer
    from livekit_utils.devices.output_player_stats import OutputPlayerStats
    from livekit_utils.filters.audio_filter import AudioFilter
    from livekit_utils.filters.audio_filter_error import AudioFilterError
    from livekit_utils.filters.audio_filter_load_state import AudioFilterLoadState
    from livekit_utils.filters.audio_filter_session import AudioFilterSession
    from livekit_utils.filters.audio_filter_state import AudioFilterState
    from livekit_utils.filters.audio_stream_info import AudioStreamInfo
    from livekit_utils.filters.frame_processor import FrameProcessor
    from livekit_utils.filters.include import get_include
    from livekit_utils.filters.noise_cancellation_options import NoiseCancellationOptions
    from livekit_utils.frames.audio_frame import AudioFrame, combine_audio_frames
    from livekit_utils.frames.livekit_frames import from_livekit, to_livekit
    from livekit_utils.frames.sine_wave import sine_wave_generator
    from livekit_utils.frames.video_buffer_type import VideoBufferType
    from livekit_utils.frames.video_frame import VideoFrame
    from livekit_utils.frames.video_rotation import VideoRotation
    from livekit_utils.mixing.audio_mixer import AudioMixer
    from livekit_utils.mixing.audio_mixer_stats import AudioMixerStats
    from livekit_utils.mixing.audio_mixer_stream_stats import AudioMixerStreamStats
    from livekit_utils.sync.av_synchronizer import AVSynchronizer
    from livekit_utils.sync.av_synchronizer_stats import AVSynchronizerStats
    from livekit_utils.sync.late_policy import LatePolicy
    from livekit_utils.tracks.audio_frame_event import AudioFrameEvent
    from livekit_utils.tracks.audio_source import AudioSource
    from livekit_utils.tracks.audio_stream import AudioStream
    from livekit_utils.tracks.audio_stream_stats import AudioStreamStats
    from livekit_utils.tracks.local_audio_track import LocalAudioTrack
    from livekit_utils.tracks.local_video_track import LocalVideoTrack
    from livekit_utils.tracks.track import Track
    from livekit_utils.tracks.track_kind import TrackKind
    from livekit_utils.tracks.video_frame_event import VideoFrameEvent
    from livekit_utils.tracks.video_source import VideoSource
    from livekit_utils.tracks.video_stream import VideoStream
    from livekit_utils.tracks.video_stream_stats import VideoStreamStats
    from livekit_utils.voice.audio_processing_module import AudioProcessingModule
    from livekit_utils.voice.audio_processing_module_stats import AudioProcessingModuleStats

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
    "AVSynchronizer": "sync.av_synchronizer",
    "AVSynchronizerStats": "sync.av_synchronizer_stats",
    "AudioFilter": "filters.audio_filter",
    "AudioFilterError": "filters.audio_filter_error",
    "AudioFilterLoadState": "filters.audio_filter_load_state",
    "AudioFilterSession": "filters.audio_filter_session",
    "AudioFilterState": "filters.audio_filter_state",
    "AudioFrame": "frames.audio_frame",
    "AudioFrameEvent": "tracks.audio_frame_event",
    "AudioMixer": "mixing.audio_mixer",
    "AudioMixerStats": "mixing.audio_mixer_stats",
    "AudioMixerStreamStats": "mixing.audio_mixer_stream_stats",
    "AudioProcessingModule": "voice.audio_processing_module",
    "AudioProcessingModuleStats": "voice.audio_processing_module_stats",
    "AudioResampler": "conversion.audio_resampler",
    "AudioResamplerQuality": "conversion.audio_resampler",
    "AudioSource": "tracks.audio_source",
    "AudioStream": "tracks.audio_stream",
    "AudioStreamInfo": "filters.audio_stream_info",
    "AudioStreamStats": "tracks.audio_stream_stats",
    "DeviceError": "devices.backend.device_error",
    "DeviceState": "devices.device_state",
    "DeviceStateChange": "devices.device_state_change",
    "FrameProcessor": "filters.frame_processor",
    "InputCapture": "devices.input_capture",
    "InputCaptureStats": "devices.input_capture_stats",
    "LatePolicy": "sync.late_policy",
    "LocalAudioTrack": "tracks.local_audio_track",
    "LocalVideoTrack": "tracks.local_video_track",
    "MediaDevices": "devices.media_devices",
    "NoiseCancellationOptions": "filters.noise_cancellation_options",
    "OutputPlayer": "devices.output_player",
    "OutputPlayerStats": "devices.output_player_stats",
    "RingBuffer": "_kernels.ring_buffer",
    "Track": "tracks.track",
    "TrackKind": "tracks.track_kind",
    "VideoBufferType": "frames.video_buffer_type",
    "VideoFrame": "frames.video_frame",
    "VideoFrameEvent": "tracks.video_frame_event",
    "VideoRotation": "frames.video_rotation",
    "VideoSource": "tracks.video_source",
    "VideoStream": "tracks.video_stream",
    "VideoStreamStats": "tracks.video_stream_stats",
    "combine_audio_frames": "frames.audio_frame",
    "from_livekit": "frames.livekit_frames",
    "get_include": "filters.include",
    "sine_wave_generator": "frames.sine_wave",
    "to_livekit": "frames.livekit_frames",
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
