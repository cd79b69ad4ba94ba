"""FollowedAudio is the audio source that pictures are synchronized with. Every frame of it goes through, so it is
compiled.
"""
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF

from livekit_utils.frames.audio_frame cimport AudioFrame
from livekit_utils.sync.media_clock cimport MediaClock

import asyncio
import math
from types import CoroutineType

from livekit_utils._runtime.arguments import check_finite
from livekit_utils._runtime.begun import Begun, begin
from livekit_utils._runtime.trouble import ENDS_PROGRAM as _ENDS_PROGRAM, Trouble

cdef extern from "Python.h":
    ctypedef enum PySendResult:
        PYGEN_RETURN, PYGEN_ERROR, PYGEN_NEXT
    PySendResult PyIter_Send(object iterator, object value, PyObject **result) except PYGEN_ERROR

# A source with less audio than this counts as empty, because floats round.
cdef double _EMPTY_S = 1e-4

cdef object _Coroutine = CoroutineType


cdef object _begin(waiting):
    """Does what `begin` does, without an exception where a coroutine of Python ends."""
    cdef PyObject *result = NULL
    if type(waiting) is not _Coroutine:
        return begin(waiting)
    how = PyIter_Send(waiting, None, &result)
    given = <object>result
    Py_DECREF(given)
    return None if how == PYGEN_RETURN else Begun(given, waiting.__await__())


cdef class FollowedAudio:
    """Wraps an audio source of any make, so that its errors and hangs do not stop the pictures.

    Asking for its queue never raises, and `release` ends every wait for it.
    """

    cdef object _source
    cdef object _trouble
    cdef bint _has_captured
    cdef bint _has_held
    cdef dict _waits  # of timeouts, with their loops; `release` lets these expire

    def __init__(self, source):
        self._source = source
        self._trouble = Trouble("AVSynchronizer: the audio source does not tell its time: %s")
        self._waits = {}

    @property
    def queued_s(self):
        """Seconds of audio that are left to play; 0 if the source fails to tell."""
        return self._queued_s()

    cdef double _queued_s(self) except? -1:
        cdef double queued
        try:
            given = self._source.queued_duration
            queued = given if type(given) is float and math.isfinite(given) else check_finite("queued_duration", given)
        except _ENDS_PROGRAM:
            raise
        except BaseException as error:
            self._trouble.failed(error, error=error)
            return 0.0
        if self._trouble.count:
            self._trouble.good()
        if queued > _EMPTY_S:
            self._has_held = True
        return queued if queued > 0.0 else 0.0

    @property
    def has_captured(self):
        """Whether the source has taken a frame."""
        return self._has_captured

    @property
    def is_queue(self):
        """Whether the source holds what it takes until it is played, as far as is known."""
        return self._has_held or not self._has_captured

    @property
    def num_errors(self):
        """How often the source failed to tell how much audio it has left."""
        return self._trouble.count

    def follow(self, frame, timestamp, MediaClock clock not None, loop):
        """Does what `capture` does with audio that is for certain heard right behind what was pushed before, as most
        is. Returns None for everything else, with which it does nothing."""
        cdef double duration
        if isinstance(frame, AudioFrame):
            duration = (<AudioFrame>frame).samples_per_channel / <double>(<AudioFrame>frame).sample_rate
        elif hasattr(frame, "samples_per_channel"):
            duration = frame.samples_per_channel / frame.sample_rate
        else:
            return None
        if not duration or (timestamp is not None and not clock.goes_on(<double>timestamp - duration)):
            return None
        return self.capture(frame, duration, timestamp, clock, loop)

    cpdef capture(self, frame, double duration, timestamp, MediaClock clock, loop):
        """Hands a frame to the source, and notes on the clock when it is heard.

        Args:
            frame: Audio of `duration` seconds.
            timestamp: The media time at its end, or None.
            loop: The running event loop.

        Returns:
            Where the source has taken the frame at once, whether pictures may be due at another time than before.
            Otherwise what is to be awaited: that when the source has taken it, None if released before.
        """
        clock.begin_push(duration)
        try:
            rest = _begin(self._source.capture_frame(frame))
        except BaseException:
            clock.abandon_push(duration)
            raise
        if rest is not None:
            return self._captured(rest, duration, timestamp, clock, loop)
        self._has_captured = True
        return clock.end_push(duration, timestamp, loop.time(), self._queued_s())

    async def _captured(self, waiting, double duration, timestamp, MediaClock clock, loop):
        try:
            taken = await self._unless_released(waiting)
        except BaseException:
            clock.abandon_push(duration)
            raise
        if not taken:
            clock.abandon_push(duration)
            return None
        self._has_captured = True
        return clock.end_push(duration, timestamp, loop.time(), self._queued_s())

    async def wait_for_playout(self):
        """Returns True when all audio has been played, False if released before."""
        return await self._unless_released(self._source.wait_for_playout())

    def clear(self):
        """Discards the audio that is queued in the source."""
        self._source.clear_queue()

    def release(self):
        """Ends all waits of the running event loop. Those of other loops are gone with their loop."""
        for wait, loop in self._waits.items():
            if loop is asyncio.get_running_loop():
                wait.reschedule(-math.inf)

    async def _unless_released(self, waiting):
        wait = asyncio.timeout(None)
        try:
            async with wait:
                self._waits[wait] = asyncio.get_running_loop()
                await waiting
        except TimeoutError:
            if not wait.expired():
                raise  # the source's own
            return False
        finally:
            self._waits.pop(wait, None)
        return True
