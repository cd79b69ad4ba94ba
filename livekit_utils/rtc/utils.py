"""The documented import path of `combine_audio_frames` and `sine_wave_generator`."""

from livekit_utils import combine_audio_frames, sine_wave_generator

__all__ = ["combine_audio_frames", "sine_wave_generator"]
