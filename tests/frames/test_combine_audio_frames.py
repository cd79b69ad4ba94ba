import copy
from array import array
from collections import deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils.frames.audio_frame import AudioFrame, combine_audio_frames


def frame_of(samples: Any, num_channels: int = 1, sample_rate: int = 48000) -> AudioFrame:
    data = array("h", samples).tobytes()
    return AudioFrame(data, sample_rate, num_channels, len(data) // (2 * num_channels))


def foreign(frame: AudioFrame) -> SimpleNamespace:
    names = ("data", "sample_rate", "num_channels", "samples_per_channel")
    return SimpleNamespace(**{name: getattr(frame, name) for name in names})


@given(st.integers(1, 3), st.lists(st.lists(st.integers(-32768, 32767), max_size=30), min_size=1, max_size=9))
def test_joins_in_order(num_channels: int, parts: list[list[int]]) -> None:
    whole = [part[: len(part) // num_channels * num_channels] for part in parts]
    combined = combine_audio_frames([frame_of(part, num_channels) for part in whole])
    assert combined.data.tolist() == [sample for part in whole for sample in part]
    assert (combined.sample_rate, combined.num_channels) == (48000, num_channels)
    assert combined.samples_per_channel == sum(map(len, whole)) // num_channels


@pytest.mark.parametrize(
    "container",
    [list, tuple, deque, iter, lambda frames: (frame for frame in frames), lambda frames: dict.fromkeys(frames)],
    ids=["list", "tuple", "deque", "iterator", "generator", "dict"],
)
@pytest.mark.parametrize("count", [1, 2, 100])
def test_any_iterable(container: Any, count: int) -> None:
    frames = [frame_of([k, -k], 2) for k in range(count)]
    assert combine_audio_frames(container(frames)).data.tolist() == [x for k in range(count) for x in (k, -k)]


def test_a_single_frame_gives_a_copy() -> None:
    frame = AudioFrame(bytearray(8), 24000, 2, 2, userdata={"not": "taken along"})
    for combined in (combine_audio_frames(frame), combine_audio_frames([frame]), combine_audio_frames(foreign(frame))):
        assert not np.shares_memory(np.asarray(combined), np.asarray(frame))
        assert (combined.sample_rate, combined.num_channels, combined.samples_per_channel) == (24000, 2, 2)
        assert combined.userdata == {}
        combined.data[0] = 7
        assert frame.data[0] == 0


def test_the_result_is_writable_and_nobody_elses() -> None:
    frames = [frame_of([1, 2]), frame_of([3])]
    combined = combine_audio_frames(frames)
    assert not combined.data.readonly
    combined.data[:] = array("h", [9, 9, 9])
    assert [frame.data.tolist() for frame in frames] == [[1, 2], [3]]


def test_over_long_data_is_left_out() -> None:
    frame = AudioFrame(bytes(range(20)), 48000, 1, 3)
    assert bytes(combine_audio_frames([frame, frame])) == bytes(range(6)) * 2


def test_frames_at_odd_addresses(rand: Any) -> None:
    parts = [rand.pcm(n) for n in (480, 1, 0, 31, 480)]
    frames = [AudioFrame(memoryview(b"\x55" + part)[1:], 48000, 1, len(part) // 2) for part in parts]
    assert bytes(combine_audio_frames(frames)) == b"".join(parts)


def test_frames_of_another_library_among_ours() -> None:
    frames = [frame_of([1]), foreign(frame_of([2])), frame_of([3]), foreign(frame_of([4]))]
    assert combine_audio_frames(frames).data.tolist() == [1, 2, 3, 4]
    assert combine_audio_frames(frames[1::2]).data.tolist() == [2, 4]


def test_a_subclass_gives_a_plain_frame() -> None:
    class Named(AudioFrame):
        def __init__(self, name: str) -> None:
            super().__init__(bytes(2), 48000, 1, 1)

    assert type(combine_audio_frames([Named("a"), Named("b")])) is AudioFrame
    assert type(combine_audio_frames(Named("a"))) is AudioFrame


@pytest.mark.parametrize("empty", [[], (), deque(), iter(()), {}])
def test_empty(empty: Any) -> None:
    with pytest.raises(ValueError, match=r"^buffer is empty$"):
        combine_audio_frames(empty)


def test_only_empty_frames() -> None:
    combined = combine_audio_frames([AudioFrame.create(48000, 2, 0)] * 3)
    assert (combined.samples_per_channel, combined.num_channels, combined.duration) == (0, 2, 0.0)
    assert combine_audio_frames(AudioFrame.__new__(AudioFrame)).data.tolist() == []


@pytest.mark.parametrize("position", [1, 5, 9])
def test_mismatches_name_both_values(position: int) -> None:
    frames = [AudioFrame.create(48000, 2, 10) for _ in range(10)]
    for odd_one, message in (
        (AudioFrame.create(16000, 2, 10), "one sample rate, got 48000 and 16000 Hz"),
        (AudioFrame.create(48000, 1, 10), "one channel count, got 2 and 1"),
        (AudioFrame.create(44100, 2, 0), "one sample rate, got 48000 and 44100 Hz"),
    ):
        for wrong in (odd_one, foreign(odd_one)):
            mixed = copy.copy(frames)
            mixed[position] = wrong  # type: ignore[call-overload]
            with pytest.raises(ValueError, match=message):
                combine_audio_frames(mixed)


@pytest.mark.parametrize("wrong", [None, 5, b"\x00\x00", "frame", object()])
def test_what_is_no_frame(wrong: Any) -> None:
    data = bytearray(8)
    frame = AudioFrame(data, 48000, 1, 4)
    for frames in ([wrong], [frame, wrong], [wrong, frame], (frame, wrong, frame)):
        with pytest.raises(TypeError, match=f"AudioFrame, got {type(wrong).__name__}"):
            combine_audio_frames(frames)
    del frame, frames
    data.extend(b"\x00")


def test_no_iterable() -> None:
    for wrong in (None, 5, object()):
        with pytest.raises(TypeError):
            combine_audio_frames(wrong)  # type: ignore[arg-type]


def test_an_iterator_that_raises_passes_through() -> None:
    def broken() -> Any:
        yield AudioFrame.create(48000, 1, 1)
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        combine_audio_frames(broken())


@pytest.mark.parametrize("num_samples", [32_767, 32_768, 32_769, 1_000_001])
def test_long_audio_runs_without_the_gil(rand: Any, num_samples: int) -> None:
    data = rand.pcm(num_samples)
    cut = 2 * rand.randrange(num_samples)
    frames = [AudioFrame(part, 48000, 1, len(part) // 2) for part in (data[:cut], data[cut:])]
    assert bytes(combine_audio_frames(frames)) == data


def test_references_stay_in_balance(checkref: Any) -> None:
    frames = [AudioFrame.create(48000, 1, 480) for _ in range(5)]
    other = AudioFrame.create(8000, 1, 480)
    with checkref(*frames, other, frames):
        for _ in range(20):
            combine_audio_frames(frames)
            combine_audio_frames(iter(frames))
            with pytest.raises(ValueError, match="sample rate"):
                combine_audio_frames([*frames, other])
