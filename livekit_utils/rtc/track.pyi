# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import LocalAudioTrack as LocalAudioTrack
from livekit_utils import LocalVideoTrack as LocalVideoTrack
from livekit_utils import Track as Track
from livekit.rtc.track import *
from livekit_utils import LocalAudioTrack as LocalAudioTrack
from livekit_utils import LocalVideoTrack as LocalVideoTrack
from livekit_utils import Track as Track
