# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import VideoFrameEvent as VideoFrameEvent
from livekit_utils import VideoStream as VideoStream
from livekit.rtc.video_stream import *
from livekit_utils import VideoFrameEvent as VideoFrameEvent
from livekit_utils import VideoStream as VideoStream
