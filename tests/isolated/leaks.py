"""Runs something very often and fails where the process has grown."""

import gc
import sys
from collections.abc import Callable
from pathlib import Path

GROWTH = 3 << 20
BLOCKS = 2000


def resident() -> int:
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * 4096
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def check(step: Callable[[], object], times: int, *watched: object) -> None:
    """`watched` are objects that `step` uses: it must leave no reference to them behind."""
    for _ in range(times // 20):
        step()
    gc.collect()
    references = [sys.getrefcount(item) for item in watched]
    blocks, memory = sys.getallocatedblocks(), resident()
    for _ in range(times):
        step()
    gc.collect()
    grown, more_blocks = resident() - memory, sys.getallocatedblocks() - blocks
    assert [sys.getrefcount(item) for item in watched] == references, step.__qualname__
    assert grown < GROWTH, f"{step.__qualname__}: {grown} bytes more after {times} times"
    assert more_blocks < BLOCKS, f"{step.__qualname__}: {more_blocks} blocks more after {times} times"


def raises(
    error: type[Exception] | tuple[type[Exception], ...], function: Callable[..., object], *args: object
) -> None:
    try:
        function(*args)
    except error:
        return
    raise AssertionError(f"{function} did not raise")
