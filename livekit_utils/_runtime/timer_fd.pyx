"""TimerFd is a timer of Linux that a selector can wait for, exact to some microseconds. A source sets it every 10 ms,
so it is compiled.
"""
from libc.errno cimport EAGAIN, errno

import os

cdef extern from *:
    """
    #include <errno.h>
    #ifdef __linux__
    #include <sys/timerfd.h>
    #include <time.h>
    #include <unistd.h>

    static int timer_open(void) {
        return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    }

    static int timer_set(int fd, long long nanoseconds) {
        struct itimerspec times = {{0, 0}, {0, 0}};
        times.it_value.tv_sec = (time_t)(nanoseconds / 1000000000);
        times.it_value.tv_nsec = (long)(nanoseconds % 1000000000);
        return timerfd_settime(fd, 0, &times, NULL);
    }

    static int timer_read(int fd) {
        unsigned long long expirations;
        return read(fd, &expirations, sizeof expirations) < 0 ? -1 : 0;
    }

    static void timer_close(int fd) {
        close(fd);
    }
    #else
    static int timer_open(void) {
        errno = ENOSYS;
        return -1;
    }

    static int timer_set(int fd, long long nanoseconds) {
        (void)fd;
        (void)nanoseconds;
        return timer_open();
    }

    static int timer_read(int fd) {
        (void)fd;
        return timer_open();
    }

    static void timer_close(int fd) {
        (void)fd;
    }
    #endif
    """
    int timer_open()
    int timer_set(int fd, long long nanoseconds)
    int timer_read(int fd)
    void timer_close(int fd)

# Thirty years: three hundred are more nanoseconds than can be counted.
cdef double _MOST_S = 1e9


cdef class TimerFd:
    """Becomes readable when its time is over. It is closed with the object.

    Raises:
        OSError: The system has no such timer, or the process may not have one.
    """

    def __cinit__(self):
        self._fd = timer_open()
        if self._fd < 0:
            raise _error()

    def __dealloc__(self):
        if self._fd >= 0:
            timer_close(self._fd)

    def fileno(self):
        return self._fd

    cpdef set(self, double seconds):
        """Runs for some time from now on, at most thirty years, whether it is running or not."""
        cdef double nanoseconds = min(seconds, _MOST_S) * 1e9
        if timer_set(self._fd, <long long>nanoseconds if nanoseconds > 1 else 1) < 0:  # 0 would stop it
            raise _error()

    cpdef read(self):
        """Makes it unreadable."""
        if timer_read(self._fd) < 0 and errno != EAGAIN:  # it was set again since
            raise _error()


cdef _error():
    cdef int number = errno
    return OSError(number, os.strerror(number))
