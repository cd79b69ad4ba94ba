# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import combine_audio_frames as combine_audio_frames
from livekit_utils import sine_wave_generator as sine_wave_generator
from livekit.rtc.utils import *
from livekit_utils import combine_audio_frames as combine_audio_frames
from livekit_utils import sine_wave_generator as sine_wave_generator
