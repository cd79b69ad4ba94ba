# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit_utils import *
from livekit.rtc import *
from livekit_utils import *
from livekit_utils.rtc import apm as apm
from livekit_utils.rtc import audio_filter as audio_filter
from livekit_utils.rtc import audio_frame as audio_frame
from livekit_utils.rtc import audio_mixer as audio_mixer
from livekit_utils.rtc import audio_resampler as audio_resampler
from livekit_utils.rtc import audio_source as audio_source
from livekit_utils.rtc import audio_stream as audio_stream
from livekit_utils.rtc import data_stream as data_stream
from livekit_utils.rtc import data_track as data_track
from livekit_utils.rtc import e2ee as e2ee
from livekit_utils.rtc import encoded_video as encoded_video
from livekit_utils.rtc import event_emitter as event_emitter
from livekit_utils.rtc import frame_processor as frame_processor
from livekit_utils.rtc import jupyter as jupyter
from livekit_utils.rtc import log as log
from livekit_utils.rtc import media_devices as media_devices
from livekit_utils.rtc import participant as participant
from livekit_utils.rtc import platform_audio as platform_audio
from livekit_utils.rtc import room as room
from livekit_utils.rtc import rpc as rpc
from livekit_utils.rtc import synchronizer as synchronizer
from livekit_utils.rtc import track as track
from livekit_utils.rtc import track_publication as track_publication
from livekit_utils.rtc import transcription as transcription
from livekit_utils.rtc import utils as utils
from livekit_utils.rtc import version as version
from livekit_utils.rtc import video_frame as video_frame
from livekit_utils.rtc import video_source as video_source
from livekit_utils.rtc import video_stream as video_stream
