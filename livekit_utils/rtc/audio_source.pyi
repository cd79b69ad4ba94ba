# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import AudioSource as AudioSource
from livekit.rtc.audio_source import *
from livekit_utils import AudioSource as AudioSource
