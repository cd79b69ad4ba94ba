"""Every instruction set computes the same bits."""

from typing import Any

import pytest

from livekit_utils._kernels import simd
from tests.support.paths import TESTS

DIGEST = str(TESTS / "isolated" / "simd_digest.py")
LEVELS = ("baseline", "avx2", "avx512")
HERE = LEVELS[: LEVELS.index(simd.detected()) + 1]


def test_all_levels_agree_to_the_bit(run_python: Any, rand: Any) -> None:
    if len(HERE) == 1:
        pytest.skip("this machine has the baseline only")
    seed = str(rand.randrange(2**32))
    digests = {}
    for level in HERE:
        process = run_python(DIGEST, seed, LIVEKIT_UTILS_SIMD=level)
        assert (process.returncode, process.stderr) == (0, f"{level}\n")
        digests[level] = process.stdout.splitlines()
    assert len(digests["baseline"]) == 22
    for level in HERE:
        assert digests[level] == digests["baseline"], level


@pytest.mark.parametrize("level", ["", *HERE])
def test_a_level_can_be_chosen(run_python: Any, level: str) -> None:
    script = "from livekit_utils._kernels import simd; print(simd.level, simd.detected())"
    process = run_python("-c", script, LIVEKIT_UTILS_SIMD=level)
    assert process.stdout.split() == [level or simd.detected(), simd.detected()], process.stderr


@pytest.mark.parametrize("name", ["sse9", "AVX2", " ", "1", "avx2,avx512"])
@pytest.mark.parametrize("module", ["simd", "gain_queue", "sine"])
def test_an_unknown_level_fails_the_import(run_python: Any, name: str, module: str) -> None:
    process = run_python("-c", f"import livekit_utils._kernels.{module}", LIVEKIT_UTILS_SIMD=name)
    assert process.returncode == 1
    message = f"ImportError: LIVEKIT_UTILS_SIMD: expected one of baseline, avx2, avx512, got {name!r}"
    assert process.stderr.splitlines()[-1] == message


def test_a_level_that_the_machine_lacks_fails_the_import(run_python: Any) -> None:
    if HERE == LEVELS:
        pytest.skip("this machine has every level")
    for level in LEVELS[len(HERE) :]:
        process = run_python("-c", "import livekit_utils._kernels.simd", LIVEKIT_UTILS_SIMD=level)
        assert process.returncode == 1
        message = f"ImportError: LIVEKIT_UTILS_SIMD: this machine has {HERE[-1]} at best, got {level!r}"
        assert process.stderr.splitlines()[-1] == message
