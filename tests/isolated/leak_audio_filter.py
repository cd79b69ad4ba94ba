import asyncio
import logging
import sys
import threading
import time

from leaks import check, raises

from livekit_utils import AudioFilter, AudioFilterError, AudioFrame
from livekit_utils._kernels.plugin import PluginLibrary

logging.disable()
good, refusing, incomplete = sys.argv[1:]
frame = AudioFrame.create(48000, 1, 700)


def settle() -> None:
    """Until all threads of sessions and libraries have ended."""
    while threading.active_count() > 1:
        time.sleep(0.0001)


library = PluginLibrary(good)
session = library.create(48000, "{}", "{}")
assert session is not None
data = bytearray(960)


def kernel() -> None:
    session.process(data)
    session.process(memoryview(data)[1:-1])
    session.update_stream_info("{}")
    created = library.create(48000, "{}", "{}")
    assert created is not None
    created.destroy()


def kernel_fails() -> None:
    raises(ValueError, library.on_load, "\0")
    raises(ValueError, library.create, 48000, "\0", "")
    raises(TypeError, session.process, None)
    raises(OSError, PluginLibrary, "/no/such/library")


opened = AudioFilter("a", good)


def sessions() -> None:
    made = opened.create_session(48000, 1)
    made.push(frame)
    asyncio.run(made.wait_ready())
    made.push(frame)
    made.flush()
    made.close()
    settle()


def forgotten() -> None:
    opened.create_session(48000, 1).push(frame)
    settle()


def refused() -> None:
    with AudioFilter("b", refusing) as other:
        raises(AudioFilterError, other.process, frame)
    settle()


def load() -> None:
    with AudioFilter("b", refusing):
        AudioFilter("b", refusing).close()
    raises(AudioFilterError, AudioFilter, "c", incomplete)
    raises(FileNotFoundError, AudioFilter, "c", "no/such/file")
    raises(ValueError, AudioFilter, "a", refusing)
    settle()


def offline() -> None:
    opened.process(frame)
    opened.flush()
    settle()


check(kernel, 50_000, library, session, data, frame)
check(kernel_fails, 10_000, library, session, data)
check(sessions, 500, opened, frame)
check(forgotten, 1000, opened, frame)
check(refused, 300, frame)
check(load, 300, frame)
check(offline, 1000, opened, frame)
