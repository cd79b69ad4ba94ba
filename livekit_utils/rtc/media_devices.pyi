# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import BLOCKSIZE as BLOCKSIZE
from livekit_utils import DEFAULT_CHANNELS as DEFAULT_CHANNELS
from livekit_utils import DEFAULT_SAMPLE_RATE as DEFAULT_SAMPLE_RATE
from livekit_utils import FRAME_SAMPLES as FRAME_SAMPLES
from livekit_utils import InputCapture as InputCapture
from livekit_utils import MediaDevices as MediaDevices
from livekit_utils import OutputPlayer as OutputPlayer
from livekit.rtc.media_devices import *
from livekit_utils import BLOCKSIZE as BLOCKSIZE
from livekit_utils import DEFAULT_CHANNELS as DEFAULT_CHANNELS
from livekit_utils import DEFAULT_SAMPLE_RATE as DEFAULT_SAMPLE_RATE
from livekit_utils import FRAME_SAMPLES as FRAME_SAMPLES
from livekit_utils import InputCapture as InputCapture
from livekit_utils import MediaDevices as MediaDevices
from livekit_utils import OutputPlayer as OutputPlayer
