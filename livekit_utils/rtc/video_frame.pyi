# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import VideoFrame as VideoFrame
from livekit.rtc.video_frame import *
from livekit_utils import VideoFrame as VideoFrame
