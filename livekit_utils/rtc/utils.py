"""The documented import path of `combine_audio_frames` and `sine_wave_generator`."""

from livekit_utils.frames.audio_frame import combine_audio_frames
from livekit_utils.frames.sine_wave import sine_wave_generator

__all__ = ["combine_audio_frames", "sine_wave_generator"]
