"""The error of a run that cannot go on."""

from __future__ import annotations


class BatchError(RuntimeError):
    """A run cannot begin, or cannot go on: another one is at the folder, or the executor is gone. It is the error of no
    single file. What is done by then is in the manifest."""
