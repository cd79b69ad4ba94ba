"""Helps the commands that use microphones and speakers."""

from __future__ import annotations

import contextlib
import logging
import re
from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError, printable
from livekit_utils.devices.device_state import DeviceState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from livekit_utils.devices.device_state import DeviceStateChange

# Longer numbers are no index, and may be a part of a name.
_INDEX = re.compile(r"-?[0-9]{1,9}")


@contextlib.contextmanager
def installed() -> Iterator[None]:
    """Turns errors about missing packages and bad arguments into a CliError."""
    try:
        yield
    except (ImportError, ValueError) as error:
        raise CliError(str(error)) from error


def parse_device(text: str | None) -> int | str | None:
    """Returns a number as the index of a device, and any other text as its name or a part of it."""
    return int(text) if text is not None and _INDEX.fullmatch(text) else text


class _ConsoleHandler(logging.Handler):
    """Prints each log record as one line, without a traceback."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        _print_line(self._console, record.getMessage())


def _print_line(console: Console, text: str) -> None:
    console.print(printable(text), markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def logging_to(console: Console) -> Iterator[None]:
    """Shows the warnings of devices on the console, above a live bar."""
    logger = logging.getLogger("livekit_utils")
    handler = _ConsoleHandler(console)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def announce_recovery(console: Console) -> Callable[[DeviceStateChange], None]:
    """Returns a listener that prints when a device has recovered, which the log does not report."""

    def listener(change: DeviceStateChange) -> None:
        if change.state is DeviceState.RECOVERED:
            _print_line(console, f"{change.device}: {change.reason}")

    return listener
