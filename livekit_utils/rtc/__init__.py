"""The names of `livekit_utils` under the path of LiveKit's own package: `from livekit_utils import rtc`."""

from livekit_utils import *  # noqa: F403
from livekit_utils import __all__ as __all__
