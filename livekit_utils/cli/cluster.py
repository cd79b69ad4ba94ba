"""The cluster that the command `batch` is given: a scheduler of Dask."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from livekit_utils import __version__
from livekit_utils._runtime.install import install_line
from livekit_utils.cli.errors import CliError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

# Seconds.
_CONNECT_S = 30


@contextmanager
def cluster(scheduler: str) -> Iterator[Executor]:
    """Connects to a scheduler, and yields its executor.

    Args:
        scheduler: Its address, as tcp://host:8786, or the path of the file that `dask scheduler --scheduler-file`
            writes.

    Raises:
        CliError: distributed is not installed, the scheduler does not answer, or a worker has no livekit_utils or
            another version.
    """
    try:
        import distributed
    except ImportError as error:
        raise CliError(f"--scheduler needs distributed: {install_line('batch')} ({error})") from error
    try:
        address = scheduler if "://" in scheduler else _address_in(scheduler)
        connect: Any = distributed.Client  # untyped
        client = connect(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError, KeyError) as error:
        raise CliError(f"--scheduler: expected one that answers at {scheduler}: {error}") from error
    with client:
        _check(client)
        executor = client.get_executor()
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)  # cancels what is left


def _address_in(file: str) -> str:
    # The client would wait for the file, for ever.
    with open(file, encoding="utf-8") as opened:
        return str(json.loads(opened.read())["address"])


def _check(client: Any) -> None:
    try:
        versions = client.run(_version)
    except ImportError as error:
        raise CliError(f"--scheduler: expected workers with livekit_utils: {error}") from error
    for worker, version in versions.items():
        if version != __version__:
            text = f"--scheduler: expected workers with livekit_utils {__version__}, got {version} at {worker}"
            raise CliError(f"{text}; outputs of other versions may differ")


def _version() -> str:
    from livekit_utils import __version__

    return __version__
