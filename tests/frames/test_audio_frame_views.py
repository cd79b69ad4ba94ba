"""`AudioFrame.data` gives the view of before again, where nobody can notice that."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, combine_audio_frames
from livekit_utils.frames.audio_frame import make_writable

KINDS = {
    "created": lambda: AudioFrame.create(48000, 2, 480),
    "of a bytearray": lambda: AudioFrame(bytearray(1920), 48000, 2, 480),
    "of a longer one": lambda: AudioFrame(bytearray(4000), 48000, 2, 480),
    "of bytes": lambda: AudioFrame(bytes(1920), 48000, 2, 480),
    "of longer bytes": lambda: AudioFrame(bytes(4000), 48000, 2, 480),
    "combined": lambda: combine_audio_frames([AudioFrame.create(48000, 2, 240)] * 2),
}


@pytest.fixture(params=[*KINDS])
def frame(request: pytest.FixtureRequest) -> AudioFrame:
    return KINDS[request.param]()


def test_it_is_given_again_when_nobody_has_it(frame: AudioFrame) -> None:
    first = id(frame.data)
    others = [bytearray(100) for _ in range(100)]  # would get its place
    assert id(frame.data) == first
    del others


def test_two_looks_are_independent(frame: AudioFrame) -> None:
    first, second = frame.data, frame.data
    assert first is not second
    first.release()
    assert second.tolist() == [0] * 960 == frame.data.tolist()
    second.release()
    assert frame.data.tolist() == [0] * 960


@pytest.mark.parametrize("is_part_held", [False, True])
def test_a_released_view_is_not_given_again(frame: AudioFrame, is_part_held: bool) -> None:
    for _ in range(3):
        with frame.data as view:
            part = view[10:20] if is_part_held else None
        del view
        assert frame.data.tolist() == [0] * 960
        assert part is None or part.tolist() == [0] * 10


def test_a_view_is_whole_without_its_frame(frame: AudioFrame) -> None:
    view, part, samples = frame.data, frame.data[2:4], np.asarray(frame.data)
    del frame
    gc.collect()
    assert view.tolist() == [0] * 960
    assert part.tolist() == [0, 0]
    assert not samples.any()


def test_a_frame_that_was_looked_at_goes_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        for make in KINDS.values():
            frame = make()
            assert len(frame.data) == 960
            gone = weakref.ref(frame)
            del frame
            assert gone() is None
    finally:
        gc.enable()


def test_garbage_in_a_cycle_shows_its_samples_to_the_end() -> None:
    seen = []

    class Last:
        frame: AudioFrame

        def __del__(self) -> None:
            seen.append(self.frame.data.tolist())

    for make in KINDS.values():
        last = Last()
        last.frame = make()
        assert len(last.frame.data) == 960
        last.frame.userdata["last"] = last
        del last
        gc.collect()
        assert seen.pop() == [0] * 960
    assert not seen


def test_a_bytearray_of_the_caller_can_be_resized_after_a_look() -> None:
    data = bytearray(8)
    frame = AudioFrame(data, 48000, 1, 4)
    assert frame.data.tolist() == [0] * 4
    data.extend(b"more")
    assert frame.data.tolist() == [0] * 4
    data.clear()
    with pytest.raises(BufferError, match="was cut to 0 bytes"):
        frame.data  # noqa: B018
    del data
    with pytest.raises(BufferError, match="was cut to 0 bytes"):
        frame.data  # noqa: B018


def test_the_memory_is_given_back(checkref: Any) -> None:
    data = bytes(1920)
    with checkref(data):
        frame = AudioFrame(data, 48000, 2, 480)
        for _ in range(3):
            frame.data.release()
            assert len(frame.data) == 960
        del frame


def test_a_copy_that_is_made_for_a_writer_is_what_is_shown() -> None:
    frame = AudioFrame(bytes(8), 48000, 1, 4)
    before = frame.data
    assert frame.data.readonly
    make_writable(frame)
    frame.data[0] = 7
    assert frame.data.tolist() == [7, 0, 0, 0]
    assert before.tolist() == [0, 0, 0, 0]
