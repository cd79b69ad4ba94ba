"""Frames as fields of pydantic models: the same JSON as the LiveKit SDK's frames.

Only pydantic calls this, so it is there.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame
from livekit_utils.frames.video_frame import VideoBufferType, VideoFrame, as_video_frame

__all__ = ["audio_frame_schema", "video_frame_schema"]


def audio_frame_schema(cls: type[AudioFrame]) -> Any:
    """Returns the schema of an AudioFrame: an object with `data` (base64), `sample_rate`, `num_channels` and
    `samples_per_channel`."""

    def read(value: Any) -> AudioFrame:
        if isinstance(value, cls):
            return value
        if isinstance(value, dict):
            return cls(
                _decoded(_item(value, "data")),
                _item(value, "sample_rate"),
                _item(value, "num_channels"),
                _item(value, "samples_per_channel"),
            )
        frame = as_audio_frame(value)
        if cls is AudioFrame:
            return frame
        return cls(
            frame.data, frame.sample_rate, frame.num_channels, frame.samples_per_channel, userdata=frame.userdata
        )

    def write(frame: AudioFrame) -> dict[str, Any]:
        return {
            "data": base64.b64encode(frame.data).decode(),
            "sample_rate": frame.sample_rate,
            "num_channels": frame.num_channels,
            "samples_per_channel": frame.samples_per_channel,
        }

    return _schema(
        cls.__name__, {"data": str, "sample_rate": int, "num_channels": int, "samples_per_channel": int}, read, write
    )


def video_frame_schema(cls: type[VideoFrame]) -> Any:
    """Returns the schema of a VideoFrame: an object with `width`, `height`, `type` (a name) and `data` (base64)."""

    def read(value: Any) -> VideoFrame:
        if isinstance(value, cls):
            return value
        if isinstance(value, dict):
            return cls(
                _item(value, "width"),
                _item(value, "height"),
                _buffer_type(_item(value, "type")),
                _decoded(_item(value, "data")),
            )
        frame = as_video_frame(value)
        return frame if cls is VideoFrame else cls(frame.width, frame.height, frame.type, frame.data)

    def write(frame: VideoFrame) -> dict[str, Any]:
        return {
            "width": frame.width,
            "height": frame.height,
            "type": frame.type.name,
            "data": base64.b64encode(frame.data).decode(),
        }

    return _schema(cls.__name__, {"width": int, "height": int, "type": str, "data": str}, read, write)


def _schema(
    name: str, fields: dict[str, type], read: Callable[[Any], Any], write: Callable[[Any], dict[str, Any]]
) -> Any:
    from pydantic_core import core_schema

    def validated(value: Any) -> Any:
        try:
            return read(value)
        except TypeError as error:
            raise ValueError(str(error)) from None  # pydantic reports ValueErrors, and lets TypeErrors through

    types = {str: core_schema.str_schema(), int: core_schema.int_schema()}
    json = core_schema.typed_dict_schema(
        {key: core_schema.typed_dict_field(types[kind]) for key, kind in fields.items()}, cls_name=name
    )
    validate = core_schema.no_info_plain_validator_function(validated)
    return core_schema.json_or_python_schema(
        json_schema=core_schema.chain_schema([json, validate]),
        python_schema=validate,
        serialization=core_schema.plain_serializer_function_ser_schema(write, return_schema=json),
    )


def _item(value: dict[str, Any], key: str) -> Any:
    try:
        return value[key]
    except KeyError:
        raise ValueError(f"{key}: expected in the fields of a frame, got {', '.join(map(str, value)) or 'none'}") from None


def _decoded(data: Any) -> bytearray:
    try:
        return bytearray(base64.b64decode(data, validate=True))
    except binascii.Error as error:
        raise ValueError(f"data: expected base64, got text that is none: {error}") from None


def _buffer_type(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return VideoBufferType[value]
    except KeyError:
        raise ValueError(f"type: expected one of {', '.join(VideoBufferType.__members__)}, got {value!r}") from None
