"""Models with frames, written with the SDK's and read with ours, and the other way."""

from __future__ import annotations

from typing import Any

import pytest

from livekit_utils import AudioFrame, VideoBufferType, VideoFrame
from tests.support.randomness import Rand

pydantic = pytest.importorskip("pydantic")


def adapters(rtc: Any, kind: str) -> tuple[Any, Any]:
    theirs = getattr(rtc, kind)
    if not hasattr(theirs, "__get_pydantic_core_schema__"):
        pytest.skip("this version has no schema")
    return pydantic.TypeAdapter({"AudioFrame": AudioFrame, "VideoFrame": VideoFrame}[kind]), pydantic.TypeAdapter(
        theirs
    )


def test_audio(rtc: Any, rand: Rand) -> None:
    ours, theirs = adapters(rtc, "AudioFrame")
    data = rand.pcm(480)
    frame, other = AudioFrame(data, 48000, 1, 480), rtc.AudioFrame(data, 48000, 1, 480)
    assert ours.dump_json(frame) == theirs.dump_json(other) == theirs.dump_json(frame)
    assert bytes(theirs.validate_json(ours.dump_json(frame)).data) == data
    assert bytes(ours.validate_json(theirs.dump_json(other)).data) == data
    assert theirs.validate_python(frame) is frame
    taken = ours.validate_python(other)
    assert type(taken) is AudioFrame
    assert bytes(taken) == data


def test_video(rtc: Any, rand: Rand) -> None:
    ours, theirs = adapters(rtc, "VideoFrame")
    data = rand.randbytes(32)
    frame, other = VideoFrame(4, 2, VideoBufferType.BGRA, data), rtc.VideoFrame(4, 2, 3, data)
    assert ours.dump_json(frame) == theirs.dump_json(other) == theirs.dump_json(frame)
    assert bytes(theirs.validate_json(ours.dump_json(frame)).data) == data
    assert bytes(ours.validate_json(theirs.dump_json(other)).data) == data
    assert theirs.validate_python(frame) is frame
    assert type(ours.validate_python(other)) is VideoFrame
