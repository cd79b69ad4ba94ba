# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import FrameProcessor as FrameProcessor
from livekit.rtc.frame_processor import *
from livekit_utils import FrameProcessor as FrameProcessor
