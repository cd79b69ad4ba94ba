"""Streams: the end of async iterators that this package has made or been given."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from livekit_utils._runtime.tasks import running_task
from livekit_utils._runtime.trouble import ENDS_PROGRAM

logger = logging.getLogger("livekit_utils")


async def close_iterator(iterator: Any, subject: str) -> None:
    """Closes an iterator that nobody else can close, if it has an `aclose`; an error of it is logged.

    Where the caller is collected together with its loop, it does nothing: nobody can wait any more.

    Args:
        iterator: An async iterator.
        subject: What it is, for the log: "AudioMixer: the iterator of 'x'".
    """
    if not hasattr(iterator, "aclose") or sys.exc_info()[0] is GeneratorExit or running_task() is None:
        return
    try:
        await iterator.aclose()
    except (*ENDS_PROGRAM, GeneratorExit, asyncio.CancelledError):
        raise
    except BaseException as error:
        logger.error("%s does not close: %s", subject, error, exc_info=error)
