"""The recorders that nobody has closed yet: they are ended with the program."""

from __future__ import annotations

import atexit
import logging
import os
import warnings
import weakref
from typing import Protocol

logger = logging.getLogger("livekit_utils")


class Finishable(Protocol):
    """A Recorder, to this module."""

    def _finish(self) -> None: ...


open_recorders: weakref.WeakSet[Finishable] = weakref.WeakSet()

# A forked child does not write the files of its parent.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=open_recorders.clear)


# Registered on import: exit handlers run in reverse order, so this one comes before the wait for the threads.
@atexit.register
def _finish_all() -> None:
    for recorder in list(open_recorders):
        try:
            recorder._finish()
            warnings.warn(f"{recorder!r} was not closed", ResourceWarning, source=recorder, stacklevel=1)
        except Exception:  # the others must be finished, too; and a warning may be an error
            logger.exception("ending %r failed", recorder)
