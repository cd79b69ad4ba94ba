import numpy as np
from leaks import check, raises

from livekit_utils import AudioFrame, AudioProcessingModule

stages = {"echo_cancellation": True, "noise_suppression": True, "high_pass_filter": True, "auto_gain_control": True}
near = np.random.default_rng(1).normal(0, 1000, 160).astype(np.int16)
far = np.random.default_rng(2).normal(0, 1000, 441 * 2).astype(np.int16)
frame, reverse = AudioFrame(near, 16000, 1, 160), AudioFrame(far, 44100, 2, 441)
piece = AudioFrame(near, 16000, 1, 77)
even, odd = AudioProcessingModule(**stages), AudioProcessingModule(**stages)


def process() -> None:
    even.process_reverse_stream(reverse)
    even.process_stream(frame)
    odd.process_stream(piece)


def read_only() -> None:
    made = AudioFrame(bytes(320), 16000, 1, 160)
    view = made.data
    AudioProcessingModule(high_pass_filter=True).process_stream(made)
    assert view.readonly


def make() -> None:
    made = AudioProcessingModule(**stages)
    made.process_stream(frame)
    made.process_reverse_stream(reverse)
    made.noise_suppression = False
    made.stats()


def fail() -> None:
    raises(TypeError, even.process_stream, None)
    raises(ValueError, even.process_stream, AudioFrame.create(100, 1, 1))
    raises(ValueError, even.process_reverse_stream, AudioFrame.create(100, 1, 1))


watched = (near, far, frame, reverse, piece)
check(process, 4000, *watched)
check(read_only, 10_000)
check(make, 200, *watched)
check(fail, 3000, *watched)
