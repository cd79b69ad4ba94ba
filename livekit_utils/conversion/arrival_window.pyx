"""ArrivalWindow finds the frame of each second that came soonest. It is compiled because it looks at every frame."""
from libc.math cimport INFINITY


cdef class ArrivalWindow:
    """The frame of a window of time that came soonest, relative to a line of how far the stream should be ahead.

    - `changed_s`: what others than the stream have put into the queue so far, less what they took out, in seconds.
    - `soonest_s`, `ahead_s`: when the soonest frame came, and how far ahead the stream then was.
    - `off_s`: how far that is above the line.

    Args:
        length_s: Seconds, from the first frame on.
    """

    def __init__(self, double length_s):
        self._length_s = length_s
        self.begin()

    def begin(self):
        """Lets a new window begin with the next frame."""
        self.soonest_s = self.ahead_s = 0.0
        self.off_s = self._end_s = -INFINITY

    def set_line(self, double time_s, double ahead_s, double rate):
        """Sets how far the stream should be ahead: `ahead_s` at a time, and `rate` more in every second after it."""
        self._line_s, self._line_ahead_s, self._line_rate = time_s, ahead_s, rate

    cpdef bint is_over(self, double now_s) noexcept:
        """Whether a window has begun and has ended."""
        return now_s >= self._end_s > -INFINITY

    cpdef void see(self, double now_s, double fill_s) noexcept:
        """Notes that a frame came, with which the queue holds `fill_s`."""
        # How far the stream would be ahead if nobody had changed anything.
        cdef double ahead_s = fill_s - self.changed_s
        cdef double off_s = ahead_s - (self._line_ahead_s + self._line_rate * (now_s - self._line_s))
        if self._end_s == -INFINITY:
            self._end_s = now_s + self._length_s
        if off_s > self.off_s:
            self.soonest_s, self.ahead_s, self.off_s = now_s, ahead_s, off_s
