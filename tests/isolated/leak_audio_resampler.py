from leaks import check, raises

from livekit_utils import AudioFrame, AudioResampler

frame = AudioFrame(bytes(960), 48000, 1, 480)
data = bytearray(960)
resamplers = [AudioResampler(48000, rate, quality=quality) for rate, quality in ((16000, "low"), (44100, "quick"))]
resamplers.append(AudioResampler(48000, 16000, engine="polyphase"))


def push() -> None:
    for resampler in resamplers:
        resampler.push(frame)
        resampler.push(data)


def flush() -> None:
    for resampler in resamplers:
        resampler.push(frame)
        resampler.flush()


def make() -> None:
    AudioResampler(48000, 16000, quality="quick").push(frame)
    AudioResampler(48000, 16000).push(frame)
    AudioResampler(48000, 16000, engine="polyphase").push(frame)


def fail() -> None:
    raises(ValueError, resamplers[0].push, b"odd")
    raises(TypeError, resamplers[1].push, 5)
    raises(ValueError, resamplers[2].push, b"odd")
    raises(ValueError, AudioResampler, 0, 1)


check(push, 25_000, frame, data)
check(flush, 5_000, frame, data)
check(make, 2_000, frame)
check(fail, 20_000, frame)
