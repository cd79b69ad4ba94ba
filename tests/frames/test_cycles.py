"""What the garbage collector does with frames and rings in reference cycles. A mistake here ends the process: each test
has one of its own."""

import gc
import mmap
from importlib.util import find_spec
from typing import Any

import pytest

from livekit_utils import AudioFrame
from livekit_utils._kernels.ring_buffer import RingBuffer
from tests.isolated.cycles import CYCLES, OWNERS
from tests.support.paths import TESTS
from tests.support.randomness import SEED

ISOLATED = TESTS / "isolated"


@pytest.mark.parametrize("owner", OWNERS)
def test_the_collector_takes_cycles(run_python: Any, owner: str) -> None:
    if owner == "sdk_frame" and find_spec("livekit") is None:
        pytest.skip("without the LiveKit SDK")
    process = run_python(str(ISOLATED / "cycles.py"), owner)
    names = [cycle.__name__ for cycle in CYCLES]
    assert (process.stdout.split(), process.stderr) == ([*names, "owner_that_refers_back", "done"], "")
    assert process.returncode == 0


def test_the_collector_takes_random_cycles(run_python: Any) -> None:
    process = run_python(str(ISOLATED / "fuzz_cycles.py"), str(SEED), "6000")
    assert (process.returncode, process.stdout, process.stderr) == (0, "", ""), f"LIVEKIT_UTILS_SEED={SEED}"


def test_the_collector_does_not_see_borrowed_memory() -> None:
    view = memoryview(mmap.mmap(-1, mmap.PAGESIZE))
    assert view not in gc.get_referents(AudioFrame(view, 48000, 1, 480))
    assert view not in gc.get_referents(RingBuffer.create_in(view, 64))
