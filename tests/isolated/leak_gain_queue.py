from leaks import check, raises

from livekit_utils import AudioFrame
from livekit_utils._kernels.gain_queue import Ramp, mix
from livekit_utils.mixing.mix_input import BLOCK, MixInput, MixInputs

data = bytearray(960)
inputs = [MixInput(1) for _ in range(4)]
other = MixInput(2)
ramp = Ramp(1)
frame = AudioFrame(data, 48000, 1, 480)
gathered: MixInputs[MixInput] = MixInputs(480)
gathered.add(inputs[0])
for source in inputs:
    source.plain, source.sample_rate = True, 48000


def stream() -> None:
    for source in inputs:
        source.take(frame)
        source.set_gain(0.5, 100)
    mix(inputs, 480, 1)


def uneven() -> None:
    inputs[0].push(data)
    inputs[1].push_silence(100)
    mix(inputs, 333, 1)
    mix(inputs, 147, 1)
    gathered.starved()
    ramp.start(0.5, 100)
    ramp.apply(data)


def make() -> None:
    source = MixInput(2, 0.5)
    of_one: MixInputs[MixInput] = MixInputs(240)
    of_one.add(source)
    assert source.push(data) == BLOCK
    of_one.remove(source)
    Ramp(2).apply(data)


def fail() -> None:
    raises(ValueError, inputs[0].push, data[1:])
    raises(TypeError, inputs[0].push, memoryview(data).cast("f"))
    raises(ValueError, mix, [*inputs, other], 480, 1)
    raises(TypeError, mix, [*inputs, object()], 480, 1)
    raises(ValueError, ramp.apply, data[1:])
    raises(ValueError, gathered.add, inputs[0])
    raises(ValueError, MixInput, 0)
    raises(ValueError, Ramp, 0)
    raises(ValueError, MixInput, 1, 128.0)


watched = (data, other, ramp, frame, *inputs)
check(stream, 30_000, *watched)
check(uneven, 30_000, *watched)
check(make, 100_000, *watched)
check(fail, 10_000, *watched)
