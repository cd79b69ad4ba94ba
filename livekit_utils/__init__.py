"""Media utilities for Python voice agents: frames, mixing, resampling; compiled, and without a server.

A name is imported from its module when it is first used: `import livekit_utils` alone loads neither asyncio nor any
compiled module.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit_utils._kernels.ring_buffer import RingBuffer
    from livekit_utils.conversion.audio_resampler import AudioResampler, AudioResamplerQuality
    from livekit_utils.devices.backend.request import DeviceError
    from livekit_utils.devices.device_state import DeviceState, DeviceStateChange
    from livekit_utils.devices.input_capture import InputCapture, InputCaptureStats
    from livekit_utils.devices.media_devices import MediaDevices
    from livekit_utils.devices.output_player import OutputPlayer, OutputPlayerStats
    from livekit_utils.filters.audio_filter import AudioFilter
    from livekit_utils.filters.audio_filter_session import AudioFilterSession
    from livekit_utils.filters.description import AudioStreamInfo, NoiseCancellationOptions
    from livekit_utils.filters.frame_processor import FrameProcessor
    from livekit_utils.filters.include import get_include
    from livekit_utils.filters.status import AudioFilterError, AudioFilterLoadState, AudioFilterState
    from livekit_utils.frames.audio_frame import AudioFrame, combine_audio_frames
    from livekit_utils.frames.livekit_frames import from_livekit, to_livekit
    from livekit_utils.frames.sine_wave import sine_wave_generator
    from livekit_utils.frames.video_frame import VideoBufferType, VideoFrame, VideoRotation
    from livekit_utils.mixing.audio_mixer import AudioMixer
    from livekit_utils.mixing.mixer_input import AudioMixerStats, AudioMixerStreamStats
    from livekit_utils.sync.av_synchronizer import AVSynchronizer, LatePolicy
    from livekit_utils.sync.show_record import AVSynchronizerStats
    from livekit_utils.tracks.audio_source import AudioSource
    from livekit_utils.tracks.audio_stream import AudioStream, AudioStreamStats
    from livekit_utils.tracks.events import AudioFrameEvent, VideoFrameEvent
    from livekit_utils.tracks.track import LocalAudioTrack, LocalVideoTrack, Track, TrackKind
    from livekit_utils.tracks.video_source import VideoSource
    from livekit_utils.tracks.video_stream import VideoStream, VideoStreamStats
    from livekit_utils.voice.audio_processing_module import AudioProcessingModule
    from livekit_utils.voice.stages import AudioProcessingModuleStats

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
    "AVSynchronizerStats": "sync.show_record",
    "AudioFilter": "filters.audio_filter",
    "AudioFilterError": "filters.status",
    "AudioFilterLoadState": "filters.status",
    "AudioFilterSession": "filters.audio_filter_session",
    "AudioFilterState": "filters.status",
    "AudioFrame": "frames.audio_frame",
    "AudioFrameEvent": "tracks.events",
    "AudioMixer": "mixing.audio_mixer",
    "AudioMixerStats": "mixing.mixer_input",
    "AudioMixerStreamStats": "mixing.mixer_input",
    "AudioProcessingModule": "voice.audio_processing_module",
    "AudioProcessingModuleStats": "voice.stages",
    "AudioResampler": "conversion.audio_resampler",
    "AudioResamplerQuality": "conversion.audio_resampler",
    "AudioSource": "tracks.audio_source",
    "AudioStream": "tracks.audio_stream",
    "AudioStreamInfo": "filters.description",
    "AudioStreamStats": "tracks.audio_stream",
    "DeviceError": "devices.backend.request",
    "DeviceState": "devices.device_state",
    "DeviceStateChange": "devices.device_state",
    "FrameProcessor": "filters.frame_processor",
    "InputCapture": "devices.input_capture",
    "InputCaptureStats": "devices.input_capture",
    "LatePolicy": "sync.av_synchronizer",
    "LocalAudioTrack": "tracks.track",
    "LocalVideoTrack": "tracks.track",
    "MediaDevices": "devices.media_devices",
    "NoiseCancellationOptions": "filters.description",
    "OutputPlayer": "devices.output_player",
    "OutputPlayerStats": "devices.output_player",
    "RingBuffer": "_kernels.ring_buffer",
    "Track": "tracks.track",
    "TrackKind": "tracks.track",
    "VideoBufferType": "frames.video_frame",
    "VideoFrame": "frames.video_frame",
    "VideoFrameEvent": "tracks.events",
    "VideoRotation": "frames.video_frame",
    "VideoSource": "tracks.video_source",
    "VideoStream": "tracks.video_stream",
    "VideoStreamStats": "tracks.video_stream",
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
