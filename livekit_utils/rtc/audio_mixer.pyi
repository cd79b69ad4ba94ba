# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import AudioMixer as AudioMixer
from livekit.rtc.audio_mixer import *
from livekit_utils import AudioMixer as AudioMixer
