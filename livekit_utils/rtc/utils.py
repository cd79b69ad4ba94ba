"""The documented import path of `combine_audio_frames` and `sine_wave_generator`."""

import sys

from livekit_utils.rtc._names import Submodule

__path__: list[str] = []
sys.modules[__name__].__class__ = Submodule
