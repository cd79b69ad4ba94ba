"""Frames as fields of pydantic models."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from livekit_utils import AudioFrame, VideoBufferType, VideoFrame
from tests.support.randomness import Rand

pydantic = pytest.importorskip("pydantic")


class Tagged(AudioFrame):
    pass


class Message(pydantic.BaseModel):  # type: ignore[name-defined, misc]
    sound: AudioFrame | None = None
    picture: VideoFrame | None = None
    sounds: list[AudioFrame] = pydantic.Field(default_factory=list)
    tagged: Tagged | None = None


def sound(rand: Rand) -> AudioFrame:
    return AudioFrame(rand.pcm(960), 24000, 2, 480)


def picture(rand: Rand) -> VideoFrame:
    return VideoFrame(6, 4, VideoBufferType.I420, rand.randbytes(36))


def test_frames_stay_the_same_objects(rand: Rand) -> None:
    frame = sound(rand)
    message = Message(sound=frame, sounds=[frame])
    assert message.sound is frame
    assert message.sounds[0] is frame


def test_there_and_back(rand: Rand) -> None:
    message = Message(sound=sound(rand), picture=picture(rand), sounds=[sound(rand)])
    for back in (Message.model_validate_json(message.model_dump_json()), Message.model_validate(message.model_dump())):
        for one, other in [(back.sound, message.sound), (back.sounds[0], message.sounds[0])]:
            assert type(one) is AudioFrame
            assert bytes(one) == bytes(other)
            assert (one.sample_rate, one.num_channels, one.samples_per_channel) == (24000, 2, 480)
        assert type(back.picture) is VideoFrame
        assert bytes(back.picture.data) == bytes(message.picture.data)
        assert (back.picture.width, back.picture.height, back.picture.type) == (6, 4, VideoBufferType.I420)


def test_the_json(rand: Rand) -> None:
    frame, image = sound(rand), picture(rand)
    found = json.loads(Message(sound=frame, picture=image).model_dump_json())
    assert found["sound"] == {
        "data": base64.b64encode(bytes(frame)).decode(),
        "sample_rate": 24000,
        "num_channels": 2,
        "samples_per_channel": 480,
    }
    assert found["picture"] == {
        "width": 6,
        "height": 4,
        "type": "I420",
        "data": base64.b64encode(image.data).decode(),
    }


def test_the_schema_of_the_json() -> None:
    properties = {
        "data": {"title": "Data", "type": "string"},
        "sample_rate": {"title": "Sample Rate", "type": "integer"},
        "num_channels": {"title": "Num Channels", "type": "integer"},
        "samples_per_channel": {"title": "Samples Per Channel", "type": "integer"},
    }
    for mode in ("validation", "serialization"):
        schema = pydantic.TypeAdapter(AudioFrame).json_schema(mode=mode)
        assert schema["properties"] == properties
        assert schema["required"] == list(properties)
        assert pydantic.TypeAdapter(VideoFrame).json_schema(mode=mode)["required"] == [
            "width",
            "height",
            "type",
            "data",
        ]


def test_a_field_of_a_subclass(rand: Rand) -> None:
    data = sound(rand)
    message = Message(tagged=data)
    assert type(message.tagged) is Tagged
    assert bytes(message.tagged) == bytes(data)
    assert type(Message.model_validate_json(message.model_dump_json()).tagged) is Tagged
    mine = Tagged(bytes(2), 8000, 1, 1)
    assert Message(sound=mine).sound is mine


GOOD = {"data": "AAAAAA==", "sample_rate": 8000, "num_channels": 1, "samples_per_channel": 2}
BAD: list[tuple[Any, str]] = [
    ({**GOOD, "data": "AAAA*AA="}, "base64"),
    ({**GOOD, "data": "AAA="}, "at least 4 bytes"),
    ({**GOOD, "sample_rate": 0}, "sample_rate"),
    ({**GOOD, "num_channels": "x"}, "num_channels"),
    ({**GOOD, "num_channels": None}, "num_channels"),
    ({"data": ""}, "sample_rate"),
    (5, "AudioFrame"),
    ("text", "AudioFrame"),
]


@pytest.mark.parametrize(("value", "message"), BAD)
def test_what_is_no_frame_is_refused(value: Any, message: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=message):
        Message(sound=value)
    with pytest.raises(pydantic.ValidationError):
        Message.model_validate_json(json.dumps({"sound": value}))


def test_what_is_no_picture_is_refused() -> None:
    good = {"width": 1, "height": 1, "type": "RGBA", "data": "AAAAAA=="}
    assert Message(picture=good).picture.type is VideoBufferType.RGBA
    for bad in ({**good, "type": "RGBX"}, {**good, "width": 2}, {**good, "data": ""}, {"width": 1}, sound_less()):
        with pytest.raises(pydantic.ValidationError):
            Message(picture=bad)


def sound_less() -> Any:
    return AudioFrame.create(8000, 1, 1)
