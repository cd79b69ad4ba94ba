from array import array

from leaks import check, raises

from livekit_utils._kernels.channels import downmix_s16, upmix_s16
from livekit_utils._kernels.convert import f32_to_s16, s16_to_f32
from livekit_utils._kernels.dtmf import Dtmf
from livekit_utils._kernels.high_pass import HighPass
from livekit_utils._kernels.level import level_s16
from livekit_utils._kernels.linear import LinearInterpolator
from livekit_utils._kernels.polyphase import PolyphaseConverter, PolyphaseFilter
from livekit_utils._kernels.sine import sine_s16
from livekit_utils._kernels.variable_ratio import VariableConverter, VariableFilter

data = bytearray(960)
odd = bytearray(961)
floats = array("f", bytes(1920))
interpolator = LinearInterpolator(3, 2, 1)
high_pass = HighPass(48000, 1)
dtmf = Dtmf(8000)
taps = array("f", bytes(4 * 16))
whole = array("i", bytes(4 * 16))
converter = PolyphaseConverter(PolyphaseFilter(whole, 20, 3, 2, 1), 1)
variable = VariableConverter(VariableFilter(taps, 1, 1), 1, 1, 2)


def succeed() -> None:
    s16_to_f32(data, floats)
    f32_to_s16(floats)
    level_s16(data)
    upmix_s16(data, 2)
    downmix_s16(data, 2)
    interpolator.process(data)
    high_pass.process(data)
    dtmf.push(data)
    converter.process(data)
    variable.process(data)
    sine_s16(1000.0, 0.0, 0.01, 480)


def fail() -> None:
    for wrong in (odd, floats, None):
        raises((TypeError, ValueError), level_s16, wrong)
        raises((TypeError, ValueError), upmix_s16, wrong, 2)
        raises((TypeError, ValueError), downmix_s16, wrong, 2)
        raises((TypeError, ValueError), s16_to_f32, wrong, floats)
        raises((TypeError, ValueError), interpolator.process, wrong)
        raises((TypeError, ValueError), high_pass.process, wrong)
        raises((TypeError, ValueError), converter.process, wrong)
        raises((TypeError, ValueError), variable.process, wrong)
        raises((TypeError, ValueError), dtmf.push, wrong)
        raises((TypeError, ValueError), dtmf.measure, wrong)
    raises(ValueError, high_pass.process, b"12")
    raises(TypeError, s16_to_f32, data, data)
    raises(ValueError, s16_to_f32, data, floats[:2])
    raises(TypeError, f32_to_s16, data)
    raises(ValueError, downmix_s16, data, 7)
    raises(ValueError, PolyphaseFilter, whole, 20, 3, 2, 8)
    raises(ValueError, VariableFilter, taps, 1, 8)
    raises(ValueError, variable.set_ratio, 3, 0)
    raises(TypeError, PolyphaseFilter, data, 20, 3, 2, 1)
    raises(ValueError, sine_s16, -1.0, 0.0, 0.01, 480)


def make() -> None:
    LinearInterpolator(160, 147, 2).process(data)
    HighPass(16000, 2).process(data)
    Dtmf(8000).push(data)
    PolyphaseConverter(PolyphaseFilter(whole, 20, 3, 2, 1), 2).process(data)
    VariableConverter(VariableFilter(taps, 1, 1), 2, 1, 2).process(data)


watched = (data, odd, floats, interpolator, high_pass, dtmf, taps, whole, converter, variable)
check(succeed, 20_000, *watched)
check(fail, 3_000, *watched)
check(make, 30_000, *watched)
