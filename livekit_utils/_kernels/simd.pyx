"""Chooses the instruction set that the kernels use.

LIVEKIT_UTILS_SIMD in the environment forces a level: `baseline`, `avx2` or `avx512`. It is read once, at import.
"""
import os

from livekit_utils._kernels cimport csrc

_NAMES = ("baseline", "avx2", "avx512")


def detected():
    return _NAMES[<int>csrc.lku_simd_detect()]


def _choose():
    name = os.environ.get("LIVEKIT_UTILS_SIMD", "")
    if not name:
        return detected()
    if name not in _NAMES:
        raise ImportError(f"LIVEKIT_UTILS_SIMD: expected one of {', '.join(_NAMES)}, got {name!r}")
    if _NAMES.index(name) > _NAMES.index(detected()):
        raise ImportError(f"LIVEKIT_UTILS_SIMD: this machine has {detected()} at best, got {name!r}")
    return name


level = _choose()
LEVEL = _NAMES.index(level)
