# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import AudioResampler as AudioResampler
from livekit_utils import AudioResamplerQuality as AudioResamplerQuality
from livekit.rtc.audio_resampler import *
from livekit_utils import AudioResampler as AudioResampler
from livekit_utils import AudioResamplerQuality as AudioResamplerQuality
