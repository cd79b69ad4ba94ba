# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import AudioFrame as AudioFrame
from livekit.rtc.audio_frame import *
from livekit_utils import AudioFrame as AudioFrame
