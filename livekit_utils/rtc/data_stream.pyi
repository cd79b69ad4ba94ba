# Written by tools/face.py from the tables of names.

# mypy: disable-error-code=assignment

from livekit.rtc.data_stream import *
