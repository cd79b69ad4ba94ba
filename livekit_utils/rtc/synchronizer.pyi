# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import AVSynchronizer as AVSynchronizer
from livekit.rtc.synchronizer import *
from livekit_utils import AVSynchronizer as AVSynchronizer
