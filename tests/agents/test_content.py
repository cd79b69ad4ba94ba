"""Frames in the contexts of language models."""

from __future__ import annotations

import base64
import json

from livekit.agents import llm

from livekit_utils import AudioFrame, VideoBufferType, VideoFrame
from tests.support.randomness import Rand


def test_sound_in_a_context(rand: Rand) -> None:
    data = rand.pcm(480)
    content = llm.AudioContent(frame=[AudioFrame(data, 24000, 1, 480)], transcript="hello")  # type: ignore[list-item]
    assert type(content.frame[0]) is AudioFrame
    found = json.loads(content.model_dump_json())
    assert base64.b64decode(found["frame"][0]["data"]) == data
    back = llm.AudioContent.model_validate_json(content.model_dump_json())
    assert bytes(back.frame[0].data) == data
    context = llm.ChatContext.empty()
    context.add_message(role="user", content=[content])
    kept = llm.ChatContext.from_dict(context.to_dict(exclude_audio=False)).messages()[0].content[0]
    assert isinstance(kept, llm.AudioContent)
    assert bytes(kept.frame[0].data) == data


def test_a_picture_in_a_context() -> None:
    frame = VideoFrame(16, 8, VideoBufferType.RGBA, bytes([200, 100, 50, 255]) * 128)
    content = llm.ImageContent(image=frame)  # type: ignore[arg-type]
    assert content.image is frame
    serialized = llm.utils.serialize_image(content)
    assert serialized.mime_type == "image/jpeg"
    assert serialized.data_bytes is not None
    assert serialized.data_bytes[:2] == b"\xff\xd8"
