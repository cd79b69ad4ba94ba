"""AudioFrame and combine_audio_frames with any arguments: a frame of exactly what was asked for, or a clear error."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np

from fuzz.input import Input
from livekit_utils import AudioFrame, combine_audio_frames

REFUSALS = (TypeError, ValueError)


def _create(source: Input) -> AudioFrame:
    arguments: list[Any] = [source.argument(100_000), source.argument(5), source.argument(400)]
    if source.below(4):
        return AudioFrame(source.buffer(), *arguments)
    numbers = [number for number in arguments[1:] if isinstance(number, int)]
    if len(numbers) == 2 and 2**24 < abs(numbers[0] * numbers[1]) < 2**62:
        arguments[2] = 0  # more memory than a fuzzer may ask for
    return AudioFrame.create(*arguments)


def _check(frame: AudioFrame) -> None:
    num_values = frame.num_channels * frame.samples_per_channel
    assert frame.sample_rate >= 1
    assert frame.num_channels >= 1
    assert frame.samples_per_channel >= 0
    assert len(frame.data) == num_values
    assert frame.data.format == "h"
    assert np.asarray(frame).shape == (frame.samples_per_channel, frame.num_channels)
    copy = pickle.loads(pickle.dumps(frame))
    assert bytes(copy.data) == bytes(frame.data)
    assert repr(copy) == repr(frame)


def fuzz(data: bytes) -> None:
    source = Input(data)
    frames = []
    for _ in range(1 + source.below(4)):
        try:
            frame = _create(source)
        except REFUSALS:
            continue
        except MemoryError:
            continue  # a size beyond the address space
        _check(frame)
        frames.append(frame)
    try:
        combined = combine_audio_frames(frames)
    except REFUSALS:
        formats = {(frame.sample_rate, frame.num_channels) for frame in frames}
        assert len(formats) != 1, f"frames of one format are refused: {frames}"
        return
    assert bytes(combined.data) == b"".join(bytes(frame.data) for frame in frames)
    _check(combined)
    try:
        wav = combined.to_wav_bytes()
    except REFUSALS:
        return  # a rate or a number of channels that the header has no room for
    assert wav.endswith(bytes(combined.data))
