# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import AudioFrameEvent as AudioFrameEvent
from livekit_utils import AudioStream as AudioStream
from livekit_utils import NoiseCancellationOptions as NoiseCancellationOptions
from livekit.rtc.audio_stream import *
from livekit_utils import AudioFrameEvent as AudioFrameEvent
from livekit_utils import AudioStream as AudioStream
from livekit_utils import NoiseCancellationOptions as NoiseCancellationOptions
