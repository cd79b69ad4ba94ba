# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import AudioProcessingModule as AudioProcessingModule
from livekit.rtc.apm import *
from livekit_utils import AudioProcessingModule as AudioProcessingModule
