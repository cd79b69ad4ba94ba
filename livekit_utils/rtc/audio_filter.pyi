# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import AudioFilter as AudioFilter
from livekit.rtc.audio_filter import *
from livekit_utils import AudioFilter as AudioFilter
