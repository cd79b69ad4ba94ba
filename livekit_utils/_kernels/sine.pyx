"""Makes a sine wave of int16 samples."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize

from libc.math cimport isfinite

from livekit_utils._kernels cimport csrc

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL

cdef enum:
    MAX_SAMPLES = 0x7FFFFFFF


def sine_s16(double peak, double phase_turns, double step_turns, Py_ssize_t num_samples):
    """Returns `num_samples` samples of peak * sin(2 pi (phase_turns + i * step_turns)), rounded to nearest."""
    if not 0.0 <= peak <= 32767.0:
        raise ValueError(f"expected a peak of 0 to 32767, got {peak}")
    if not (isfinite(phase_turns) and isfinite(step_turns)):
        raise ValueError(f"expected a finite phase and step, got {phase_turns} and {step_turns}")
    if not 0 <= num_samples <= MAX_SAMPLES:
        raise ValueError(f"expected 0 to {MAX_SAMPLES} samples, got {num_samples}")
    result = PyByteArray_FromStringAndSize(NULL, num_samples * 2)
    cdef csrc.lku_s16 *out = <csrc.lku_s16 *>PyByteArray_AS_STRING(result)
    csrc.lku_sine_s16(SIMD, peak, phase_turns, step_turns, num_samples, out)
    return result
