"""What can be wrong with a benchmark."""

from __future__ import annotations


class DisagreementError(Exception):
    """Two contenders do not compute the same: comparing their times would mean nothing."""


class UnknownNameError(Exception):
    """No row has this name."""
