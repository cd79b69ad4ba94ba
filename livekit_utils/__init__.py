"""Media utilities for Python voice agents: frames, mixing, resampling; compiled, and without a server."""

from livekit_utils._kernels.ring_buffer import RingBuffer
from livekit_utils.audio_frame import AudioFrame, combine_audio_frames
from livekit_utils.audio_mixer import AudioMixer
from livekit_utils.audio_mixer_stats import AudioMixerStats
from livekit_utils.audio_mixer_stream_stats import AudioMixerStreamStats
from livekit_utils.audio_resampler import AudioResampler, AudioResamplerQuality
from livekit_utils.sine_wave import sine_wave_generator
from livekit_utils.video_buffer_type import VideoBufferType
from livekit_utils.video_frame import VideoFrame

__all__ = [
    "AudioFrame",
    "AudioMixer",
    "AudioMixerStats",
    "AudioMixerStreamStats",
    "AudioResampler",
    "AudioResamplerQuality",
    "RingBuffer",
    "VideoBufferType",
    "VideoFrame",
    "combine_audio_frames",
    "sine_wave_generator",
]
