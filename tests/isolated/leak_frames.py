import copy
import pickle
from types import SimpleNamespace

import numpy as np
from leaks import check, raises

from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame, combine_audio_frames

data = bytearray(1920)
readonly = bytes(1920)
userdata: dict[str, object] = {"key": "value"}
frame = AudioFrame(data, 48000, 2, 480, userdata=userdata)
frames = [AudioFrame.create(48000, 1, 480) for _ in range(4)]
stranger = AudioFrame.create(16000, 1, 160)
foreign = SimpleNamespace(data=data, sample_rate=48000, num_channels=2, samples_per_channel=480)


def create() -> None:
    AudioFrame.create(48000, 2, 480)
    AudioFrame(data, 48000, 2, 480).userdata["frame"] = 1
    AudioFrame(readonly, 48000, 2, 480, userdata=userdata)
    AudioFrame.__new__(AudioFrame)


def create_in_vain() -> None:
    raises(ValueError, AudioFrame, data, 48000, 2, 481)
    raises(ValueError, AudioFrame, data, 0, 2, 480)
    raises(TypeError, AudioFrame, memoryview(data).cast("f"), 48000, 2, 480)
    raises(ValueError, AudioFrame, memoryview(data)[::2], 48000, 2, 1)
    raises(RuntimeError, frame.__init__, data, 48000, 2, 480)  # type: ignore[misc]


def look() -> None:
    view = frame.data
    view[0] = 1
    np.asarray(frame)[0, 0] = 2
    bytes(frame)
    memoryview(frame).release()
    repr(frame)
    raises(BufferError, data.append, 1)


def combine() -> None:
    combine_audio_frames(frames)
    combine_audio_frames(frame)
    combine_audio_frames(iter(frames))


def combine_in_vain() -> None:
    raises(ValueError, combine_audio_frames, [*frames, stranger])
    raises(ValueError, combine_audio_frames, [])
    raises(TypeError, combine_audio_frames, [*frames, None])
    raises(TypeError, as_audio_frame, 5)


def adopt() -> None:
    as_audio_frame(foreign)


def copies() -> None:
    for protocol in (2, 5):
        pickle.loads(pickle.dumps(frame, protocol))
    buffers: list[pickle.PickleBuffer] = []
    stream = pickle.dumps(frame, 5, buffer_callback=buffers.append)
    pickle.loads(stream, buffers=buffers)
    copy.copy(frame)


def wav() -> None:
    frame.to_wav_bytes()


watched = (data, readonly, userdata, frame, stranger, foreign, *frames)
check(create, 100_000, *watched)
check(create_in_vain, 20_000, *watched)
check(look, 50_000, *watched)
check(combine, 100_000, *watched)
check(combine_in_vain, 20_000, *watched)
check(adopt, 100_000, *watched)
check(copies, 10_000, *watched)
check(wav, 3_000, *watched)
