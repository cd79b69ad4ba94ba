# A gain as the user gives it (a factor) and as the mix kernel takes it (fixed point).
from libc.math cimport fabs, llround
from libc.stdint cimport int32_t

from livekit_utils._kernels cimport csrc


cdef inline int32_t fixed_gain(double gain) except? -1:
    # NaN fails the comparison too.
    if not fabs(gain) < 128.0:
        raise ValueError(f"expected a gain between -128 and 128 (+42 dB), got {gain}")
    return <int32_t>min(llround(gain * csrc.LKU_GAIN_UNITY), 2147483647)
