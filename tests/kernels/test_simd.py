from pathlib import Path

import pytest

from livekit_utils._kernels import simd

NAMES = ("baseline", "avx2", "avx512")


def test_level_is_one_that_this_machine_has() -> None:
    assert simd.detected() in NAMES
    assert simd.level in NAMES
    assert NAMES[simd.LEVEL] == simd.level
    assert NAMES.index(simd.detected()) >= simd.LEVEL


def test_detects_what_the_kernel_of_the_machine_reports() -> None:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        pytest.skip("no /proc/cpuinfo here")
    flags = next((set(x.split()) for x in cpuinfo.read_text().splitlines() if x.startswith("flags")), set())
    if not flags:
        assert simd.detected() == "baseline"
        return
    avx512 = {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= flags
    assert simd.detected() == ("avx512" if avx512 else "avx2" if "avx2" in flags else "baseline")
