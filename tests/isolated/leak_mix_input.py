from leaks import check, raises

from livekit_utils.mixing.mix_input import MixInput, mix_inputs, survey

data = bytearray(960)
inputs = [MixInput(1) for _ in range(4)]
other = MixInput(2)


def stream() -> None:
    for source in inputs:
        source.push(data)
        source.set_gain(0.5, 100)
    mix_inputs(inputs, 480, 1)


def uneven() -> None:
    inputs[0].push(data)
    inputs[1].push_silence(100)
    mix_inputs(inputs, 333, 1)
    mix_inputs(inputs, 147, 1)
    survey(inputs, 480)


def make() -> None:
    MixInput(2, 0.5).push(data)


def fail() -> None:
    raises(ValueError, inputs[0].push, data[1:])
    raises(TypeError, inputs[0].push, memoryview(data).cast("f"))
    raises(ValueError, mix_inputs, [*inputs, other], 480, 1)
    raises(TypeError, mix_inputs, [*inputs, object()], 480, 1)
    raises(ValueError, MixInput, 0)
    raises(ValueError, MixInput, 1, 128.0)


watched = (data, other, *inputs)
check(stream, 30_000, *watched)
check(uneven, 30_000, *watched)
check(make, 100_000, *watched)
check(fail, 10_000, *watched)
