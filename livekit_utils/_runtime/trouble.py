"""Trouble: a fault that may repeat with every frame is logged once per run, and counted."""

from __future__ import annotations

import logging

logger = logging.getLogger("livekit_utils")

# What foreign code raises is its own error, except these, with which the user ends the program. Libraries in other
# languages raise BaseExceptions too: PyO3's PanicException is one.
ENDS_PROGRAM = (KeyboardInterrupt, SystemExit)

# At most this many runs of a fault are logged: a fault in every other frame must not fill the log.
_MAX_LOGGED_RUNS = 5

# After this many good calls in a row, the fault counts as new again: one second of 10 ms frames.
_NUM_GOOD_CALLS = 100


class Trouble:
    """Counts a repeating fault, and logs the first failure of each run of failures.

    After `_MAX_LOGGED_RUNS` runs it only counts, until `_NUM_GOOD_CALLS` calls in a row were good.

    Args:
        message: The log message, a %-format for the arguments of `failed`.
        level: The log level.
        num_good: Number of good calls in a row that end a run of failures.

    Threads: for one thread at a time; the counter may be read in any.

    Example:
        >>> trouble = Trouble("AudioStream: %s fails")
        >>> trouble.failed("it")  # logs "AudioStream: it fails"
        >>> trouble.failed("it")
        >>> trouble.good()
        False
        >>> trouble.count
        2
    """

    def __init__(self, message: str, level: int = logging.ERROR, *, num_good: int = 1) -> None:
        self._message = message
        self._level = level
        self._num_good_to_end_run = num_good
        self._failing = False
        self._num_logged = 0  # runs of failures logged since it last worked for long
        self._num_good = 0  # good calls since the last failure
        self.count = 0

    @property
    def failing(self) -> bool:
        """Whether the last call failed."""
        return self._failing

    def failed(self, *arguments: object, error: BaseException | None = None, times: int = 1) -> None:
        """Counts a failure, and logs it if it begins a run; with the traceback of `error`."""
        self.count += times
        self._num_good = 0
        if not self._failing and self._num_logged < _MAX_LOGGED_RUNS:
            self._num_logged += 1
            last = "; further failures are only counted" if self._num_logged == _MAX_LOGGED_RUNS else ""
            logger.log(self._level, self._message + last, *arguments, exc_info=error)
        self._failing = True

    def good(self) -> bool:
        """Counts a good call, which may end a run of failures; returns True if the next failure counts as new again."""
        if not self._failing and not self._num_logged:
            return False
        self._num_good += 1
        if self._num_good >= self._num_good_to_end_run:
            self._failing = False
        if self._failing or self._num_good < _NUM_GOOD_CALLS:
            return False
        self._num_logged = 0
        return True
