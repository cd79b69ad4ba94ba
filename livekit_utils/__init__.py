"""Media utilities for Python voice agents: frames, mixing, resampling; compiled, and without a server.

A name is imported from its module when it is first used: `import livekit_utils` alone loads neither asyncio nor any
compiled module.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

_HOMES = {
    "AudioFrame": "audio_frame",
    "AudioMixer": "audio_mixer",
    "AudioMixerStats": "audio_mixer_stats",
    "AudioMixerStreamStats": "audio_mixer_stream_stats",
    "AudioResampler": "audio_resampler",
    "AudioResamplerQuality": "audio_resampler",
    "RingBuffer": "_kernels.ring_buffer",
    "VideoBufferType": "video_buffer_type",
    "VideoFrame": "video_frame",
    "combine_audio_frames": "audio_frame",
    "sine_wave_generator": "sine_wave",
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
