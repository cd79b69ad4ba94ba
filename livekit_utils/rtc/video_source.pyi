# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import VideoSource as VideoSource
from livekit.rtc.video_source import *
from livekit_utils import VideoSource as VideoSource
